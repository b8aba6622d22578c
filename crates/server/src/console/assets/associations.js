// Associations: find, make, change, delete; and what happened to one.

import { at, get, may, post, put as replace, query, remove } from '/console/api.js';
import { button, confirm, dialog, download, empty, field, formDialog, h, head, problem, put, table, toast } from '/console/dom.js';
import { fullTime, number, short, time } from '/console/format.js';
import { scope } from '/console/scope.js';

const PROFILE = 'amzn1.alexa.communications.profile.did.';
const ROW = 36;
const PAGE = 500;

export async function show(main, parameters, signal) {
  const search = h('input', { type: 'search', placeholder: 'room-72', autocomplete: 'off', spellcheck: 'false', value: parameters.get('prefix') ?? '' });
  const profile = h('input', { type: 'search', placeholder: `${PROFILE}…`, autocomplete: 'off', spellcheck: 'false', value: parameters.get('amazonId') ?? '' });
  const place = h('div', {});
  const note = h('div', { class: 'muted', 'aria-live': 'polite' });
  const state = { provider: null, organization: null, list: null, selected: new Set() };
  const create = button('Create', () => edit(state, null), { class: 'primary' });
  const save = button('Export', () => exportAll(state, search.value, profile.value.trim()));
  const chosen = button('Delete selected', () => removeSelected(state), { class: 'danger', hidden: true });
  state.tell = () => {
    chosen.hidden = state.selected.size === 0;
    chosen.textContent = `Delete ${number(state.selected.size)} selected`;
    const list = state.list;
    if (!list) return put(note);
    put(note, list.busy ? (list.after && list.rows.length < PAGE ? `Searching: ${number(list.rows.length)} found up to ${list.after}…` : 'Searching…') : `${number(list.rows.length)}${list.done ? '' : ' and more'} shown of ${number(list.total)}`);
  };
  const begin = () => {
    state.selected.clear();
    if (!state.provider) {
      state.list = null;
      put(place, empty('There is no service provider here yet.', h('a', { href: '#/accounts', class: 'button' }, 'Make one in Accounts')));
      create.hidden = save.hidden = true;
      return state.tell();
    }
    create.hidden = !may('admin');
    save.hidden = false;
    state.list = listOf(state, search.value, profile.value.trim(), place, signal);
    state.tell();
  };
  state.again = async () => { await parts.refresh(); begin(); };
  const parts = await scope(parameters, (organization, provider) => {
    Object.assign(state, { organization, provider });
    begin();
  });
  if (signal.aborted) return;
  let timer;
  for (const one of [search, profile]) {
    one.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(begin, 250); });
  }
  put(main,
    head('Associations', 'Which communication profile answers for which endpoint of the network.', chosen, save, create),
    h('div', { class: 'bar' }, parts.fields, field('Endpoint begins with', search), field('Profile is', profile)),
    place, h('p', {}, note));
  parts.start();
}

