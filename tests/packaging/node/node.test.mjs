// The helper in Node's own runner, imported.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'

import { findBinary } from 'jackfield'
import { startServer, useServer } from 'jackfield/testing'

import sample from './sample.js'

sample.define({ test, equal: assert.equal }, useServer({ before, after, beforeEach }))

test('a failure says why', async () => {
  await assert.rejects(startServer({ flags: ['--no-such-flag'] }), /--no-such-flag/)
  assert.match(findBinary(), /linux-\w+\/bin\/jackfield$/)
})
