// The units and communications folders of the published request collection, request by request in its order, in our own
// words: what people send from it when they have filled in the ids.
//
// As in onboarding.test.js nothing here knows which server answers. What a folder needs and does not make itself is made
// before it: whoever works with the collection copies ids by hand.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import axios from 'axios';

const HOST = 'https://api.amazonalexa.com';
const { LWA_CLIENT_ID, LWA_CLIENT_SECRET, LWA_REFRESH_TOKEN, ORGANIZATION_ID } = process.env;
const ITS_HEADERS = { Accept: '*/*', 'Cache-Control': 'no-cache', 'User-Agent': 'PostmanRuntime/7.39.0' };

let accessToken;

/** Its script before each request: the header has its own name in its value, and the answer needs three properties. */
before(async () => {
  const form = new URLSearchParams({
    client_id: LWA_CLIENT_ID,
    client_secret: LWA_CLIENT_SECRET,
    refresh_token: LWA_REFRESH_TOKEN,
    grant_type: 'refresh_token',
  });
  const { data } = await axios.post('https://api.amazon.com/auth/o2/token', form.toString(), {
    headers: { ...ITS_HEADERS, 'Content-Type': 'Content-Type: application/x-www-form-urlencoded' },
  });
  assert.equal(data.error, undefined);
  assert.match(data.access_token, /^Atza\|/);
  assert.match(data.refresh_token, /^Atzr\|/);
  assert.equal(data.expires_in, 3600);
  accessToken = data.access_token;
});

/** Sends a request with its body as text, as it was typed, and answers the body of a success with this status. */
async function send(status, method, path, body) {
  const headers = { ...ITS_HEADERS, Authorization: `Bearer ${accessToken}`, 'Postman-Token': randomUUID() };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const data = typeof body === 'object' ? JSON.stringify(body, null, 4) : body;
  // The body goes out as it was typed, and a status is a finding, not an exception.
  const asTyped = { transformRequest: (typed) => typed, validateStatus: () => true };
  const config = { method, url: HOST + path, headers, data, ...asTyped };
  const response = await axios.request(config);
  assert.equal(response.status, status, `${method} ${path}: ${JSON.stringify(response.data)}`);
  return response.data;
}

const get = (path) => send(200, 'GET', path);
const put = (path, body) => send(200, 'PUT', path, body);
const post = (path, body) => send(201, 'POST', path, body);
const remove = (path, body) => send(200, 'DELETE', path, body);

const named = (text) => ({ name: { type: 'PLAIN', value: { text } } });
const ids = (list, property) => list.results.map((own) => own[property]);

const newUnit = async (text, parentId) => (await post('/v2/units', { ...named(text), parentId })).id;
const newProfile = async (id) =>
  (await post('/v1/communications/profile/', { entity: { type: 'UNIT', id }, name: 'Room' })).profileId.profileId;
const newBook = async () => (await post('/v1/addressBooks', { name: 'Hotel Address Book' })).addressBookId;

/** A batch of two, typed with the numbers that stand for item ids there, and what became of both. */
async function batch(path, first, second) {
  const typed = [first, second].map((item, index) => `{"itemId": ${index + 1}, ${JSON.stringify(item).slice(1)}`);
  const { items } = await send(200, 'POST', path, `{\n  "items": [\n    ${typed.join(',\n    ')}\n  ]\n}   `);
  assert.deepEqual(items.map(({ itemId, status }) => [itemId, status]), [[1, 201], [2, 201]]);
  return items.map((item) => item.result);
}

test('unit management', async () => {
  const hotel = await newUnit('Hotel', ORGANIZATION_ID);
  const floor = await newUnit('Floor', hotel);
  const room = await newUnit('Room', floor);
  const list = (query) => get(`/v2/units?${query}`);

  assert.deepEqual((await list(`parentId=${ORGANIZATION_ID}`)).results, [{ id: hotel }]);
  const [expanded] = (await list(`parentId=${ORGANIZATION_ID}&expand=all`)).results;
  assert.deepEqual(expanded, { id: hotel, parentId: ORGANIZATION_ID, level: 1, ...named('Hotel') });
  assert.deepEqual((await list(`parentId=${hotel}`)).results, [{ id: floor }]);
  assert.deepEqual(ids(await list(`parentId=${hotel}&expand=all`), 'id'), [floor]);
  assert.deepEqual(ids(await list(`parentId=${hotel}&queryDepth=all&expand=all`), 'id'), [floor, room]);
  assert.deepEqual((await list(`parentId=${room}`)).results, []);
  assert.deepEqual(await get(`/v2/units/${room}`), { id: room, parentId: floor, level: 3, ...named('Room') });
  const made = await post('/v2/units', { ...named('name of unit'), parentId: room });
  assert.match(made.id, /^amzn1\.alexa\.unit\.did\./);
  await put(`/v2/units/${made.id}`, named('another name of unit'));
  assert.deepEqual((await get(`/v2/units/${made.id}`)).name, named('another name of unit').name);
  await send(400, 'DELETE', `/v2/units/${room}`);
  for (const unit of [made.id, room, floor, hotel]) await remove(`/v2/units/${unit}`);
  assert.deepEqual((await list(`parentId=${ORGANIZATION_ID}`)).results, []);
});

