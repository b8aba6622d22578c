// Accounts: organizations with their clients, service providers and profiles. What a change does is said before.

import { all, at, get, may, patch, post, put as replace, query, remove } from '/console/api.js';
import { button, check, confirm, copyable, dialog, empty, field, formDialog, h, head, pairs, panel, put, select, table, toast } from '/console/dom.js';
import { fullTime, number, short, time } from '/console/format.js';

const COUNTRIES = ['US', 'UK', 'FR', 'IT', 'DE', 'ES', 'CA', 'JP'];
const VERTICALS = ['hospitality', 'healthcare', 'senior-living', 'core'];
const SCOPES = ['amazon_communication::service_provider', 'alexa::enterprise:management', 'profile'];

export async function show(main, parameters, signal) {
  const list = h('div', {});
  const detail = h('div', {});
  let chosen = parameters.get('organization');
  const again = async () => {
    const organizations = await all('/organizations');
    if (signal.aborted) return;
    if (!organizations.some(one => one.id === chosen)) chosen = organizations[0]?.id ?? null;
    put(list, organizations.length === 0
      ? empty('There is no organization yet.', may('admin') && button('Make the first one', () => makeOrganization(take), { class: 'primary' }))
      : h('div', { class: 'tabs', role: 'group', 'aria-label': 'Organizations' }, organizations.map(one =>
        h('button', { type: 'button', 'aria-pressed': String(one.id === chosen), onclick: () => take(one.id) }, one.name))));
    const one = organizations.find(candidate => candidate.id === chosen);
    if (one) await organization(detail, one, again, signal); else put(detail);
  };
  const take = async id => { chosen = id; await again(); };
  put(main, head('Accounts', 'Organizations, and what they own: clients, service providers, communication profiles.',
    may('admin') && button('New organization', () => makeOrganization(take), { class: 'primary' })), list, detail);
  await again();
}

function makeOrganization(done) {
  formDialog('New organization', [
    field('Name', h('input', { name: 'name', autocomplete: 'off', maxlength: '256' })),
    h('div', { class: 'columns' },
      field('Country', select(COUNTRIES, 'US', { name: 'country' })),
      field('Vertical', select(VERTICALS, 'hospitality', { name: 'vertical' }))),
    check('WebRTC add-on; without it associations are refused', { name: 'webrtc', checked: true }),
    h('br', {}),
    check('Strict profiles: associations must name a profile that exists', { name: 'strict_profiles' }),
  ], 'Create', async values => {
    const made = await post('/organizations', {
      name: values.name.trim(), country: values.country, vertical: values.vertical,
      webrtc: values.webrtc === 'on', strict_profiles: values.strict_profiles === 'on',
    });
    await done(made.id);
  });
}

async function organization(place, one, again, signal) {
  const path = `/organizations/${at(one.id)}`;
  const [clients, providers, profiles] = await Promise.all([
    all(`${path}/clients`), all(`${path}/serviceProviders`), get(`${path}/profiles${query({ limit: 200 })}`),
  ]);
  if (signal.aborted) return;
  const admin = may('admin');
  put(place,
    panel(one.name, admin && [
      button('Edit', () => editOrganization(one, again)),
      button('Delete', () => confirm(`Delete ${one.name}?`, [
        `Its ${number(clients.length)} client${clients.length === 1 ? '' : 's'} and their tokens go with it.`,
        'It must have no service providers, profiles, units and address books left.',
      ], 'Delete', async () => { await remove(path); await again(); }), { class: 'danger' })],
    pairs([
      ['Id', copyable(one.id, 'the id')],
      ['Country, vertical', `${one.country}, ${one.vertical}`],
      ['WebRTC add-on', one.webrtc ? 'on' : h('span', { class: 'badge warn' }, 'off: associations are refused')],
      ['Strict profiles', one.strict_profiles ? 'yes' : 'no'],
      ['Strict units', one.strict_units ? 'yes' : 'no'],
    ])),
    panel(`Clients (${number(clients.length)})`, admin && button('New client', () => makeClient(path, again)),
      clients.length === 0 ? empty('No client yet. A client holds the credentials that programs log in with.')
        : table('Clients', ['Client', 'Scopes', 'Rate', 'Refresh tokens', 'State', 'Open'], clients.map(client => clientRow(client, again)))),
    panel(`Service providers (${number(providers.length)})`, admin && button('New service provider', () => makeProvider(path, again)),
      providers.length === 0 ? empty('No service provider yet. It stands for a telephone network, and has the associations.')
        : table('Service providers', ['Name', 'Id', 'Associations', 'Network', 'Open'], providers.map(provider => providerRow(provider, again)))),
    panel(`Profiles${profiles.next_after ? ' (the first 200)' : ` (${number(profiles.items.length)})`}`, admin && button('New profile', () => makeProfile(path, again)),
      profiles.items.length === 0 ? empty('No profile is kept here. Without strict profiles associations may name any.')
        : table('Profiles', ['Name', 'Profile', 'Unit', 'Open'], profiles.items.map(profile => profileRow(profile, again)))));
}

