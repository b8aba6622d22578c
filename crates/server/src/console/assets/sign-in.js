// The page before the console: an admin token, or how to get a link.

import { field, h, problem, put } from '/console/dom.js';

/** The form; `enter` gets the token. */
export function signIn(enter, error) {
  const token = h('input', {
    type: 'password', name: 'token', required: true, autocomplete: 'current-password', spellcheck: 'false',
  });
  const place = h('div', {}, error && problem(error));
  const submit = h('button', { type: 'submit', class: 'primary' }, 'Sign in');
  const form = h('form', { novalidate: true },
    h('input', { type: 'text', name: 'username', value: 'jackfield', autocomplete: 'username', hidden: true }),
    field('Admin token', token), place, submit);
  form.addEventListener('submit', async event => {
    event.preventDefault();
    if (!token.value.trim()) return token.focus();
    submit.disabled = true;
    try {
      await enter(token.value.trim());
    } catch (refused) {
      put(place, problem(refused.status === 401 ? new Error('This is no valid admin token.') : refused));
      token.select();
    } finally {
      submit.disabled = false;
    }
  });
  return h('main', { class: 'sign-in' },
    h('h1', {}, h('img', { src: '/console/icon.svg', alt: '', width: '28', height: '28' }), 'Jackfield console'),
    form,
    h('p', { class: 'muted' }, 'Without typing it: ', h('code', {}, 'jackfield console'),
      ' prints a link that signs in. The token of a server that made its own is in the file ',
      h('code', {}, 'admin-token'), ' of its data directory.'));
}
