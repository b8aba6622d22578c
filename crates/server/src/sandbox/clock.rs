//! The token clock: the system clock plus an offset that an operator sets.
//!
//! Access tokens, page tokens and whatever else expires for clients use it. The change record, the journal and the
//! rate limits use real time.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jackfield_model::limit::CLOCK_OFFSET_MAX_SECONDS;
use serde::Deserialize;
use thiserror::Error;

/// Tells the time for tokens: seconds since 1970-01-01 UTC.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset: AtomicI64,
}

impl Clock {
    /// A clock with this offset.
    pub(crate) const fn new(offset: ClockOffset) -> Self {
        Self { offset: AtomicI64::new(offset.0) }
    }

    /// The time now.
    pub(crate) fn seconds(&self) -> u64 {
        system_seconds().saturating_add_signed(self.offset.load(Ordering::Relaxed))
    }

    pub(crate) fn offset(&self) -> ClockOffset {
        ClockOffset(self.offset.load(Ordering::Relaxed))
    }

    /// Moves the clock, for every later reading.
    pub(crate) fn set(&self, offset: ClockOffset) {
        self.offset.store(offset.0, Ordering::Relaxed);
        warn(offset);
    }
}

/// Logs that the token clock is not the system clock.
pub(crate) fn warn(offset: ClockOffset) {
    if offset.0 != 0 {
        tracing::warn!(%offset, "the token clock is not the system's clock");
    }
}

/// The time of the system's clock.
pub(crate) fn system_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// How far the token clock is from the system's clock, in seconds, at most ten years.
///
/// As text: a sign, `+` when there is none, and a span of time (`+2h`, `-1day 30m`) or a number of seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ClockOffset(i64);

/// A text that is no offset of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an offset of the clock is a sign and a span of time up to ten years, for example +2h or -30m")]
pub struct InvalidClockOffset;

impl ClockOffset {
    /// An offset in seconds.
    ///
    /// # Errors
    /// [`InvalidClockOffset`] when it is more than ten years.
    pub fn from_seconds(seconds: i64) -> Result<Self, InvalidClockOffset> {
        if (-CLOCK_OFFSET_MAX_SECONDS..=CLOCK_OFFSET_MAX_SECONDS).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(InvalidClockOffset)
        }
    }

    /// In seconds; negative when the token clock is behind.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl FromStr for ClockOffset {
    type Err = InvalidClockOffset;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (negative, span) = match text.strip_prefix('-') {
            Some(span) => (true, span),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        // A second sign would be read as part of the number.
        if !span.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(InvalidClockOffset);
        }
        let seconds = match span.parse::<i64>() {
            Ok(seconds) => seconds,
            Err(_) => {
                let span = humantime::parse_duration(span).map_err(|_| InvalidClockOffset)?;
                i64::try_from(span.as_secs()).map_err(|_| InvalidClockOffset)?
            }
        };
        Self::from_seconds(if negative { -seconds } else { seconds })
    }
}

impl TryFrom<String> for ClockOffset {
    type Error = InvalidClockOffset;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let span = std::time::Duration::from_secs(self.0.unsigned_abs());
        write!(f, "{sign}{}", humantime::format_duration(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_with_their_sign() {
        let seconds = |text: &str| text.parse::<ClockOffset>().map(ClockOffset::seconds);
        for (text, expected) in [
            ("+2h", 7_200),
            ("2h", 7_200),
            ("-30m", -1_800),
            ("+1day 1s", 86_401),
            ("0", 0),
            ("-90", -90),
            ("0s", 0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for bad in ["", "+", "-", "+-2h", "--2h", "soon", "+11years", "-9223372036854775808"] {
            assert_eq!(seconds(bad), Err(InvalidClockOffset), "{bad}");
        }
        let far = CLOCK_OFFSET_MAX_SECONDS;
        assert!(ClockOffset::from_seconds(-far).is_ok() && ClockOffset::from_seconds(far).is_ok());
        assert!(ClockOffset::from_seconds(-far - 1).is_err() && ClockOffset::from_seconds(far + 1).is_err());
        assert_eq!("-1h 30m".parse::<ClockOffset>().unwrap().to_string(), "-1h 30m");
    }

    #[test]
    fn the_clock_moves_and_never_below_zero() {
        let clock = Clock::default();
        let real = system_seconds();
        clock.set(ClockOffset(3_600));
        assert!((real + 3_600..real + 3_700).contains(&clock.seconds()));
        clock.set(ClockOffset(-3_600));
        assert!(clock.seconds() < real);
        clock.set(ClockOffset(i64::MIN));
        assert_eq!(clock.seconds(), 0);
    }
}
