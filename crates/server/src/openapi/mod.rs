//! The OpenAPI 3.1 document and a page that shows it, both made from the route table.
//!
//! `describe` says of each operation what it does and answers; it is an exhaustive match, so that a route without a
//! description does not compile. Schemas come from the types of the bodies. The committed `openapi.json` is this
//! document; a test fails where it is stale.

mod admin_token;
mod describe;
mod inspect;
mod login;
mod page;
mod schema;

use std::sync::LazyLock;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::routes::{ROUTES, Route};
use crate::router::{Audience, Operation, Served};
use describe::Description;

static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&*DOCUMENT).expect("a JSON value can be written");
    text.push('\n');
    text.into()
});
static PAGE: LazyLock<Bytes> = LazyLock::new(|| page::render(&DOCUMENT).into());

/// The document as text: what `/openapi.json` answers and what is committed.
#[must_use]
pub fn document_text() -> Bytes {
    TEXT.clone()
}

/// The page of `/docs`: plain HTML, without scripts and without anything from elsewhere.
pub(crate) fn page() -> Bytes {
    PAGE.clone()
}

fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Jackfield",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Account association for WebRTC calling in smart properties.",
            "description": describe::INTRODUCTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The listener that serves this document." }],
        "tags": [
            { "name": "Account association", "description": "Which communication profile answers for which endpoint." },
            { "name": "Service providers", "description": "The service providers of the caller's organization, and how their networks are reached." },
            { "name": "Communication profiles", "description": "The communication profiles of the units of the caller's organization." },
            { "name": "Login", "description": "Access tokens, as Login with Amazon issues them." },
            { "name": "Admin", "description": "Accounts, changes and the state of the server; on the admin listener." },
            { "name": "Server", "description": "Health, metrics and documentation; open." },
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "accessToken": { "type": "http", "scheme": "bearer", "description": "An access token (`Atza|…`) with the scope `amazon_communication::service_provider`; for operations on communication profiles `alexa::enterprise:management` is enough." },
                "adminToken": { "type": "http", "scheme": "bearer", "description": "The admin token of the server." },
                "tokenHeader": { "type": "apiKey", "in": "header", "name": "x-amz-access-token", "description": "An access token; it may stand in the query string instead." },
                "clientBasic": { "type": "http", "scheme": "basic", "description": "Client id and client secret; they may stand in the form instead." },
            },
            "headers": {
                "RequestId": { "description": "The id of the request, also in the log and in the change record.", "required": true, "schema": { "type": "string", "format": "uuid" } },
                "RetryAfter": { "description": "Whole seconds until it is worth trying again.", "required": true, "schema": { "type": "integer", "minimum": 0 } },
                "Authenticate": { "description": "The challenge of RFC 6750 or RFC 7617.", "required": true, "schema": { "type": "string" } },
                "Location": { "description": "Where the browser goes.", "required": true, "schema": { "type": "string" } },
                "NoStore": { "description": "Always `no-store`.", "required": true, "schema": { "const": "no-store" } },
            },
            "schemas": schema::all(),
        },
    })
}

fn operation(route: &Route) -> Value {
    let known = route.handler.operation();
    let description = describe::describe(known);
    let mut operation = json!({
        "operationId": operation_id(route, &description),
        "tags": [description.tag],
        "summary": description.summary,
        "description": description.text,
        "parameters": parameters(route, &description),
        "responses": responses(known, &description),
        "security": security(known),
    });
    if let Some((media, schema, required)) = description.request {
        operation["requestBody"] =
            json!({ "required": required, "content": { media: { "schema": reference(schema) } } });
    }
    if route.served == Served::Admin {
        operation["x-jackfield-listener"] = json!("admin");
    }
    operation
}

/// Two paths lead to the token endpoint; ids must differ.
fn operation_id(route: &Route, description: &Description) -> String {
    match route.path {
        jackfield_model::path::TOKEN_ALTERNATE | jackfield_model::path::TOKEN_INFO_ALTERNATE => {
            format!("{}Alternate", description.id)
        }
        _ => description.id.to_owned(),
    }
}

fn parameters(route: &Route, description: &Description) -> Value {
    let mut parameters: Vec<Value> = path_parameter(route.path)
        .map(
            |name| json!({ "name": name, "in": "path", "required": true, "schema": path_schema(route.path) }),
        )
        .into_iter()
        .collect();
    let required_query = describe::required_query(route.handler.operation().id);
    parameters.extend(description.query.iter().map(|(name, schema, text)| {
        let required = required_query.contains(name);
        json!({ "name": name, "in": "query", "required": required, "description": text, "schema": schema })
    }));
    Value::Array(parameters)
}

