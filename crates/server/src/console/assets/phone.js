// The media of a device in a browser: what it says, and the connection to an endpoint.

/** How long candidates are gathered: they travel in the description. */
const GATHERING = 5000;

/** What the device says: `microphone`, `camera` (and microphone) or `tone`. */
export async function capture(kind) {
  if (kind === 'tone') return tone();
  if (!navigator.mediaDevices) throw new Error('A browser gives a microphone to pages of https and of localhost alone. Choose the test tone.');
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: kind === 'camera' });
    return { stream, stop: () => stream.getTracks().forEach(track => track.stop()) };
  } catch (error) {
    throw new Error(`The browser gives no ${kind}: ${error.message}. Choose the test tone.`);
  }
}

function tone() {
  const context = new AudioContext();
  const source = new OscillatorNode(context, { frequency: 440 });
  const target = context.createMediaStreamDestination();
  source.connect(new GainNode(context, { gain: 0.2 })).connect(target);
  source.start();
  return { stream: target.stream, stop: () => context.close() };
}

/** One call's connection. `hear` gets the stream of the endpoint. */
export class Phone {
  constructor(captured, hear) {
    this.captured = captured;
    this.connection = new RTCPeerConnection();
    this.connection.addEventListener('track', ({ track, streams: [stream] }) => hear(stream ?? new MediaStream([track])));
    for (const track of captured.stream.getTracks()) this.connection.addTrack(track, captured.stream);
  }

  async offer() {
    return this.#describe(await this.connection.createOffer());
  }

  /** The answer to an offer: the first, or one that renegotiates. */
  async answer(offer) {
    await this.connection.setRemoteDescription({ type: 'offer', sdp: offer });
    return this.#describe(await this.connection.createAnswer());
  }

  /** Takes an answer to the last offer; an early one may be followed by another. A repeated one changes nothing. */
  async take(answer, early = false) {
    if (this.connection.signalingState === 'stable') return;
    await this.connection.setRemoteDescription({ type: early ? 'pranswer' : 'answer', sdp: answer });
  }

  /** Takes the last offer back, which the server did not take. */
  async withdraw() {
    if (this.connection.signalingState === 'have-local-offer') await this.connection.setLocalDescription({ type: 'rollback' });
  }

  async #describe(description) {
    await this.connection.setLocalDescription(description);
    await new Promise(done => {
      const look = () => this.connection.iceGatheringState === 'complete' && done();
      this.connection.addEventListener('icegatheringstatechange', look);
      setTimeout(done, GATHERING);
      look();
    });
    return this.connection.localDescription.sdp;
  }

  set muted(muted) {
    for (const track of this.captured.stream.getAudioTracks()) track.enabled = !muted;
  }

  /** Whether the endpoint is to be heard: what is not is on hold, from the next offer on. */
  set held(held) {
    for (const one of this.connection.getTransceivers()) {
      if (!one.stopped && one.sender.track) one.direction = held ? 'sendonly' : 'sendrecv';
    }
  }

  /** Packets of RTP that were sent and heard, those that were lost, and whether the path is secured. */
  async measured() {
    const measured = { sent: 0, heard: 0, lost: 0, connected: this.connection.connectionState === 'connected' };
    for (const report of (await this.connection.getStats()).values()) {
      if (report.type === 'outbound-rtp') measured.sent += report.packetsSent;
      if (report.type === 'inbound-rtp') {
        measured.heard += report.packetsReceived;
        measured.lost += report.packetsLost;
      }
    }
    return measured;
  }

  close() {
    this.connection.close();
    this.captured.stop();
  }
}