function editOrganization(one, again) {
  formDialog(`Edit ${one.name}`, [
    field('Name', h('input', { name: 'name', value: one.name, maxlength: '256' })),
    h('div', { class: 'columns' },
      field('Country', select(COUNTRIES, one.country, { name: 'country' })),
      field('Vertical', select(VERTICALS, one.vertical, { name: 'vertical' }))),
    check('WebRTC add-on', { name: 'webrtc', checked: one.webrtc }), h('br', {}),
    check('Strict profiles', { name: 'strict_profiles', checked: one.strict_profiles }), h('br', {}),
    check('Strict units', { name: 'strict_units', checked: one.strict_units }),
    h('p', { class: 'hint' }, 'Without the add-on, and where the vertical is not available in the country, clients get a 403.'),
  ], 'Save', async values => {
    await patch(`/organizations/${at(one.id)}`, {
      name: values.name.trim(), country: values.country, vertical: values.vertical,
      webrtc: values.webrtc === 'on', strict_profiles: values.strict_profiles === 'on', strict_units: values.strict_units === 'on',
    });
    toast('Saved.');
    await again();
  });
}

function makeClient(path, again) {
  formDialog('New client', [
    h('p', {}, 'A client has an id and a secret; a program logs in with them. Both are issued.'),
    scopeFields(SCOPES.slice(0, 1)),
    field('Rate, requests a second', h('input', { name: 'rate_limit', type: 'number', min: '0', placeholder: 'the default of the server' }), '0 for no limit'),
  ], 'Create', async (values, form) => {
    const body = { scopes: chosenScopes(form) };
    if (values.rate_limit !== '') body.rate_limit = Number(values.rate_limit);
    const made = await post(`${path}/clients`, body);
    await again();
    secretOnce('The client was made', [['Client id', made.id], ['Client secret', made.secret]]);
  });
}

function scopeFields(granted) {
  return h('fieldset', { class: 'scopes' }, h('legend', {}, 'Scopes'),
    [...new Set([...SCOPES, ...granted])].map(name => h('div', {}, check(name, { name: 'scopes', value: name, checked: granted.includes(name) }))));
}

const chosenScopes = form => [...form.querySelectorAll('[name=scopes]:checked')].map(box => box.getAttribute('value'));

/** Shows secrets that are answered once. */
function secretOnce(title, values) {
  dialog(title, close => [
    h('div', { class: 'body' },
      h('p', { class: 'notice' }, 'Shown this once: the server keeps a hash alone.'),
      pairs(values.map(([name, value]) => [name, copyable(value, name.toLowerCase())]))),
    h('footer', {}, button('I have it', close, { class: 'primary' }))]);
}

function clientRow(client, again) {
  return h('tr', {},
    h('td', { class: 'id', title: client.id }, h('button', { type: 'button', class: 'link', onclick: () => openClient(client, again) }, short(client.id, 20))),
    h('td', {}, client.scopes.map(scope => h('div', { title: scope }, scope.replace('amazon_communication::', '').replace('alexa::enterprise:', '')))),
    h('td', {}, client.rate_limit === null ? 'default' : client.rate_limit === 0 ? 'no limit' : `${number(client.rate_limit)}/s`),
    h('td', {}, number(client.refresh_tokens)),
    h('td', {}, client.enabled ? h('span', { class: 'badge ok' }, 'enabled') : h('span', { class: 'badge bad' }, 'disabled')),
    h('td', {}, button('Open', () => openClient(client, again), { class: 'small', 'aria-label': `Open client ${client.id}` })));
}

