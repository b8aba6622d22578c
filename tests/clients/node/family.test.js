// Units, address books and contacts as the published command line client and other published callers send them, in our
// own words: numbers where names are expected, null and undefined for what was not given, page tokens as they came.
//
// As in onboarding.test.js nothing here knows which server answers. Any call may be refused for a while: the client
// repeats it.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import axios from 'axios';

const HOST = 'https://api.amazonalexa.com';
const { LWA_CLIENT_ID, LWA_CLIENT_SECRET, LWA_REFRESH_TOKEN, ORGANIZATION_ID } = process.env;
/** What the client repeats, and how often. Its waits, 2 to 21 s, are left out. */
const REPEATED = [429, 500, 503];
const REPEATS = 6;

let accessToken;

/** Repeats what is refused for a while. */
async function patiently(call) {
  for (let left = REPEATS; ; left -= 1) {
    const response = await call();
    if (left === 0 || !REPEATED.includes(response.status)) return response;
  }
}

before(async () => {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: LWA_REFRESH_TOKEN,
    client_id: LWA_CLIENT_ID,
    client_secret: LWA_CLIENT_SECRET,
  });
  ['alexa::enterprise:management', 'credential_locker::wifi_management', 'profile'].forEach((scope, index) =>
    form.append(`scope[${index}]`, scope),
  );
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: '', 'Asp-Cli': '' };
  const config = { headers, validateStatus: () => true };
  const login = () => axios.post('https://api.amazon.com/auth/o2/token', form.toString(), config);
  const { status, data } = await patiently(login);
  assert.equal(status, 200);
  accessToken = data.access_token;
});

/**
 * One command: an empty answer reads as its status alone, any other, errors too, is a JSON object that the client writes
 * its status into.
 */
async function call(method, url, data) {
  const headers = { Authorization: `Bearer ${accessToken}`, 'Asp-Cli': 'v1.0.0' };
  if (data !== undefined || method === 'put') headers['Content-Type'] = 'application/json';
  const config = { method, url: HOST + url, headers, data, validateStatus: () => true };
  const { status, data: answer } = await patiently(() => axios.request(config));
  if (answer === '') {
    assert.ok(status < 300, `${method} ${url}: an error without a body is lost`);
    return { statuscode: status };
  }
  assert.equal(typeof answer, 'object', `${method} ${url}`);
  assert.equal(answer.statuscode, undefined);
  assert.equal(answer.action, undefined);
  return { ...answer, statuscode: status };
}

/** The same for what must succeed. */
async function done(status, method, url, data) {
  const answer = await call(method, url, data);
  assert.equal(answer.statuscode, status, `${method} ${url}: ${JSON.stringify(answer)}`);
  return answer;
}

/** All results of a list. The token of the next page is put behind the query string as it came. */
async function all(url, pages) {
  const results = [];
  let token;
  let read = 0;
  do {
    const page = await done(200, 'get', token ? `${url}&nextToken=${token}` : url);
    results.push(...page.results);
    read += 1;
    token = page.paginationContext?.nextToken;
  } while (token);
  assert.equal(read, pages ?? read, url);
  return results;
}

const named = (text) => ({ name: { type: 'PLAIN', value: { text } } });
/** What the client makes of two arguments: JSON without what was not given. */
const unit = (text, parentId) => done(201, 'post', '/v2/units', JSON.stringify({ ...named(text), parentId }));
const listUnits = (parentId, depth = 1, pages = 1) =>
  all(`/v2/units?maxResults=50&parentId=${parentId}&expand=all&queryDepth=${depth}`, pages);
const profileOf = async (id, name) => {
  const body = { entity: { type: 'UNIT', id }, name };
  return (await done(201, 'post', '/v1/communications/profile', body)).profileId.profileId;
};
const book = async (name) => (await done(201, 'post', '/v1/addressBooks', { name })).addressBookId;

