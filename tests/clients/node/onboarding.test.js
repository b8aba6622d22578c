// The onboarding of an integrator, from the login to the last delete, as client code in the field does it with axios.
//
// Nothing here knows which server answers: the names are the real ones, the port is the usual one, and the operating
// system decides where they lead and which certificates are trusted. Credentials come from the environment.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import axios from 'axios';

const LOGIN = 'https://api.amazon.com/auth/o2/token';
const API = 'https://api.amazonalexa.com/v1/communications';
const { LWA_CLIENT_ID, LWA_CLIENT_SECRET, LWA_REFRESH_TOKEN } = process.env;

const credentials = () => ({
  grant_type: 'refresh_token',
  refresh_token: LWA_REFRESH_TOKEN,
  client_id: LWA_CLIENT_ID,
  client_secret: LWA_CLIENT_SECRET,
});

/** A client that throws at every status from 400 on, as axios does by default. */
async function authorized() {
  const { data } = await axios.post(LOGIN, new URLSearchParams(credentials()));
  return axios.create({ baseURL: API, headers: { Authorization: `Bearer ${data.access_token}` } });
}

/** The status and the error body of a call that is refused. */
async function refusal(call) {
  const error = await call.then(
    (response) => assert.fail(`not refused: ${response.status}`),
    (thrown) => thrown,
  );
  assert.ok(error.response, String(error));
  const { status, data, headers } = error.response;
  assert.deepEqual(Object.keys(data).sort(), ['message', 'type']);
  assert.ok(headers['x-amzn-requestid']);
  return { status, type: data.type };
}

test('login with a refresh token, in every form that is in use', async () => {
  const forms = {
    'form object': [new URLSearchParams(credentials())],
    'raw text': [
      new URLSearchParams(credentials()).toString(),
      { headers: { 'Content-Type': 'text/plain' } },
    ],
    'with a scope in brackets': [
      new URLSearchParams({ ...credentials(), 'scope[0]': 'alexa::enterprise:management' }),
    ],
    'as a multipart look-alike': [
      new URLSearchParams(credentials()).toString(),
      { headers: { 'Content-Type': 'multipart/form-data' } },
    ],
  };
  for (const [name, [body, config]] of Object.entries(forms)) {
    const { status, data } = await axios.post(LOGIN, body, config);
    assert.equal(status, 200, name);
    assert.equal(data.token_type, 'bearer', name);
    assert.equal(data.expires_in, 3600, name);
    assert.match(data.access_token, /^Atza\|/, name);
    assert.match(data.refresh_token, /^Atzr\|/, name);
  }
  const wrong = axios.post(LOGIN, new URLSearchParams({ ...credentials(), client_secret: 'wrong' }));
  const error = await wrong.then(assert.fail, (thrown) => thrown);
  assert.equal(error.response.status, 401);
  assert.equal(error.response.data.error, 'invalid_client');
});

test('a service provider, its network, a profile, associations', async () => {
  const api = await authorized();

  const logicalId = `hotel-${randomUUID()}`;
  const provider = {
    serviceProviderLogicalId: logicalId,
    displayName: [{ locale: 'en-US', value: 'Grand Hotel' }],
  };
  const created = await api.post('/serviceProviders/', provider);
  assert.equal(created.status, 201);
  const { serviceProviderId } = created.data;
  assert.match(serviceProviderId, /^amzn1\.comms\.csp\.id\./);
  assert.equal((await refusal(api.post('/serviceProviders', provider))).status, 409);
  const providerUrl = `/serviceProviders/${serviceProviderId}`;
  assert.equal((await api.get(`${providerUrl}/`)).data.serviceProviderLogicalId, logicalId);

  const network = { networkType: 'SKILL', skillConfiguration: { skillId: `amzn1.ask.skill.${randomUUID()}` } };
  assert.equal((await api.post(`${providerUrl}/network`, network)).status, 201);
  assert.equal((await refusal(api.post(`${providerUrl}/network`, network))).status, 409);
  const mapped = (await api.get(`${providerUrl}/network`)).data;
  assert.equal(mapped.networkType, 'SKILL');
  assert.deepEqual(mapped.skillConfiguration, network.skillConfiguration);

  const rooms = ['7201', '7202', '7203', '7204', 'front desk@hotel.example'];
  const profiles = new Map();
  for (const room of rooms) {
    const entity = { type: 'UNIT', id: `amzn1.alexa.unit.did.${randomUUID()}` };
    const profile = await api.post('/profile', { entity, name: `Room ${room}` });
    assert.equal(profile.status, 201);
    assert.deepEqual(profile.data.entity, entity);
    profiles.set(room, profile.data.profileId.profileId);
    assert.match(profiles.get(room), /^amzn1\.alexa\.communications\.profile\.did\./);
  }

  const users = `${providerUrl}/externalUsers`;
  const association = (room, amazonId) => ({
    externalUserId: room,
    amazonId,
    amazonIdType: 'communication-profile',
  });
  for (const room of rooms) {
    const response = await api.post(users, association(room, profiles.get(room)));
    assert.equal(response.status, 201);
    assert.equal(response.data, '');
  }
  const again = await refusal(api.post(`${users}/`, association('7201', profiles.get('7201'))));
  assert.deepEqual(again, { status: 409, type: 'CONFLICT' });

  // Page by page, until there is no next one.
  const found = new Map();
  let nextToken;
  do {
    const { data } = await api.post(`${users}/query/`, {
      filters: {},
      paginationContext: { maxResults: 2, ...(nextToken && { nextToken }) },
    });
    assert.equal(data.paginationContext.totalCount, rooms.length);
    assert.ok(data.accountAssociations.length <= 2);
    for (const { externalUserId, amazonId } of data.accountAssociations) {
      assert.ok(!found.has(externalUserId), `${externalUserId} comes twice`);
      found.set(externalUserId, amazonId);
    }
    nextToken = data.paginationContext.nextPageToken;
  } while (nextToken && nextToken !== '0');
  assert.deepEqual(found, new Map([...profiles].sort(([a], [b]) => (a < b ? -1 : 1))));

  // The room answers at the front desk.
  const desk = profiles.get('front desk@hotel.example');
  assert.equal((await api.put(users, association('7201', desk))).status, 200);
  const query = { filters: { externalUserIds: ['7201', 'nobody'] } };
  const one = (await api.post(`${users}/query`, query)).data;
  assert.deepEqual(one.accountAssociations, [association('7201', desk)]);

  for (const room of rooms) {
    assert.equal((await api.delete(`${users}/`, { data: { externalUserId: room } })).status, 200);
  }
  assert.equal((await refusal(api.delete(users, { data: { externalUserId: '7201' } }))).status, 404);
  assert.equal((await api.post(`${users}/query`, { filters: {} })).data.paginationContext.totalCount, 0);

  assert.equal((await api.delete(`${providerUrl}/network`)).status, 200);
  assert.equal((await api.delete(providerUrl)).status, 200);
  assert.equal((await refusal(api.get(providerUrl))).status, 404);
});

test('what is wrong is told in the form that clients expect', async () => {
  const url = `${API}/serviceProviders/amzn1.comms.csp.id.${randomUUID()}/externalUsers`;
  const unknown = await refusal(axios.post(url, {}, { headers: { Authorization: 'Bearer nonsense' } }));
  assert.deepEqual(unknown, { status: 401, type: 'UNAUTHORIZED' });
  const api = await authorized();
  assert.deepEqual(await refusal(api.post(url, {})), { status: 404, type: 'NOT_FOUND' });
});
