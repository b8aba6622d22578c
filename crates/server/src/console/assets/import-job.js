// One import: the list, the plan, and what becomes of it.

import { all, api, at, get, keep, may, post } from '/console/api.js';
import { button, check, confirm, download, field, h, head, panel, pairs, problem, put, select, table } from '/console/dom.js';
import { bytes, fullTime, number } from '/console/format.js';

const PROFILE = 'amzn1.alexa.communications.profile.did.';
const ENCODINGS = [['', 'found out'], ['utf-8', 'UTF-8'], ['windows-1252', 'Windows-1252 (Western)'], ['windows-1250', 'Windows-1250 (Central European)'],
  ['iso-8859-15', 'ISO 8859-15'], ['macintosh', 'Macintosh'], ['utf-16le', 'UTF-16'], ['shift_jis', 'Shift JIS'], ['gb18030', 'GB 18030']];
const DELIMITERS = [['', 'found out'], [',', 'comma ,'], [';', 'semicolon ;'], ['tab', 'tab'], ['|', 'bar |']];
const DOUBTS = [['powers', 'powers of ten (4.9E+11)'], ['formulas', 'formulas (=A1)'], ['errors', 'errors (#N/A)'], ['decimals', 'whole numbers with .0'],
  ['dates', 'dates'], ['booleans', 'TRUE and FALSE'], ['characters', 'unusual characters'], ['look-alikes', 'values that look alike']];
/** What the options of the command line are called here. */
const OPTIONS = {
  'id-column': 'Endpoint column', 'amazon-id-column': 'Profile column', encoding: 'Encoding', sheet: 'Sheet', clean: 'Clean values', allow: 'Take as they are:',
  'until-blank-row': 'End at the first blank row', 'header-row': 'Header in line', 'no-header': 'No header', 'expect-rows': 'At least so many rows',
};
const plain = text => text.replace(/--([a-z-]+)/g, (whole, name) => (OPTIONS[name] ? `“${OPTIONS[name]}”` : whole));

/** Counts with their words, without those of nothing. */
export const words = pairsOf => pairsOf.filter(([count]) => count > 0).map(([count, word]) => `${number(count)} ${word}`).join(', ');

export async function job(main, id, signal, badge) {
  const state = { id, import: null, reading: {}, organization: null };
  const [title, list, plan, result] = [1, 2, 3, 4].map(() => h('div', {}));
  put(main, title, list, plan, result);
  const order = one => {
    // What became of it comes first, once there is something to tell.
    if (one.report) put(main, title, result, plan, list);
  };
  const look = async () => {
    const one = await get(`/imports/${at(id)}`, { signal });
    if (signal.aborted) return;
    const before = state.import;
    state.import = one;
    if (JSON.stringify(before) === JSON.stringify(one)) return;
    if (!before) {
      order(one);
      state.reading = { ...one.wanted?.reading };
      const provider = await get(`/serviceProviders/${at(one.service_provider_id)}`, { signal });
      state.provider = provider;
      state.clients = await all(`/organizations/${at(provider.organization_id)}/clients`);
      state.wanted = { client: one.wanted?.client_id ?? state.clients.find(able)?.id, missing: one.wanted?.delete_missing ?? false, most: one.wanted?.max_delete ?? '' };
    }
    if (signal.aborted) return;
    const moved = !before || before.state !== one.state || before.changed !== one.changed;
    if (moved) put(title, top(state, badge));
    if (!before && may('admin')) await lookAt(list, state, signal, plan);
    if (moved) drawPlan(plan, state, look);
    drawResult(result, state, look, moved);
    if (before && moved && main.firstElementChild.nextElementSibling !== result) (one.state === 'planned' ? plan : result).scrollIntoView({ block: 'start' });
  };
  state.look = look;
  await look();
  keep(signal, 700, look);
}

const able = client => client.enabled && client.scopes.includes('amazon_communication::service_provider');

function top(state, badge) {
  const one = state.import;
  return [
    h('p', {}, h('a', { href: '#/import' }, '← All imports')),
    head(one.name, null, badge(one)),
    h('p', { class: 'muted' }, `${bytes(one.bytes)} for ${state.provider.logical_id}, uploaded ${fullTime(one.created)}.`),
  ];
}

