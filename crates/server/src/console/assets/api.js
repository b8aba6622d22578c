// The admin API, as the console speaks it: with the cookie of the session, and the header that goes with it.

/** What the server refused, in its own words. */
export class Refused extends Error {
  constructor(status, body, requestId) {
    super(body?.message ?? `The server answered ${status}.`);
    this.status = status;
    this.kind = body?.type;
    this.requestId = requestId;
  }
}

/** Sends a request to the admin API; answers the JSON of the answer. */
export async function api(method, path, body, options) {
  return content(await send(method, path, body, options));
}

/** Sends a request to the admin API; answers the answer, whose body is still to be read. */
export async function send(method, path, body, options = {}) {
  const headers = { 'X-Jackfield-Console': '1', ...options.headers };
  let answer;
  try {
    answer = await fetch(`/admin/v1${path}`, {
      method,
      headers,
      body: body === undefined || typeof body === 'string' || body instanceof Blob ? body : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: options.signal,
      keepalive: options.keepalive,
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused(0, { message: 'The server cannot be reached.' });
  }
  if (answer.ok) return answer;
  const refused = new Refused(answer.status, await content(answer), answer.headers.get('X-Amzn-RequestId'));
  if (answer.status === 401 && !options.signingIn) window.dispatchEvent(new Event('signed-out'));
  throw refused;
}

async function content(answer) {
  const text = await answer.text();
  return text && answer.headers.get('Content-Type')?.startsWith('application/json') ? JSON.parse(text) : text;
}

export const get = (path, options) => api('GET', path, undefined, options);
export const post = (path, body) => api('POST', path, body);
export const put = (path, body) => api('PUT', path, body);
export const patch = (path, body) => api('PATCH', path, body);
export const remove = (path, body) => api('DELETE', path, body);

/** A query string of what has a value. */
export function query(parameters) {
  const wanted = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const text = new URLSearchParams(wanted).toString();
  return text ? `?${text}` : '';
}

/** An id in a path. */
export const at = id => encodeURIComponent(id);

/** Every object of a list, page by page, at most so many. */
export async function all(path, most = 5000) {
  const items = [];
  let after;
  do {
    const page = await get(path + query({ limit: 1000, after }));
    items.push(...page.items);
    after = page.next_after;
  } while (after && items.length < most);
  return items;
}

/** Calls again and again while the page is looked at; ends when `signal` says so. */
export async function keep(signal, pause, act) {
  while (!signal.aborted) {
    if (document.hidden) await seen(signal);
    let failed = false;
    try {
      await act();
    } catch (error) {
      if (signal.aborted || error.name === 'AbortError') return;
      if (error.status === 401) return;
      failed = true;
    }
    await sleep(failed ? Math.max(pause, 2000) : pause, signal);
  }
}

/** Waits until the page is looked at. */
export function seen(signal) {
  return new Promise(resolve => {
    const look = () => {
      if (!document.hidden || signal.aborted) {
        document.removeEventListener('visibilitychange', look);
        resolve();
      }
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
  });
}

export function sleep(milliseconds, signal) {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

const RANKS = ['viewer', 'operator', 'admin'];
export const session = { name: '', role: 'viewer', expires: null };

/** Whether the session may do what takes this role. */
export const may = role => RANKS.indexOf(session.role) >= RANKS.indexOf(role);
