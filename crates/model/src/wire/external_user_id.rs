//! How an `externalUserId` is read from a body.
//!
//! The vendor's published client parses its arguments, so that its own example arrives as the number `7201`. A whole
//! number is taken as its decimal text as far as every client writes it exactly.

use schemars::JsonSchema;

use super::named;
use crate::json::{InvalidRequest, Json};
use crate::note::{Note, Reading};
use crate::{ExternalUserId, limit, unseen};

/// What a request may have for an `externalUserId`, for the API description. It is read as an [`ExternalUserId`].
#[derive(Debug, JsonSchema)]
#[schemars(untagged, description = "An `externalUserId` in a request.")]
pub enum ExternalUserIdInRequest {
    /// The id.
    Text(ExternalUserId),
    /// Read as its decimal text; refused where server or organization are not lenient.
    Number(#[schemars(range(min = -limit::NUMERIC_ID_MAX.cast_signed(), max = limit::NUMERIC_ID_MAX))] i64),
}

/// Reads an id; `name` is that of its property.
pub(super) fn read(
    value: &Json<'_>,
    reading: &mut Reading,
    name: impl Fn() -> String,
) -> Result<ExternalUserId, InvalidRequest> {
    let valid = |text: &str| ExternalUserId::new(text).map_err(|error| named(&name(), &error));
    match value {
        Json::Text(text) => {
            let id = valid(text)?;
            if !unseen::is_plain(text) {
                reading.note(Note::UnseenCharacters);
            }
            Ok(id)
        }
        Json::Integer(number) if number.unsigned_abs() <= limit::NUMERIC_ID_MAX => {
            reading.permit(Note::NumericId, || {
                InvalidRequest(format!("{} is a number; a string is expected, in quotes: \"7201\".", name()))
            })?;
            valid(&number.to_string())
        }
        Json::Integer(_) | Json::Number(_) => Err(InvalidRequest(format!(
            "{} is a number with a fraction, with an exponent or beyond 2^53; write the id as a string, in quotes: \
             \"7201\".",
            name()
        ))),
        other => Err(other.wrong_type(&name(), "a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(json: &str, lenient: bool) -> (Result<String, String>, bool) {
        let mut reading = Reading::new(lenient);
        let value: Json<'_> = serde_json::from_str(json).unwrap();
        let id = read(&value, &mut reading, || "externalUserId".to_owned());
        (id.map(|id| id.to_string()).map_err(|error| error.0), !reading.notes().is_empty())
    }

    #[test]
    fn a_whole_number_is_its_decimal_text() {
        for number in ["0", "7201", "-5", "9007199254740992", "-9007199254740992"] {
            assert_eq!(id(number, true), (Ok(number.to_owned()), true));
            let (refused, noted) = id(number, false);
            assert!(refused.unwrap_err().starts_with("externalUserId is a number; a string is expected"));
            assert!(!noted, "what is refused is not noted");
        }
        assert_eq!(id("\"7201\"", false), (Ok("7201".to_owned()), false));
    }

    #[test]
    fn what_nobody_sees_is_taken_and_noted() {
        for text in ["7201\u{200b}", "\u{feff}7201", "Cafe\u{301}"] {
            assert_eq!(id(&format!("\"{text}\""), false), (Ok(text.to_owned()), true), "{text:?}");
        }
        assert_eq!(id("\"Caf\u{e9}\"", true), (Ok("Caf\u{e9}".to_owned()), false));
    }

    #[test]
    fn other_numbers_are_refused_with_what_would_be_right() {
        for number in
            ["1.0", "7201.5", "1e3", "-0", "9007199254740993", "-9007199254740993", "18446744073709551616"]
        {
            let (refused, noted) = id(number, true);
            let refused = refused.unwrap_err();
            assert!(refused.contains("beyond 2^53") && refused.contains("in quotes"), "{number}: {refused}");
            assert!(!noted);
        }
        assert_eq!(id("true", true).0.unwrap_err(), "externalUserId is a boolean; a string is expected.");
        assert_eq!(id("{}", true).0.unwrap_err(), "externalUserId is an object; a string is expected.");
        assert_eq!(id("null", true).0.unwrap_err(), "externalUserId is null; a string is expected.");
    }
}
