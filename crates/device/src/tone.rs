//! A tone in G.711 (μ-law, RFC 3551), and the frequency of what is heard.

use std::f64::consts::TAU;

/// Samples a second.
pub(crate) const RATE: u32 = 8_000;
/// Samples of a packet of 20 ms.
pub(crate) const SAMPLES: u32 = RATE / 50;
/// What a device sings: the A of musicians.
const HERTZ: f64 = 440.0;
const LOUDNESS: f64 = 8_000.0;

/// The packet of a tone that begins at this sample.
#[expect(clippy::cast_possible_truncation, reason = "the amplitude fits")]
pub(crate) fn packet(first: u64) -> Vec<u8> {
    #[expect(clippy::cast_precision_loss, reason = "the samples of one period are enough")]
    let phase = |sample: u64| TAU * HERTZ * ((sample % u64::from(RATE)) as f64) / f64::from(RATE);
    (first..first + u64::from(SAMPLES))
        .map(|sample| encode((LOUDNESS * phase(sample).sin()) as i16))
        .collect()
}

/// Estimates the frequency of a second of sound by how often it rises through nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ear {
    samples: u32,
    rises: u32,
    was_below: bool,
    hertz: Option<f64>,
}

impl Ear {
    pub(crate) fn hear(&mut self, packet: &[u8]) {
        for byte in packet {
            let sample = decode(*byte);
            // Noise around nothing is no sound.
            if sample > 200 && self.was_below {
                self.rises += 1;
                self.was_below = false;
            } else if sample < -200 {
                self.was_below = true;
            }
            self.samples += 1;
            if self.samples == RATE {
                self.hertz = (self.rises > 0).then(|| f64::from(self.rises));
                (self.samples, self.rises) = (0, 0);
            }
        }
    }

    /// In the last whole second; nothing where it was silent.
    pub(crate) const fn hertz(&self) -> Option<f64> {
        self.hertz
    }
}

const BIAS: i32 = 0x84;

fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + BIAS;
    // The bias makes it at least 2^7, and the bound less than 2^15.
    let exponent = 24 - magnitude.leading_zeros().min(24);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    let code = (exponent << 4).to_le_bytes()[0] | mantissa.to_le_bytes()[0];
    !(sign | code)
}

fn decode(byte: u8) -> i32 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 0x0f) << 3) + BIAS) << ((byte >> 4) & 7);
    let magnitude = magnitude - BIAS;
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_heard_as_what_it_is() {
        let mut ear = Ear::default();
        (0..100).for_each(|number| ear.hear(&packet(number * u64::from(SAMPLES))));
        assert_eq!(ear.hertz(), Some(HERTZ));
        let mut deaf = Ear::default();
        (0..100).for_each(|_| deaf.hear(&[0xff; SAMPLES as usize]));
        assert_eq!(deaf.hertz(), None);
    }

    #[test]
    fn samples_are_written_and_read() {
        for sample in [0_i16, 1, 100, -100, 1_000, -8_000, 32_000, i16::MAX, i16::MIN] {
            let (read, sample) = (decode(encode(sample)), i32::from(sample));
            assert!((read - sample).abs() <= 8 + sample.abs() / 16, "{sample} is read as {read}");
        }
    }
}
