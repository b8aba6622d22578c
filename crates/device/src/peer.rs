//! One end of a call's media, without I/O.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, Frequency, MediaData, MediaKind, MediaTime, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::crypto;
use crate::tone::{self, Ear};

/// A frame of Opus that is silent: 20 ms, one channel (RFC 6716).
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

/// What a device has sent and heard.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Whether a path was found and secured.
    pub connected: bool,
    /// Packets of audio that were sent.
    pub sent: u64,
    /// Packets of audio that came.
    pub received: u64,
    /// Packets that should have come and did not, as their sequence numbers tell.
    pub lost: u64,
    /// How much the times of arrival vary, in milliseconds (RFC 3550, section 6.4.1).
    pub jitter_ms: f64,
    /// The frequency that was heard in the last whole second, in hertz; only of G.711.
    pub hertz: Option<f64>,
}

/// The answer with a format in each medium. One that is refused has none from the protocol, and browsers want one, whatever
/// it is (RFC 3264, section 6).
fn with_formats(answer: &str, offer: &str) -> String {
    let mut offered = offer.lines().filter(|line| line.starts_with("m="));
    let mut whole = String::with_capacity(answer.len() + 16);
    for line in answer.lines() {
        whole.push_str(line.trim_end());
        if line.starts_with("m=") {
            let same = offered.next();
            if line.split_ascii_whitespace().count() < 4 {
                let format = same.and_then(|line| line.split_ascii_whitespace().nth(3));
                whole.push(' ');
                whole.push_str(format.unwrap_or("0"));
            }
        }
        whole.push_str("\r\n");
    }
    whole
}

/// A description as the protocol wants it: its lines end with CR and LF, whatever the other side wrote (RFC 8866, section 5).
fn lines(text: &str) -> String {
    text.lines()
        .filter(|line| !line.is_empty())
        .flat_map(|line| [line.trim_end_matches('\r'), "\r\n"])
        .collect()
}

/// A peer.
#[derive(Debug)]
pub(crate) struct Peer {
    rtc: Rtc,
    audio: Option<Mid>,
    pending: Option<SdpPendingOffer>,
    measured: Measured,
    ear: Ear,
    /// The first and the last sequence number, and when the last came and is of.
    heard: Option<Heard>,
    /// Whether it neither sends nor hears.
    silent: bool,
    /// Packets of audio that were due, sent or not: the time of the next one.
    spoken: u64,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    first: u64,
    last: u64,
    arrived: Instant,
    seconds: f64,
}

impl Peer {
    /// A peer that is reached at these addresses.
    pub(crate) fn new(addresses: &[SocketAddr]) -> Result<Self, String> {
        let config = RtcConfig::new()
            .set_crypto_provider(crypto::provider())
            .set_dtls_cert(crypto::certificate()?)
            .clear_codecs()
            .enable_pcmu(true, false)
            .enable_opus(true, false);
        let mut rtc = config.build(Instant::now());
        for address in addresses {
            let candidate = Candidate::host(*address, Protocol::Udp).map_err(|error| error.to_string())?;
            rtc.add_local_candidate(candidate);
        }
        let measured = Measured::default();
        let ear = Ear::default();
        Ok(Self { rtc, audio: None, pending: None, measured, ear, heard: None, silent: false, spoken: 0 })
    }

