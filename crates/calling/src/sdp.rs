//! Session descriptions (RFC 8866): texts that the two ends of a call exchange. Only their bounds are checked here.

use std::sync::Arc;

use jackfield_model::limit;
use thiserror::Error;

/// A session description within bounds. Clones share the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Sdp(Arc<str>);

/// Why a text is no session description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidSdp {
    /// It does not begin as every description does.
    #[error("is no session description; it must begin with \"v=0\" (RFC 8866)")]
    NoVersion,
    /// Longer than allowed.
    #[error("has {0} bytes; at most {max} are allowed", max = limit::SDP_BYTES)]
    TooLong(usize),
    /// A character that no line may have.
    #[error("holds a control character (at byte {0})")]
    ControlCharacter(usize),
}

impl Sdp {
    /// Checks a description. A byte-order mark and white space before it are passed over.
    ///
    /// # Errors
    /// [`InvalidSdp`] naming the rule.
    pub fn new(text: &str) -> Result<Self, InvalidSdp> {
        if text.len() > limit::SDP_BYTES {
            return Err(InvalidSdp::TooLong(text.len()));
        }
        let text = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_ascii_whitespace());
        let rest = text.strip_prefix("v=0").ok_or(InvalidSdp::NoVersion)?;
        if rest.starts_with(|next: char| !next.is_whitespace()) {
            return Err(InvalidSdp::NoVersion);
        }
        let forbidden = |c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t');
        if let Some(at) = text.find(forbidden) {
            return Err(InvalidSdp::ControlCharacter(at));
        }
        Ok(Self(text.into()))
    }

    /// The description as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Its length alone: the text has addresses and fingerprints.
impl std::fmt::Debug for Sdp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sdp({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_description_is_passed_over() {
        for before in ["", "\u{feff}", "\r\n", " \u{feff}\n\t"] {
            assert_eq!(Sdp::new(&format!("{before}v=0\ns=-\n")).unwrap().as_str(), "v=0\ns=-\n");
        }
        for none in ["", "s=-", "v=1\r\n", "xv=0\r\n", "v=00"] {
            assert_eq!(Sdp::new(none), Err(InvalidSdp::NoVersion), "{none}");
        }
    }
}
