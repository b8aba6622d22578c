'use strict'
// A server for tests: started on free ports, reset between tests, stopped at the end. Types and what each member
// means: testing.d.cts.

const { spawn } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const { createInterface } = require('node:readline')

const { findBinary } = require('./binary.cjs')

const PROVIDER_SCOPE = 'amazon_communication::service_provider'
const READY = /^ready public=(\S+) admin=(\S+) store=\S+/
/** Longest that one request of this module may take. */
const REQUEST_TIMEOUT = 30_000
/** Longest that a server may take to end: it finishes what is in flight within 10 s. */
const STOP_TIMEOUT = 20_000

class RunningServer {
  #process
  #ended
  #log = []
  #kill = () => this.#process.kill('SIGKILL')

  constructor(options) {
    this.adminToken = randomBytes(24).toString('base64url')
    const seed = options.seed === undefined ? [] : ['--seed', options.seed]
    const listen = ['--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0']
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('JACKFIELD_'))
    this.#process = spawn(findBinary(), ['dev', '--ephemeral', ...listen, ...seed, ...(options.flags ?? [])], {
      env: { ...Object.fromEntries(inherited), ...options.environment, JACKFIELD_ADMIN_TOKEN: this.adminToken },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.#process.stderr.on('data', (part) => this.#log.push(part))
    this.#ended = new Promise((resolve) => {
      this.#process.on('error', (error) => resolve(error.message))
      this.#process.on('close', (code, signal) => resolve(signal ?? code))
    })
    // A test run that ends without `stop` leaves no server behind.
    process.on('exit', this.#kill)
    this.#ended.then(() => process.off('exit', this.#kill))
  }

  async begin(timeout) {
    try {
      ;[this.endpoint, this.adminUrl] = await this.#ready(timeout)
      const demo = await this.admin('GET', '/admin/v1/demo')
      this.clientId = demo.client_id
      this.clientSecret = demo.client_secret
      this.refreshToken = demo.refresh_token
      this.providerId = demo.service_provider_id
      this.token = await this.newToken()
      return this
    } catch (error) {
      this.#kill()
      throw error
    }
  }

  get externalUsersUrl() {
    return `${this.endpoint}/v1/communications/serviceProviders/${this.providerId}/externalUsers`
  }

  get log() {
    return Buffer.concat(this.#log).toString()
  }

  async reset() {
    await this.admin('POST', '/admin/v1/reset')
  }

  async newToken(scope = PROVIDER_SCOPE) {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      scope,
      client_id: this.clientId,
      client_secret: this.clientSecret
    })
    const answer = await this.#send('POST', new URL('/auth/o2/token', this.endpoint), form, {})
    return answer.access_token
  }

  admin(method, path, body) {
    const headers = { authorization: `Bearer ${this.adminToken}`, 'content-type': 'application/json' }
    const content = body === undefined ? undefined : JSON.stringify(body)
    return this.#send(method, new URL(path, this.adminUrl), content, headers)
  }

  async stop() {
    this.#process.kill('SIGTERM')
    const timer = setTimeout(this.#kill, STOP_TIMEOUT)
    const status = await this.#ended
    clearTimeout(timer)
    if (status !== 0) throw new Error(`jackfield ended with ${status}:\n${this.log}`)
  }

  async #send(method, url, body, headers) {
    const response = await fetch(url, { method, body, headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT) })
    const text = await response.text()
    // Neither query nor headers: they may hold what is secret.
    if (!response.ok) throw new Error(`${method} ${url.pathname}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  async #ready(timeout) {
    // The lines are read on afterwards, so that the server never waits for a full pipe.
    const lines = createInterface({ input: this.#process.stdout })
    const ready = new Promise((resolve) => {
      lines.on('line', (line) => {
        const found = READY.exec(line)
        if (found) resolve(found.slice(1))
      })
    })
    let timer
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(`is not ready after ${timeout} ms`), timeout)
    })
    const ended = this.#ended.then((status) => `ended with ${status}`)
    const outcome = await Promise.race([ready, ended, late])
    clearTimeout(timer)
    if (typeof outcome === 'string') throw new Error(`jackfield ${outcome}:\n${this.log}`)
    return outcome
  }
}

async function startServer(options = {}) {
  return new RunningServer(options).begin(options.timeout ?? 30_000)
}

function useServer(hooks, options = {}) {
  const first = hooks.before ?? hooks.beforeAll
  const last = hooks.after ?? hooks.afterAll
  let server
  first(async () => {
    server = await startServer(options)
  })
  hooks.beforeEach(async () => {
    await server.reset()
  })
  last(async () => {
    await server?.stop()
  })
  return new Proxy(Object.create(null), {
    get(_, name) {
      if (!server) throw new Error(`the server is not started yet: read ${String(name)} within a test or a hook`)
      const value = server[name]
      return typeof value === 'function' ? value.bind(server) : value
    }
  })
}

module.exports = { startServer, useServer }