/** The list: how it is read, and what its beginning shows. */
async function lookAt(place, state, signal, plan) {
  const shown = h('div', { 'aria-live': 'polite', 'aria-busy': 'true' }, h('p', { class: 'muted' }, 'Reading the list…'));
  put(place, panel('1. The list', null, shown));
  let turn = 0;
  const again = async (more = {}) => {
    Object.assign(state.reading, more);
    for (const [name, value] of Object.entries(state.reading)) {
      if (value === '' || value === false || value === null || (Array.isArray(value) && value.length === 0)) delete state.reading[name];
    }
    const mine = ++turn;
    shown.setAttribute('aria-busy', 'true');
    let preview;
    try {
      preview = await post(`/imports/${at(state.id)}/preview`, state.reading);
    } catch (error) {
      if (mine === turn && !signal.aborted) put(shown, problem(error), button('Read it as before', () => { state.reading = {}; return again(); }));
      return;
    }
    if (mine !== turn || signal.aborted) return;
    // What the library would only suggest is shown as chosen, for people to look at: nothing is changed by it.
    const { suggested_id_column: id, suggested_amazon_id_column: profile } = preview;
    if (preview.refused && !state.suggested && (id || profile)) {
      state.suggested = true;
      return again({ id_column: id && preview.columns[id - 1], amazon_id_column: profile && preview.columns[profile - 1] });
    }
    shown.setAttribute('aria-busy', 'false');
    state.preview = preview;
    const focus = document.activeElement?.id;
    put(shown, facts(preview), choices(state, preview, again), beginning(state, preview), verdict(state, preview));
    if (focus && shown.querySelector(`#${CSS.escape(focus)}`)) document.getElementById(focus).focus();
    if (!state.import.progress) drawPlan(plan, state, state.look);
  };
  await again();
}

function facts(preview) {
  const parts = [preview.format || 'Not understood yet', preview.encoding, preview.sheet && `sheet “${preview.sheet}”`,
    preview.delimiter && !preview.sheets?.length && `columns separated by ${preview.delimiter}`, preview.header_row && `header in line ${preview.header_row}`];
  return h('p', { class: 'muted' }, parts.filter(Boolean).join(' · '));
}

function choices(state, preview, again) {
  const reading = state.reading;
  const columns = preview.columns.map((name, index) => [reading.no_header ? String(index + 1) : name, name || `(column ${index + 1})`]);
  const column = (id, label, name, number, hint) => {
    const taken = number ? columns[number - 1]?.[0] : reading[name];
    const element = select([['', 'choose…'], ...columns], taken ?? '', { id });
    element.addEventListener('change', () => again({ [name]: element.value }));
    return field(label, element, hint);
  };
  const choice = (id, label, name, options) => {
    const element = select(options, reading[name] ?? '', { id });
    element.addEventListener('change', () => again({ [name]: element.value, ...(name === 'sheet' ? { id_column: '', amazon_id_column: '' } : {}) }));
    return field(label, element);
  };
  const figure = (id, label, name, hint) => {
    const element = h('input', { id, type: 'number', min: '1', value: reading[name] ?? '', placeholder: 'found out' });
    element.addEventListener('change', () => again({ [name]: element.value ? Number(element.value) : '' }));
    return field(label, element, hint);
  };
  const box = (label, name) => {
    const element = check(label, { checked: Boolean(reading[name]), id: `c-${name}` });
    element.box.addEventListener('change', () => again({ [name]: element.box.checked, ...(name === 'no_header' ? { id_column: '', amazon_id_column: '', header_row: '' } : {}) }));
    return element;
  };
  const doubts = DOUBTS.map(([kind, label]) => {
    const element = check(label, { checked: reading.allow?.includes(kind), id: `d-${kind}` });
    element.box.addEventListener('change', () => {
      const others = (reading.allow ?? []).filter(one => one !== kind);
      again({ allow: element.box.checked ? [...others, kind] : others });
    });
    return element;
  });
  const more = h('details', { open: state.more }, h('summary', {}, 'How the list is read'),
    h('div', { class: 'bar' },
      preview.sheets?.length ? choice('r-sheet', 'Sheet', 'sheet', [['', 'the first with the columns'], ...preview.sheets]) : [choice('r-encoding', 'Encoding', 'encoding', ENCODINGS), choice('r-delimiter', 'Separated by', 'delimiter', DELIMITERS)],
      !reading.no_header && figure('r-header', 'Header in line', 'header_row'), figure('r-expect', 'At least so many rows', 'expect_rows')),
    h('div', { class: 'boxes' }, box('The first row is data (no header)', 'no_header'), box('Clean values of invisible characters', 'clean'), box('End at the first blank row', 'until_blank_row')),
    h('fieldset', {}, h('legend', {}, 'Take as they are'), h('div', { class: 'boxes' }, doubts)));
  more.addEventListener('toggle', () => { state.more = more.open; });
  return [h('div', { class: 'bar' },
    column('r-id', 'Endpoint column', 'id_column', preview.id_column, 'The externalUserId: a room, a phone.'),
    column('r-amazon', 'Profile column', 'amazon_id_column', preview.amazon_id_column, 'The amazonId that answers for it.')), more];
}

