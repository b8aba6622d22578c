// What was said in a call: a table that grows and is corrected in place.

import { h, statusBadge, table } from '/console/dom.js';
import { fullTime, time } from '/console/format.js';

const STATES = { initiated: 'initiated', ringing: 'ringing', in_progress: 'in progress', accepted: 'accepted', ended: 'ended' };
const KINDS = { ringing: 'warn', in_progress: 'info', accepted: 'ok' };

/** How far a call is. */
export const stateBadge = state => h('span', { class: `badge ${KINDS[state] ?? ''}` }, STATES[state] ?? state);

/** The short name of a message. */
export const nameOf = entry => entry.type.split('.').pop();

/** The table; `update(entries)` puts what changed. */
export function transcript() {
  const element = table('Transcript', ['Time', 'Way', 'Message', 'Status', 'State'], []);
  const rows = new Map();
  element.update = (entries, left = 0) => {
    for (const entry of entries) {
      const text = JSON.stringify(entry);
      const shown = rows.get(entry.number);
      if (shown?.text === text) continue;
      const row = line(entry);
      if (shown) {
        const open = shown.row.querySelector('details')?.open;
        if (open) row.querySelector('details')?.setAttribute('open', '');
        shown.row.replaceWith(row);
      } else element.body.append(row);
      rows.set(entry.number, { text, row });
    }
    if (left && !element.gap) element.append(element.gap = h('p', { class: 'muted' }, 'Some entries of this long call are left out.'));
  };
  return element;
}

function line(entry) {
  const to = entry.direction === 'to_skill';
  return h('tr', {},
    h('td', { class: 'time', title: fullTime(entry.time) }, time(entry.time)),
    h('td', { class: 'way' }, to ? 'to skill' : 'from cloud'),
    h('td', {}, h('strong', {}, nameOf(entry)), entry.note && h('div', { class: 'muted wrap' }, entry.note), entry.sdp && description(entry.sdp)),
    h('td', {}, entry.status ? statusBadge(entry.status) : h('span', { class: 'muted' }, '–')),
    h('td', {}, entry.stateBefore !== entry.state
      ? h('span', { class: 'row' }, stateBadge(entry.stateBefore), h('span', { class: 'sr' }, ' to '), stateBadge(entry.state))
      : stateBadge(entry.state)));
}

/** A session description, folded: its media and candidates are said before. */
function description(sdp) {
  const lines = sdp.split(/\r?\n/);
  const media = lines.filter(one => one.startsWith('m=')).map(one => one.slice(2).split(' ')[0]).join(', ');
  const candidates = lines.filter(one => one.startsWith('a=candidate:')).length;
  return h('details', {}, h('summary', {}, `SDP: ${media || 'no media'}, ${candidates} candidate${candidates === 1 ? '' : 's'}`),
    h('pre', { class: 'code' }, sdp.trimEnd()));
}
