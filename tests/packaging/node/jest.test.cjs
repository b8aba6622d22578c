// The helper in Jest.
const { useServer } = require('jackfield/testing')

const equal = (is, wanted) => expect(is).toBe(wanted)
require('./sample.js').define({ test, equal }, useServer({ beforeAll, afterAll, beforeEach }))
