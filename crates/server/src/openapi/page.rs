//! The document as a page of plain HTML: readable without scripts, without a network, and on paper.

use std::borrow::Cow;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Map, Value};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8882}\
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem 1.5rem 4rem}\
h1{margin-bottom:0}h2{border-bottom:1px solid var(--line);margin-top:3rem}\
h3{margin:2.5rem 0 .3rem}code,pre{font:14px/1.45 ui-monospace,monospace}\
h3 code{background:var(--soft);border-radius:4px;overflow-wrap:anywhere;padding:.15em .4em}\
.method{display:inline-block;font-weight:700;min-width:4.2em}\
table{border-collapse:collapse;margin:.5rem 0 1rem;width:100%}\
th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}\
td:first-child{white-space:nowrap}nav li{margin:.1rem 0}nav ul{list-style:none;padding:0}\
.muted{opacity:.7}";

/// An operation: its path, its method and what the document says of it.
pub(super) type Operation<'a> = (&'a str, &'a str, Value);

/// Renders the document, with its operations in this order.
pub(super) fn render(document: &Value, operations: &[Operation<'_>]) -> String {
    let info = &document["info"];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { (text(&info["title"])) " API" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (text(&info["title"])) }
                p.muted { "Version " (text(&info["version"])) " · " a href="/openapi.json" { "openapi.json" } }
                p { (prose(&info["description"])) }
                nav { ul {
                    @for (_, _, operation) in operations {
                        li { a href={ "#" (text(&operation["operationId"])) } { (text(&operation["summary"])) } }
                    }
                } }
                @for tag in document["tags"].as_array().into_iter().flatten() {
                    h2 { (text(&tag["name"])) }
                    p { (prose(&tag["description"])) }
                    @for (path, method, operation) in operations {
                        @if operation["tags"][0] == tag["name"] { (described(path, method, operation)) }
                    }
                }
                h2 { "Bodies" }
                @for (name, schema) in entries(&document["components"]["schemas"]) {
                    h3 id=(name) { (name) }
                    (body(schema))
                }
            }
        }
    };
    page.into_string()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn described(path: &str, method: &str, operation: &Value) -> Markup {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        h3 id=(text(&operation["operationId"])) { (text(&operation["summary"])) }
        p { code { span.method { (method.to_uppercase()) } " " (path) } }
        p { (prose(&operation["description"])) }
        @if !parameters.is_empty() {
            table {
                tr { th { "Parameter" } th { "In" } th { "Value" } }
                @for parameter in parameters {
                    tr {
                        td { code { (text(&parameter["name"])) } }
                        td { (text(&parameter["in"])) }
                        td { (kind(&parameter["schema"])) " " (prose(&parameter["description"])) }
                    }
                }
            }
        }
        @for (media, content) in entries(&operation["requestBody"]["content"]) {
            p { "Body: " (kind(&content["schema"])) " " span.muted { "(" (media) ")" } }
        }
        table {
            tr { th { "Status" } th { "Meaning" } th { "Body" } }
            @for (status, response) in entries(&operation["responses"]) {
                tr {
                    td { code { (status) } }
                    td { (prose(&response["description"])) }
                    td {
                        @match entries(&response["content"]).next() {
                            Some((_, content)) => (kind(&content["schema"])),
                            None => "none",
                        }
                    }
                }
            }
        }
    }
}

fn body(schema: &Value) -> Markup {
    html! {
        @if schema.get("properties").is_none() {
            p { (kind(schema)) " " (prose(&schema["description"])) }
        } @else {
            table {
                tr { th { "Property" } th { "Value" } th { "Required" } }
                (properties(schema, ""))
            }
        }
    }
}

/// The properties of an object, those of objects within it by their dotted names.
fn properties(schema: &Value, prefix: &str) -> Markup {
    let is_required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    html! {
        @for (name, property) in entries(&schema["properties"]) {
            tr {
                td { code { (prefix) (name) } }
                td { (kind(property)) " " (prose(&property["description"])) }
                td { @if is_required(name) { "yes" } @else { "no" } }
            }
            @if property.get("properties").is_some() { (properties(property, &format!("{prefix}{name}."))) }
        }
    }
}

/// What kind of value a schema allows, with its bounds.
fn kind(schema: &Value) -> Markup {
    named(schema).unwrap_or_else(|| html! { (bounded(schema)) "." })
}

/// The values of a schema that names them, itself or elsewhere.
fn named(schema: &Value) -> Option<Markup> {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return Some(html! { a href={ "#" (name) } { (name) } });
    }
    if let Some(constant) = schema["const"].as_str() {
        return Some(html! { code { (constant) } });
    }
    let values = schema["enum"].as_array()?;
    Some(html! {
        @for (place, value) in values.iter().enumerate() {
            @if place > 0 { ", " }
            code { (text(value)) }
        }
    })
}

/// The type of a schema with its bounds.
fn bounded(schema: &Value) -> Markup {
    html! {
        @match &schema["type"] {
            Value::String(kind) if kind == "array" => {
                "array of " (named(&schema["items"]).unwrap_or_else(|| bounded(&schema["items"])))
            }
            Value::String(kind) => (kind),
            Value::Array(kinds) => (kinds.iter().map(text).collect::<Vec<_>>().join(" or ")),
            _ => "any value",
        }
        @for (low, high, unit) in [
            ("minLength", "maxLength", " characters"),
            ("minItems", "maxItems", " items"),
            ("minimum", "maximum", ""),
        ] {
            @match (schema[low].as_u64(), schema[high].as_u64()) {
                (Some(low), Some(high)) => { ", " (low) " to " (high) (unit) }
                (None, Some(high)) => { ", at most " (high) (unit) }
                (Some(low), None) if low > 0 => { ", at least " (low) (unit) }
                _ => {}
            }
        }
        @if !schema["default"].is_null() { ", default " (text(&schema["default"])) }
    }
}

fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Text with `code` between back quotes.
fn prose(value: &Value) -> Markup {
    html! {
        @for (place, part) in text(value).split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
