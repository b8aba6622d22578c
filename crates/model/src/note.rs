//! What was accepted although a stricter server might not, so that a client that works by our leniency can be told.
//!
//! A request gathers [`Notes`] on its way, a few bits; whoever reads a body does it with a [`Reading`], which also says
//! whether leniency is allowed. To add a kind, add it to [`Note`], its text and label, and say whether it tells.

use crate::json::InvalidRequest;

/// Something that was accepted although a stricter server might not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// An `externalUserId` was a number, not a string.
    NumericId,
    /// A parameter of the token endpoint stood in the query string.
    QueryParameters,
    /// A DELETE named its `externalUserId` in the query string.
    DeleteQuery,
    /// A byte-order mark stood before the body.
    ByteOrderMark,
    /// A body had another `Content-Type` than what it was read as.
    OtherContentType,
    /// A body had no `Content-Type`.
    NoContentType,
    /// The path ended with one slash more.
    TrailingSlash,
    /// A body had properties that the operation does not know, which were ignored.
    UnknownProperties,
    /// An `externalUserId` has characters that nobody sees, or is not in Unicode normal form C.
    UnseenCharacters,
}

/// Kinds of notes: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes(u16);

/// How a body is read, and what was noted about it.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    lenient: bool,
    notes: Notes,
}

impl Note {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::NumericId,
        Self::QueryParameters,
        Self::DeleteQuery,
        Self::ByteOrderMark,
        Self::OtherContentType,
        Self::NoContentType,
        Self::TrailingSlash,
        Self::UnknownProperties,
        Self::UnseenCharacters,
    ];

    /// What stands in the journal. Nothing that the client wrote is in it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NumericId => "lenient: externalUserId was a number",
            Self::QueryParameters => "lenient: token parameters stood in the query string",
            Self::DeleteQuery => "lenient: externalUserId stood in the query string of a DELETE",
            Self::ByteOrderMark => "lenient: a byte-order mark stood before the body",
            Self::OtherContentType => "lenient: the body had another Content-Type",
            Self::NoContentType => "lenient: the body had no Content-Type",
            Self::TrailingSlash => "lenient: the path ended with a slash",
            Self::UnknownProperties => "lenient: properties that are not known were ignored",
            Self::UnseenCharacters => {
                "lenient: externalUserId has characters that nobody sees, or is not in normal form C"
            }
        }
    }

    /// The value of the metric's label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NumericId => "numeric_id",
            Self::QueryParameters => "query_parameters",
            Self::DeleteQuery => "delete_query",
            Self::ByteOrderMark => "byte_order_mark",
            Self::OtherContentType => "other_content_type",
            Self::NoContentType => "no_content_type",
            Self::TrailingSlash => "trailing_slash",
            Self::UnknownProperties => "unknown_properties",
            Self::UnseenCharacters => "unseen_characters",
        }
    }

    /// Whether a client should hear of it even where nobody asked for every request: what it sends may well fail
    /// elsewhere. The others are what `curl`, the reference's own examples or a next version of a client send.
    #[must_use]
    pub const fn tells(self) -> bool {
        matches!(
            self,
            Self::NumericId
                | Self::QueryParameters
                | Self::DeleteQuery
                | Self::ByteOrderMark
                | Self::UnseenCharacters
        )
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl Notes {
    /// Adds a kind.
    pub const fn add(&mut self, note: Note) {
        self.0 |= note.bit();
    }

    /// Adds the kinds of another set.
    pub const fn add_all(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a client should hear of one, see [`Note::tells`].
    #[must_use]
    pub fn tell(self) -> bool {
        self.iter().any(Note::tells)
    }

    /// The kinds, in the order of [`Note::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Note> {
        Note::ALL.into_iter().filter(move |note| self.0 & note.bit() != 0)
    }
}

impl Reading {
    /// A reading that may be kind, or not.
    #[must_use]
    pub const fn new(lenient: bool) -> Self {
        Self { lenient, notes: Notes(0) }
    }

    /// What was noted so far.
    #[must_use]
    pub const fn notes(&self) -> Notes {
        self.notes
    }

    /// Notes leniency that everybody gets.
    pub const fn note(&mut self, note: Note) {
        self.notes.add(note);
    }

    /// Notes leniency that may be switched off.
    ///
    /// # Errors
    /// `refusal`, followed by why it is one, where leniency is switched off.
    pub fn permit(
        &mut self,
        note: Note,
        refusal: impl FnOnce() -> InvalidRequest,
    ) -> Result<(), InvalidRequest> {
        if !self.lenient {
            let InvalidRequest(text) = refusal();
            return Err(InvalidRequest(format!("{text} This server or organization is not lenient.")));
        }
        self.notes.add(note);
        Ok(())
    }
}

/// A reading that is kind.
impl Default for Reading {
    fn default() -> Self {
        Self::new(true)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_is_its_own() {
        let mut all = Notes::default();
        for (at, note) in Note::ALL.into_iter().enumerate() {
            assert_eq!(note as usize, at, "{note:?} stands in its place");
            let mut one = Notes::default();
            one.add(note);
            assert_eq!(one.iter().collect::<Vec<_>>(), [note]);
            assert_eq!(one.tell(), note.tells());
            all.add_all(one);
        }
        assert_eq!(all.iter().count(), Note::ALL.len());
        let labels: BTreeSet<_> =
            Note::ALL.into_iter().flat_map(|note| [note.label(), note.text()]).collect();
        assert_eq!(labels.len(), 2 * Note::ALL.len());
    }

    #[test]
    fn leniency_can_be_switched_off() {
        let refusal = || InvalidRequest("No.".to_owned());
        let mut strict = Reading::new(false);
        let refused = strict.permit(Note::NumericId, refusal).unwrap_err();
        assert_eq!(refused.0, "No. This server or organization is not lenient.");
        assert!(strict.notes().is_empty());
        strict.note(Note::UnknownProperties);
        assert!(!strict.notes().is_empty(), "what is not switched off is noted all the same");
        let mut kind = Reading::default();
        kind.permit(Note::NumericId, refusal).unwrap();
        assert_eq!(kind.notes().iter().collect::<Vec<_>>(), [Note::NumericId]);
    }
}
