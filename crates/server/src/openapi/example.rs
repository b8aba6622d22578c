//! An example of each request, as a `curl`: made from the schemas of the document.

use serde_json::{Map, Value, json};

/// Deepest nesting of an example.
const DEPTH: usize = 5;

/// A command that sends a request to this operation.
pub(super) fn curl(document: &Value, path: &str, method: &str, operation: &Value) -> String {
    let is_admin = operation["x-jackfield-listener"] == "admin";
    let base = if is_admin { "$ADMIN_ENDPOINT" } else { "$ENDPOINT" };
    let mut query = Vec::new();
    let mut target = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let value = text(&example(document, &parameter["schema"], 0));
        match parameter["in"].as_str() {
            Some("path") => target = target.replace(&format!("{{{name}}}"), &value),
            Some("query") if parameter["required"] == true => query.push(format!("{name}={value}")),
            _ => {}
        }
    }
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    let method = match method {
        "get" => String::new(),
        other => format!(" -X {}", other.to_uppercase()),
    };
    let mut command = format!("curl -i{method} \"{base}{target}\"");
    let schemes = operation["security"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let token = schemes.flat_map(Map::keys).find_map(|scheme| match scheme.as_str() {
        "accessToken" => Some("$TOKEN"),
        "adminToken" => Some("$ADMIN_TOKEN"),
        _ => None,
    });
    if let Some(token) = token {
        command.push_str(&format!(" \\\n  -H \"Authorization: Bearer {token}\""));
    }
    if let Some((media, content)) =
        operation["requestBody"]["content"].as_object().and_then(|all| all.iter().next())
    {
        command.push_str(&body(document, media, &content["schema"]));
    }
    command
}

fn body(document: &Value, media: &str, schema: &Value) -> String {
    let example = example(document, schema, 0);
    match (media, &example) {
        ("application/json", _) => {
            let text = serde_json::to_string(&example).expect("an example is JSON");
            format!(" \\\n  -d '{}'", text.replace('\'', "'\\''"))
        }
        ("application/x-www-form-urlencoded", Value::Object(pairs)) => {
            let pairs = pairs.iter().map(|(name, value)| format!(" \\\n  -d '{name}={}'", text(value)));
            pairs.collect()
        }
        _ => " \\\n  --data-binary @FILE".to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value that a schema allows: one that it names, or the plainest of its type.
pub(super) fn example(document: &Value, schema: &Value, depth: usize) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
        return example(document, found, depth);
    }
    for named in [&schema["const"], &schema["examples"][0], &schema["enum"][0], &schema["default"]] {
        if !named.is_null() {
            return named.clone();
        }
    }
    if let Some(first) = ["oneOf", "anyOf", "allOf"].iter().find_map(|word| schema[*word].get(0)) {
        return example(document, first, depth);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") => object(document, schema, depth),
        Some("array") if depth < DEPTH => json!([example(document, &schema["items"], depth + 1)]),
        Some("array") => json!([]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("string") => string(schema).into(),
        _ => json!("…"),
    }
}

/// What is required; where nothing is, the first properties, so that the example says something.
fn object(document: &Value, schema: &Value, depth: usize) -> Value {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object();
    let wanted = properties.into_iter().flatten().enumerate().filter(|(place, (name, _))| {
        if required.is_empty() { *place < 2 && depth > 0 } else { required.contains(&name.as_str()) }
    });
    let examples = wanted.map(|(_, (name, schema))| (name.clone(), example(document, schema, depth + 1)));
    if depth >= DEPTH { json!({}) } else { Value::Object(examples.collect()) }
}

fn string(schema: &Value) -> String {
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date-time"), _) => "2026-01-01T00:00:00Z".to_owned(),
        (Some("uuid"), _) => "6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".to_owned(),
        (Some("uri" | "url"), _) => "https://example.com/back".to_owned(),
        (_, Some(pattern)) => of_pattern(pattern),
        _ => "…".to_owned(),
    }
}

/// An id that such a pattern allows: its literal beginning, and a plain end.
fn of_pattern(pattern: &str) -> String {
    let literal = pattern.trim_start_matches('^').split(['[', '(', '{']).next().unwrap_or_default();
    let literal = literal.replace('\\', "");
    let literal = literal.trim_end_matches(['+', '*', '$']);
    match pattern.contains("{8}-") {
        true => format!("{literal}6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10"),
        false if literal.is_empty() => "…".to_owned(),
        false => format!("{literal}1234"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_what_a_schema_allows() {
        let document = json!({"components": {"schemas": {
            "Id": {"type": "string", "pattern": "^amzn1\\.x\\.did\\.[A-Za-z0-9]{1,9}$"},
            "Uuid": {"type": "string", "pattern": "^amzn1\\.csp\\.[0-9a-f]{8}-[0-9a-f]{4}$"},
        }}});
        let of = |schema: Value| example(&document, &schema, 0);
        assert_eq!(of(json!({"$ref": "#/components/schemas/Id"})), "amzn1.x.did.1234");
        assert_eq!(
            of(json!({"$ref": "#/components/schemas/Uuid"})),
            "amzn1.csp.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10"
        );
        assert_eq!(of(json!({"const": "c"})), "c");
        assert_eq!(of(json!({"type": ["integer", "null"], "minimum": 5})), 5);
        let nested = json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "object", "properties": {"b": {"type": "array", "items": {"type": "string", "examples": ["7201"]}}}},
            "c": {"type": "string"},
        }});
        assert_eq!(of(nested), json!({"a": {"b": ["7201"]}}));
    }
}