/** A list that holds what was looked at and shows what can be seen: pages follow while one scrolls. */
function listOf(state, prefix, amazonId, place, signal) {
  const list = { rows: [], total: state.provider.associations, done: false, busy: false, after: undefined };
  const provider = state.provider;
  const rows = h('div', { class: 'rows', role: 'rowgroup' });
  const all = h('input', { type: 'checkbox', 'aria-label': 'Select all that are shown' });
  const view = h('div', { class: 'list', tabindex: '0', role: 'table', 'aria-label': 'Associations' },
    h('div', { role: 'rowgroup' }, h('div', { class: 'title', role: 'row' },
      h('span', { role: 'columnheader' }, may('admin') ? all : h('span', { class: 'sr' }, 'Selection')),
      h('span', { role: 'columnheader' }, 'Endpoint'), h('span', { class: 'wide', role: 'columnheader' }, 'Profile'),
      h('span', { role: 'columnheader' }, h('span', { class: 'sr' }, 'Actions')))), rows);
  const current = () => state.list === list && !signal.aborted;
  const line = (one, index) => {
    const box = h('input', { type: 'checkbox', 'aria-label': `Select ${one.externalUserId}`, checked: state.selected.has(one.externalUserId) });
    box.addEventListener('change', () => {
      if (box.checked) state.selected.add(one.externalUserId); else state.selected.delete(one.externalUserId);
      state.tell();
    });
    const element = h('div', { class: 'line', role: 'row', 'aria-rowindex': index + 2 },
      h('span', { role: 'cell' }, may('admin') ? box : null),
      h('span', { role: 'cell', class: 'mono', title: one.externalUserId },
        h('button', { type: 'button', class: 'link', onclick: () => open(state, one) }, one.externalUserId)),
      h('span', { role: 'cell', class: 'mono wide', title: one.amazonId }, one.amazonId.replace(PROFILE, '…did.')),
      h('span', { role: 'cell' }, h('button', { type: 'button', class: 'small', 'aria-label': `Open ${one.externalUserId}`, onclick: () => open(state, one) }, 'Open')));
    element.style.top = `${index * ROW}px`;
    return element;
  };
  const draw = () => {
    rows.style.height = `${list.rows.length * ROW}px`;
    const first = Math.max(0, Math.floor(view.scrollTop / ROW) - 10);
    const last = Math.min(list.rows.length, first + Math.ceil(view.clientHeight / ROW) + 20);
    put(rows, list.rows.slice(first, last).map((one, index) => line(one, first + index)));
    if (!list.done && !list.busy && last > list.rows.length - PAGE / 2) load();
  };
  const load = async () => {
    list.busy = true;
    state.tell();
    try {
      const page = await get(`/serviceProviders/${at(provider.id)}/associations${query({ prefix, amazonId, after: list.after, limit: PAGE })}`, { signal });
      if (!current()) return;
      list.rows.push(...page.associations);
      Object.assign(list, { total: page.total_count, after: page.next_after, done: !page.next_after, busy: false });
      if (list.done && list.rows.length === 0) {
        const filtered = prefix || amazonId;
        put(place, empty(filtered ? 'No association matches.' : 'There is no association yet.',
          !filtered && may('admin') && h('p', { class: 'choice' }, button('Create the first one', () => edit(state, null), { class: 'primary' }),
            h('a', { href: `#/import?provider=${provider.id}`, class: 'button' }, 'Import a list'))));
      } else draw();
      state.tell();
    } catch (error) {
      if (current()) put(place, problem(error));
    }
  };
  all.addEventListener('change', () => {
    for (const one of list.rows) {
      if (all.checked) state.selected.add(one.externalUserId); else state.selected.delete(one.externalUserId);
    }
    draw();
    state.tell();
  });
  let waiting = false;
  view.addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  });
  list.draw = draw;
  put(place, view);
  load();
  return list;
}

const pathOf = state => `/serviceProviders/${at(state.provider.id)}/associations`;
const association = (externalUserId, amazonId) => ({ externalUserId, amazonId, amazonIdType: 'communication-profile' });

/** Makes an association, or points one at another profile. */
function edit(state, one, done) {
  const endpoint = h('input', { name: 'externalUserId', value: one?.externalUserId ?? '', disabled: Boolean(one), autocomplete: 'off', spellcheck: 'false', maxlength: '256' });
  const known = h('datalist', { id: 'known-profiles' });
  const profile = h('input', { name: 'amazonId', value: one?.amazonId ?? PROFILE, autocomplete: 'off', spellcheck: 'false', list: 'known-profiles' });
  // Whoever has profiles picks one; where they cannot be read, nothing is proposed.
  get(`/organizations/${at(state.organization.id)}/profiles?limit=100`).then(page => put(known, page.items.map(each => h('option', { value: each.id }))), () => {});
  formDialog(one ? `Change ${one.externalUserId}` : 'Create an association', [
    field('Endpoint', endpoint, 'The externalUserId: 1 to 256 characters, for example 7201 or room-7201. It is case-sensitive.'),
    field('Profile', profile, state.organization.strict_profiles ? 'The amazonId of a profile of the organization.' : `The amazonId: ${PROFILE} and a name. Any name does here, for example room-7201.`), known,
    state.organization.strict_profiles && h('p', { class: 'muted' }, 'The organization is strict: the profile must exist.'),
  ], one ? 'Change' : 'Create', async () => {
    const body = association(one?.externalUserId ?? endpoint.value, profile.value.trim());
    if (one) await replace(pathOf(state), body); else await post(pathOf(state), body);
    toast(one ? `${one.externalUserId} was changed.` : `${body.externalUserId} was created.`);
    done?.();
    await state.again();
  });
}

