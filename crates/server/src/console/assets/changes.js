// Changes: who changed what, when, in which request, with before and after.

import { all, get, keep, may, post, query } from '/console/api.js';
import { button, check, copyable, dialog, download, empty, field, h, head, pairs, panel, problem, put, table } from '/console/dom.js';
import { fullTime, number, pretty, short, time } from '/console/format.js';
import { follow } from '/console/stream.js';

const PAGE = 200;

export async function show(main, parameters, signal) {
  const endpoint = h('input', { type: 'search', placeholder: 'any', value: parameters.get('externalUserId') ?? '' });
  const provider = h('input', { type: 'search', placeholder: 'any', value: parameters.get('serviceProviderId') ?? '' });
  const actor = h('input', { type: 'search', placeholder: 'any', value: parameters.get('actor') ?? '' });
  const operation = h('input', { type: 'search', list: 'kinds', placeholder: 'any', value: parameters.get('operation') ?? '' });
  const live = check('Live', { checked: true });
  const rows = table('Changes', ['Number', 'When', 'What', 'On', 'Who', 'Before', 'After'], []);
  const nothing = h('div', {});
  const note = h('span', { class: 'muted', 'aria-live': 'polite' });
  const older = button('Older', () => more());
  const hooks = h('div', {});
  put(main,
    head('Changes', 'The record of everything that was changed, and by whom. It is written in the same commit as the change.',
      button('Export', () => save(filters()))),
    h('div', { class: 'bar' }, field('Operation begins with', operation), field('Who', actor), field('Endpoint', endpoint),
      h('div', { class: 'field grow' }, field('Service provider', provider)), live),
    h('datalist', { id: 'kinds' }, ['association.', 'association.create', 'client.', 'organization.', 'service_provider.', 'profile.', 'admin.'].map(value => h('option', { value }))),
    nothing, rows, h('p', { class: 'actions' }, older, note), hooks);
  webhooks(hooks, signal);

  const filters = () => ({
    operation: operation.value.trim(), actor: actor.value.trim(), externalUserId: endpoint.value.trim(), serviceProviderId: provider.value.trim(),
  });
  let round = new AbortController();
  let oldest = 0;
  let newest = 0;
  let count = 0;
  const read = async (after, through, mine) => {
    const found = [];
    for (let at = after; at < through;) {
      const page = await get(`/changes${query({ ...filters(), after: at, limit: 1000 })}`, { signal: mine });
      found.push(...page.changes.filter(change => change.sequence <= through));
      if (!page.more || page.next_after <= at) break;
      at = page.next_after;
    }
    return found;
  };
  const tell = () => {
    rows.hidden = count === 0;
    older.hidden = oldest === 0;
    put(nothing, count === 0 && empty(oldest === 0 ? 'No change matches.' : 'No change matches among the newest.'));
    put(note, `${number(count)} shown${oldest ? `, back to number ${number(oldest)}` : ', which are all'}`);
  };
  const more = async () => {
    const mine = round.signal;
    const any = Object.values(filters()).some(Boolean);
    // Under a filter a look goes further back, until it has found something.
    for (let looked = 0, found = 0; oldest > 0 && looked < (any ? 50 : 1) && found < PAGE / 4; looked++) {
      const from = Math.max(0, oldest - (any ? 20 * PAGE : PAGE));
      const changes = await read(from, oldest, mine);
      if (mine.aborted) return;
      rows.body.append(...changes.toReversed().map(change => line(change)));
      [oldest, count, found] = [from, count + changes.length, found + changes.length];
    }
    tell();
  };
  const begin = async () => {
    round.abort();
    round = new AbortController();
    const mine = round.signal;
    signal.addEventListener('abort', () => round.abort(), { once: true });
    put(rows.body);
    count = 0;
    try {
      const status = await get('/status', { signal: mine });
      oldest = newest = status.last_change;
      await more();
    } catch (error) {
      if (!mine.aborted) { put(nothing, problem(error)); rows.hidden = true; }
      return;
    }
    if (!mine.aborted) watch();
  };
  let watching = new AbortController();
  // Whoever watches again sees what was missed meanwhile.
  const watch = () => {
    watching.abort();
    if (!live.box.checked) return;
    watching = new AbortController();
    round.signal.addEventListener('abort', () => watching.abort(), { once: true });
    follow(watching.signal, filters(), newest, (changes, last) => {
      newest = last;
      if (!changes.length) return;
      count += changes.length;
      rows.body.prepend(...changes.toReversed().map(change => line(change, true)));
      while (rows.body.childElementCount > 5000) rows.body.lastElementChild.remove();
      tell();
    });
  };
  live.box.addEventListener('change', watch);
  let timer;
  for (const one of [operation, actor, endpoint, provider]) {
    one.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(begin, 350); });
  }
  await begin();
}

