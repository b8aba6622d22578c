//! The document as a page of HTML: readable without scripts, without a network, and on paper. A small script finds what is
//! looked for.

use std::borrow::Cow;

use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};

use super::example;

/// An operation: its path, its method and what the document says of it.
pub(super) type Operation<'a> = (&'a str, &'a str, Value);

/// Renders the document, with its operations in this order.
pub(super) fn render(document: &Value, operations: &[Operation<'_>]) -> String {
    let info = &document["info"];
    let tags = || document["tags"].as_array().into_iter().flatten();
    let of = |tag: &Value| {
        let name = tag["name"].clone();
        operations.iter().filter(move |(_, _, operation)| operation["tags"][0] == name)
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { (text(&info["title"])) " API" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/docs/docs.css";
                script type="module" src="/docs/docs.js" {}
            }
            body {
                nav aria-label="Operations" {
                    label for="search" { "Search" }
                    input #search type="search" placeholder="a word, a path, a status" autocomplete="off" spellcheck="false" hidden;
                    p #none .muted hidden { "Nothing has all of these words." }
                    @for tag in tags() {
                        section {
                            h2 { (text(&tag["name"])) }
                            ul { @for (path, method, operation) in of(tag) { (link(path, method, operation)) } }
                        }
                    }
                    section { h2 { a href="#bodies" { "Bodies" } } }
                }
                main {
                    h1 { (text(&info["title"])) " API" }
                    p.muted { "Version " (text(&info["version"])) " · " a href="/openapi.json" { "openapi.json" } }
                    p { (prose(&info["description"])) }
                    @for tag in tags() {
                        section.tag {
                            h2 { (text(&tag["name"])) }
                            p { (prose(&tag["description"])) }
                            @for (path, method, operation) in of(tag) { (described(document, path, method, operation)) }
                        }
                    }
                    section.tag {
                        h2 #bodies { "Bodies" }
                        @for (name, schema) in entries(&document["components"]["schemas"]) {
                            article { h3 id=(name) { (name) } (body(schema)) }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}

fn link(path: &str, method: &str, operation: &Value) -> Markup {
    html! {
        li { a href={ "#" (text(&operation["operationId"])) } title={ (method.to_uppercase()) " " (path) } {
            span class={ "method " (method) } { (method.to_uppercase()) } " " (text(&operation["summary"]))
        } }
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn described(document: &Value, path: &str, method: &str, operation: &Value) -> Markup {
    html! {
        article {
            h3 id=(text(&operation["operationId"])) { (text(&operation["summary"])) }
            p.path { span class={ "method " (method) } { (method.to_uppercase()) } " " code { (path) } }
            p { (prose(&operation["description"])) }
            (parameters(operation))
            @for (media, content) in entries(&operation["requestBody"]["content"]) {
                p { "Body: " (kind(&content["schema"])) " " span.muted { "(" (media) ")" } }
            }
            pre tabindex="0" { code { (example::curl(document, path, method, operation)) } }
            table {
                thead { tr { th scope="col" { "Status" } th scope="col" { "Meaning" } th scope="col" { "Body" } } }
                tbody { @for (status, response) in entries(&operation["responses"]) {
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
                } }
            }
        }
    }
}

fn parameters(operation: &Value) -> Markup {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @if !parameters.is_empty() {
            table {
                thead { tr { th scope="col" { "Parameter" } th scope="col" { "In" } th scope="col" { "Value" } } }
                tbody { @for parameter in parameters {
                    tr {
                        td { code { (text(&parameter["name"])) } }
                        td { (text(&parameter["in"])) }
                        td { (kind(&parameter["schema"])) " " (prose(&parameter["description"])) }
                    }
                } }
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
                thead { tr { th scope="col" { "Property" } th scope="col" { "Value" } th scope="col" { "Required" } } }
                tbody { (properties(schema, "")) }
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
