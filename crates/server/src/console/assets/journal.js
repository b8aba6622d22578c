// The journal: requests as they come, and why one was refused.

import { get, keep, may, query } from '/console/api.js';
import { button, check, copyable, dialog, empty, field, h, head, pairs, put, statusBadge, table } from '/console/dom.js';
import { fullTime, micros, number, quoted, short, time } from '/console/format.js';

const KEPT = 500;

/** The checks of a request, in their order, with what they ask. */
const CHECKS = [
  ['route', 'The path and the method are known'],
  ['head', 'The head of the request is well-formed'],
  ['admission', 'There is room among the requests in flight'],
  ['maintenance', 'Maintenance mode is off'],
  ['authentication', 'The access token is valid'],
  ['guessing', 'Not too many logins failed'],
  ['fault', 'No fault rule answers instead'],
  ['rate', 'The rate of the client is not used up'],
  ['scope', 'The token has the scope'],
  ['provider', 'The service provider exists'],
  ['ownership', 'It belongs to the organization of the client'],
  ['add_on', 'The organization has the WebRTC add-on'],
  ['availability', 'The operation is available in its country and vertical'],
  ['body', 'The body is valid'],
  ['quota', 'The quota is not reached'],
  ['state', 'The object is there, and not in the way'],
  ['store', 'The store can be read and written'],
];

/** What would be right, by check and reason. */
const RIGHT = {
  'authentication/no_token': 'Send "Authorization: Bearer" and an access token from /auth/o2/token.',
  'authentication/not_bearer': 'The header is "Authorization: Bearer" and one token, nothing else.',
  'authentication/refresh_token': 'Exchange the refresh token (Atzr|) for an access token (Atza|) at /auth/o2/token.',
  'authentication/expired': 'Get a fresh token. If the time looks wrong, the token clock was moved: see Faults and clock.',
  'authentication/revoked': 'Log in again: the tokens of the client were revoked.',
  'authentication/client_disabled': 'Enable the client in Accounts.',
  'authentication/not_issued_here': 'The token is of another server or was cut; get one here.',
  'scope/missing_scope': 'Grant the client the scope in Accounts, then get a new token.',
  'ownership/other_organization': 'The client may use service providers of its own organization alone.',
  'provider/unknown_provider': 'Copy the id of the service provider from Accounts.',
  'rate/used_up': 'Wait as long as Retry-After says, or raise the rate of the client in Accounts.',
  'add_on/webrtc_off': 'Switch the WebRTC add-on of the organization on in Accounts.',
  'availability/not_available': 'Choose a country and a vertical in which the operation is available.',
  'maintenance/on': 'Switch maintenance mode off in Faults and clock.',
  'fault/status': 'A fault rule did this on purpose; see Faults and clock.',
  'state/conflict': 'It is there already: PUT changes it.',
  'state/not_found': 'It is not there: POST creates it.',
};

export async function show(main, parameters, signal) {
  if (!may('operator')) {
    put(main, head('Journal'), empty('The journal takes the role operator.'));
    return;
  }
  const operation = h('input', { type: 'search', list: 'operations', placeholder: 'any', value: parameters.get('operation') ?? '' });
  const status = h('input', { type: 'search', inputmode: 'numeric', placeholder: 'any', size: '6', value: parameters.get('status') ?? '' });
  const client = h('input', { type: 'search', placeholder: 'any', value: parameters.get('clientId') ?? '' });
  const request = h('input', { type: 'search', placeholder: 'any', value: parameters.get('requestId') ?? '' });
  const refused = check('Refused only', { checked: parameters.get('refused') === 'true' });
  const live = check('Live', { checked: true });
  const rows = table('Requests', ['Time', 'Status', 'Operation', 'Request', 'Client', 'Why', 'Took'], []);
  const note = h('div', { class: 'muted', 'aria-live': 'off' });
  const nothing = h('div', {});
  put(main,
    head('Journal', 'Requests of clients, as they come. Open one to see why it was answered like that.'),
    h('div', { class: 'bar' }, field('Operation', operation), field('Status', status), field('Client', client),
      h('div', { class: 'field grow' }, field('Request id', request)), refused, live,
      button('Clear the view', () => { put(rows.body); entries = []; tell(); })),
    h('datalist', { id: 'operations' }, ['create', 'update', 'delete', 'query', 'token', 'other'].map(value => h('option', { value }))),
    nothing, rows, h('p', {}, note));

  let entries = [];
  let round = new AbortController();
  const tell = lost => {
    rows.hidden = entries.length === 0;
    put(nothing, entries.length === 0 && empty('No request yet that matches.',
      h('p', {}, 'Send one from ', h('a', { href: '#/' }, 'Home'), ', or with a client; it appears here at once.')));
    put(note, `${number(entries.length)} shown${lost ? `; ${number(lost)} older ones are gone` : ''}`);
  };
  const begin = () => {
    round.abort();
    round = new AbortController();
    const mine = round.signal;
    signal.addEventListener('abort', () => round.abort(), { once: true });
    entries = [];
    put(rows.body);
    let after;
    let lost = 0;
    let first = true;
    keep(mine, 400, async () => {
      if (!first && !live.box.checked) return;
      const page = await get(`/journal${query({
        after, limit: 1000, wait: first ? 0 : 20, operation: operation.value.trim(), status: status.value.trim(),
        clientId: client.value.trim(), requestId: request.value.trim(), refused: refused.box.checked || undefined,
      })}`, { signal: mine }).catch(error => {
        if (error.status === 400 || error.status === 409) { put(nothing, empty(error.message)); rows.hidden = true; round.abort(); }
        throw error;
      });
      if (mine.aborted) return;
      lost += page.lost;
      after = page.next_after;
      entries.push(...page.entries);
      entries = entries.slice(-KEPT);
      rows.body.prepend(...page.entries.slice(-KEPT).toReversed().map(entry => line(entry, !first)));
      while (rows.body.childElementCount > KEPT) rows.body.lastElementChild.remove();
      tell(lost);
      if (first && request.value.trim() && page.entries.length === 1) open(page.entries[0]);
      first = false;
    });
  };
  let timer;
  for (const one of [operation, status, client, request]) {
    one.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(begin, 300); });
  }
  refused.box.addEventListener('change', begin);
  begin();
}