test('units', async () => {
  const hotel = await unit('Hotel', ORGANIZATION_ID);
  assert.deepEqual(hotel.name, named('Hotel').name);
  // Room 101 is a number, and more rooms than one page has.
  const rooms = [];
  for (let room = 101; room <= 151; room += 1) rooms.push((await unit(room, hotel.id)).id);
  const top = await unit('top', undefined);
  assert.equal(top.parentId, ORGANIZATION_ID);

  const listed = await listUnits(hotel.id, 1, 2);
  assert.deepEqual(listed.map(({ id }) => id), [...rooms].sort());
  assert.ok(listed.every((own) => own.parentId === hotel.id && own.level === 2));
  const numbers = listed.map((own) => own.name.value.text).sort();
  assert.deepEqual([numbers[0], numbers.at(-1), numbers.length], ['101', '151', 51]);
  assert.equal((await listUnits(ORGANIZATION_ID, 'all', 2)).length, 53);
  assert.equal((await listUnits(ORGANIZATION_ID, 3, 2)).length, 53);
  assert.deepEqual(await listUnits(rooms[0]), []);
  const below = (await listUnits('undefined')).map(({ id }) => id);
  assert.deepEqual(below, [hotel.id, top.id].sort());

  // Its cache walks up until level 0, and reads a name on the way.
  const names = [];
  for (let at = rooms[0]; ; ) {
    const { id, parentId, level, name } = await done(200, 'get', `/v2/units/${at}`);
    assert.equal(id, at);
    names.push(name.value.text);
    if (level === 0) break;
    at = parentId;
  }
  assert.deepEqual(names.slice(0, 2), ['101', 'Hotel']);
  assert.equal(names.length, 3);

  await done(200, 'put', `/v2/units/${rooms[0]}`, JSON.stringify(named('0101')));
  assert.deepEqual((await done(200, 'get', `/v2/units/${rooms[0]}`)).name, named('0101').name);
  // Without a name the value is an object with nothing in it.
  await done(400, 'put', `/v2/units/${rooms[0]}`, JSON.stringify(named(undefined)));
  await done(400, 'delete', `/v2/units/${hotel.id}`);
  await done(404, 'get', '/v2/units/undefined');
  await done(404, 'put', `/v2/units/${hotel.id}/consent/reset`);
  for (const id of [...rooms, hotel.id, top.id]) await done(200, 'delete', `/v2/units/${id}`);
  assert.deepEqual(await listUnits(ORGANIZATION_ID), []);
});

test('a property', async () => {
  const property = await unit('Hotel', ORGANIZATION_ID);
  // What it asks skills is not answered with success, which it passes over, and reads no items there.
  await done(404, 'post', '/v1/skills/amzn1.ask.skill.0/enablements', { unitId: property.id, stage: 'live' });
  const first = await unit('Default', property.id);
  assert.deepEqual((await listUnits(property.id)).map(({ id }) => id), [first.id]);
  const enabled = `/v1/skills/enablements?unitId=${property.id}&maxResults=10&expand=nameFreeInvocation`;
  assert.equal((await done(404, 'get', enabled)).items, undefined);
  for (const { id } of [first, property]) await done(200, 'delete', `/v2/units/${id}`);
});

test('profiles, drop-in and block', async () => {
  const rooms = [];
  for (const name of [101, 102, 103]) rooms.push((await unit(name, ORGANIZATION_ID)).id);
  const first = await profileOf(rooms[0], 12);
  const path = `/v1/communications/profile/${first}`;
  assert.equal((await done(200, 'get', path)).name, '12');
  // An argument under another name: nothing is left of it.
  await done(400, 'put', path, {});
  await done(200, 'put', path, { name: 101 });
  const byUnit = await done(200, 'get', `/v1/communications/profile?entity.type=UNIT&entity.id=${rooms[0]}`);
  assert.deepEqual([byUnit.profileId.profileId, byUnit.name], [first, '101']);
  const items = rooms.slice(1).map((id, index) => ({
    itemId: `uniqueRequestItemId${index + 1}`,
    entity: { type: 'UNIT', id },
  }));
  const batch = await done(200, 'post', '/v1/communications/profiles/batch', { items });
  assert.deepEqual(batch.items.map(({ itemId }) => itemId), ['uniqueRequestItemId1', 'uniqueRequestItemId2']);
  const [second, third] = batch.items.map(({ result }) => result.profileId.profileId);

  const setting = (name, about) => `${path}/contacts/settings/${name}?alexaCommunicationProfileId=${about}`;
  for (const about of [first, second]) {
    for (const value of ['ENABLED', 'DISABLED', 'ENABLED']) {
      await done(200, 'put', setting('DropIn', about), { value });
      assert.equal((await done(200, 'get', setting('DropIn', about))).value, value);
    }
  }
  for (const about of [second, third]) await done(200, 'put', setting('Block', about), { value: 'ENABLED' });
  const blocked = (value) => all(`${path}/contacts/settings/Block?value=${value}`);
  const expected = [second, third].sort().map((id) => ({ alexaCommunicationProfileId: id, value: 'ENABLED' }));
  assert.deepEqual(await blocked('ENABLED'), expected);
  assert.deepEqual(await blocked('DISABLED'), []);
  await done(200, 'put', setting('Block', third), { value: 'DISABLED' });
  assert.equal((await blocked('ENABLED')).length, 1);
  // A sample blocks what is no id, and two commands leave the profile out.
  await done(404, 'put', setting('Block', '111'), { value: 'ENABLED' });
  const nobody = setting('DropIn', first).replace(first, 'undefined');
  await done(404, 'get', nobody);

  for (const id of [first, second, third]) await done(200, 'delete', `/v1/communications/profile/${id}`);
  for (const id of rooms) await done(200, 'delete', `/v2/units/${id}`);
});