test('communication profiles', async () => {
  const units = [];
  for (const name of ['1', '2', '3']) units.push(await newUnit(name, ORGANIZATION_ID));
  const [first, second, third] = units.map((id) => ({ type: 'UNIT', id }));

  const body = JSON.stringify({ entity: first, name: 'profile display name' });
  const created = await post('/v1/communications/profile/', `${body}        `);
  const profile = `/v1/communications/profile/${created.profileId.profileId}`;
  // One that exists is answered as it is.
  assert.deepEqual(await post('/v1/communications/profile/', body), created);
  const path = '/v1/communications/profiles/batch';
  const others = await batch(path, { entity: second, name: 'Room 2' }, { entity: third });
  assert.deepEqual(others.map(({ entity }) => entity), [second, third]);
  assert.deepEqual(await get(profile), created);
  assert.deepEqual(await get(`/v1/communications/profile?entity.type=UNIT&entity.id=${first.id}`), created);
  await put(profile, { name: '<profile display name>' });
  assert.equal((await get(profile)).name, '<profile display name>');
  for (const { profileId } of [created, ...others]) {
    await remove(`/v1/communications/profile/${profileId.profileId}`);
  }
  await send(404, 'GET', profile);
  for (const unit of units) await remove(`/v2/units/${unit}`);
});

test('address books', async () => {
  const early = await newBook();
  assert.deepEqual(ids(await get('/v1/addressBooks'), 'addressBookId'), [early]);
  const { addressBookId } = await post('/v1/addressBooks', { name: 'Hotel Address Book' });
  assert.match(addressBookId, /^amzn1\.alexa\.addressbook\.did\./);
  const book = `/v1/addressBooks/${addressBookId}`;
  assert.deepEqual(await get(book), { addressBookId, name: 'Hotel Address Book' });
  await put(book, { name: 'my address book name' });
  assert.deepEqual(await get(book), { addressBookId, name: 'my address book name' });
  await remove(book);
  // Its text: the list takes both of these.
  assert.equal((await get('/v1/addressBooks?maxResults=10&nextToken=')).results.length, 1);
  await remove(`/v1/addressBooks/${early}`);
});

test('contacts', async () => {
  const unit = await newUnit('Room', ORGANIZATION_ID);
  const profile = await newProfile(unit);
  const book = `/v1/addressBooks/${await newBook()}`;
  const contacts = `${book}/contacts`;
  const byProfile = (name) => ({ contact: { name, alexaCommunicationProfileId: profile } });
  const byPhone = (name, ...numbers) => ({
    contact: { name, phoneNumbers: numbers.map((number) => ({ number })) },
  });

  assert.deepEqual((await get(contacts)).results, []);
  const { contactId } = await post(contacts, byProfile('Room'));
  assert.match(contactId, /^amzn1\.alexa\.contacts\.did\./);
  const phones = byPhone('Taxi', '+12055551233', '+12055551244');
  const phone = await post(contacts, phones);
  const both = await batch(`${contacts}/batch`, byPhone('Doctor', '+12055551255'), byProfile('Room'));
  const listed = ids(await get(contacts), 'contactId');
  const known = [contactId, phone.contactId, ...both.map((result) => result.contactId)];
  assert.deepEqual(listed, known.sort());
  const one = `${contacts}/${phone.contactId}`;
  assert.deepEqual(await get(one), { ...phone, ...phones });
  // First another number, then a profile instead: an update replaces all there is.
  await put(one, byPhone('Bus', '+12055551266'));
  assert.deepEqual(await get(one), { ...phone, ...byPhone('Bus', '+12055551266') });
  await put(one, byProfile('space'));
  assert.deepEqual(await get(one), { ...phone, ...byProfile('space') });
  await remove(one);
  await send(404, 'GET', one);
  // A profile takes the contacts that name it along.
  await remove(`/v1/communications/profile/${profile}`);
  assert.deepEqual(ids(await get(contacts), 'contactId'), [both[0].contactId]);
  await remove(book);
  await remove(`/v2/units/${unit}`);
});