function line(entry, fresh) {
  return h('tr', { class: fresh ? 'fresh' : undefined },
    h('td', { class: 'time', title: fullTime(entry.time) }, time(entry.time)),
    h('td', {}, entry.dropped ? h('span', { class: 'badge bad' }, 'closed') : statusBadge(entry.status)),
    h('td', {}, entry.operation),
    h('td', { class: 'id' }, h('button', { type: 'button', class: 'link', onclick: () => open(entry) }, `${entry.method} ${shortPath(entry.path)}`)),
    h('td', { class: 'id', title: entry.client_id }, entry.client_id ? short(entry.client_id, 8) : '–'),
    h('td', {}, why(entry)),
    h('td', { class: 'number' }, micros(entry.latency_us)));
}

const shortPath = path => path.replace('/v1/communications', '…').replace(/amzn1\.comms\.csp\.id\.[0-9a-f-]{28}/, '…');

function why(entry) {
  if (entry.fault) return h('span', {}, h('span', { class: 'badge info' }, `fault rule ${entry.fault}`), ' ', entry.message ?? '');
  if (entry.refusal) return h('span', {}, h('span', { class: 'badge' }, entry.refusal.check), ' ', entry.message ?? entry.refusal.reason);
  if (entry.notes?.length) return h('span', { class: 'muted' }, `${entry.notes.length} note${entry.notes.length > 1 ? 's' : ''} on leniency`);
  return '';
}

/** One request: its checks, its notes, what would be right, and a command that repeats it. */
function open(entry) {
  const refusal = entry.refusal;
  const stopped = refusal ? CHECKS.findIndex(([name]) => name === refusal.check) : -1;
  const login = entry.path.startsWith('/auth') || entry.path.startsWith('/ap');
  const checks = stopped >= 0 && !login && h('ul', { class: 'checks' }, CHECKS
    .filter(([name], index) => index === stopped || !['guessing', 'quota', 'store'].includes(name))
    .map(([name, text]) => {
      const index = CHECKS.findIndex(([known]) => known === name);
      return h('li', { class: index === stopped ? 'stopped' : index > stopped ? 'unreached' : undefined },
        h('span', {}, text, h('span', { class: 'sr' }, index === stopped ? ': failed' : index > stopped ? ': not reached' : ': passed'),
          index === stopped && h('div', {}, h('strong', {}, entry.message ?? refusal.reason))));
    }));
  const right = refusal && RIGHT[`${refusal.check}/${refusal.reason}`];
  const curl = `curl -i -X ${entry.method} "$ENDPOINT${entry.path}" -H "Authorization: Bearer $TOKEN"${entry.method === 'GET' ? '' : ` -d ${quoted(bodyOf(entry))}`}`;
  dialog(`${entry.method} ${shortPath(entry.path)}`, () => h('div', { class: 'body' },
    pairs([
      ['Answer', entry.dropped ? 'the connection was closed' : h('span', {}, statusBadge(entry.status), ' ', entry.type ?? '')],
      ['When', fullTime(entry.time)],
      ['Took', micros(entry.latency_us)],
      ['Operation', entry.operation],
      ['Path', h('span', { class: 'mono' }, entry.path + (entry.query ? `?${entry.query}` : ''))],
      entry.client_id && ['Client', copyable(entry.client_id, 'the client id')],
      entry.service_provider_id && ['Service provider', copyable(entry.service_provider_id, 'the service provider')],
      ['Request id', copyable(entry.request_id, 'the request id')],
      entry.fault && ['Fault rule', h('a', { href: '#/faults', onclick: shut }, `rule ${entry.fault}`)],
    ]),
    (entry.message || refusal) && [h('h3', {}, 'Why'), h('p', {}, entry.message ?? refusal.reason)],
    refusal && pairs([
      ['Check', `${refusal.check}: ${refusal.reason}`],
      refusal.missing_scopes?.length > 0 && ['Missing scope', refusal.missing_scopes.join(' or ')],
      refusal.granted_scopes && ['The token has', refusal.granted_scopes.join(', ') || 'none'],
      refusal.expired_at && ['Expired', fullTime(refusal.expired_at)],
    ]),
    right && [h('h3', {}, 'What would be right'), h('p', {}, right)],
    checks && [h('h3', {}, 'The checks, in their order'), checks],
    entry.notes?.length > 0 && [h('h3', {}, 'Accepted by leniency'), h('ul', {}, entry.notes.map(note => h('li', {}, note)))],
    h('h3', {}, 'Repeat it'),
    h('p', { class: 'muted' }, 'With the endpoint and a token of your own; the journal keeps no bodies.'),
    copyable(curl, 'the command')));
}

const shut = () => document.querySelectorAll('dialog').forEach(one => one.close());

function bodyOf(entry) {
  if (entry.operation === 'query') return '{"filters":{"externalUserIds":["…"]}}';
  if (entry.operation === 'delete') return '{"externalUserId":"…"}';
  if (['create', 'update'].includes(entry.operation)) return '{"externalUserId":"…","amazonId":"amzn1.alexa.communications.profile.did.…","amazonIdType":"communication-profile"}';
  return '…';
}
