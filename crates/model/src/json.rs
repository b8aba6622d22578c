//! A JSON value borrowed from the request body.
//!
//! Unlike a derived `Deserialize` it keeps repeated properties and knows the name of each, so that a refusal
//! can name the property and the rule.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

/// A JSON value. Strings are borrowed from the input unless they hold escapes.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction or exponent that fits 64 bits with a sign.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// The properties of an object in the order of the body, repeats included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// Why a request body is refused. The text is the public message of the 400.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidRequest(pub String);

impl<'a> Object<'a> {
    /// Reads a body that has to be one JSON object.
    ///
    /// # Errors
    /// [`InvalidRequest`] when the body is empty, no JSON or not an object.
    pub fn parse(body: &'a [u8]) -> Result<Self, InvalidRequest> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(InvalidRequest("The request has no body; a JSON object is expected.".to_owned()));
        }
        match serde_json::from_slice(body) {
            Ok(Json::Object(object)) => Ok(object),
            Ok(other) => Err(InvalidRequest(format!(
                "The body is {kind}; a JSON object is expected.",
                kind = other.kind()
            ))),
            Err(error) => Err(InvalidRequest(match encoding(body) {
                Some(encoding) => format!("The body is in {encoding}; JSON in UTF-8 is expected."),
                None => format!("The body is not valid JSON: {error}."),
            })),
        }
    }

    /// The value of a property, or nothing when it is absent.
    ///
    /// # Errors
    /// [`InvalidRequest`] when the property stands more than once.
    pub fn get(&self, name: &str) -> Result<Option<&Json<'a>>, InvalidRequest> {
        let mut found = self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() {
            return Err(InvalidRequest(format!("{name} stands more than once; it may stand once.")));
        }
        Ok(first)
    }

    /// Whether it has properties besides these.
    #[must_use]
    pub fn has_besides(&self, known: &[&str]) -> bool {
        self.0.iter().any(|(name, _)| !known.contains(&&**name))
    }

    /// The name of the first property that is `null`, without regard to those that may be.
    #[must_use]
    pub fn null_besides(&self, nullable: &[&str]) -> Option<&str> {
        let null = |value: &Json<'_>| matches!(value, Json::Null);
        let found = self.0.iter().find(|(name, value)| null(value) && !nullable.contains(&&**name));
        found.map(|(name, _)| &**name)
    }

    /// The text of a required property.
    ///
    /// # Errors
    /// [`InvalidRequest`] when it is absent, repeated or not a string.
    pub fn text(&self, name: &str) -> Result<&str, InvalidRequest> {
        match self.get(name)? {
            None => Err(InvalidRequest(format!("{name} is missing; it is required."))),
            Some(Json::Text(text)) => Ok(text),
            Some(other) => Err(other.wrong_type(name, "a string")),
        }
    }

    /// The elements of a required property that is an array.
    ///
    /// # Errors
    /// [`InvalidRequest`] when it is absent, repeated or not an array.
    pub fn array(&self, name: &str) -> Result<&[Json<'a>], InvalidRequest> {
        match self.get(name)? {
            None => Err(InvalidRequest(format!("{name} is missing; it is required."))),
            Some(Json::Array(values)) => Ok(values),
            Some(other) => Err(other.wrong_type(name, "an array")),
        }
    }

    /// What `read` makes of a required property that is an object. Its refusals get the name in front.
    ///
    /// # Errors
    /// [`InvalidRequest`] when it is absent, repeated or not an object, and those of `read`.
    pub fn object<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Self) -> Result<T, InvalidRequest>,
    ) -> Result<T, InvalidRequest> {
        match self.get(name)? {
            None => Err(InvalidRequest(format!("{name} is missing; it is required."))),
            Some(value) => value.object(name, read),
        }
    }
}