test('address books and contacts', async () => {
  const room = (await unit(101, ORGANIZATION_ID)).id;
  const profile = await profileOf(room);
  const addressBookId = await book(12);
  const path = `/v1/addressBooks/${addressBookId}`;
  assert.deepEqual(await all('/v1/addressBooks?maxResults=100', 1), [{ addressBookId, name: '12' }]);
  assert.equal((await done(200, 'get', path)).name, '12');
  await done(200, 'put', path, { name: 'House' });

  const contacts = `${path}/contacts`;
  const create = async (name, numbers, own) => {
    const phoneNumbers = numbers?.map((number) => ({ number })) ?? null;
    const body = { contact: { name, phoneNumbers, ...own } };
    return (await done(201, 'post', contacts, body)).contactId;
  };
  const read = async (id) => (await done(200, 'get', `${contacts}/${id}`)).contact;
  // Numbers of its samples: an area code that nobody has, and the same one twice.
  const desk = await create('desk', ['+11112345602', '+11112345603']);
  const twice = await create(101, ['+12055551233', '+12055551233']);
  const space = await create('space', null, { alexaCommunicationProfileId: profile });
  const text = await create('porter', null, { providerContact: { id: 'ext1' } });
  const number = await create('porter', null, { providerContact: { id: 7201 } });
  assert.deepEqual(await read(desk), {
    name: 'desk',
    phoneNumbers: [{ number: '+11112345602' }, { number: '+11112345603' }],
  });
  assert.equal((await read(twice)).name, '101');
  assert.equal((await read(space)).alexaCommunicationProfileId, profile);
  assert.equal((await read(space)).phoneNumbers ?? null, null);
  assert.equal((await read(text)).providerContact.id, 'ext1');
  assert.equal((await read(number)).providerContact.id, '7201');
  const both = { phoneNumbers: [{ number: '+12055551233' }], alexaCommunicationProfileId: profile };
  for (const own of [{ phoneNumbers: null }, both]) {
    await done(400, 'post', contacts, { contact: { name: 'none or two', ...own } });
  }
  const replaced = { name: 'desk', phoneNumbers: null, alexaCommunicationProfileId: profile };
  await done(200, 'put', `${contacts}/${desk}`, { contact: replaced });
  assert.deepEqual(await read(desk), { name: 'desk', alexaCommunicationProfileId: profile });
  // Its delete has the contact's id where the address book's belongs.
  await done(404, 'delete', `/v1/addressBooks/${desk}/contacts/undefined`);

  // As a library it makes many at once, and leaves nulls as they are; then there are more than one page has.
  const kinds = [
    { phoneNumbers: [{ number: '+442079460123' }] },
    { alexaCommunicationProfileId: profile },
    { phoneNumbers: null, alexaCommunicationProfileId: null, providerContact: { id: 'ext1' } },
  ];
  const items = Array.from({ length: 100 }, (_, index) => ({
    itemId: `uniqueRequestItemId${index + 1}`,
    contact: { name: `Number ${index}`, ...kinds[index % kinds.length] },
  }));
  const batch = await done(200, 'post', `${contacts}/batch`, { items });
  assert.deepEqual(batch.items.map(({ itemId }) => itemId), items.map(({ itemId }) => itemId));
  const many = batch.items.map(({ result }) => result.contactId);
  const listed = await all(`${contacts}?maxResults=100`, 2);
  const known = [desk, twice, space, text, number, ...many].sort();
  assert.deepEqual(listed.map(({ contactId }) => contactId), known);
  assert.equal((await read(many[0])).name, 'Number 0');

  // A sample deletes the address book with all that is in it.
  await done(200, 'delete', path);
  await done(404, 'get', path);
  await done(200, 'delete', `/v1/communications/profile/${profile}`);
  await done(200, 'delete', `/v2/units/${room}`);
});

