export { startServer, useServer } from './testing.cjs'
export type { Hooks, Options, Server } from './testing.cjs'
