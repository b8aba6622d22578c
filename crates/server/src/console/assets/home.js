// Home: what runs, the last hour, the credentials of a sandbox, and requests to try.

import { all, api, at, get, keep, may, post, query } from '/console/api.js';
import { chart } from '/console/chart.js';
import { button, copyable, field, h, head, pairs, panel, problem, put, select, statusBadge } from '/console/dom.js';
import { bytes, micros, number, pretty, quoted, span } from '/console/format.js';

export async function show(main, parameters, signal) {
  const tiles = h('div', { class: 'tiles' });
  const notice = h('div', {});
  const charts = h('div', { class: 'charts' });
  const rest = h('div', { class: 'columns' });
  put(main, head('Home', 'What runs here, and the last hour of it.'), notice, tiles, charts, rest);
  const status = await get('/status');
  // In a sandbox, whoever comes first wants to try it; it has no last hour yet.
  if (status.demo) charts.before(rest);
  tell(status, notice, tiles);
  const [demo] = await Promise.all([
    status.demo && may('operator') ? get('/demo') : null,
    draw(charts, signal),
  ]);
  if (signal.aborted) return;
  if (may('operator')) rest.append(await tryIt(demo, status));
  rest.append(demo ? credentials(demo, status) : begin(status));
  keep(signal, 5000, async () => tell(await get('/status', { signal }), notice, tiles));
}

function tile(label, figure, title) {
  return h('div', { class: 'tile' }, h('div', { class: 'label' }, label), h('div', { class: 'figure', title }, figure));
}

function tell(status, notice, tiles) {
  put(tiles,
    tile('State', status.ready ? h('span', { class: 'badge ok' }, 'ready') : h('span', { class: 'badge bad' }, 'store away')),
    tile('Version', status.version),
    tile('Store', status.store, status.disk_bytes ? `${bytes(status.disk_bytes)} on disk` : undefined),
    tile('Up for', span(status.uptime_seconds)),
    tile('Associations', h('a', { href: '#/associations' }, number(status.associations))),
    tile('Organizations', number(status.organizations)),
    tile('Clients', number(status.clients)),
    tile('Changes', number(status.last_change)));
  const notes = [];
  if (status.maintenance.enabled) notes.push('Maintenance mode is on: the public operations answer 503.');
  if (status.clock_offset_seconds) {
    const where = status.clock_offset_seconds > 0 ? 'ahead of' : 'behind';
    notes.push(`The token clock is ${span(status.clock_offset_seconds)} ${where} the system clock.`);
  }
  put(notice, notes.map(note => h('p', { class: 'notice' }, note, ' ', h('a', { href: '#/faults' }, 'Change it'))));
}

async function draw(charts, signal) {
  const requests = chart('Requests a second', [['2xx', 'c1'], ['4xx', 'c2'], ['5xx', 'c3']], value => value < 10 ? value.toFixed(1) : number(Math.round(value)));
  const latency = chart('Latency', [['p50', 'c1'], ['p99', 'c4']], micros);
  const commits = chart('Commits a second', [['commits', 'c1']], value => value < 10 ? value.toFixed(1) : number(Math.round(value)));
  const associations = chart('Associations', [['associations', 'c1']], value => number(Math.round(value)));
  const memory = chart('Memory', [['resident', 'c1']], bytes);
  put(charts, [requests, latency, commits, associations, memory].map(one => one.element));
  let samples = [];
  const look = async () => {
    const page = await get(`/history${query({ after: samples.at(-1)?.sequence })}`, { signal });
    samples = [...samples, ...page.samples].slice(-page.most);
    const every = page.interval_seconds;
    const times = samples.map(sample => Date.parse(sample.time));
    const of = act => samples.map(act);
    requests.update(times, [of(one => one.answered / every), of(one => one.refused / every), of(one => one.failed / every)]);
    latency.update(times, [of(one => one.p50_us ?? null), of(one => one.p99_us ?? null)]);
    commits.update(times, [of(one => one.commits / every)]);
    associations.update(times, [of(one => one.associations)]);
    memory.update(times, [of(one => one.memory_bytes ?? null)]);
  };
  await look();
  keep(signal, 5000, look);
}

function credentials(demo, status) {
  const endpoint = demo.endpoint ?? status.endpoint;
  return panel('Credentials of the demo', 'public, the same on every machine', pairs([
    endpoint && ['Endpoint', copyable(endpoint, 'the endpoint')],
    ['Client id', copyable(demo.client_id, 'the client id')],
    ['Client secret', copyable(demo.client_secret, 'the client secret', true)],
    ['Refresh token', copyable(demo.refresh_token, 'the refresh token', true)],
    ['Service provider', copyable(demo.service_provider_id, 'the service provider')],
    endpoint && ['Get a token', copyable(`curl -s ${endpoint}/auth/o2/token -d grant_type=client_credentials -d scope=amazon_communication::service_provider -d client_id=${demo.client_id} -d client_secret=${demo.client_secret}`, 'the command')],
  ]));
}