async function openClient(client, again) {
  const path = `/clients/${at(client.id)}`;
  const refresh = (await get(`${path}/refresh-tokens${query({ limit: 200 })}`)).items;
  const [admin, operator] = [may('admin'), may('operator')];
  const held = refresh.length === 1 ? '1 refresh token' : `${number(refresh.length)} refresh tokens`;
  const element = dialog('Client', close => {
    const then = act => async () => { await act(); close(); await again(); };
    return h('div', { class: 'body' },
      pairs([
        ['Id', copyable(client.id, 'the client id')],
        ['State', client.enabled ? h('span', { class: 'badge ok' }, 'enabled') : h('span', { class: 'badge bad' }, 'disabled')],
        ['Scopes', client.scopes.join(', ')],
        ['Rate', client.rate_limit === null ? 'the default of the server' : client.rate_limit === 0 ? 'no limit' : `${number(client.rate_limit)} a second`],
        client.redirect_uris.length > 0 && ['Redirect URIs', client.redirect_uris.join(', ')],
        ['Kind', client.public ? 'public: redeems codes without its secret' : 'confidential'],
      ]),
      h('div', { class: 'actions' },
        admin && button('Rotate secret', () => confirm('Rotate the secret?', [
          'The present secret stops working at once: programs that log in with it get a 401.',
          'Access tokens that were issued stay valid until they expire.', `${held} stay valid.`,
        ], 'Rotate', async () => {
          const rotated = await post(`${path}/rotate-secret`);
          secretOnce('The new secret', [['Client id', client.id], ['Client secret', rotated.secret]]);
        })),
        admin && (client.enabled
          ? button('Disable', () => confirm('Disable the client?', [
            'Every access token of it is refused from now on, and it cannot log in.', `Its secret and ${held} are kept; enabling it makes them work again.`,
          ], 'Disable', then(() => patch(path, { enabled: false }))))
          : button('Enable', then(() => patch(path, { enabled: true })))),
        operator && button('Revoke tokens', () => confirm('Revoke the tokens?', [
          'Every access token that was issued so far stops working at once.', `${held} go too: programs that have one must log in anew.`, 'The secret stays.',
        ], 'Revoke', then(() => post(`${path}/revoke-tokens`, { refresh_tokens: true })))),
        operator && button('Issue an access token', async () => {
          const issued = await post(`${path}/tokens`, {});
          secretOnce('An access token for an hour', [['Access token', issued.access_token]]);
        }),
        admin && button('Edit', () => editClient(client, async () => { close(); await again(); })),
        admin && button('Delete', () => confirm('Delete the client?', [
          'Its secret, its access tokens and its refresh tokens stop working at once, for good.',
        ], 'Delete', then(() => remove(path))), { class: 'danger' })),
      h('h3', {}, `Refresh tokens (${number(refresh.length)})`),
      refresh.length === 0 ? h('p', { class: 'muted' }, 'None.') : table('Refresh tokens', ['Id', 'Issued', 'Scopes', 'Revoke'], refresh.map(token => h('tr', {},
        h('td', { class: 'id' }, token.id),
        h('td', { class: 'time', title: fullTime(token.issued) }, time(token.issued)),
        h('td', {}, token.scopes?.join(', ') ?? 'all that the client is granted'),
        h('td', {}, operator && button('Revoke', () => confirm('Revoke the refresh token?', ['It and the access tokens that were issued with it stop working at once.'], 'Revoke',
          then(() => remove(`/refresh-tokens/${at(token.id)}`))), { class: 'small', 'aria-label': `Revoke ${token.id}` }))))));
  });
  return element;
}

function editClient(client, done) {
  formDialog('Edit the client', [
    scopeFields(client.scopes),
    h('p', { class: 'hint' }, 'Where a scope is taken away, every access token that was issued so far stops working.'),
    field('Rate, requests a second', h('input', { name: 'rate_limit', type: 'number', min: '0', value: client.rate_limit ?? '', placeholder: 'the default of the server' }), '0 for no limit; empty leaves it as it is'),
    field('Redirect URIs', h('textarea', { name: 'redirect_uris', rows: '3', value: client.redirect_uris.join('\n') }), 'One a line: where the consent page may send a browser back to'),
  ], 'Save', async (values, form) => {
    const body = { scopes: chosenScopes(form), redirect_uris: values.redirect_uris.split('\n').map(line => line.trim()).filter(Boolean) };
    if (values.rate_limit !== '') body.rate_limit = Number(values.rate_limit);
    await patch(`/clients/${at(client.id)}`, body);
    toast('Saved.');
    await done();
  });
}

