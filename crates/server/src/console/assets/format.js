// How values are shown: times in the reader's zone, numbers in the reader's way.

const numbers = new Intl.NumberFormat();
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, {
  year: 'numeric', month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
});

export const number = value => numbers.format(value);

/** A time as text: the clock alone for today. */
export function time(text) {
  const date = new Date(text);
  return date.toDateString() === new Date().toDateString() ? clock.format(date) : day.format(date);
}

/** A time with its day and zone. */
export function fullTime(text) {
  return new Date(text).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
}

export function bytes(value) {
  if (value === null || value === undefined) return '–';
  let [size, unit] = [value, 0];
  while (size >= 1024 && unit < 4) [size, unit] = [size / 1024, unit + 1];
  return `${size >= 10 || unit === 0 ? Math.round(size) : size.toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

export function micros(value) {
  if (value === null || value === undefined) return '–';
  if (value < 1000) return `${Math.round(value)} µs`;
  if (value < 1e6) return `${(value / 1000).toFixed(value < 10000 ? 1 : 0)} ms`;
  return `${(value / 1e6).toFixed(1)} s`;
}

/** A span of seconds: the two largest units. */
export function span(seconds) {
  const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const parts = [];
  let rest = Math.abs(Math.round(seconds));
  for (const [size, name] of units) {
    if (rest >= size) parts.push(`${Math.floor(rest / size)} ${name}`);
    rest %= size;
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}

/** The end of an id, which tells it from others. */
export function short(id, length = 14) {
  return id.length > length + 1 ? `…${id.slice(-length)}` : id;
}

/** JSON as people read it; other text as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(typeof text === 'string' ? JSON.parse(text) : text, null, 2);
  } catch {
    return text;
  }
}

/** A word of a shell. */
export const quoted = text => `'${String(text).replaceAll("'", "'\\''")}'`;
