// Changes as they are made: the stream of the admin API while the page is looked at, or pages of the record where there is no place
// for another stream.

import { get, query, seen, send, sleep } from '/console/api.js';

/** Longest without a word, in milliseconds. The server speaks every 15 seconds. */
const SILENCE = 40000;
/** Between two pages. */
const LOOK = 2000;
/** Before a stream is opened again: doubles with each failure from the first to the last. */
const PAUSES = [1000, 30000];

/** Tells the changes after a place, and how far that is, until `signal` says so. */
export async function follow(signal, filters, after, tell) {
  const place = { after };
  const told = (changes, last) => {
    if (signal.aborted) return;
    place.after = last;
    tell(changes, last);
  };
  let [pause] = PAUSES;
  while (!signal.aborted) {
    if (document.hidden) await seen(signal);
    // An end that the page made itself is none of the server's.
    const open = new AbortController();
    const close = () => { if (signal.aborted || document.hidden) open.abort(); };
    signal.addEventListener('abort', close);
    document.addEventListener('visibilitychange', close);
    close();
    try {
      await stream(open, filters, place, (changes, last) => { [pause] = PAUSES; told(changes, last); });
    } catch (error) {
      if (error.status === 401 || error.status === 403) return;
      if (error.status === 503) await pages(signal, filters, place, told);
    } finally {
      signal.removeEventListener('abort', close);
      document.removeEventListener('visibilitychange', close);
    }
    if (open.signal.aborted) continue;
    await sleep(pause, signal);
    pause = Math.min(2 * pause, PAUSES[1]);
  }
}

/** Reads one stream to its end. */
async function stream(open, filters, place, tell) {
  const headers = { 'Accept': 'text/event-stream', 'Last-Event-ID': String(place.after) };
  const { body } = await send('GET', `/changes${query(filters)}`, undefined, { headers, signal: open.signal });
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; ;) {
    const silent = setTimeout(() => open.abort(), SILENCE);
    const { value, done } = await reader.read().finally(() => clearTimeout(silent));
    if (done) return;
    const blocks = (text + value).split('\n\n');
    text = blocks.pop();
    const changes = [];
    let last = place.after;
    for (const block of blocks) {
      const event = Object.fromEntries(block.split('\n').map(line => /^([^:]*):? ?(.*)$/s.exec(line).slice(1)));
      if (event.id) last = Number(event.id);
      if (event.event === 'change') changes.push(JSON.parse(event.data));
    }
    tell(changes, last);
  }
}

/** Asks for pages for a while. */
async function pages(signal, filters, place, tell) {
  for (const end = Date.now() + PAUSES[1]; !signal.aborted && !document.hidden && Date.now() < end;) {
    try {
      const page = await get(`/changes${query({ ...filters, after: place.after, limit: 1000 })}`, { signal });
      tell(page.changes, page.next_after);
    } catch (error) {
      if (error.status === 401) return;
    }
    await sleep(LOOK, signal);
  }
}
