//! What stands in the document about an operation: its description, its route, and what holds for all.

use http::StatusCode;
use jackfield_model::schema::{AdminTokenId, RefreshTokenId};
use jackfield_model::{
    AddressBookId, AmazonId, ClientId, ContactId, OrganizationId, ServiceProviderId, SkillId, UnitId, limit,
};
use schemars::{SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::schema::finished;
use crate::description::{Content, Description, Links, SchemaOf, Tag};
use crate::http::routes::Route;
use crate::router::Served;

/// An operation, in the order in which people read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationObject {
    tags: [&'static str; 1],
    summary: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'static str,
    operation_id: String,
    #[serde(rename = "x-jackfield-listener", skip_serializing_if = "Option::is_none")]
    listener: Option<&'static str>,
    parameters: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_body: Option<Value>,
    responses: Value,
    security: Vec<Value>,
}

/// What a route does, under this id.
pub(super) fn object(
    route: &Route,
    operation_id: String,
    generator: &mut SchemaGenerator,
) -> OperationObject {
    let description = &route.handler.operation().description;
    let scheme = |name: &&str| if name.is_empty() { json!({}) } else { json!({ *name: [] }) };
    OperationObject {
        tags: [description.tag.text().0],
        summary: description.summary,
        description: description.text,
        operation_id,
        listener: (route.served == Served::Admin).then_some("admin"),
        parameters: parameters(route.path, description, generator),
        request_body: description.request.map(
            |(content, required)| json!({ "required": required, "content": contents(&[content], generator) }),
        ),
        responses: responses(description, generator),
        security: description.security.iter().map(scheme).collect(),
    }
}

fn parameters(path: &str, description: &Description, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    let mut rest = path;
    while let Some((collection, behind)) = rest.split_once("/{") {
        let (name, behind) = behind.split_once('}').expect("a parameter of a path ends");
        let schema = id_schema(collection)(generator);
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        rest = behind;
    }
    if let Some(query) = description.query {
        let schema = query(generator);
        let mut schema = finished(generator, schema);
        let required = schema["required"].take();
        let Value::Object(properties) = schema["properties"].take() else { return parameters };
        parameters.extend(properties.into_iter().map(|(name, mut schema)| {
            let required = required.as_array().is_some_and(|names| names.iter().any(|required| *required == name));
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            json!({ "name": name, "in": "query", "required": required, "description": description, "schema": schema })
        }));
    }
    parameters
}

/// The ids of a collection, which is all of a path before the parameter.
fn id_schema(collection: &str) -> SchemaOf {
    match collection.rsplit('/').next() {
        Some("serviceProviders") => |generator| generator.subschema_for::<ServiceProviderId>(),
        Some("organizations") => |generator| generator.subschema_for::<OrganizationId>(),
        Some("clients") => |generator| generator.subschema_for::<ClientId>(),
        Some("profile" | "profiles") => |generator| generator.subschema_for::<AmazonId>(),
        Some("units") => |generator| generator.subschema_for::<UnitId>(),
        Some("addressBooks") => |generator| generator.subschema_for::<AddressBookId>(),
        Some("contacts") => |generator| generator.subschema_for::<ContactId>(),
        Some("refresh-tokens") => |generator| generator.subschema_for::<RefreshTokenId>(),
        Some("tokens") => |generator| generator.subschema_for::<AdminTokenId>(),
        Some("console" | "docs") => |generator| generator.subschema_for::<String>(),
        Some("skills") => |generator| generator.subschema_for::<SkillId>(),
        Some("calls") => {
            |_| json_schema!({ "type": "string", "minLength": 1, "maxLength": limit::SESSION_ID_CHARS })
        }
        Some("imports" | "webhooks") => |_| json_schema!({ "type": "string", "format": "uuid" }),
        Some("echo.api") => |_| json_schema!({ "type": "string" }),
        Some("faults") => |_| json_schema!({ "type": "integer", "minimum": 1 }),
        other => unreachable!("the ids of {other:?} have no schema"),
    }
}

fn responses(description: &Description, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let body: Vec<Content> = description.response.into_iter().chain(description.other_response).collect();
    for (place, &(status, text)) in description.successes.iter().enumerate() {
        let mut response = response(status, text, description.tag, &body, generator);
        if place == 0 && !description.links.is_empty() {
            response["links"] = links(description.links);
        }
        responses.insert(status.to_string(), response);
    }
    for &(status, text) in description.errors.iter().chain(description.common_errors) {
        let body = (description.error_contents)(status);
        responses
            .entry(status.to_string())
            .or_insert_with(|| response(status, text, description.tag, &body, generator));
    }
    Value::Object(responses)
}

fn response(status: u16, text: &str, tag: Tag, body: &[Content], generator: &mut SchemaGenerator) -> Value {
    let mut headers = json!({ "X-Amzn-RequestId": { "$ref": "#/components/headers/RequestId" } });
    let mut header = |name: &str, component: &str| {
        headers[name] = json!({ "$ref": format!("#/components/headers/{component}") });
    };
    let code = StatusCode::from_u16(status).expect("the statuses of the descriptions are valid");
    match code {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            header("Retry-After", "RetryAfter");
        }
        StatusCode::FOUND | StatusCode::SEE_OTHER => header("Location", "Location"),
        StatusCode::UNAUTHORIZED => header("WWW-Authenticate", "Authenticate"),
        _ => {}
    }
    if tag == Tag::Login {
        header("Cache-Control", "NoStore");
    }
    let mut response = json!({ "description": text, "headers": headers });
    if !body.is_empty() {
        response["content"] = contents(body, generator);
    }
    response
}

/// Bodies by media type.
fn contents(contents: &[Content], generator: &mut SchemaGenerator) -> Value {
    let by_media = contents.iter().map(|content| {
        let schema = (content.schema)(generator);
        (content.media.to_owned(), json!({ "schema": schema }))
    });
    Value::Object(by_media.collect())
}

fn links(links: &[Links]) -> Value {
    let mut all = Map::new();
    for Links { operations, parameter: (name, expression), body } in links {
        for &operation in *operations {
            let mut link = json!({ "operationId": operation, "parameters": { *name: expression } });
            if let Some(body) = body {
                link["requestBody"] = body();
            }
            all.insert(operation[..1].to_uppercase() + &operation[1..], link);
        }
    }
    Value::Object(all)
}
