// What users of the helper write, for any test runner: the hooks and the rest come from it.

const profile = 'amzn1.alexa.communications.profile.did.1234'

async function send(server, method, path, body) {
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }
  return fetch(server.externalUsersUrl + path, { method, headers, body: JSON.stringify(body) })
}

async function associate(server, room) {
  const body = { externalUserId: room, amazonId: profile, amazonIdType: 'communication-profile' }
  return (await send(server, 'POST', '', body)).status
}

/** Defines the tests. `equal` compares two values. */
exports.define = ({ test, equal }, server) => {
  // The same room twice: without the reset between them the second is a conflict.
  for (const time of ['once', 'again']) {
    test(`each test begins with the demo data, ${time}`, async () => {
      equal(await associate(server, '7201'), 201)
      equal(await associate(server, '7201'), 409)
      const found = await (await send(server, 'POST', '/query', { filters: {} })).json()
      equal(found.paginationContext.totalCount, 4)
    })
  }
  test('operators can be played', async () => {
    await server.admin('PUT', '/admin/v1/maintenance', { enabled: true, retry_after: 7 })
    equal(await associate(server, '7202'), 503)
    await server.reset()
    equal(await associate(server, '7202'), 201)
    const refused = await server.admin('GET', '/admin/v1/nothing').catch((error) => error.message)
    equal(refused.includes('404'), true)
    equal(server.log.includes(server.clientSecret), false)
    equal((await server.newToken()) === server.token, false)
  })
}
