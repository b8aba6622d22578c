//! Values that people write as text, and what is wrong with a text that is no TOML.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A value that is written as text, on the command line and in the file alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromText<T>(pub T);

impl<T: FromStr> FromStr for FromText<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for FromText<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A span of time as people write it: `500ms`, `10s`, `90d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HumanDuration(pub Duration);

impl FromStr for HumanDuration {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text).map(Self)
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = humantime::DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// What is wrong with a TOML text, on one line and without quoting it: it may hold secrets.
pub(crate) fn one_line(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map(|span| {
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}: ")
    });
    format!("{}{}", at.unwrap_or_default(), without_values(error.message()).replace('\n', " "))
}

/// The message of a parser without the value that it refused: `invalid type: integer, expected a string`.
fn without_values(message: &str) -> String {
    let quotes = ["invalid type: ", "invalid value: ", "unknown variant "];
    let Some(cause) = quotes.iter().find(|cause| message.starts_with(**cause)) else {
        return message.to_owned();
    };
    let kind = message[cause.len()..].split(['`', '"', ',']).next().unwrap_or_default();
    let expected = message.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
    format!("{}, expected {expected}", format!("{cause}{kind}").trim_end_matches([' ', ':']))
}
