//! Settings that hold a secret. No message repeats one, whatever is wrong with it.
//!
//! The parser of the command line quotes a value that its type refuses. It therefore accepts any text as a secret, and
//! the resolution of settings validates it. [`SecretSetting`] also marks such settings, so that a test can walk them.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use clap::builder::{MapValueParser, OsStringValueParser, TypedValueParser, ValueParserFactory};
use jackfield_model::admin::Secret;
use jackfield_model::limit;
use serde::Deserialize;
use thiserror::Error;

/// A secret, or a text that may hold one, as it was given: by a flag, the environment or a file. The debug form hides
/// it, and there is no display form.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretSetting(OsString);

/// What is wrong with a secret, without a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidSecret {
    /// It is no text.
    #[error("must be UTF-8")]
    NotText,
    /// It could not be sent in a header, or is too easy to guess.
    #[error("must be {least} to {most} printable ASCII characters without spaces", most = limit::SECRET_MAX_BYTES)]
    Form {
        /// Fewest characters.
        least: usize,
    },
    /// It is not what the setting asks for.
    #[error("{0}")]
    Kind(String),
}

impl SecretSetting {
    /// The text without white space around it: a file that holds a secret ends with a line break.
    ///
    /// # Errors
    /// [`InvalidSecret::NotText`].
    pub fn text(&self) -> Result<&str, InvalidSecret> {
        self.0.to_str().map(str::trim).ok_or(InvalidSecret::NotText)
    }

    /// The setting as it was given, for a later reader.
    #[must_use]
    pub fn into_os_string(self) -> OsString {
        self.0
    }

    /// A secret that this server verifies: 8 to 2,048 printable ASCII characters, so that every client can send it.
    ///
    /// # Errors
    /// [`InvalidSecret`] naming the rule.
    pub fn to_secret(&self) -> Result<Secret, InvalidSecret> {
        self.at_least(limit::SECRET_MIN_BYTES)
    }

    /// A secret that another service verifies: 1 to 2,048 printable ASCII characters.
    ///
    /// # Errors
    /// [`InvalidSecret`] naming the rule.
    pub fn presented(&self) -> Result<Secret, InvalidSecret> {
        self.at_least(1)
    }

    /// A value that may hold a secret, such as a URL with a password.
    ///
    /// # Errors
    /// [`InvalidSecret`]. The messages of `T` must not repeat the text.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self) -> Result<T, InvalidSecret> {
        self.text()?.parse().map_err(|error: T::Err| InvalidSecret::Kind(error.to_string()))
    }

    fn at_least(&self, least: usize) -> Result<Secret, InvalidSecret> {
        let text = self.text()?;
        let graphic = text.bytes().all(|byte| byte.is_ascii_graphic());
        if graphic && (least..=limit::SECRET_MAX_BYTES).contains(&text.len()) {
            Ok(Secret(text.to_owned()))
        } else {
            Err(InvalidSecret::Form { least })
        }
    }
}

impl<T: Into<OsString>> From<T> for SecretSetting {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SecretSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSetting(…)")
    }
}

impl ValueParserFactory for SecretSetting {
    type Parser = MapValueParser<OsStringValueParser, fn(OsString) -> Self>;

    fn value_parser() -> Self::Parser {
        OsStringValueParser::new().map(Self)
    }
}

impl<'de> Deserialize<'de> for SecretSetting {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Reads a secret of a file without the white space around it.
pub(crate) fn trimmed<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(|text| Secret(text.trim().to_owned()))
}

/// The same for one that may be absent.
pub(crate) fn trimmed_option<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    trimmed(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_secret_is_not_part_of_it() {
        let given = SecretSetting::from(" \tkX4v9QmT2bYw\r\n");
        assert_eq!(given.to_secret().unwrap().0, "kX4v9QmT2bYw");
        assert_eq!(given.presented().unwrap().0, "kX4v9QmT2bYw");
    }

    #[test]
    fn a_refusal_names_the_rule_and_repeats_nothing() {
        let long = "h".repeat(limit::SECRET_MAX_BYTES + 1);
        for bad in ["", "hush", "hush hush", "hush\nhush-hush", "hüsh-hüsh", "hush\u{7f}hush", &long] {
            let refused = SecretSetting::from(bad).to_secret().unwrap_err();
            assert_eq!(refused, InvalidSecret::Form { least: limit::SECRET_MIN_BYTES });
            assert_eq!(refused.to_string(), "must be 8 to 2048 printable ASCII characters without spaces");
        }
        let bytes: OsString = std::os::unix::ffi::OsStringExt::from_vec(b"hush-hush\xff".to_vec());
        assert_eq!(SecretSetting::from(bytes).to_secret().unwrap_err().to_string(), "must be UTF-8");
        assert!(SecretSetting::from("t").presented().is_ok());
        assert!(!format!("{:?}", SecretSetting::from("hush")).contains("hush"));
    }
}