test('associations of address books, and reciprocal ones', async () => {
  const rooms = [];
  for (const name of [101, 102, 103]) rooms.push((await unit(name, ORGANIZATION_ID)).id);
  const addressBookId = await book('House');
  const path = `/v1/addressBooks/${addressBookId}/unitAssociations`;
  await done(201, 'post', path, { unitId: rooms[0] });
  const items = rooms.slice(1).map((unitId, index) => ({ itemId: `${index + 1}`, unitId }));
  const batch = await done(200, 'post', `${path}/batch`, { items });
  assert.deepEqual(batch.items.map(({ itemId }) => itemId), ['1', '2']);
  const books = await all(`/v1/addressBooks/unitAssociations?unitId=${rooms[1]}&maxResults=100`, 1);
  assert.deepEqual(books.map((own) => own.addressBookId), [addressBookId]);
  const one = await all(`${path}?unitId=${rooms[1]}&maxResults=100`, 1);
  assert.deepEqual(one.map(({ unitId }) => unitId), [rooms[1]]);
  const whole = await all(`${path}?unitId=undefined&maxResults=100`, 1);
  assert.deepEqual(whole.map(({ unitId }) => unitId), [...rooms].sort());
  // Without a unit there is no list of its address books; what it is told it can read.
  await done(404, 'get', '/v1/addressBooks/unitAssociations?unitId=undefined&maxResults=100');
  for (const id of rooms) await done(200, 'delete', `${path}?unitId=${id}`);

  const [from, to] = [await profileOf(rooms[0], 'a'), await profileOf(rooms[1], 'b')];
  const contact = { name: 'b', phoneNumbers: null, alexaCommunicationProfileId: to };
  const { contactId } = await done(201, 'post', `/v1/addressBooks/${addressBookId}/contacts`, { contact });
  const reciprocal = `/v1/communications/profile/${from}/reciprocalAssociations`;
  await done(201, 'post', reciprocal, { contact: { id: contactId } });
  assert.equal((await done(200, 'get', `${reciprocal}?contactId=${contactId}`)).status, 'ASSOCIATED');
  await done(200, 'delete', `${reciprocal}?contactId=${contactId}`);
  assert.equal((await done(200, 'get', `${reciprocal}?contactId=${contactId}`)).status, 'NOT_ASSOCIATED');

  for (const id of [from, to]) await done(200, 'delete', `/v1/communications/profile/${id}`);
  for (const id of rooms) await done(200, 'delete', `/v2/units/${id}`);
  await done(200, 'delete', `/v1/addressBooks/${addressBookId}`);
});

test('other published callers', async () => {
  const room = (await unit('Room', ORGANIZATION_ID)).id;
  // A skill renames its room with the type of a form around JSON.
  const headers = { Authorization: `Bearer ${accessToken}`, Accept: 'application/json' };
  const config = { method: 'put', url: `${HOST}/v2/units/${room}`, headers, validateStatus: () => true };
  headers['Content-Type'] = 'application/x-www-form-urlencoded';
  const renamed = await patiently(() => axios.request({ ...config, data: JSON.stringify(named('Suite')) }));
  assert.ok(renamed.status >= 200 && renamed.status < 300);
  assert.equal((await done(200, 'get', `/v2/units/${room}`)).name.value.text, 'Suite');
  // Another one has a slash before the query string, and gives no size of a page.
  const page = await done(200, 'get', `/v2/units/?parentId=${ORGANIZATION_ID}&expand=all`);
  assert.deepEqual(page.results.map(({ id, name }) => [id, name.value.text]), [[room, 'Suite']]);
  assert.equal(typeof page.paginationContext, 'object');
  assert.equal(page.paginationContext.nextToken ?? null, null);
  await done(200, 'delete', `/v2/units/${room}`);
});
