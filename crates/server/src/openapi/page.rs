//! The document as a page of plain HTML: readable without scripts, without a network, and on paper.

use std::fmt::Write;

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
    let mut page = String::with_capacity(64 * 1024);
    write_page(&mut page, document, operations).expect("writing to a string cannot fail");
    page
}

fn write_page(page: &mut String, document: &Value, operations: &[Operation<'_>]) -> std::fmt::Result {
    let info = &document["info"];
    write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{title} API</title><style>{STYLE}</style></head><body>\
         <h1>{title}</h1><p class=\"muted\">Version {version} · <a href=\"/openapi.json\">openapi.json</a></p><p>{text}</p>",
        title = escape(&info["title"]),
        version = escape(&info["version"]),
        text = prose(&info["description"]),
    )?;
    write_contents(page, operations)?;
    for tag in document["tags"].as_array().into_iter().flatten() {
        write!(page, "<h2>{}</h2><p>{}</p>", escape(&tag["name"]), prose(&tag["description"]))?;
        for (path, method, operation) in
            operations.iter().filter(|(_, _, operation)| operation["tags"][0] == tag["name"])
        {
            write_operation(page, path, method, operation)?;
        }
    }
    page.push_str("<h2>Bodies</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        write!(page, "<h3 id=\"{name}\">{name}</h3>")?;
        write_schema(page, schema)?;
    }
    page.push_str("</body></html>");
    Ok(())
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn write_contents(page: &mut String, operations: &[Operation<'_>]) -> std::fmt::Result {
    page.push_str("<nav><ul>");
    for (_, _, operation) in operations {
        write!(
            page,
            "<li><a href=\"#{}\">{}</a></li>",
            escape(&operation["operationId"]),
            escape(&operation["summary"])
        )?;
    }
    page.push_str("</ul></nav>");
    Ok(())
}

fn write_operation(page: &mut String, path: &str, method: &str, operation: &Value) -> std::fmt::Result {
    write!(
        page,
        "<h3 id=\"{id}\">{summary}</h3><p><code><span class=\"method\">{method}</span> {path}</code></p><p>{text}</p>",
        id = escape(&operation["operationId"]),
        summary = escape(&operation["summary"]),
        method = method.to_uppercase(),
        text = prose(&operation["description"]),
    )?;
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        page.push_str("<table><tr><th>Parameter</th><th>In</th><th>Value</th></tr>");
        for parameter in parameters {
            write!(
                page,
                "<tr><td><code>{}</code></td><td>{}</td><td>{} {}</td></tr>",
                escape(&parameter["name"]),
                escape(&parameter["in"]),
                kind(&parameter["schema"]),
                prose(&parameter["description"])
            )?;
        }
        page.push_str("</table>");
    }
    for (media, content) in entries(&operation["requestBody"]["content"]) {
        write!(page, "<p>Body: {} <span class=\"muted\">({media})</span></p>", kind(&content["schema"]))?;
    }
    page.push_str("<table><tr><th>Status</th><th>Meaning</th><th>Body</th></tr>");
    for (status, response) in entries(&operation["responses"]) {
        let body = entries(&response["content"]).map(|(_, content)| kind(&content["schema"])).next();
        write!(
            page,
            "<tr><td><code>{status}</code></td><td>{}</td><td>{}</td></tr>",
            prose(&response["description"]),
            body.unwrap_or_else(|| "none".to_owned())
        )?;
    }
    page.push_str("</table>");
    Ok(())
}

fn write_schema(page: &mut String, schema: &Value) -> std::fmt::Result {
    if schema.get("properties").is_none() {
        return write!(page, "<p>{} {}</p>", kind(schema), prose(&schema["description"]));
    }
    page.push_str("<table><tr><th>Property</th><th>Value</th><th>Required</th></tr>");
    write_properties(page, schema, "")?;
    page.push_str("</table>");
    Ok(())
}

/// The properties of an object, those of objects within it by their dotted names.
fn write_properties(page: &mut String, schema: &Value, prefix: &str) -> std::fmt::Result {
    for (name, property) in entries(&schema["properties"]) {
        let required =
            schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name));
        write!(
            page,
            "<tr><td><code>{prefix}{name}</code></td><td>{} {}</td><td>{}</td></tr>",
            kind(property),
            prose(&property["description"]),
            if required { "yes" } else { "no" }
        )?;
        if property.get("properties").is_some() {
            write_properties(page, property, &format!("{prefix}{name}."))?;
        }
    }
    Ok(())
}

/// What kind of value a schema allows, with its bounds.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(constant) = schema["const"].as_str() {
        return format!("<code>{constant}</code>");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> =
            values.iter().map(|value| format!("<code>{}</code>", escape(value))).collect();
        return values.join(", ");
    }
    let mut text = match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("array of {}", kind_of_items(schema)),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().map(escape).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    };
    for (low, high, unit) in [
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minimum", "maximum", ""),
    ] {
        text += &match (schema[low].as_u64(), schema[high].as_u64()) {
            (Some(low), Some(high)) => format!(", {low} to {high}{unit}"),
            (None, Some(high)) => format!(", at most {high}{unit}"),
            (Some(low), None) if low > 0 => format!(", at least {low}{unit}"),
            _ => String::new(),
        };
    }
    if !schema["default"].is_null() {
        text += &format!(", default {}", escape(&schema["default"]));
    }
    text + "."
}

fn kind_of_items(schema: &Value) -> String {
    kind(&schema["items"]).trim_end_matches('.').to_owned()
}

fn escape(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text with `code` between back quotes.
fn prose(value: &Value) -> String {
    let mut html = String::new();
    for (index, part) in escape(value).split('`').enumerate() {
        if index % 2 == 1 {
            html += &format!("<code>{part}</code>");
        } else {
            html += part;
        }
    }
    html
}
