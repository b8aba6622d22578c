//! How the types of this crate look in the API description, which is JSON Schema 2020-12.
//!
//! Each type derives its schema, and attributes beside a field say its bounds. Here stand the rules that several fields
//! share, the ids that are plain strings in Rust, and the conventions of the wire that no derivation knows.

use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value};

use crate::limit;

/// The id of a refresh token. It does not give the token away.
#[derive(JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[0-9a-f]{16}$"))]
pub enum RefreshTokenId {}

/// The id of an admin token: 16 hexadecimal digits, or `bootstrap`. It does not give the token away.
#[derive(JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[0-9a-z]{9,16}$"))]
pub enum AdminTokenId {}

/// A name: not too long, and without control characters.
pub fn name(schema: &mut Schema) {
    schema.insert("minLength".to_owned(), 1.into());
    schema.insert("maxLength".to_owned(), limit::NAME_CHARS.into());
    schema.insert("pattern".to_owned(), r"^[^\u0000-\u001f\u007f-\u009f]*$".into());
}

/// The name of an address book or a contact: like a name, and shorter.
pub fn book_name(schema: &mut Schema) {
    name(schema);
    schema.insert("maxLength".to_owned(), limit::BOOK_NAME_CHARS.into());
}

/// The same in a request, where it may be an integer.
pub fn requested_book_name(schema: &mut Schema) {
    book_name(schema);
    or_integer(schema);
}

/// A name in a request, where it may be an integer.
pub fn requested_name(schema: &mut Schema) {
    name(schema);
    or_integer(schema);
}

fn or_integer(schema: &mut Schema) {
    let description = schema.remove("description");
    let text = std::mem::take(schema);
    let integer = json_schema!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX });
    schema.insert("anyOf".to_owned(), serde_json::json!([text, integer]));
    if let Some(description) = description {
        schema.insert("description".to_owned(), description);
    }
}

/// A secret that an operator chooses: printable ASCII without spaces.
pub fn secret(schema: &mut Schema) {
    schema.insert("minLength".to_owned(), limit::SECRET_MIN_BYTES.into());
    schema.insert("maxLength".to_owned(), limit::SECRET_MAX_BYTES.into());
    schema.insert("pattern".to_owned(), "^[!-~]*$".into());
}

/// The pattern of an identifier: a fixed prefix, and characters of a class after it.
#[must_use]
pub(crate) fn id_pattern(prefix: &str, class: &str) -> String {
    format!("^{}{class}{{1,{}}}$", prefix.replace('.', r"\."), limit::ID_SUFFIX_CHARS)
}

/// Makes a derived schema say what holds on the wire. It is for one schema, not for those within it.
///
/// - An `Option` may be absent. It may be null only where an attribute of the field says `nullable`.
/// - Unknown properties are allowed, even where this version refuses them, unless an attribute of the type says `closed`.
/// - Numbers have bounds, but no width.
/// - The names of an enumeration are one list.
///
/// `operations` is left alone: the server puts the names of its operations there, beside those that are listed.
pub fn wire_conventions(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            if property.remove("nullable").is_none() {
                forbid_null(property);
            }
        }
    }
    if schema.remove("closed").is_some() {
        schema.insert("additionalProperties".to_owned(), false.into());
    } else if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        schema.remove("additionalProperties");
    }
    if let Some(Value::String(format)) = schema.get("format")
        && ["int", "uint", "double"].iter().any(|width| format.starts_with(width))
    {
        schema.remove("format");
    }
    list_names(schema);
}

/// Takes null out of what a schema allows.
pub(crate) fn forbid_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(cases)) = schema.get_mut("anyOf") {
        let before = cases.len();
        cases.retain(|case| case["type"] != "null");
        if let [Value::Object(only)] = &cases[..]
            && before > 1
        {
            let only = only.clone();
            schema.remove("anyOf");
            for (keyword, value) in only {
                schema.entry(keyword).or_insert(value);
            }
        }
    }
}

/// Makes one list of names that were derived one by one because each has a description.
fn list_names(schema: &mut Map<String, Value>) {
    let Some(Value::Array(cases)) = schema.get("oneOf") else { return };
    let names: Option<Vec<Value>> = cases.iter().map(|case| case.get("const").cloned()).collect();
    let Some(names) = names else { return };
    schema.remove("oneOf");
    if let [only] = &names[..] {
        schema.insert("const".to_owned(), only.clone());
    } else {
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), names.into());
    }
}

#[cfg(test)]
mod tests {
    use schemars::generate::SchemaSettings;
    use schemars::transform::RecursiveTransform;
    use serde_json::json;

    use super::*;

    /// Some text
    /// of two lines.
    #[derive(JsonSchema)]
    #[schemars(deny_unknown_fields)]
    #[expect(dead_code, reason = "only described")]
    struct Example {
        #[schemars(transform = name)]
        absent: Option<String>,
        #[schemars(extend("nullable" = true))]
        null: Option<u16>,
        other: Option<Other>,
        word: Option<Word>,
        only: Only,
    }

    #[derive(JsonSchema)]
    #[schemars(extend("closed" = true))]
    struct Other {}

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "only described")]
    enum Word {
        /// One.
        One,
        /// Two.
        Two,
    }

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "only described")]
    enum Only {
        /// The only one.
        This,
    }

    #[test]
    fn the_conventions_of_the_wire_hold_in_what_is_derived() {
        let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(wire_conventions));
        let schema = settings.into_generator().into_root_schema_for::<Example>();
        assert_eq!(
            schema.to_value(),
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "Example",
                "type": "object",
                "description": "Some text of two lines.",
                "required": ["only"],
                "properties": {
                    "absent": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": limit::NAME_CHARS,
                        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
                    },
                    "null": { "type": ["integer", "null"], "minimum": 0, "maximum": 65_535 },
                    "other": { "$ref": "#/$defs/Other" },
                    "word": { "type": "string", "enum": ["One", "Two"] },
                    "only": { "const": "This" },
                },
                "$defs": { "Other": { "type": "object", "additionalProperties": false } },
            })
        );
    }
}