/// The encoding of a body that is no JSON in UTF-8, as far as its first bytes give it away (RFC 4627, section 3).
fn encoding(body: &[u8]) -> Option<&'static str> {
    match body {
        [0, 0, 0xfe, 0xff, ..] | [0xff, 0xfe, 0, 0, ..] | [0, 0, 0, _, ..] | [_, 0, 0, 0, ..] => {
            Some("UTF-32")
        }
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, _, ..] | [_, 0, ..] => Some("UTF-16"),
        _ if std::str::from_utf8(body).is_err() => Some("an encoding that is not UTF-8"),
        _ => None,
    }
}

impl<'a> Json<'a> {
    /// What `read` makes of a value that is to be an object. Its refusals get the name in front.
    ///
    /// # Errors
    /// [`InvalidRequest`] when it is not an object, and those of `read`.
    pub fn object<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Object<'a>) -> Result<T, InvalidRequest>,
    ) -> Result<T, InvalidRequest> {
        match self {
            Self::Object(object) => read(object).map_err(|error| InvalidRequest(format!("{name}.{error}"))),
            other => Err(other.wrong_type(name, "an object")),
        }
    }
}

impl Json<'_> {
    /// The kind of value, with its article.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The refusal of a value that should have been `expected`.
    #[must_use]
    pub fn wrong_type(&self, name: &str, expected: &str) -> InvalidRequest {
        InvalidRequest(format!("{name} is {}; {expected} is expected.", self.kind()))
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "only told apart from an integer, never computed with"
        )]
        Ok(i64::try_from(value).map_or(Json::Number(value as f64), Json::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Number(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut properties = Vec::new();
        while let Some((name, value)) = map.next_entry::<Name<'de>, Json<'de>>()? {
            properties.push((name.0, value));
        }
        Ok(Json::Object(Object(properties)))
    }
}

/// A property name, borrowed where it can be (`Cow` alone always copies).
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(JsonVisitor)? {
            Json::Text(text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("a property name is a string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        Object::parse(body.as_bytes()).and_then(|o| o.text("id").map(str::to_owned)).unwrap_err().0
    }

    #[test]
    fn refusals_name_the_property_and_the_rule() {
        assert_eq!(refusal(" \n"), "The request has no body; a JSON object is expected.");
        assert_eq!(refusal("[]"), "The body is an array; a JSON object is expected.");
        assert_eq!(refusal("7"), "The body is a number; a JSON object is expected.");
        assert_eq!(refusal("{}"), "id is missing; it is required.");
        assert_eq!(refusal(r#"{"id":null}"#), "id is null; a string is expected.");
        assert_eq!(refusal(r#"{"id":7}"#), "id is a number; a string is expected.");
        assert_eq!(refusal(r#"{"id":"a","i\u0064":"b"}"#), "id stands more than once; it may stand once.");
        assert_eq!(
            refusal(r#"{"id":"a"} x"#),
            "The body is not valid JSON: trailing characters at line 1 column 12."
        );
        let refusal = |body: &[u8]| Object::parse(body).unwrap_err().0;
        for (bytes, name) in [
            (&b"\xff\xfe{\0}\0"[..], "UTF-16"),
            (b"\xfe\xff\0{\0}", "UTF-16"),
            (b"{\0}\0", "UTF-16"),
            (b"\0{\0}", "UTF-16"),
            (b"{\0\0\0}\0\0\0", "UTF-32"),
            (b"\0\0\0{\0\0\0}", "UTF-32"),
            (b"{\"id\":\"\xe9\"}", "an encoding that is not UTF-8"),
        ] {
            assert_eq!(refusal(bytes), format!("The body is in {name}; JSON in UTF-8 is expected."));
        }
        assert!(Object::parse("[".repeat(60_000).as_bytes()).is_err(), "nested too deep, no stack overflow");
    }

    #[test]
    fn plain_strings_are_borrowed() {
        let object = Object::parse(br#"{"id":"a","other":1}"#).unwrap();
        assert!(matches!(object.get("id"), Ok(Some(Json::Text(Cow::Borrowed("a"))))));
        assert!(matches!(object.0[0].0, Cow::Borrowed("id")));
    }
}
