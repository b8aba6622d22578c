// Calls: those that are and were, what was said in each, and a device in the browser.

import { all, at, get, keep, may, post, put as replace, query, sleep } from '/console/api.js';
import { button, check, dialog, empty, field, formDialog, h, head, pairs, panel, problem, put, select, table, toast } from '/console/dom.js';
import { Device } from '/console/device.js';
import { fullTime, number, short, span, time } from '/console/format.js';
import { stateBadge, transcript } from '/console/transcript.js';

const SHOWN = 200;
const RULES = [['ring', 'It rings until somebody answers'], ['accept', 'It answers by itself'], ['decline', 'It declines']];

export async function show(main, parameters, signal) {
  if (!may('operator')) {
    put(main, head('Calls'), empty('Calls and their transcripts take the role operator.'));
    return;
  }
  const profiles = await known();
  if (signal.aborted) return;
  const choices = h('datalist', { id: 'profiles' }, profiles.map(([id, name]) => h('option', { value: id }, name)));
  const rows = table('Calls', ['Started', 'State', 'From', 'To', 'Took', 'Result'], []);
  const nothing = h('div', {});
  put(main,
    head('Calls', 'Calls between the devices of profiles and the endpoints of an integrator, as they go on. Open one to see what was said.',
      button('Start a call', () => start(profiles), { class: 'primary' })),
    choices,
    panel('A device in this browser', null, phone(profiles, signal)),
    panel('Calls', null, nothing, rows));
  keep(signal, 1000, async () => {
    const { items } = await get(`/calls${query({ limit: SHOWN })}`, { signal });
    if (signal.aborted) return;
    rows.hidden = items.length === 0;
    put(nothing, items.length === 0 && empty('No call yet.', h('p', {}, 'Start one, or call a device from an endpoint.')));
    list(rows.body, items);
  });
}

/** Profiles of every organization, with the names of both. */
async function known() {
  const organizations = await all('/organizations');
  const lists = await Promise.all(organizations.map(async one => {
    const { items } = await get(`/organizations/${at(one.id)}/profiles${query({ limit: 200 })}`);
    return items.map(profile => [profile.id, `${profile.name ?? short(profile.id, 20)}, ${one.name}`]);
  }));
  return lists.flat();
}

/** Rows stay where they are: a row is drawn again when its call has changed. */
function list(body, calls) {
  const shown = new Map([...body.children].map(row => [row.dataset.key, row]));
  const wanted = calls.map(call => {
    const key = `${call.sessionId} ${call.started}`;
    const row = shown.get(key) ?? line(call, key);
    if (row.dataset.version !== String(call.version)) {
      row.dataset.version = call.version;
      row.children[1].replaceChildren(stateBadge(call.state));
      row.children[5].replaceChildren(result(call));
    }
    const took = duration(call);
    if (row.children[4].textContent !== took) row.children[4].textContent = took;
    return row;
  });
  if (wanted.length !== body.children.length || wanted.some((row, place) => body.children[place] !== row)) body.replaceChildren(...wanted);
}

function line(call, key) {
  const open = label => h('button', { type: 'button', class: 'link', onclick: () => inspect(call.sessionId) }, label);
  return h('tr', { 'data-key': key },
    h('td', { class: 'time', title: fullTime(call.started) }, time(call.started)),
    h('td', {}),
    h('td', { class: 'id' }, open(party(call.from))),
    h('td', { class: 'id' }, party(call.to)),
    h('td', { class: 'number' }),
    h('td', {}));
}

/** A profile by its end, an endpoint as it is. */
const party = text => text.startsWith('amzn1.') ? short(text, 18) : text;

const result = call => call.result ? `${call.result.code}${call.result.message ? `: ${call.result.message}` : ''}` : '';

function duration(call) {
  const end = call.ended ? new Date(call.ended) : new Date();
  return span(Math.max(0, (end - new Date(call.started)) / 1000));
}