    pub(crate) fn offer(&mut self) -> Result<String, String> {
        let audio = self.audio;
        let mut changes = self.rtc.sdp_api();
        if audio.is_none() {
            self.audio = Some(changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None));
        } else {
            changes.ice_restart(true);
        }
        let (offer, pending) = changes.apply().ok_or("there is nothing to offer")?;
        self.pending = Some(pending);
        Ok(offer.to_sdp_string())
    }

    pub(crate) fn accept(&mut self, answer: &str) -> Result<(), String> {
        let pending = self.pending.take().ok_or("there is no offer that it answers")?;
        let answer = SdpAnswer::from_sdp_string(&lines(answer)).map_err(|_| "it cannot be read")?;
        self.rtc.sdp_api().accept_answer(pending, answer).map_err(|error| error.to_string())
    }

    pub(crate) fn answer(&mut self, text: &str) -> Result<String, String> {
        let text = &lines(text);
        let offer = SdpOffer::from_sdp_string(text).map_err(|_| "it cannot be read")?;
        self.pending = None;
        let answer = self.rtc.sdp_api().accept_offer(offer).map_err(|error| error.to_string())?;
        Ok(with_formats(&answer.to_sdp_string(), text))
    }

    /// Hands out what is to be sent; answers when it wants to be asked again, and nothing when it is closed.
    pub(crate) fn drain(&mut self, send: impl Fn(SocketAddr, SocketAddr, &[u8])) -> Option<Instant> {
        loop {
            if !self.rtc.is_alive() {
                return None;
            }
            match self.rtc.poll_output() {
                Ok(Output::Timeout(next)) => return Some(next),
                Ok(Output::Transmit(datagram)) => {
                    send(datagram.source, datagram.destination, &datagram.contents);
                }
                Ok(Output::Event(event)) => self.learn(&event),
                Err(_) => self.rtc.disconnect(),
            }
        }
    }

    pub(crate) fn receive(&mut self, now: Instant, (from, to): (SocketAddr, SocketAddr), bytes: &[u8]) {
        // What is no datagram of the protocol is a stranger's.
        let Ok(datagram) = Receive::new(Protocol::Udp, from, to, bytes) else { return };
        self.input(Input::Receive(now, datagram));
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        self.input(Input::Timeout(now));
    }

    /// Sends the next packet of audio.
    pub(crate) fn speak(&mut self, now: Instant) {
        let number = self.spoken;
        self.spoken += 1;
        let Some(mid) = self.audio.filter(|_| self.measured.connected && !self.silent) else { return };
        let Some(writer) = self.rtc.writer(mid) else { return };
        let codec = |wanted: Codec| -> Option<Pt> {
            writer.payload_params().find(|params| params.spec().codec == wanted).map(|params| params.pt())
        };
        let (pcmu, opus) = (codec(Codec::PCMU), codec(Codec::Opus));
        let samples = u64::from(tone::SAMPLES);
        let written = match (pcmu, opus) {
            (Some(pt), _) => {
                let time = MediaTime::new(number * samples, Frequency::EIGHT_KHZ);
                writer.write(pt, now, time, tone::packet(number * samples))
            }
            (None, Some(pt)) => {
                let time = MediaTime::new(number * samples * 6, Frequency::FORTY_EIGHT_KHZ);
                writer.write(pt, now, time, SILENCE)
            }
            (None, None) => return,
        };
        self.measured.sent += u64::from(written.is_ok());
    }

    pub(crate) fn measured(&self) -> Measured {
        Measured { hertz: self.ear.hertz(), ..self.measured }
    }

    pub(crate) fn silence(&mut self) {
        self.silent = true;
    }

    pub(crate) fn close(&mut self) {
        self.rtc.disconnect();
    }

    fn input(&mut self, input: Input<'_>) {
        if self.rtc.handle_input(input).is_err() {
            self.rtc.disconnect();
        }
    }

    fn learn(&mut self, event: &Event) {
        match event {
            Event::Connected => self.measured.connected = true,
            Event::MediaAdded(media) if media.kind == MediaKind::Audio => self.audio = Some(media.mid),
            Event::MediaData(data) if !self.silent => self.hear(data),
            _ => {}
        }
    }

    fn hear(&mut self, data: &MediaData) {
        let (from, to) = (**data.seq_range.start(), **data.seq_range.end());
        self.measured.received += to.saturating_sub(from) + 1;
        if data.params.spec().codec == Codec::PCMU {
            self.ear.hear(&data.data);
        }
        let seconds = data.time.as_seconds();
        let heard = self.heard.map_or(
            Heard { first: from, last: to, arrived: data.network_time, seconds },
            |before| {
                let arrived = data.network_time.saturating_duration_since(before.arrived).as_secs_f64();
                let difference = (arrived - (seconds - before.seconds)).abs() * 1_000.0;
                self.measured.jitter_ms += (difference - self.measured.jitter_ms) / 16.0;
                Heard { first: before.first, last: before.last.max(to), arrived: data.network_time, seconds }
            },
        );
        self.heard = Some(heard);
        self.measured.lost = (heard.last - heard.first + 1).saturating_sub(self.measured.received);
    }
}
