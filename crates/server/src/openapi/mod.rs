//! The OpenAPI 3.1 document and a page that shows it.
//!
//! Both are made of the route table, the descriptions beside the handlers and the types of the bodies. Nothing about a
//! single operation stands here. The committed `openapi.json` is this document; a test fails where it is stale.

mod example;
mod operation;
mod page;
mod schema;

use std::sync::LazyLock;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::description::Tag;
use crate::http::routes::{ROUTES, Route};
use operation::OperationObject;

const INTRODUCTION: &str = "A directory that says which Alexa communication profile answers for which endpoint of a \
provider's own network. Every answer bears `X-Amzn-RequestId`; every status of 400 or more has an error object with `type` and \
`message`. A trailing slash is accepted on every path.";

static DOCUMENT: LazyLock<Document> = LazyLock::new(document);
static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&*DOCUMENT).expect("a document can be written");
    text.push('\n');
    text.into()
});
static PAGE: LazyLock<Bytes> = LazyLock::new(|| {
    let operations: Vec<page::Operation<'_>> = DOCUMENT
        .paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.iter().map(move |(method, operation)| (path, method, value(operation)))
        })
        .collect();
    page::render(&value(&*DOCUMENT), &operations).into()
});

fn value(part: &impl Serialize) -> Value {
    serde_json::to_value(part).expect("a document is JSON")
}

/// The document as text: what `/openapi.json` answers and what is committed.
#[must_use]
pub fn document_text() -> Bytes {
    TEXT.clone()
}

/// The page of `/docs`: HTML that can be read without scripts, and has nothing from elsewhere.
pub(crate) fn page() -> Bytes {
    PAGE.clone()
}

#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Value,
    paths: InOrder<InOrder<OperationObject>>,
    components: Value,
}

/// A JSON object that keeps the order of its properties.
struct InOrder<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for InOrder<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<T> InOrder<T> {
    fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value under a name, which is made where there is none.
    fn entry(&mut self, name: &str, new: impl FnOnce() -> T) -> &mut T {
        let place = self.0.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), new()));
            self.0.len() - 1
        });
        &mut self.0[place].1
    }
}

fn document() -> Document {
    let tags = Tag::ALL.map(|tag| {
        let (name, description) = tag.text();
        json!({ "name": name, "description": description })
    });
    let mut generator = schema::generator();
    let mut paths = InOrder(Vec::new());
    for (id, route) in routes_in_order() {
        let methods = paths.entry(route.path, || InOrder(Vec::new()));
        let operation = operation::object(route, id, &mut generator);
        methods.0.push((route.method.as_str().to_lowercase(), operation));
    }
    Document {
        openapi: "3.1.0",
        info: json!({
            "title": "Jackfield",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Account association for WebRTC calling in smart properties.",
            "description": INTRODUCTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        }),
        servers: json!([{ "url": "/", "description": "The listener that serves this document." }]),
        tags: json!(tags),
        paths,
        components: json!({
            "securitySchemes": security_schemes(),
            "headers": headers(),
            "schemas": generator.take_definitions(true),
        }),
    }
}

/// The routes in the order of their tags, with ids. Where two paths lead to an operation the second has an id of its own.
fn routes_in_order() -> Vec<(String, &'static Route)> {
    let mut routes: Vec<&Route> = ROUTES.iter().collect();
    routes.sort_by_key(|route| route.handler.operation().description.tag);
    let mut ordered: Vec<(String, &Route)> = Vec::with_capacity(routes.len());
    for route in routes {
        let id = route.handler.operation().id;
        let taken = ordered.iter().any(|(other, _)| other == id);
        ordered.push((if taken { format!("{id}Alternate") } else { id.to_owned() }, route));
    }
    ordered
}

fn security_schemes() -> Value {
    json!({
        "accessToken": { "type": "http", "scheme": "bearer", "description": "An access token (`Atza|…`) with the scope `amazon_communication::service_provider`; for operations on communication profiles `alexa::enterprise:management` is enough." },
        "adminToken": { "type": "http", "scheme": "bearer", "description": "The admin token of the server." },
        "tokenHeader": { "type": "apiKey", "in": "header", "name": "x-amz-access-token", "description": "An access token; it may stand in the query string instead." },
        "clientBasic": { "type": "http", "scheme": "basic", "description": "Client id and client secret; they may stand in the form instead." },
    })
}

fn headers() -> Value {
    json!({
        "RequestId": { "description": "The id of the request, also in the log and in the change record.", "required": true, "schema": { "type": "string", "format": "uuid" } },
        "RetryAfter": { "description": "Whole seconds until it is worth trying again.", "required": true, "schema": { "type": "integer", "minimum": 0 } },
        "Authenticate": { "description": "The challenge of RFC 6750 or RFC 7617.", "required": true, "schema": { "type": "string" } },
        "Location": { "description": "Where the browser goes.", "required": true, "schema": { "type": "string" } },
        "NoStore": { "description": "Always `no-store`.", "required": true, "schema": { "const": "no-store" } },
    })
}

#[cfg(test)]
mod tests;