/** One call, as it goes on. */
function inspect(id) {
  const facts = h('div', {});
  const acts = h('div', { class: 'actions' });
  const said = transcript();
  const place = h('div', {});
  const element = dialog('Call', () => h('div', { class: 'body' }, facts, acts, place, h('h3', {}, 'What was said'), said));
  const path = `/calls/${at(id)}`;
  const over = new AbortController();
  element.addEventListener('close', () => over.abort());
  const act = (label, what, body, kind) => button(label, () => post(`${path}/${what}`, body ?? {}), { class: kind, where: place });
  let shown;
  const draw = call => {
    put(facts, pairs([
      ['State', h('span', {}, stateBadge(call.state), ' ', result(call))],
      ['Direction', call.direction === 'inbound' ? 'an endpoint calls the device' : 'the device calls an endpoint'],
      ['From', h('span', { class: 'mono wrap' }, call.callerName ? `${call.callerName}, ${call.from}` : call.from)],
      ['To', h('span', { class: 'mono wrap' }, call.to)],
      ['Profile', h('span', { class: 'mono wrap' }, call.profileId)],
      ['Skill', call.skillId ? h('span', { class: 'mono wrap' }, call.skillId) : 'none was found'],
      ['Call id', h('span', { class: 'mono wrap' }, call.sessionId)],
      ['Started, took', `${fullTime(call.started)}, ${duration(call)}`],
      ['Media', call.media ? media(call.media) : 'none of the server'],
    ]));
    said.update(call.transcript, call.leftOut);
    const now = `${call.direction} ${call.state}`;
    if (shown === now) return;
    shown = now;
    put(acts, call.state !== 'ended' && [
      call.direction === 'inbound' && call.state === 'ringing' && act('Answer for the device', 'answer', {}, 'primary'),
      call.state === 'accepted' && act('Renegotiate', 'update'),
      act('Hang up for the device', 'hang-up', {}, 'danger')]);
  };
  (async () => {
    let version;
    while (!over.signal.aborted) {
      try {
        // Media change without a message.
        const call = await get(path + query(version === undefined ? {} : { wait: 1, version }), { signal: over.signal });
        draw(call);
        if (call.state === 'ended') {
          if (call.transcript.every(entry => entry.status || entry.note)) return;
          await sleep(500, over.signal);
        }
        version = call.version;
      } catch (error) {
        if (over.signal.aborted) return;
        put(place, problem(error));
        if (error.status) return;
        await sleep(2000, over.signal);
      }
    }
  })();
}

function media(found) {
  const heard = found.frequencyHz ? `, hears ${number(Math.round(found.frequencyHz))} Hz` : '';
  return `${found.connected ? 'secured' : 'no path yet'}, ${number(found.packetsSent)} packets sent, ${number(found.packetsReceived)} received, ${number(found.packetsLost)} lost${heard}`;
}

/** A call of a device of the server, which has a tone and no person. */
function start(profiles) {
  formDialog('Start a call', [
    h('p', {}, 'The device of a profile calls an endpoint. It is one of the server: it sends a tone and measures what it hears.'),
    field('From profile', h('input', { name: 'from', list: 'profiles', autocomplete: 'off', value: profiles[0]?.[0] ?? '' })),
    field('To endpoint', h('input', { name: 'to', autocomplete: 'off', placeholder: 'front-desk' }), 'Its external user id, or the id of a contact'),
    field('Service provider', h('input', { name: 'serviceProviderId', autocomplete: 'off', placeholder: 'the one with a network' })),
    check('With media', { name: 'media', checked: true }),
  ], 'Call', async values => {
    const body = { from: values.from.trim(), to: values.to.trim(), media: values.media === 'on' };
    if (values.serviceProviderId.trim()) body.serviceProviderId = values.serviceProviderId.trim();
    const call = await post('/calls', body);
    // The form closes first.
    setTimeout(() => inspect(call.sessionId));
  });
}

/** Chooses a profile, says what its device does about calls, and switches the device on. */
function phone(profiles, signal) {
  const profile = h('input', { list: 'profiles', autocomplete: 'off', value: profiles[0]?.[0] ?? '', placeholder: 'amzn1.alexa.communications.profile.did.…' });
  const onCall = select(RULES, 'ring');
  const after = h('input', { autocomplete: 'off', placeholder: 'at once', size: '8' });
  const place = h('div', {});
  const stage = h('div', {});
  const path = () => `/profiles/${at(profile.value.trim())}/device`;
  let touched = 0;
  onCall.addEventListener('change', () => { touched += 1; });
  after.addEventListener('input', () => { touched += 1; });
  const look = async () => {
    put(place);
    const [before, id] = [touched, profile.value.trim()];
    await sleep(200, signal);
    // Somebody was faster, or types on.
    const over = () => signal.aborted || touched !== before || profile.value.trim() !== id;
    if (!id || over()) return;
    try {
      const rule = await get(path());
      if (over()) return;
      onCall.value = rule.onCall;
      after.value = rule.after ?? '';
    } catch (error) {
      if (!over()) put(place, problem(error));
    }
  };
  profile.addEventListener('input', look);
  look();
  let on;
  const power = button('Switch on', () => {
    if (on) {
      on.abort();
      on = null;
      put(stage);
    } else {
      if (!profile.value.trim()) throw new Error('Choose a profile first.');
      on = new AbortController();
      signal.addEventListener('abort', () => on?.abort(), { once: true });
      put(stage, new Device(profile.value.trim(), on.signal).element);
    }
    profile.disabled = Boolean(on);
    power.textContent = on ? 'Switch off' : 'Switch on';
  }, { class: 'primary' });
  return h('div', {},
    h('div', { class: 'bar' },
      h('div', { class: 'field grow' }, field('Profile', profile)),
      field('When a call comes in', onCall), field('After', after),
      button('Save the rule', async () => {
        const rule = { onCall: onCall.value };
        if (after.value.trim()) rule.after = after.value.trim();
        await replace(path(), rule);
        put(place);
        toast('The device follows the rule from the next call on.');
      }, { where: place }), power),
    place, stage);
}
