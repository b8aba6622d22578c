// The same for `import`.
import testing from './testing.cjs'

export const { startServer, useServer } = testing
