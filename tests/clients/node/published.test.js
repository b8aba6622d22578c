// The shapes of requests that published clients of this API family send with axios: empty headers, parameters in the
// query string, numbers where ids are expected, bodies that are not there.
//
// As in onboarding.test.js nothing here knows which server answers.
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import axios from 'axios';

const LOGIN = 'https://api.amazon.com/auth/o2/token';
const { LWA_CLIENT_ID, LWA_CLIENT_SECRET, LWA_REFRESH_TOKEN } = process.env;

const credentials = { client_id: LWA_CLIENT_ID, client_secret: LWA_CLIENT_SECRET };
const refresh = { grant_type: 'refresh_token', refresh_token: LWA_REFRESH_TOKEN, ...credentials };

/** What the command line client sends: a form with scopes in brackets, and headers with nothing in them. */
async function login(headers = {}) {
  const form = new URLSearchParams(refresh);
  form.append('scope[0]', 'alexa::enterprise:management');
  form.append('scope[1]', 'credential_locker::wifi_management');
  form.append('scope[2]', 'profile');
  const { status, data } = await axios.request({
    method: 'post',
    maxBodyLength: Infinity,
    url: LOGIN,
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Authorization: '',
      'Asp-Cli': '',
      ...headers,
    },
    data: form.toString(),
  });
  assert.equal(status, 200);
  assert.match(data.access_token, /^Atza\|/);
  assert.equal(data.expires_in, 3600);
  return data.access_token;
}

/** The client with its defaults: JSON for POST and PUT, no type for the rest, an empty body reads as a status. */
async function client() {
  const api = axios.create({ baseURL: 'https://api.amazonalexa.com' });
  api.defaults.headers.common.Authorization = `Bearer ${await login()}`;
  api.defaults.headers.common['Asp-Cli'] = 'v1.0.0';
  api.defaults.headers.post['Content-Type'] = 'application/json';
  api.defaults.headers.put['Content-Type'] = 'application/json';
  return async (method, url, data) => {
    try {
      const response = await api({ method, url, data });
      return { statuscode: response.status, ...(response.data || {}) };
    } catch (error) {
      assert.ok(error.response, String(error));
      return { statuscode: error.response.status, ...error.response.data };
    }
  };
}

test('login with empty headers and scopes in brackets', async () => {
  await login();
  await login({ Accept: 'application/x-www-form-urlencoded' });
});

test('login with the parameters in the query string and an empty body', async () => {
  const config = (params) => ({ headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, params });
  for (const body of [{}, '', null, '{}']) {
    const { status, data } = await axios.post(LOGIN, body, config(refresh));
    assert.equal(status, 200);
    assert.match(data.access_token, /^Atza\|/);
  }
  // A code that nobody gave: what is wrong is the code, not that there is no redirect_uri.
  const grant = { ...credentials, code: 'nonsense', grant_type: 'authorization_code' };
  const error = await axios.post(LOGIN, {}, config(grant)).then(assert.fail, (thrown) => thrown);
  assert.equal(error.response.status, 400);
  assert.equal(error.response.data.error, 'invalid_grant');
});

test('operations as the command line client sends them', async () => {
  const call = await client();
  const providers = '/v1/communications/serviceProviders';
  // Its names are one letter long.
  const displayName = (letters) => [{ locale: 'en-US', value: letters[0] }];
  const made = await call('post', providers, {
    serviceProviderLogicalId: `desk-${randomUUID()}`,
    displayName: displayName('Front desk'),
  });
  assert.equal(made.statuscode, 201);
  const provider = `${providers}/${made.serviceProviderId}`;
  const bare = await call('post', providers, { serviceProviderLogicalId: randomUUID(), displayName: [{ locale: 'en-US' }] });
  assert.equal(bare.statuscode, 201);
  assert.equal((await call('put', provider, { displayName: displayName('Bar') })).statuscode, 200);
  for (const nothing of [undefined, {}, { displayName: [{ locale: 'en-US' }] }]) {
    assert.equal((await call('put', provider, nothing)).statuscode, 200);
  }
  assert.deepEqual((await call('get', provider)).displayName, displayName('Bar'));

  const network = { networkType: 'SKILL', skillConfiguration: { skillId: `amzn1.ask.skill.${randomUUID()}` } };
  assert.equal((await call('post', `${provider}/network`, network)).statuscode, 201);
  assert.equal((await call('put', `${provider}/network`, network)).statuscode, 200);
  assert.equal((await call('get', `${provider}/network`)).networkType, 'SKILL');

  const unit = () => `amzn1.alexa.unit.did.${randomUUID()}`;
  const entity = { type: 'UNIT', id: unit() };
  const profile = await call('post', '/v1/communications/profile/', { entity, name: undefined });
  assert.equal(profile.statuscode, 201);
  const { profileId } = profile.profileId;
  const found = await call('get', `/v1/communications/profile?entity.type=UNIT&entity.id=${entity.id}`);
  assert.equal(found.profileId.profileId, profileId);
  const items = [{ itemId: 1 }, { itemId: 'uniqueRequestItemId2' }].map((own) => ({
    ...own,
    entity: { type: 'UNIT', id: unit() },
    name: 'Room',
  }));
  const batch = await call('post', '/v1/communications/profiles/batch', { items });
  assert.equal(batch.statuscode, 200);
  assert.deepEqual(batch.items.map((own) => own.itemId), [1, 'uniqueRequestItemId2']);

  // Arguments that look like numbers are numbers.
  const users = `${provider}/externalUsers`;
  const room = randomInt(1_000, 10_000);
  const association = { externalUserId: room, amazonId: profileId, amazonIdType: 'communication-profile' };
  assert.equal((await call('post', users, association)).statuscode, 201);
  assert.deepEqual(await call('post', users, association), {
    statuscode: 409,
    type: 'CONFLICT',
    message: (await call('post', users, association)).message,
  });
  assert.equal((await call('put', users, association)).statuscode, 200);
  for (const ids of [[room], [`${room}`]]) {
    const page = await call('post', `${users}/query`, { filters: { externalUserIds: ids } });
    assert.equal(page.accountAssociations[0].externalUserId, `${room}`);
  }
  // It sends its query to the wrong place, and is told the right one.
  const lost = await call('post', users, { filters: { externalUserIds: [`${room}`] } });
  assert.equal(lost.statuscode, 400);
  assert.match(lost.message, /externalUsers\/query/);

  assert.equal((await call('delete', users, { externalUserId: room })).statuscode, 200);
  assert.equal((await call('delete', `/v1/communications/profile/${profileId}`)).statuscode, 200);
  assert.equal((await call('delete', `${provider}/network`)).statuscode, 200);
  assert.equal((await call('delete', provider)).statuscode, 200);
});
