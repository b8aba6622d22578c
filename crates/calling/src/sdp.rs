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
    /// Checks a description.
    ///
    /// # Errors
    /// [`InvalidSdp`] naming the rule.
    pub fn new(text: &str) -> Result<Self, InvalidSdp> {
        if text.len() > limit::SDP_BYTES {
            return Err(InvalidSdp::TooLong(text.len()));
        }
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