function makeProvider(path, again) {
  formDialog('New service provider', [
    field('Logical id', h('input', { name: 'logical_id', autocomplete: 'off', spellcheck: 'false' }), 'The organization\'s own name for it, for example front-desk'),
    field('Name for people', h('input', { name: 'display_name', autocomplete: 'off' }), 'May be left out'),
  ], 'Create', async values => {
    const body = { logical_id: values.logical_id.trim() };
    if (values.display_name.trim()) body.display_name = [{ locale: 'en-US', value: values.display_name.trim() }];
    await post(`${path}/serviceProviders`, body);
    await again();
  });
}

function providerRow(provider, again) {
  const name = provider.display_name?.[0]?.value;
  return h('tr', {},
    h('td', {}, provider.logical_id, name && h('div', { class: 'muted' }, name)),
    h('td', { class: 'id' }, copyable(provider.id, 'the service provider')),
    h('td', {}, h('a', { href: `#/associations?organization=${at(provider.organization_id)}&provider=${at(provider.id)}` }, number(provider.associations))),
    h('td', {}, provider.network ? h('span', { class: 'mono wrap' }, provider.network.skillConfiguration.skillId) : h('span', { class: 'muted' }, 'none')),
    h('td', {}, h('div', { class: 'row' }, may('admin') && [
      button('Network', () => network(provider, again), { class: 'small', 'aria-label': `Network of ${provider.logical_id}` }),
      button('Delete', () => confirm(`Delete ${provider.logical_id}?`, [
        provider.associations > 0 ? `Its ${number(provider.associations)} associations go with it, in one step.` : 'It has no associations.',
        'Clients that use it get a 404 from now on.',
      ], 'Delete', async () => { await remove(`/serviceProviders/${at(provider.id)}?cascade=true`); await again(); }), { class: 'small danger', 'aria-label': `Delete ${provider.logical_id}` })])));
}

function network(provider, again) {
  const path = `/serviceProviders/${at(provider.id)}/network`;
  const skill = h('input', { name: 'skill', value: provider.network?.skillConfiguration.skillId ?? '', placeholder: 'amzn1.ask.skill.…', autocomplete: 'off', spellcheck: 'false' });
  formDialog(`Network of ${provider.logical_id}`, [
    field('Skill', skill, 'The skill that routes its calls. Empty: none.'),
  ], 'Save', async () => {
    if (skill.value.trim()) await replace(path, { networkType: 'SKILL', skillConfiguration: { skillId: skill.value.trim() } });
    else if (provider.network) await remove(path);
    await again();
  });
}

function makeProfile(path, again) {
  formDialog('New profile', [
    field('Unit', h('input', { name: 'unit', autocomplete: 'off', spellcheck: 'false', value: 'amzn1.alexa.unit.did.' }), 'The unit that it speaks for; a unit has one profile'),
    field('Name', h('input', { name: 'name', autocomplete: 'off' }), 'May be left out'),
  ], 'Create', async values => {
    const body = { unit: values.unit.trim() };
    if (values.name.trim()) body.name = values.name.trim();
    await post(`${path}/profiles`, body);
    await again();
  });
}

function profileRow(profile, again) {
  return h('tr', {},
    h('td', {}, profile.name ?? h('span', { class: 'muted' }, 'none')),
    h('td', { class: 'id' }, copyable(profile.id, 'the profile')),
    h('td', { class: 'id wrap' }, short(profile.unit, 24)),
    h('td', {}, h('div', { class: 'row' }, may('admin') && [
      button('Rename', () => formDialog('Rename the profile', [field('Name', h('input', { name: 'name', value: profile.name ?? '' }), 'Empty: none')], 'Save', async values => {
        await patch(`/profiles/${at(profile.id)}`, { name: values.name.trim() || null });
        await again();
      }), { class: 'small', 'aria-label': `Rename ${profile.id}` }),
      button('Delete', () => confirm('Delete the profile?', [
        'Associations that name it stay, and lead nowhere; under strict profiles it is refused while there are any.',
      ], 'Delete', async () => { await remove(`/profiles/${at(profile.id)}`); await again(); }), { class: 'small danger', 'aria-label': `Delete ${profile.id}` })])));
}
