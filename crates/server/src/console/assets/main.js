// Begins the console: signs in, shows the frame, and leads from page to page.

import { api, get, session } from '/console/api.js';
import { button, h, problem, put, toast } from '/console/dom.js';
import { signIn } from '/console/sign-in.js';

const app = document.getElementById('app');

/** The pages: where, what they are called, and what loads them. */
const PAGES = [
  ['', 'Home', () => import('/console/home.js')],
  ['associations', 'Associations', () => import('/console/associations.js')],
  ['import', 'Import', () => import('/console/import.js')],
  ['calls', 'Calls', () => import('/console/calls.js')],
  ['journal', 'Journal', () => import('/console/journal.js')],
  ['faults', 'Faults and clock', () => import('/console/faults.js')],
  ['accounts', 'Accounts', () => import('/console/accounts.js')],
  ['changes', 'Changes', () => import('/console/changes.js')],
];

let leave = () => {};

async function begin() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const token = location.hash.startsWith('#token=') ? hash.get('token') : null;
  if (token) {
    // It is used up by this, and must not stay in the history.
    history.replaceState(null, '', '/console/');
    try {
      await enter(token);
    } catch (error) {
      // A page that is loaded again has its session already.
      if (!(await resumed())) return ask(error.status === 401
        ? new Error('The link was used already, or is older than 10 minutes.') : error);
    }
    return frame();
  }
  if (await resumed()) return frame();
  ask();
}

/** Whether there is a session from before. */
async function resumed() {
  try {
    Object.assign(session, await get('/session', { signingIn: true }));
    return true;
  } catch (error) {
    return error.status === 401 ? false : Promise.reject(error);
  }
}

async function enter(token) {
  const answer = await api('POST', '/session', undefined,
    { signingIn: true, headers: { Authorization: `Bearer ${token}` } });
  Object.assign(session, answer);
}

function ask(error) {
  leave();
  leave = () => {};
  put(app, signIn(async token => {
    await enter(token);
    frame();
  }, error));
  app.querySelector('input')?.focus();
}

const skip = main => h('button', { type: 'button', class: 'skip', onclick: () => main.focus() }, 'Skip to content');

function frame() {
  const main = h('main', { id: 'main', tabindex: '-1' });
  const links = PAGES.map(([path, name]) => h('a', { href: `#/${path}` }, name));
  const nav = h('nav', { 'aria-label': 'Pages' },
    links, h('a', { href: '/docs', class: 'out' }, 'API reference'));
  const out = button('Sign out', async () => {
    await api('DELETE', '/session');
    ask();
  }, { class: 'plain' });
  put(app,
    skip(main),
    h('div', { class: 'frame' },
      h('header', { class: 'top' },
        h('a', { href: '#/', class: 'name' }, h('img', { src: '/console/icon.svg', alt: '', width: '22', height: '22' }), 'Jackfield'),
        h('div', { class: 'who' }, h('span', { title: 'The admin token that you signed in with' }, session.name),
          h('span', { class: 'badge' }, session.role), out)),
      nav, main));
  const go = () => show(main, links);
  window.onhashchange = go;
  go();
}

async function show(main, links) {
  leave();
  const [path, text] = location.hash.replace(/^#\/?/, '').split('?');
  const place = Math.max(0, PAGES.findIndex(([known]) => known === path));
  links.forEach((link, index) => {
    if (index === place) {
      link.setAttribute('aria-current', 'page');
      link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    } else link.removeAttribute('aria-current');
  });
  const left = new AbortController();
  leave = () => left.abort();
  const [, name, load] = PAGES[place];
  document.title = `${name} · Jackfield`;
  try {
    const page = await load();
    if (left.signal.aborted) return;
    put(main);
    main.scrollTop = 0;
    await page.show(main, new URLSearchParams(text ?? ''), left.signal);
    if (!left.signal.aborted) main.querySelector('h1')?.focus({ preventScroll: true });
  } catch (error) {
    if (!left.signal.aborted && error.status !== 401) put(main, problem(error));
  }
}

window.addEventListener('signed-out', () => {
  if (session.name) toast('The session has ended.');
  session.name = '';
  ask();
});

begin().catch(error => put(app, h('div', { class: 'alone' }, problem(error))));
