// The helper in Node's own runner, required.
const assert = require('node:assert/strict')
const { after, before, beforeEach, test } = require('node:test')

const { useServer } = require('jackfield/testing')

require('./sample.js').define({ test, equal: assert.equal }, useServer({ before, after, beforeEach }))