function removeSelected(state) {
  const ids = [...state.selected];
  confirm(`Delete ${number(ids.length)} associations?`, [
    `${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ' and others' : ''} of ${state.provider.logical_id}.`,
    'Calls to these endpoints find no profile any more. The record of changes keeps what was there.',
  ], 'Delete', async () => {
    const meter = h('progress', { max: ids.length, value: 0, 'aria-label': 'Deleted' });
    document.querySelector('dialog .body').append(meter);
    let [next, gone, failed] = [0, 0, 0];
    await Promise.all([1, 2, 3, 4].map(async () => {
      while (next < ids.length) {
        const id = ids[next++];
        await remove(pathOf(state), { externalUserId: id }).then(() => gone++, error => { if (error.status !== 404) failed++; });
        meter.value = gone + failed;
      }
    }));
    toast(`${number(gone)} deleted${failed ? `, ${number(failed)} failed` : ''}.`, failed > 0);
    await state.again();
  });
}

/** What is listed, as a list that `jackfield sync` reads. */
async function exportAll(state, prefix, amazonId) {
  const cell = text => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const parts = ['externalUserId,amazonId\n'];
  let after;
  do {
    const page = await get(`${pathOf(state)}${query({ prefix, amazonId, after, limit: 1000 })}`);
    parts.push(page.associations.map(one => `${cell(one.externalUserId)},${cell(one.amazonId)}\n`).join(''));
    after = page.next_after;
  } while (after);
  download(new Blob(parts, { type: 'text/csv' }), `${state.provider.logical_id}.csv`);
}

/** One association, and what happened to it. */
function open(state, one) {
  const history = h('div', { 'aria-live': 'polite' }, h('p', { class: 'muted' }, 'Reading the record of changes…'));
  const left = new AbortController();
  const element = dialog(one.externalUserId, close => [
    h('div', { class: 'body' },
      h('p', { class: 'mono wrap' }, one.amazonId),
      h('h3', {}, 'History'), history),
    may('admin') && h('footer', {},
      button('Delete', () => confirm(`Delete ${one.externalUserId}?`, ['Calls to this endpoint find no profile any more.'], 'Delete', async () => {
        await remove(pathOf(state), { externalUserId: one.externalUserId });
        toast(`${one.externalUserId} was deleted.`);
        close();
        await state.again();
      }), { class: 'danger' }),
      button('Change', () => edit(state, one, close), { class: 'primary' })),
  ].filter(Boolean));
  element.addEventListener('close', () => left.abort());
  historyOf(state.provider.id, one.externalUserId, history, left.signal);
}

async function historyOf(provider, externalUserId, place, signal) {
  const found = [];
  let after = 0;
  try {
    for (;;) {
      const page = await get(`/changes${query({ serviceProviderId: provider, externalUserId, after, limit: 1000 })}`, { signal });
      found.push(...page.changes);
      after = page.next_after;
      const rows = found.toReversed().map(change => h('tr', {},
        h('td', { class: 'time', title: fullTime(change.time) }, time(change.time)),
        h('td', {}, change.operation.replace('association.', '')),
        h('td', { class: 'id', title: change.actor }, short(change.actor, 12)),
        h('td', { class: 'id' }, change.before ? change.before.replace(PROFILE, '…did.') : '–'),
        h('td', { class: 'id' }, change.after ? change.after.replace(PROFILE, '…did.') : '–'),
        h('td', { class: 'id' }, h('a', { href: `#/journal?requestId=${change.request_id}`, title: change.request_id, onclick: () => document.querySelectorAll('dialog').forEach(one => one.close()) }, short(change.request_id, 8)))));
      put(place, found.length
        ? table('History', ['When', 'What', 'Who', 'Before', 'After', 'Request'], rows)
        : h('p', { class: 'muted' }, page.more ? 'Reading on…' : 'The record of changes has nothing about it.'));
      if (!page.more) return;
    }
  } catch (error) {
    if (!signal.aborted) put(place, problem(error));
  }
}
