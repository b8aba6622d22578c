//! The ids of calls. The party that begins a call chooses its id.

use std::fmt;

use jackfield_model::limit;
use thiserror::Error;

/// The id of a call: 1 to 128 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Box<str>);

/// Why a text is no id of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidSessionId {
    /// Empty, or too long.
    #[error("has {0} characters; 1 to {max} are allowed", max = limit::SESSION_ID_CHARS)]
    Length(usize),
    /// It has a control character.
    #[error("holds a control character")]
    ControlCharacter,
}

impl SessionId {
    /// Checks an id.
    ///
    /// # Errors
    /// [`InvalidSessionId`] naming the rule.
    pub fn new(text: &str) -> Result<Self, InvalidSessionId> {
        let length = text.chars().count();
        if !(1..=limit::SESSION_ID_CHARS).contains(&length) {
            return Err(InvalidSessionId::Length(length));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidSessionId::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
