// A device in the browser: it calls, rings, answers, is muted and held, and hangs up. Its media are the browser's.

import { api, at, get, post, query, sleep } from '/console/api.js';
import { button, field, h, put, select, toast } from '/console/dom.js';
import { number, span } from '/console/format.js';
import { Phone, capture } from '/console/phone.js';
import { nameOf, transcript } from '/console/transcript.js';

/** Between two looks for calls that come in. */
const LOOK = 700;
/** Seconds that a request waits for the next change of a call. */
const WAIT = 20;
const WAYS = [['microphone', 'Microphone'], ['camera', 'Microphone and camera'], ['tone', 'Test tone']];

/** The device of a communication profile, until `signal` says that it is over. */
export class Device {
  constructor(profile, signal) {
    this.profile = profile;
    this.signal = signal;
    this.seen = new Set();
    this.screen = h('p', { class: 'says', role: 'status' });
    this.figures = h('p', { class: 'figures' });
    this.video = h('video', { autoplay: true, playsinline: true, 'aria-label': 'The endpoint', hidden: true });
    this.own = h('video', { autoplay: true, playsinline: true, class: 'own', 'aria-label': 'What this device sends', hidden: true });
    this.own.muted = true;
    this.to = h('input', { autocomplete: 'off', placeholder: 'front-desk' });
    this.way = select(WAYS, 'microphone');
    this.keys = h('div', { class: 'keys' });
    this.said = h('div', { class: 'said' });
    this.element = h('div', { class: 'device-and-said' },
      h('section', { class: 'device', 'aria-label': 'Device' },
        h('div', { class: 'screen' }, h('p', { class: 'whose' }, profile), this.video, this.own, this.screen, this.figures),
        this.keys),
      this.said);
    signal.addEventListener('abort', () => this.leave(), { once: true });
    addEventListener('pagehide', () => this.leave(), { signal });
    this.draw();
    this.watch();
    this.measure();
  }

  get live() {
    return this.call && this.call.state !== 'ended';
  }

  /** Looks for calls that come in. A device rings in a hidden page, too. */
  async watch() {
    while (!this.signal.aborted) {
      try {
        if (!this.live && !this.busy) await this.look();
      } catch (error) {
        if (error.status === 401) return;
      }
      await sleep(LOOK, this.signal);
    }
  }

  async look() {
    const { items } = await get(`/calls${query({ profileId: this.profile, limit: 20 })}`, { signal: this.signal });
    const rings = items.find(call => call.direction === 'inbound' && call.state === 'ringing' && !this.seen.has(call.sessionId + call.started));
    if (rings && !this.live && !this.busy) this.follow(await get(`/calls/${at(rings.sessionId)}`, { signal: this.signal }));
  }

  /** Lives through a call. */
  async follow(call) {
    const round = this.round = {};
    this.seen.add(call.sessionId + call.started);
    this.done = -1;
    this.offered = this.answering = this.shown = null;
    this.table = transcript();
    put(this.said, this.table);
    const path = `/calls/${at(call.sessionId)}`;
    for (let settling = 0; settling < 20;) {
      await this.learn(call);
      if (call.state === 'ended') {
        // The answers of the skill to the last messages are on their way.
        if (call.transcript.every(entry => entry.status || entry.note)) return;
        settling += 1;
        await sleep(250, this.signal);
      }
      try {
        call = await get(path + query({ wait: WAIT, version: call.version }), { signal: this.signal });
      } catch (error) {
        if (this.signal.aborted || error.status === 401) return;
        if (error.status === 404) call = { ...call, state: 'ended', result: { code: 'gone', message: 'The server has forgotten the call.' } };
        else await sleep(1000, this.signal);
      }
      // Another call may have begun meanwhile.
      if (this.signal.aborted || this.round !== round) return;
    }
  }

  async learn(call) {
    const ended = this.live && call.state === 'ended';
    this.call = call;
    this.table.update(call.transcript, call.leftOut);
    try {
      for (const entry of call.transcript.filter(entry => entry.number > this.done)) {
        this.done = entry.number;
        await this.on(entry);
      }
    } catch (error) {
      toast(error.message, true);
      await this.end({ code: 'INTERNAL_ERROR', message: 'The device cannot use the description of the endpoint.' });
    }
    if (ended || call.state === 'ended') await this.still();
    this.draw();
  }

  /** Does what follows from a message. */
  async on(entry) {
    const name = nameOf(entry);
    if (entry.direction === 'to_skill') {
      if (name === 'CallUpdateResponse') this.answering = null;
      return;
    }
    if (entry.status !== 202) return;
    if (name === 'InitiateInboundCall') this.offered = entry.sdp;
    if (!this.phone || this.call.state === 'ended') return;
    if (name === 'CallInProgress') await this.phone.take(entry.sdp, true);
    if (name === 'CallAccepted' || name === 'CallUpdateResponse') await this.phone.take(entry.sdp);
    if (name === 'CallUpdate' && this.answering !== entry.sdp) {
      this.answering = entry.sdp;
      await this.act('update', { sdp: await this.phone.answer(entry.sdp) });
    }
  }