function line(change, fresh) {
  const on = change.external_user_id ?? change.subject ?? '';
  return h('tr', { class: fresh ? 'fresh' : undefined },
    h('td', { class: 'number' }, h('button', { type: 'button', class: 'link', 'aria-label': `Open change ${number(change.sequence)}`, onclick: () => open(change) }, number(change.sequence))),
    h('td', { class: 'time', title: fullTime(change.time) }, time(change.time)),
    h('td', {}, change.operation),
    h('td', { class: 'id', title: on }, short(on, 24)),
    h('td', { class: 'id', title: change.actor }, short(change.actor, 18)),
    h('td', { class: 'id' }, brief(change.before)),
    h('td', { class: 'id' }, brief(change.after)));
}

function brief(value) {
  if (value === null || value === undefined) return '–';
  return typeof value === 'string' ? short(value, 18) : '{…}';
}

function open(change) {
  const value = (name, what) => [h('h3', {}, name), what === null || what === undefined
    ? h('p', { class: 'muted' }, 'nothing')
    : h('pre', { class: 'code', tabindex: '0' }, typeof what === 'string' ? what : pretty(what))];
  dialog(`${change.operation}, number ${number(change.sequence)}`, () => h('div', { class: 'body' },
    pairs([
      ['When', fullTime(change.time)],
      ['Who', copyable(change.actor, 'who')],
      change.external_user_id && ['Endpoint', copyable(change.external_user_id, 'the endpoint')],
      change.subject && ['On', copyable(change.subject, 'the id')],
      change.service_provider_id && ['Service provider', copyable(change.service_provider_id, 'the service provider')],
      ['Request', copyable(change.request_id, 'the request id')],
    ]),
    value('Before', change.before), value('After', change.after)));
}

/** The webhooks, with how far each has got; nothing where there are none. */
function webhooks(place, signal) {
  let shown;
  const look = async force => {
    const found = await all('/webhooks');
    const text = JSON.stringify(found);
    // What stays the same is left alone: somebody may be about to press it.
    if (signal.aborted || text === shown || (!force && place.contains(document.activeElement))) return;
    shown = text;
    put(place, found.length > 0 && panel('Webhooks', null,
      table('Webhooks', ['URL', 'State', 'Behind', 'What went wrong', may('operator') ? 'Act' : ''], found.map(webhook => row(webhook)))));
  };
  const act = async (webhook, verb) => {
    await post(`/webhooks/${webhook.id}/${verb}`);
    await look(true);
  };
  const row = webhook => {
    const verb = webhook.state === 'active' ? 'pause' : 'resume';
    const label = verb === 'pause' ? 'Pause' : 'Resume';
    return h('tr', {},
      h('td', { class: 'id', title: webhook.url }, short(webhook.url, 48)),
      h('td', {}, webhook.state),
      h('td', {}, webhook.lag_changes ? `${number(webhook.lag_changes)} changes, ${number(webhook.lag_seconds ?? 0)} s` : 'nothing'),
      h('td', {}, webhook.last_error ?? ''),
      h('td', {}, may('operator') && button(label, () => act(webhook, verb), { class: 'small', 'aria-label': `${label} the webhook ${webhook.url}` })));
  };
  keep(signal, 5000, () => look(false));
}

/** The changes that match, from the first on, as JSON Lines. */
async function save(filters) {
  const parts = [];
  for (let after = 0, more = true; more;) {
    const page = await get(`/changes${query({ ...filters, after, limit: 1000 })}`);
    parts.push(...page.changes.map(change => `${JSON.stringify(change)}\n`));
    [after, more] = [page.next_after, page.more && page.next_after > after];
  }
  download(new Blob(parts, { type: 'application/jsonl' }), 'changes.jsonl');
}
