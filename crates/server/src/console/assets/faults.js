// Faults and clock: what spoils answers on purpose, the time that tokens live by, maintenance, reset.

import { get, keep, may, post, put as replace, remove } from '/console/api.js';
import { button, confirm, empty, field, formDialog, h, head, pairs, panel, put, select, table, toast } from '/console/dom.js';
import { fullTime, number, span } from '/console/format.js';

export async function show(main, parameters, signal) {
  const rules = h('div', {});
  const clock = h('div', {});
  const maintenance = h('div', {});
  const operator = may('operator');
  const look = async () => {
    const [list, time, mode] = await Promise.all([get('/faults', { signal }), get('/clock', { signal }), get('/maintenance', { signal })]);
    if (signal.aborted) return;
    // What stays the same is left alone: somebody may be about to press it.
    if (differs('rules', list.faults)) drawRules(rules, list.faults, look);
    if (differs('clock', time.offset_seconds)) drawClock(clock, time, look);
    tick(clock, time);
    if (differs('mode', mode)) drawMaintenance(maintenance, mode, look);
  };
  const shown = {};
  const differs = (name, value) => {
    const text = JSON.stringify(value);
    return shown[name] !== text && (shown[name] = text, true);
  };
  put(main,
    head('Faults and clock', 'Tools to test a client with: they spoil answers and move the time of tokens, on purpose.'),
    panel('Fault rules', operator && button('Add a rule', () => add(look), { class: 'primary' }), rules),
    h('div', { class: 'columns' },
      panel('Token clock', null, clock),
      panel('Maintenance', null, maintenance),
      may('admin') && panel('Reset', null, h('p', {}, 'Puts the seed in the place of everything that the directory holds, in one step.'),
        button('Reset to the seed', reset, { class: 'danger' }))));
  await look();
  keep(signal, 2000, async () => { if (!document.querySelector('dialog') && !main.contains(document.activeElement?.closest('input, select'))) await look(); });
}

function effect(rule) {
  const parts = [];
  if (rule.status) parts.push(`answer ${rule.status}${rule.retry_after ? `, Retry-After ${rule.retry_after} s` : ''}`);
  if (rule.latency_ms !== undefined) parts.push(`wait ${rule.latency_ms}${rule.latency_max_ms ? ` to ${rule.latency_max_ms}` : ''} ms`);
  if (rule.drop) parts.push(`close the connection ${rule.drop} the work is done`);
  if (rule.deliver) parts.push(rule.deliver === 'twice' ? 'send it twice' : 'send it after the next one');
  if (rule.device) parts.push(rule.device === 'no_media' ? 'the device neither sends nor hears' : 'the device rejects the session description');
  return parts.join(', ');
}

function selects(rule) {
  const parts = [rule.operation ?? (rule.deliver ? 'skill_request' : rule.device ? 'device' : 'every operation')];
  if (rule.client_id) parts.push(`of client ${rule.client_id.slice(-8)}`);
  if (rule.service_provider_id) parts.push(`on provider ${rule.service_provider_id.slice(-8)}`);
  if (rule.times) parts.push(`${rule.times} times`);
  if (rule.nth) parts.push(`call number ${rule.nth}`);
  if (rule.every) parts.push(`every ${rule.every}th call`);
  if (rule.probability !== undefined) parts.push(`with probability ${rule.probability}`);
  return parts.join(', ');
}

function drawRules(place, rules, again) {
  if (rules.length === 0) {
    return put(place, empty('No rule: every answer is what it would be.'));
  }
  const operator = may('operator');
  put(place, table('Fault rules', ['Rule', 'Selects', 'Effect', 'Calls', 'Hits', operator ? 'Delete' : ''], rules.map(rule => h('tr', {},
    h('td', {}, String(rule.id)),
    h('td', {}, selects(rule)),
    h('td', {}, effect(rule)),
    h('td', {}, number(rule.calls)),
    h('td', {}, rule.hits > 0 ? h('a', { href: '#/journal' }, number(rule.hits)) : '0'),
    h('td', {}, operator && button('Delete', async () => { await remove(`/faults/${rule.id}`); await again(); }, { class: 'small', 'aria-label': `Delete rule ${rule.id}` }))))),
  operator && rules.length > 1 && h('p', {}, button('Delete all', () => confirm('Delete every fault rule?', ['Answers are what they would be, from now on.'], 'Delete all', async () => { await remove('/faults'); await again(); }))));
}

const PRESETS = [
  ['429', 'Too many requests (429)', { status: '429', retry_after: '2' }],
  ['503', 'Service unavailable (503)', { status: '503', retry_after: '5' }],
  ['500', 'Internal error (500)', { status: '500' }],
  ['slow', 'A slow answer', { latency_ms: '3000' }],
  ['before', 'The connection closes, nothing is done', { drop: 'before' }],
  ['after', 'The connection closes, but the work is done', { drop: 'after' }],
  ['twice', 'A skill gets a message twice', { operation: 'skill_request', deliver: 'twice' }],
  ['after_next', 'A skill gets a message after the next one', { operation: 'skill_request', deliver: 'after_next' }],
  ['no_media', 'A device neither sends nor hears', { operation: 'device', device: 'no_media' }],
  ['reject_sdp', 'A device rejects the session description', { operation: 'device', device: 'reject_sdp' }],
];