function begin(status) {
  return panel('Where to begin', null,
    pairs([status.endpoint && ['Endpoint for clients', copyable(status.endpoint, 'the endpoint')]]),
    h('ul', {},
      h('li', {}, h('a', { href: '#/accounts' }, 'Accounts'), ': organizations, their clients and service providers'),
      h('li', {}, h('a', { href: '#/associations' }, 'Associations'), ': find, make and change them'),
      h('li', {}, h('a', { href: '#/journal' }, 'Journal'), ': why a request was refused'),
      h('li', {}, h('a', { href: '/docs' }, 'API reference'), ': the public operations with examples')));
}

const PROFILE = 'amzn1.alexa.communications.profile.did.';

/** The four operations: what they are called, their method, and a body to begin with. */
const OPERATIONS = [
  ['Create', 'POST', '', { externalUserId: '7201', amazonId: `${PROFILE}1234`, amazonIdType: 'communication-profile' }],
  ['Query', 'POST', '/query', { filters: { externalUserIds: ['7201'] } }],
  ['Update', 'PUT', '', { externalUserId: '7201', amazonId: `${PROFILE}5678`, amazonIdType: 'communication-profile' }],
  ['Delete', 'DELETE', '', { externalUserId: '7201' }],
];

async function tryIt(demo, status) {
  const organizations = await all('/organizations');
  const place = panel('Try it', 'a real request of a client, through all checks');
  if (organizations.length === 0) {
    place.append(h('p', { class: 'muted' }, 'There is no organization yet. ', h('a', { href: '#/accounts' }, 'Make one')));
    return place;
  }
  let clients = [];
  let providers = [];
  const organization = select(organizations.map(one => [one.id, one.name]), organizations[0].id);
  const client = h('select', {});
  const provider = h('select', {});
  const fill = async () => {
    [clients, providers] = await Promise.all([
      all(`/organizations/${at(organization.value)}/clients`), all(`/organizations/${at(organization.value)}/serviceProviders`)]);
    const options = (list, label, chosen) => list.map(one => h('option', { value: one.id, selected: one.id === chosen }, label(one)));
    put(client, options(clients, one => one.id, demo?.client_id));
    put(provider, options(providers, one => `${one.logical_id} (${number(one.associations)})`, demo?.service_provider_id));
  };
  organization.addEventListener('change', fill);
  await fill();
  const body = h('textarea', { rows: '6', spellcheck: 'false' });
  const answer = h('div', { class: 'answer', 'aria-live': 'polite' });
  const line = h('code', { class: 'wrap' });
  let chosen = 0;
  const path = () => `/v1/communications/serviceProviders/${provider.value}/externalUsers${OPERATIONS[chosen][2]}`;
  const tabs = OPERATIONS.map(([name], index) => h('button', { type: 'button', onclick: () => choose(index) }, name));
  const choose = index => {
    chosen = index;
    tabs.forEach((tab, place) => tab.setAttribute('aria-pressed', String(place === index)));
    body.value = pretty(OPERATIONS[index][3]);
    put(line, `${OPERATIONS[chosen][1]} ${path()}`);
    put(answer);
  };
  provider.addEventListener('change', () => choose(chosen));
  const send = button('Send', async () => {
    const method = OPERATIONS[chosen][1];
    put(answer, answered(await post('/try', { client_id: client.value, method, path: path(), body: body.value })));
  }, { class: 'primary', where: answer });
  const curl = button('Copy as curl', async () => {
    const base = demo?.endpoint ?? status.endpoint ?? '';
    await navigator.clipboard.writeText(`curl -i -X ${OPERATIONS[chosen][1]} ${quoted(base + path())} -H "Authorization: Bearer $TOKEN" -d ${quoted(body.value)}`);
    curl.textContent = 'Copied';
    setTimeout(() => { curl.textContent = 'Copy as curl'; }, 1500);
  });
  choose(0);
  place.append(
    h('div', { class: 'bar' },
      organizations.length > 1 && field('Organization', organization), field('Client', client), field('Service provider', provider)),
    h('div', { class: 'tabs', role: 'group', 'aria-label': 'Operation' }, tabs),
    h('p', {}, line), field('Body', body),
    h('div', { class: 'actions' }, send, curl), answer);
  return place;
}

/** What came back from a request. */
export function answered(answer) {
  const parts = [h('p', {},
    answer.status ? ['Answered ', statusBadge(answer.status)] : h('span', { class: 'badge bad' }, 'no answer: a fault rule closed the connection'),
    ' in ', micros(answer.latency_us),
    answer.request_id && [' · ', h('a', { href: `#/journal?requestId=${answer.request_id}` }, 'why, in the journal')])];
  if (answer.request_id) parts.push(h('p', { class: 'muted mono wrap' }, `X-Amzn-RequestId: ${answer.request_id}`));
  parts.push(answer.body
    ? h('pre', { class: 'code', tabindex: '0', 'aria-label': 'Body of the answer' }, pretty(answer.body))
    : answer.status && h('p', { class: 'muted' }, 'The answer has no body, as documented.'));
  return parts;
}
