/** How a server is started. */
export interface Options {
  /** More flags of `jackfield dev`. */
  flags?: readonly string[]
  /** A seed file, whose content comes beside the demo data and comes back with each reset. */
  seed?: string
  /**
   * More environment of the server. `JACKFIELD_…` of this process does not reach it, so that tests are the same on
   * every machine.
   */
  environment?: Readonly<Record<string, string>>
  /** Longest that the start may take, in milliseconds; 30,000 when absent. */
  timeout?: number
}

/** A running server: `jackfield dev --ephemeral` on free ports of this machine. */
export interface Server {
  /** The URL of the public API, without a slash at the end. */
  readonly endpoint: string
  /** The URL of the admin API, without a slash at the end. */
  readonly adminUrl: string
  /** A token that may do everything at the admin API. */
  readonly adminToken: string
  /** The demo client. */
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string
  /** The service provider of the demo data. */
  readonly providerId: string
  /** An access token of the demo client for operations on associations, valid for an hour. A reset leaves it valid. */
  readonly token: string
  /** The URL of the associations of the demo service provider. */
  readonly externalUsersUrl: string
  /** What the server has written to standard error so far. */
  readonly log: string
  /**
   * Makes the content what it was at the start, and ends fault rules, clock offset and journal. Access tokens stay
   * valid. A request in flight is answered before.
   */
  reset(): Promise<void>
  /** Logs in as the demo client. */
  newToken(scope?: string): Promise<string>
  /**
   * Sends a request to the admin API, for example `('POST', '/admin/v1/faults', {…})`; answers the JSON of the
   * response, undefined when it has no body. Rejects when it is refused.
   */
  admin(method: string, path: string, body?: unknown): Promise<any>
  /** Ends the server. Does nothing when it has ended. Rejects when it does not end as it should. */
  stop(): Promise<void>
}

type Hook = (callback: () => Promise<void>) => unknown

/** The hooks of a test runner: `before` and `after` of node:test, `beforeAll` and `afterAll` of Vitest and Jest. */
export type Hooks =
  | { before: Hook; after: Hook; beforeEach: Hook }
  | { beforeAll: Hook; afterAll: Hook; beforeEach: Hook }

/** Starts a server and waits until it is ready. Rejects with its log when it does not become so. */
export declare function startServer(options?: Options): Promise<Server>

/**
 * A server for the tests of a file: started before them, reset before each, stopped after them. Its properties can be
 * read within tests and within hooks that come after this one.
 */
export declare function useServer(hooks: Hooks, options?: Options): Server