function add(again) {
  const what = select(PRESETS.map(([value, label]) => [value, label]), '429', { name: 'what' });
  const operation = select([['', 'every operation'], 'create', 'update', 'delete', 'query', 'token', 'signaling', 'skill_request', 'device'], '', { name: 'operation' });
  const input = (name, properties = {}) => h('input', { name, type: 'number', min: '1', ...properties });
  const status = input('status', { min: '400', max: '599' });
  const retry = input('retry_after');
  const latency = input('latency_ms', { min: '0' });
  const fill = () => {
    const [, , values] = PRESETS.find(([name]) => name === what.value);
    status.value = values.status ?? '';
    retry.value = values.retry_after ?? '';
    latency.value = values.latency_ms ?? '';
    operation.value = values.operation ?? '';
  };
  what.addEventListener('change', fill);
  fill();
  formDialog('Add a fault rule', [
    field('What happens', what),
    h('div', { class: 'columns' }, field('Status', status), field('Retry-After, seconds', retry)),
    field('Wait first, milliseconds', latency),
    field('On which operation', operation),
    field('Only for this client', h('input', { name: 'client_id', autocomplete: 'off', placeholder: 'any' })),
    h('div', { class: 'columns' },
      field('At most so many times', input('times', { placeholder: 'always' })),
      field('Only every so many calls', input('every', { placeholder: 'each' }))),
  ], 'Add the rule', async values => {
    const [, , preset] = PRESETS.find(([name]) => name === values.what);
    const rule = {};
    for (const name of ['drop', 'deliver', 'device']) {
      if (preset[name]) rule[name] = preset[name];
    }
    for (const name of ['status', 'retry_after', 'latency_ms', 'times', 'every']) {
      if (values[name] !== '') rule[name] = Number(values[name]);
    }
    for (const name of ['operation', 'client_id']) {
      if (values[name].trim()) rule[name] = values[name].trim();
    }
    await post('/faults', rule);
    toast('The rule holds from now on.');
    await again();
  });
}

function drawClock(place, time, again) {
  const offset = time.offset_seconds;
  const move = (label, seconds) => button(label, async () => {
    await replace('/clock', { offset: seconds });
    await again();
  });
  const exact = h('input', { 'aria-label': 'Offset', placeholder: '+2h 30m', size: '10' });
  put(place, pairs([
    ['Tokens see', h('span', { class: 'tokens' })],
    ['The system has', h('span', { class: 'system' })],
    ['Offset', offset ? h('span', { class: 'badge warn' }, `${offset > 0 ? '+' : '−'}${span(offset)}`) : 'none'],
  ]), may('operator') && h('div', { class: 'actions' },
    move('+1 hour', offset + 3600), move('+1 day', offset + 86400), offset !== 0 && move('Back to now', 0),
    exact, button('Set', async () => {
      await replace('/clock', { offset: exact.value.trim() });
      exact.blur();
      await again();
    })),
  h('p', { class: 'hint' }, 'Access tokens live for an hour of this clock: an hour ahead, and those issued so far have expired.'));
}

function tick(place, time) {
  place.querySelector('.tokens').textContent = fullTime(time.time);
  place.querySelector('.system').textContent = fullTime(time.system_time);
}

function drawMaintenance(place, mode, again) {
  put(place,
    h('p', {}, mode.enabled
      ? h('span', {}, h('span', { class: 'badge bad' }, 'on'), ` The public operations answer 503, Retry-After ${mode.retry_after} s.`)
      : h('span', {}, h('span', { class: 'badge ok' }, 'off'), ' The public operations are served.')),
    may('operator') && button(mode.enabled ? 'Switch off' : 'Switch on', mode.enabled
      ? async () => { await replace('/maintenance', { enabled: false, retry_after: mode.retry_after }); await again(); }
      : () => confirm('Switch maintenance mode on?', ['Every operation of every client answers 503 until it is switched off.', 'Logins and this console go on.'], 'Switch on', async () => {
        await replace('/maintenance', { enabled: true, retry_after: mode.retry_after });
        await again();
      })));
}

function reset() {
  confirm('Reset to the seed?', [
    'Organizations, clients, service providers, profiles and associations that the seed does not have are gone.',
    'Fault rules, the journal and the token clock begin anew. Admin tokens and the record of changes stay.',
  ], 'Reset', async () => {
    const done = await post('/reset');
    toast(`Reset: ${number(done.organizations)} organizations, ${number(done.associations)} associations.`);
  });
}
