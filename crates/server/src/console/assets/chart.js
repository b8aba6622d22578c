// Small charts of the last hour, as SVG.

import { h, panel, put, s } from '/console/dom.js';
import { time } from '/console/format.js';

const [WIDTH, HEIGHT, TOP, BOTTOM] = [320, 110, 8, 16];
const [SHORTEST, HOUR] = [300e3, 3600e3];

/** A chart with these series: pairs of name and class. `format` shows a value. */
export function chart(title, series, format) {
  const svg = s('svg', { class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${title}, the last hour` });
  const legend = h('div', { class: 'legend' });
  let data = { times: [], values: series.map(() => []) };
  let looked = null;

  /** An hour, or as long as there is something to show. */
  const span = () => Math.min(HOUR, Math.max(SHORTEST, (data.times.at(-1) ?? 0) - (data.times[0] ?? 0)));

  const tell = () => {
    const last = looked ?? data.times.length - 1;
    put(legend, series.map(([name, kind], index) => {
      const value = data.values[index][last];
      return h('span', { class: kind }, h('i', {}), name, ' ', h('b', {}, value === undefined || value === null ? '–' : format(value)));
    }), looked === null ? null : h('span', {}, time(new Date(data.times[looked]).toISOString())));
  };

  const draw = () => {
    const end = data.times.at(-1) ?? Date.now();
    const length = span();
    const start = end - length;
    const most = nice(Math.max(0, ...data.values.flat().filter(value => value !== null)));
    const x = at => (at - start) / length * WIDTH;
    const y = value => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
    const line = values => {
      let path = '';
      let open = false;
      values.forEach((value, index) => {
        if (value === null) { open = false; return; }
        path += `${open ? 'L' : 'M'}${x(data.times[index]).toFixed(1)} ${y(value).toFixed(1)}`;
        open = true;
      });
      return path;
    };
    const first = data.values[0];
    const area = series.length === 1 && first.length > 1 && !first.includes(null)
      ? s('path', { class: 'area', d: `${line(first)}L${x(end).toFixed(1)} ${y(0)}L${x(data.times[0]).toFixed(1)} ${y(0)}Z` }) : null;
    put(svg,
      [0, .5, 1].map(part => s('line', { class: 'grid', x1: 0, x2: WIDTH, y1: y(most * part), y2: y(most * part) })),
      area,
      series.map(([, kind], index) => s('path', { class: kind, d: line(data.values[index]) })),
      looked === null ? null : s('line', { class: 'at', x1: x(data.times[looked]), x2: x(data.times[looked]), y1: TOP, y2: HEIGHT - BOTTOM }));
    put(top, format(most));
    tell();
  };

  const top = h('span', { class: 'muted' });
  const place = event => {
    const box = svg.getBoundingClientRect();
    const end = data.times.at(-1);
    if (end === undefined) return;
    const at = end - span() + (event.clientX - box.left) / box.width * span();
    let best = 0;
    data.times.forEach((one, index) => { if (Math.abs(one - at) < Math.abs(data.times[best] - at)) best = index; });
    looked = best;
    draw();
  };
  svg.addEventListener('pointermove', place);
  svg.addEventListener('pointerleave', () => { looked = null; draw(); });
  return {
    element: panel(title, top, svg, legend),
    update(times, values) {
      data = { times, values };
      if (looked !== null) looked = Math.min(looked, times.length - 1);
      draw();
    },
  };
}

/** The next round number, so that a scale stays the same for a while. */
function nice(value) {
  if (value <= 0) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map(step => step * size).find(step => step >= value);
}
