// A real OAuth server for the tests of foreign token issuers.
//
//   node server.js PORT STATE_FILE CLIENT_ID CLIENT_SECRET
//
// Keys and opaque tokens live in STATE_FILE, so that a server that was killed goes on with them. Prints
// "ready URL" when it accepts. POST /test/rotate makes a new signing key and forgets the old one.
// Resources: urn:test:jwt (RS256), urn:test:jwt-es (ES256), urn:test:opaque, urn:test:short (a JWT of 3 s).

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const [port, stateFile, clientId, clientSecret] = process.argv.slice(2);
const SCOPES = 'amazon_communication::service_provider profile';

const state = existsSync(stateFile)
  ? JSON.parse(readFileSync(stateFile, 'utf8'))
  : { keys: newKeys(), tokens: {} };
save();

function newKeys() {
  const key = (type, options, alg) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
    kid: randomUUID(),
    use: 'sig',
    alg,
  });
  return [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')];
}

function save() {
  writeFileSync(`${stateFile}.new`, JSON.stringify(state));
  renameSync(`${stateFile}.new`, stateFile);
}

// What the provider stores, by model and id. Only what the client credentials grant needs.
class FileAdapter {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    state.tokens[this.key(id)] = payload;
    save();
  }

  async find(id) {
    return state.tokens[this.key(id)];
  }

  async destroy(id) {
    delete state.tokens[this.key(id)];
    save();
  }

  async consume() {}

  async findByUid() {}

  async findByUserCode() {}

  async revokeByGrantId() {}
}

const RESOURCES = {
  'urn:test:jwt': { accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256' } } },
  'urn:test:jwt-es': { accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } },
  'urn:test:short': { accessTokenFormat: 'jwt', accessTokenTTL: 3, jwt: { sign: { alg: 'RS256' } } },
  'urn:test:opaque': { accessTokenFormat: 'opaque', accessTokenTTL: 600 },
};

function newProvider(issuer) {
  const provider = new Provider(issuer, {
    adapter: FileAdapter,
    jwks: { keys: state.keys },
    scopes: SCOPES.split(' '),
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: 'resource-server',
        client_secret: 'resource-server-secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: 'unregistered',
        client_secret: 'unregistered-secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async () => true },
      revocation: { enabled: true, allowedPolicy: async () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async (_, resource) => ({
          scope: SCOPES,
          audience: resource,
          ...RESOURCES[resource],
        }),
      },
    },
  });
  return provider.callback();
}

let handle;
const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/test/rotate') {
    state.keys = newKeys();
    save();
    handle = newProvider(issuer);
    response.end();
    return;
  }
  handle(request, response);
});
let issuer;
server.listen(Number(port), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  handle = newProvider(issuer);
  console.log(`ready ${issuer}`);
});
