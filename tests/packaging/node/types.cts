// The same for `require`.
import testing = require('jackfield/testing')

export const server: Promise<testing.Server> = testing.startServer({ environment: { JACKFIELD_LOG_LEVEL: 'debug' } })
