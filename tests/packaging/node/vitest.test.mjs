// The helper in Vitest.
import { useServer } from 'jackfield/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import sample from './sample.js'

sample.define({ test, equal: (is, wanted) => expect(is).toBe(wanted) }, useServer({ beforeAll, afterAll, beforeEach }))