test('address book associations', async () => {
  const units = [];
  for (const name of ['1', '2', '3']) units.push(await newUnit(name, ORGANIZATION_ID));
  const [first, second, third] = units;
  const addressBookId = await newBook();
  const path = `/v1/addressBooks/${addressBookId}/unitAssociations`;

  assert.deepEqual((await get(`/v1/addressBooks/unitAssociations?unitId=${first}`)).results, []);
  await post(path, { unitId: first });
  const results = await batch(`${path}/batch`, { unitId: second }, { unitId: third });
  assert.deepEqual(results.map(({ unitId }) => unitId), [second, third]);
  assert.deepEqual(ids(await get(path), 'unitId'), [...units].sort());
  const books = await get(`/v1/addressBooks/unitAssociations?unitId=${first}`);
  assert.deepEqual(ids(books, 'addressBookId'), [addressBookId]);
  // Its text: these go before the unit.
  await send(400, 'DELETE', `/v2/units/${first}`);
  for (const unit of units) {
    await remove(`${path}?unitId=${unit}`);
    await remove(`/v2/units/${unit}`);
  }
  assert.deepEqual((await get(path)).results, []);
  await remove(`/v1/addressBooks/${addressBookId}`);
});

test('inbound calling', async () => {
  const unit = await newUnit('Room', ORGANIZATION_ID);
  const profile = await newProfile(unit);
  const book = `/v1/addressBooks/${await newBook()}`;
  const contact = { name: 'Family', phoneNumbers: [{ number: '+12055551233' }] };
  const { contactId } = await post(`${book}/contacts`, { contact });
  const path = `/v1/communications/profile/${profile}/reciprocalAssociations`;

  assert.equal((await get(`${path}?contactId=${contactId}`)).status, 'NOT_ASSOCIATED');
  await post(path, { contact: { id: contactId } });
  assert.equal((await get(`${path}?contactId=${contactId}`)).status, 'ASSOCIATED');
  await remove(`${path}?contactId=${contactId}`);
  assert.equal((await get(`${path}?contactId=${contactId}`)).status, 'NOT_ASSOCIATED');
  await remove(book);
  await remove(`/v1/communications/profile/${profile}`);
  await remove(`/v2/units/${unit}`);
});

test('WebRTC, and the contact that is made last', async () => {
  const unit = await newUnit('Room', ORGANIZATION_ID);
  const amazonId = await newProfile(unit);
  const providers = '/v1/communications/serviceProviders';
  const displayName = [{ locale: 'en-US', value: 'Front desk' }];
  const newProvider = () => post(providers, { serviceProviderLogicalId: `desk-${randomUUID()}`, displayName });

  const made = await newProvider();
  const provider = `${providers}/${made.serviceProviderId}`;
  // These three come with an empty body, and a type.
  assert.deepEqual(await send(200, 'GET', provider, ''), made);
  await put(provider, '');
  assert.deepEqual((await get(provider)).displayName, displayName);
  await send(200, 'DELETE', provider, '');

  const other = `${providers}/${(await newProvider()).serviceProviderId}`;
  const network = { networkType: 'SKILL', skillConfiguration: { skillId: `amzn1.ask.skill.${randomUUID()}` } };
  await post(`${other}/network`, network);
  await put(`${other}/network`, network);
  assert.deepEqual((await get(`${other}/network`)).skillConfiguration, network.skillConfiguration);
  await remove(`${other}/network`);

  const users = `${other}/externalUsers`;
  const association = { externalUserId: '7201', amazonId, amazonIdType: 'communication-profile' };
  await post(users, association);
  await put(users, association);
  await remove(users, { externalUserId: '7201' });
  const filters = { externalUserIds: ['TestUserId@test.com'] };
  assert.deepEqual((await send(200, 'POST', `${users}/query`, { filters })).accountAssociations, []);
  await remove(other);

  const book = `/v1/addressBooks/${await newBook()}`;
  // Any id: nothing has to be associated with it.
  const contact = { name: 'Night porter', providerContact: { id: 'Porter at night' } };
  const { contactId } = await post(`${book}/contacts`, { contact });
  assert.deepEqual((await get(`${book}/contacts/${contactId}`)).contact, contact);
  await remove(book);
  await remove(`/v1/communications/profile/${amazonId}`);
  await remove(`/v2/units/${unit}`);
});
