// Import: a list becomes associations. It is looked at, planned and applied by a job of the server, which goes on when
// this page is closed.

import { api, at, get, keep, may, query, remove } from '/console/api.js';
import { button, confirm, empty, h, head, panel, problem, put, toast } from '/console/dom.js';
import { bytes, fullTime, time } from '/console/format.js';
import { job, words } from '/console/import-job.js';
import { scope } from '/console/scope.js';

const LARGEST = 32 * 1024 * 1024;

/** The badge of a state. */
const LOOK = { uploaded: '', planning: 'info', planned: 'info', applying: 'info', done: 'ok', stopped: 'bad' };
const badge = one => {
  const bad = one.state === 'done' && (one.report.failed > 0 || one.report.different > 0);
  return h('span', { class: `badge ${bad ? 'warn' : LOOK[one.state]}` }, one.state);
};

export async function show(main, parameters, signal) {
  const id = parameters.get('id');
  if (id) return job(main, id, signal, badge);
  const list = h('div', {});
  const state = { provider: null, shown: '' };
  const parts = await scope(parameters, (organization, provider) => { state.provider = provider; draw(); });
  if (signal.aborted) return;
  const place = h('div', {});
  const draw = () => put(place, !state.provider
    ? empty('There is no service provider here yet.', h('a', { href: '#/accounts', class: 'button' }, 'Make one in Accounts'))
    : may('admin') ? drop(state) : h('p', { class: 'notice' }, 'Your role may look at imports, and not begin one.'));
  put(main,
    head('Import', 'A list of rooms or phones becomes the associations of a service provider. You see what would change before anything does.'),
    h('div', { class: 'bar' }, parts.fields), place,
    panel('Imports', null, list));
  parts.start();
  await keep(signal, 2000, async () => {
    const { imports } = await get('/imports', { signal });
    const text = JSON.stringify(imports);
    if (text !== state.shown) drawList(list, imports);
    state.shown = text;
  });
}

/** Where a file is dropped, or chosen. */
function drop(state) {
  const input = h('input', { type: 'file', class: 'sr', id: 'list', accept: '.csv,.tsv,.tab,.txt,.jsonl,.ndjson,.gz,.xlsx,.xlsm,.xlsb,.xls,.ods' });
  const note = h('div', { 'aria-live': 'polite' });
  const area = h('div', { class: 'drop' },
    input, h('p', { class: 'big' }, 'Drop a list here, or ', h('label', { for: 'list', class: 'link' }, 'choose a file')),
    h('p', { class: 'muted' }, 'CSV, TSV, JSON Lines or a workbook (.xlsx, .xlsm, .xlsb, .xls, .ods), up to 32 MiB. Nothing is changed by the upload.'), note);
  const take = async file => {
    if (!file) return;
    if (file.size > LARGEST) return put(note, problem(new Error(`${file.name} has ${bytes(file.size)}; 32 MiB is the most here. jackfield sync takes larger lists.`)));
    put(note, h('p', {}, `Uploading ${file.name} (${bytes(file.size)})…`), h('progress', { 'aria-label': 'Upload' }));
    try {
      const made = await api('POST', `/serviceProviders/${at(state.provider.id)}/imports${query({ name: file.name })}`, file);
      location.hash = `#/import?id=${made.id}`;
    } catch (error) {
      put(note, problem(error));
    }
    input.value = '';
  };
  input.addEventListener('change', () => take(input.files[0]));
  for (const name of ['dragenter', 'dragover']) {
    area.addEventListener(name, event => { event.preventDefault(); area.classList.add('over'); });
  }
  area.addEventListener('dragleave', () => area.classList.remove('over'));
  area.addEventListener('drop', event => {
    event.preventDefault();
    area.classList.remove('over');
    take(event.dataTransfer.files[0]);
  });
  return area;
}

function drawList(place, imports) {
  if (imports.length === 0) return put(place, empty('No import yet. The last 20 are kept.'));
  put(place, h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Imports' }, h('table', {},
    h('thead', {}, h('tr', {}, ['List', 'State', 'Changes', 'By', 'When', ''].map(name => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, imports.map(one => h('tr', {},
      h('td', {}, h('a', { href: `#/import?id=${one.id}` }, one.name)),
      h('td', {}, badge(one), one.progress?.total ? ` ${Math.floor(one.progress.done / one.progress.total * 100)} %` : ''),
      h('td', {}, brief(one)),
      h('td', {}, one.actor.replace(/^admin:?/, '') || 'bootstrap'),
      h('td', { class: 'time', title: fullTime(one.changed) }, time(one.changed)),
      h('td', {}, may('admin') && button('Remove', () => confirm(`Remove ${one.name}?`, ['The list and its report go; associations stay as they are.'], 'Remove', async () => {
        await remove(`/imports/${one.id}`);
        toast(`${one.name} was removed.`);
      }), { class: 'small', 'aria-label': `Remove ${one.name}`, disabled: ['planning', 'applying'].includes(one.state) }))))))));
}

function brief(one) {
  if (one.report) {
    const { done, failed, left } = one.report;
    return words([[done.create, 'created'], [done.update, 'updated'], [done.delete, 'deleted'], [failed, 'failed'], [left, 'left']]) || 'nothing to do';
  }
  if (one.plan) {
    const { counts, invalid } = one.plan;
    return words([[counts.create, 'to create'], [counts.update, 'to update'], [counts.delete, 'to delete'], [invalid, 'not valid']]) || 'nothing to do';
  }
  return one.problem ?? '–';
}