/** The first rows, with the columns that count. */
function beginning(state, preview) {
  const { columns, rows, header_row: header, id_column: id, amazon_id_column: profile } = preview;
  if (rows.length === 0) return null;
  const role = index => (index + 1 === id ? 'endpoint' : index + 1 === profile ? 'profile' : null);
  return h('div', { class: 'scroll short', tabindex: '0', role: 'region', 'aria-label': 'The first rows' }, h('table', { class: 'sheet' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Line'), columns.map((name, index) => h('th', { scope: 'col', class: role(index) }, state.reading.no_header ? `Column ${name}` : name || '–', role(index) && h('span', { class: 'badge info' }, role(index)))))),
    h('tbody', {}, rows.filter(row => row.line !== header).map(row => h('tr', { class: row.line < header ? 'muted' : undefined },
      h('td', { class: 'at' }, String(row.line)), columns.map((_, index) => h('td', { class: role(index) }, row.cells[index] ?? '')))))));
}

function verdict(state, preview) {
  if (preview.refused) {
    const choose = !preview.id_column && preview.columns.length > 0 && /no column/.test(preview.refused);
    return choose ? h('p', { class: 'notice', role: 'status' }, 'Say above which column holds the endpoint and which the profile.') : h('p', { class: 'problem', role: 'alert' }, plain(preview.refused));
  }
  const good = preview.row_count - preview.invalid;
  return h('div', { class: 'answer' },
    h('p', { role: 'status' }, h('b', {}, `${number(preview.row_count)} ${preview.row_count === 1 ? 'row' : 'rows'}`), preview.invalid
      ? [': ', `${number(good)} valid, `, h('span', { class: 'badge bad' }, `${number(preview.invalid)} not valid`)] : ', all valid.'),
    state.suggested && h('p', { class: 'notice' }, 'The columns were chosen by what they are called or hold. Look whether they are right.'),
    remarks(preview), invalidRows(preview));
}

const remarks = of => of.remarks?.length > 0 && h('ul', { class: 'remarks' }, of.remarks.map(one => h('li', {}, plain(one))));

const invalidRows = of => of.problems?.length > 0 && [
  table('Rows that are not valid', ['Line', 'Column', 'Reason'], of.problems.map(one => h('tr', {},
    h('td', { class: 'at' }, number(one.line)), h('td', {}, one.field ?? '–'), h('td', { class: 'wrap' }, plain(one.rule))))),
  of.invalid > of.problems.length && h('p', { class: 'muted' }, `The first ${number(of.problems.length)} are shown.`)];

/** The plan: what is wanted, and what it comes to. */
function drawPlan(place, state, look) {
  const one = state.import;
  const admin = may('admin');
  const ready = state.preview && !state.preview.refused;
  if (!ready && !one.plan && one.state !== 'planning') return put(place, !admin && h('p', { class: 'muted' }, 'Nothing is planned yet.'));
  const note = h('div', {});
  const client = select(state.clients.map(each => [each.id, `${each.id.slice(-12)}${able(each) ? '' : ' (may not)'}`]), state.wanted.client, { id: 'p-client' });
  client.addEventListener('change', () => { state.wanted.client = client.value; });
  const missing = check('Delete associations that the list does not have', { checked: state.wanted.missing, id: 'p-missing' });
  const most = h('input', { id: 'p-most', value: state.wanted.most, placeholder: '50 or 5%', size: '8', autocomplete: 'off' });
  const bound = field('Delete at most', most, 'A number, or a share of what there is. More, and nothing is changed.');
  bound.hidden = !state.wanted.missing;
  missing.box.addEventListener('change', () => { state.wanted.missing = missing.box.checked; bound.hidden = !missing.box.checked; });
  most.addEventListener('input', () => { state.wanted.most = most.value.trim(); });
  const busy = one.state === 'planning' || one.state === 'applying';
  put(place, panel('2. The plan', null,
    admin && h('div', { class: 'bar' }, field('In the name of', client, 'A client of the organization: its rate holds, and the record of changes names it.'),
      h('div', {}, missing), bound),
    admin && button(one.plan ? 'Make the plan again' : 'Make the plan', async () => {
      await post(`/imports/${at(state.id)}/plan`, {
        client_id: client.value, reading: state.reading, delete_missing: missing.box.checked,
        ...(missing.box.checked && most.value.trim() ? { max_delete: most.value.trim() } : {}),
      });
      await look();
    }, { class: one.plan ? undefined : 'primary', where: note, disabled: busy || !ready || !client.value }), note,
    !one.plan && one.problem && one.state === 'uploaded' && h('p', { class: 'problem', role: 'alert' }, plain(one.problem)),
    one.plan && planned(one.plan, state)));
}

function planned(plan, state) {
  const { create, update, delete: gone } = plan.counts;
  const tile = (label, count, look = '') => h('div', { class: `tile ${count > 0 ? look : ''}` }, h('div', { class: 'label' }, label), h('div', { class: 'figure' }, number(count)));
  const kind = one => (!one.before ? 'create' : one.after ? 'update' : 'delete');
  const id = text => (text ? text.replace(PROFILE, '…did.') : '–');
  return h('div', { class: 'planned' },
    h('div', { class: 'tiles' }, tile('Create', create, 'good'), tile('Update', update, 'change'), tile('Delete', gone, 'worse'), tile('Unchanged', plan.unchanged),
      plan.kept > 0 && tile('Not in the list, kept', plan.kept), tile('Not valid', plan.invalid, 'worse')),
    remarks(plan),
    plan.changes.length > 0 && [h('h3', {}, 'Changes'), h('div', { class: 'short' }, table('Changes', ['', 'Endpoint', 'Now', 'Then', 'Line'], plan.changes.map(one => h('tr', {},
      h('td', {}, h('span', { class: `badge ${{ create: 'ok', update: 'warn', delete: 'bad' }[kind(one)]}` }, kind(one))),
      h('td', { class: 'id' }, one.external_user_id), h('td', { class: 'id', title: one.before }, id(one.before)), h('td', { class: 'id', title: one.after }, id(one.after)),
      h('td', { class: 'at' }, one.line ? number(one.line) : '–'))))),
    create + update + gone > plan.changes.length && h('p', { class: 'muted' }, `The first ${number(plan.changes.length)} are shown.`)],
    plan.invalid > 0 && [h('h3', {}, 'Rows that are not valid'), invalidRows(plan),
      may('admin') && h('p', { class: 'actions' }, button('Download the rejected rows', () => rejects(state)),
        h('span', { class: 'muted' }, 'Each behind what is wrong with it. Corrected, they are a list like any other.'))]);
}

async function rejects(state) {
  const text = await api('GET', `/imports/${at(state.id)}/rejects`);
  download(new Blob([text], { type: 'text/csv' }), state.import.name.replace(/(\.gz)?(\.[^.]*)?$/, '.rejects.csv'));
}

/** The work: applying, and its report. */
function drawResult(place, state, look, moved) {
  const one = state.import;
  const busy = one.state === 'applying' || one.state === 'planning';
  if (busy) {
    if (moved || !state.meter) state.meter = meter(place, state, look);
    return state.meter(one);
  }
  state.meter = null;
  if (!moved) return;
  if (!one.plan) return put(place);
  const count = one.plan.counts.create + one.plan.counts.update + one.plan.counts.delete;
  const { invalid } = one.plan;
  const skip = check(`Go on without the ${number(invalid)} ${invalid === 1 ? 'row' : 'rows'} that ${invalid === 1 ? 'is' : 'are'} not valid`, { id: 'a-skip' });
  const note = h('div', {});
  const go = button(one.state === 'stopped' ? 'Go on' : count === 1 ? 'Make 1 change' : `Make ${number(count)} changes`, async () => {
    const begin = async () => {
      await post(`/imports/${at(state.id)}/apply`, { skip_invalid: skip.box.checked });
      await look();
    };
    if (one.plan.counts.delete === 0) return begin();
    return confirm(`Delete ${number(one.plan.counts.delete)} associations?`, ['They are not in the list. Calls to these endpoints find no profile any more.', 'The record of changes keeps what was there.'], 'Delete and go on', begin);
  }, { class: 'primary', where: note, disabled: invalid > 0 });
  skip.box.addEventListener('change', () => { go.disabled = !skip.box.checked; });
  const can = may('admin') && one.state !== 'done' && (count > 0 || one.state === 'stopped');
  put(place, panel('3. Apply', null,
    one.state === 'stopped' && h('p', { class: 'problem', role: 'alert' }, plain(one.problem ?? 'It ended early.'), ' What is done stays; what is left can go on.'),
    one.report && report(one),
    count === 0 && !one.report && h('p', {}, 'Nothing is to be changed: everything in the list is there already.'),
    can && [invalid > 0 && h('p', {}, skip), h('p', { class: 'actions' }, go)], note));
}

function meter(place, state, look) {
  const bar = h('progress', { 'aria-label': 'Progress' });
  const text = h('p', { 'aria-live': 'polite' });
  const what = state.import.state;
  put(place, panel(what === 'planning' ? 'Making the plan' : '3. Apply', null, bar, text,
    may('admin') && h('p', { class: 'actions' }, button('Cancel', async () => { await post(`/imports/${at(state.id)}/cancel`); await look(); }),
      h('span', { class: 'muted' }, 'You may close this page: the server goes on.'))));
  return one => {
    const { total = 0, done = 0, failed = 0, refused = 0 } = one.progress ?? {};
    if (total > 0) Object.assign(bar, { max: total, value: done }); else bar.removeAttribute('value');
    put(text, what === 'planning' ? `Comparing the list with what there is: ${number(done)} of ${number(total)}.`
      : `${number(done)} of ${number(total)} changes${failed ? `, ${number(failed)} failed` : ''}${refused ? `; the server asked to wait ${number(refused)} times (rate of the client, faults or maintenance)` : ''}.`);
  };
}

function report(one) {
  const { done, failed, failures = [], left, earlier, different, requests, milliseconds } = one.report;
  const good = one.state === 'done' && failed === 0 && !different;
  return [
    h('p', { role: 'status' }, h('span', { class: `badge ${good ? 'ok' : 'warn'}` }, good ? 'The service provider matches the list' : one.state === 'done' ? 'Not everything was done' : 'Ended early')),
    pairs([
      ['Made', words([[done.create, 'created'], [done.update, 'updated'], [done.delete, 'deleted']]) || 'nothing'],
      earlier > 0 && ['There already', number(earlier)],
      failed > 0 && ['Failed', number(failed)],
      left > 0 && ['Left', number(left)],
      one.plan.invalid > 0 && ['Left out as not valid', number(one.plan.invalid)],
      different > 0 && ['Different again', `${number(different)}: somebody else changes this service provider too`],
      ['Took', `${(milliseconds / 1000).toFixed(1)} s, ${number(requests)} requests`],
    ]),
    failures.length > 0 && table('Changes that failed', ['Endpoint', 'Reason', 'Request'], failures.map(each => h('tr', {},
      h('td', { class: 'id' }, each.external_user_id), h('td', { class: 'wrap' }, each.reason),
      h('td', { class: 'id' }, each.request_id ? h('a', { href: `#/journal?requestId=${each.request_id}` }, each.request_id.slice(-8)) : '–')))),
    h('p', { class: 'actions' }, h('a', { class: 'button', href: `#/associations?provider=${one.service_provider_id}` }, 'See the associations'),
      button('Download the report', () => download(new Blob([JSON.stringify(one, null, 2)], { type: 'application/json' }), `${one.name}.report.json`))),
  ];
}