fn path_parameter(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once('{')?;
    rest.split_once('}').map(|(name, _)| name)
}

fn path_schema(path: &str) -> Value {
    if path.contains("/faults/{") {
        return json!({ "type": "integer", "minimum": 1 });
    }
    reference(if path.contains("/serviceProviders/{") {
        "ServiceProviderId"
    } else if path.contains("/refresh-tokens/{") {
        "RefreshTokenId"
    } else if path.contains("/admin/v1/tokens/{") {
        "AdminTokenId"
    } else if path.contains("/clients/{") {
        "ClientId"
    } else if path.contains("/profiles/{") || path.contains("/profile/{") {
        "AmazonId"
    } else {
        "OrganizationId"
    })
}

fn security(operation: &Operation) -> Value {
    match (operation.audience, operation.id) {
        (Audience::Client, "getToken") => json!([{ "clientBasic": [] }, {}]),
        (Audience::Client, "getTokenInfo") => json!([{ "tokenHeader": [] }, {}]),
        (Audience::Client, "getUserProfile") => json!([{ "accessToken": [] }, { "tokenHeader": [] }, {}]),
        (Audience::Client, _) if is_consent(operation) => json!([]),
        (Audience::Client, _) => json!([{ "accessToken": [] }]),
        (Audience::Operator, _) => json!([{ "adminToken": [] }]),
        (Audience::Anyone, _) => json!([]),
    }
}

fn is_consent(operation: &Operation) -> bool {
    operation.name == "consent"
}

/// Whether an operation is one of Login with Amazon.
fn is_login(operation: &Operation) -> bool {
    is_consent(operation) || matches!(operation.name, "token" | "tokeninfo" | "user_profile")
}

fn responses(operation: &Operation, description: &Description) -> Value {
    let mut responses = Map::new();
    let (status, text, content) = description.success;
    let mut success = response(code(status), text, content, operation);
    if let Some(links) = describe::links(operation.id) {
        success["links"] = links;
    }
    responses.insert(status.to_string(), success);
    if let Some((status, text)) = describe::other_success(operation.id) {
        responses.insert(status.to_string(), response(code(status), text, content, operation));
    }
    // Every operation of operators may meet it; some say more about it.
    let unless_told =
        (403, "The role of the admin token is too low, or the `Host` or `Origin` header names another site.");
    let admin = operation.audience == Audience::Operator;
    let told = description.errors.iter().any(|(status, _)| *status == 403);
    let unless_told = (admin && !told).then_some(&unless_told);
    let guessing = admin.then_some(&describe::ADMIN_GUESSING);
    for (status, text) in description.errors.iter().chain(unless_told).chain(guessing) {
        let code = code(*status);
        let schema = if operation.name == "token" { "GrantError" } else { "Error" };
        let mut refusal = response(code, text, Some(("application/json", schema)), operation);
        if is_login(operation) && operation.name != "token" {
            match login::error_content(operation.id, code) {
                Some(content) => refusal["content"] = content,
                None => drop(refusal.as_object_mut().and_then(|refusal| refusal.remove("content"))),
            }
        }
        responses.insert(status.to_string(), refusal);
    }
    Value::Object(responses)
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("the statuses of the descriptions are valid")
}

fn response(status: StatusCode, text: &str, content: Option<(&str, &str)>, operation: &Operation) -> Value {
    let mut headers = json!({ "X-Amzn-RequestId": { "$ref": "#/components/headers/RequestId" } });
    let mut header = |name: &str, component: &str| {
        headers[name] = json!({ "$ref": format!("#/components/headers/{component}") });
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            header("Retry-After", "RetryAfter");
        }
        StatusCode::FOUND | StatusCode::SEE_OTHER => {
            header("Location", "Location");
        }
        StatusCode::UNAUTHORIZED => {
            header("WWW-Authenticate", "Authenticate");
        }
        _ => {}
    }
    if is_login(operation) {
        header("Cache-Control", "NoStore");
    }
    let mut response = json!({ "description": text, "headers": headers });
    if let Some((media, schema)) = content {
        response["content"] = json!({ media: { "schema": reference(schema) } });
    }
    response
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

#[cfg(test)]
mod tests;
