// What the types say, checked by the compiler and never run: each runner's hooks fit, and members are what they are.
import { after, before, beforeEach } from 'node:test'
import * as vitest from 'vitest'
import * as jest from '@jest/globals'

import { findBinary } from 'jackfield'
import { startServer, useServer, type Options, type Server } from 'jackfield/testing'

const options: Options = { flags: ['--lenient', 'false'], seed: 'hotel.toml', timeout: 5_000 }
const servers: Server[] = [
  useServer({ before, after, beforeEach }, options),
  useServer(vitest),
  useServer(jest),
  await startServer()
]
const texts: string[] = [findBinary(), ...servers.flatMap((server) => [server.endpoint, server.token, server.log])]
const done: Promise<void>[] = servers.map((server) => server.stop())
await Promise.all(done)
console.log(texts)
// @ts-expect-error: there is no such option
useServer({ before, after, beforeEach }, { port: 80 })
// @ts-expect-error: a runner without a hook between tests
useServer({ before, after })