  act(what, body = {}) {
    return post(`/calls/${at(this.call.sessionId)}/${what}`, body);
  }

  /** Takes microphone or tone, and a connection; `first` makes its description and says it. */
  async connect(first) {
    this.busy = true;
    try {
      const captured = await capture(this.way.value);
      this.phone = new Phone(captured, stream => { this.video.srcObject = stream; this.draw(); });
      this.own.srcObject = this.way.value === 'camera' ? captured.stream : null;
      await first(this.phone);
    } catch (error) {
      await this.still();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  async dial() {
    await this.connect(async phone => {
      const call = await post('/calls', { from: this.profile, to: this.to.value.trim(), sdp: await phone.offer() });
      this.follow(call);
    });
  }

  async pick() {
    await this.connect(async phone => this.act('answer', { sdp: await phone.answer(this.offered) }));
  }

  async end(result) {
    try {
      await this.act('hang-up', result);
    } catch (error) {
      // The endpoint may have been faster.
      if (error.status !== 409) throw error;
    }
  }

  async hold() {
    const held = !this.held;
    this.phone.held = held;
    try {
      await this.act('update', { sdp: await this.phone.offer(), renegotiationType: held ? 'CALL_HOLD' : 'CALL_RESUME' });
    } catch (error) {
      this.phone.held = !held;
      await this.phone.withdraw();
      throw error;
    }
    this.held = held;
    this.draw();
  }

  mute() {
    this.muted = !this.muted;
    this.phone.muted = this.muted;
    this.draw();
  }

  /** The media are over. */
  async still() {
    if (!this.phone) return;
    await this.count();
    this.phone?.close();
    this.phone = this.video.srcObject = this.own.srcObject = null;
    this.muted = this.held = false;
  }

  /** Whoever leaves the page hangs up. */
  leave() {
    if (this.live && this.phone) {
      const body = { message: 'The page of the device was left.' };
      api('POST', `/calls/${at(this.call.sessionId)}/hang-up`, body, { keepalive: true }).catch(() => {});
    }
    this.phone?.close();
    this.phone = null;
  }

  async measure() {
    while (!this.signal.aborted) {
      await this.count();
      await sleep(500, this.signal);
    }
  }

  async count() {
    if (!this.phone) return;
    const { sent, heard, lost, connected } = await this.phone.measured();
    const took = this.call ? (Date.now() - new Date(this.call.started)) / 1000 : 0;
    this.figures.textContent = `${connected ? 'secured' : 'no path yet'}, ${number(sent)} packets sent, ${number(heard)} heard, ${number(lost)} lost, ${span(Math.max(0, took))}`;
  }

  /** What the device says of itself. */
  words() {
    const call = this.call;
    if (!call) return ['ready', 'Ready.'];
    const other = call.direction === 'inbound' ? call.callerName ?? call.from : call.to;
    if (call.state === 'ended') return ['ready', `Ended: ${call.result?.code ?? ''} ${call.result?.message ?? ''}`];
    if (call.state === 'accepted') return ['talks', this.held ? `On hold: ${other}` : `In a call with ${other}.`];
    if (call.direction === 'inbound') return call.state === 'ringing' ? ['rings', `${other} calls.`] : ['talks', `Answering ${other}.`];
    return ['calls', call.state === 'initiated' ? `Calling ${other}.` : `${other} rings.`];
  }

  draw() {
    const [phase, text] = this.words();
    this.screen.textContent = text;
    this.video.hidden = !this.video.srcObject?.getVideoTracks().length;
    this.own.hidden = !this.own.srcObject;
    const shown = `${phase} ${Boolean(this.phone)} ${this.muted} ${this.held} ${this.call?.state}`;
    // What stays the same is left alone: somebody may be about to press it.
    if (this.keyed === shown) return;
    this.keyed = shown;
    this.element.dataset.phase = phase;
    const end = label => button(label, () => this.end({}), { class: 'key end' });
    const way = field('Speaks with', this.way);
    const keys = {
      ready: () => [field('Endpoint', this.to), way, button('Call', () => this.dial(), { class: 'key go' })],
      rings: () => [way, button('Answer', () => this.pick(), { class: 'key go' }),
        button('Decline', () => this.end({ code: 'DEVICE_BUSY', message: 'The device declined the call.' }), { class: 'key end' })],
      calls: () => [end('Hang up')],
      talks: () => [this.phone && button('Mute', () => this.mute(), { class: 'key', 'aria-pressed': String(Boolean(this.muted)) }),
        this.phone && this.call.state === 'accepted' && button('Hold', () => this.hold(), { class: 'key', 'aria-pressed': String(Boolean(this.held)) }), end('Hang up')],
    };
    put(this.keys, keys[phase]());
  }
}
