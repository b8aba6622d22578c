//! The session descriptions of a device without media: well-formed, so that every endpoint goes on with the signaling, and
//! without a candidate, so that nothing is sent.

use std::fmt::Write;

use crate::sdp::Sdp;

/// What a device says of itself: made up once for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentDevice {
    /// Hexadecimal digits, at least 64.
    secret: String,
    version: u32,
}

/// A medium of an offer.
#[derive(Debug, Default)]
struct Medium<'o> {
    kind: &'o str,
    protocol: &'o str,
    formats: Vec<&'o str>,
    mid: Option<&'o str>,
    maps: Vec<&'o str>,
}

/// Codecs of calls (RFC 7587, RFC 3551), as `a=rtpmap` has them.
const CODECS: [&str; 4] = ["opus/48000", "PCMU/8000", "PCMA/8000", "G722/8000"];
/// The payload types that need no `a=rtpmap`.
const STATIC: [(&str, &str); 3] = [("0", "PCMU/8000"), ("8", "PCMA/8000"), ("9", "G722/8000")];

impl SilentDevice {
    /// A device. `random` makes it unlike others.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self { secret: random.iter().map(|byte| format!("{byte:02X}")).collect(), version: 0 }
    }

    /// The same device with its next description.
    #[must_use]
    pub fn next(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    /// An offer of audio.
    #[must_use]
    pub fn offer(&self) -> Sdp {
        let mut text = self.head(&["0"]);
        text.push_str("m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n");
        self.medium(&mut text, "0", "actpass");
        text.push_str("a=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n");
        Sdp::new(&text).expect("it is short and begins as it should")
    }

    /// The answer to an offer: the first audio is taken, everything else refused.
    #[must_use]
    pub fn answer(&self, offer: &Sdp) -> Sdp {
        let media = media(offer.as_str());
        let taken = media.iter().position(|medium| medium.kind == "audio" && medium.codec().is_some());
        let mid = |place: usize| media[place].mid.map_or_else(|| place.to_string(), str::to_owned);
        let mids: Vec<String> = taken.into_iter().map(mid).collect();
        let mut text = self.head(&mids.iter().map(String::as_str).collect::<Vec<_>>());
        for (place, medium) in media.iter().enumerate() {
            let Medium { kind, protocol, formats, .. } = medium;
            match medium.codec().filter(|_| taken == Some(place)) {
                Some((format, name)) => {
                    let _ = write!(text, "m=audio 9 {protocol} {format}\r\n");
                    self.medium(&mut text, &mid(place), "active");
                    let _ = write!(text, "a=rtpmap:{format} {name}\r\n");
                }
                None => {
                    let format = formats.first().copied().unwrap_or("0");
                    let _ = write!(text, "m={kind} 0 {protocol} {format}\r\na=mid:{}\r\n", mid(place));
                }
            }
        }
        // An offer of thousands of media has no answer that is as short.
        Sdp::new(&text).unwrap_or_else(|_| self.offer())
    }

    fn head(&self, mids: &[&str]) -> String {
        let id = u64::from_str_radix(&self.secret[..12], 16).unwrap_or_default();
        let mut text = format!("v=0\r\no=- {id} {} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", self.version + 1);
        if !mids.is_empty() {
            let _ = write!(text, "a=group:BUNDLE {}\r\n", mids.join(" "));
        }
        text
    }

    fn medium(&self, text: &mut String, mid: &str, setup: &str) {
        let (name, password) = (&self.secret[..8], &self.secret[8..32]);
        let fingerprint: Vec<&str> = (0..32).map(|at| &self.secret[2 * at..2 * at + 2]).collect();
        let _ = write!(
            text,
            "c=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=ice-ufrag:{name}\r\na=ice-pwd:{password}\r\n\
             a=fingerprint:sha-256 {}\r\na=setup:{setup}\r\na=rtcp-mux\r\na=sendrecv\r\n",
            fingerprint.join(":")
        );
    }
}

impl<'o> Medium<'o> {
    /// The first format that is a codec of calls, and its name.
    fn codec(&self) -> Option<(&'o str, &'o str)> {
        self.formats.iter().find_map(|format| {
            let mapped = self.maps.iter().find_map(|map| {
                let (mapped, name) = map.split_once(' ')?;
                let known = CODECS.iter().any(|codec| {
                    name.get(..codec.len()).is_some_and(|name| name.eq_ignore_ascii_case(codec))
                });
                (mapped == *format && known).then_some(name)
            });
            let unmapped = STATIC.iter().find(|(known, _)| known == format).map(|(_, name)| *name);
            Some((*format, mapped.or(unmapped)?))
        })
    }
}

fn media(text: &str) -> Vec<Medium<'_>> {
    let mut media: Vec<Medium<'_>> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if let Some(line) = line.strip_prefix("m=") {
            let mut words = line.split_ascii_whitespace();
            let (kind, _, protocol) = (words.next(), words.next(), words.next());
            media.push(Medium {
                kind: kind.unwrap_or("audio"),
                protocol: protocol.unwrap_or("UDP/TLS/RTP/SAVPF"),
                formats: words.collect(),
                ..Medium::default()
            });
        } else if let Some(medium) = media.last_mut() {
            if let Some(mid) = line.strip_prefix("a=mid:") {
                medium.mid = Some(mid);
            } else if let Some(map) = line.strip_prefix("a=rtpmap:") {
                medium.maps.push(map);
            }
        }
    }
    media
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_audio_is_taken_and_the_rest_refused() {
        let device = SilentDevice::new([0xab; 32]);
        let offer = Sdp::new(
            "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 63 111 0\r\na=mid:a\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:111 OPUS/48000/2\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
        )
        .unwrap();
        let answer = device.answer(&offer);
        let lines: Vec<&str> = answer.as_str().lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(
            lines,
            [
                "m=video 0 UDP/TLS/RTP/SAVPF 96",
                "m=audio 9 UDP/TLS/RTP/SAVPF 111",
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            ]
        );
        for line in [
            "a=group:BUNDLE a",
            "a=mid:v",
            "a=mid:a",
            "a=mid:2",
            "a=rtpmap:111 OPUS/48000/2",
            "a=setup:active",
        ] {
            assert!(answer.as_str().lines().any(|found| found == line), "{line} in {}", answer.as_str());
        }
        let again = device.clone().next().answer(&offer);
        assert_ne!(again, answer, "its version is another");
        assert_eq!(device.answer(&device.offer()).as_str().matches("m=audio 9").count(), 1);
    }
}
