//! The operations, one file each: the happy path, each documented error, the limits and the cross-tenant case. What
//! has rows for all of them is in `authorization`, `order` and `overload`. Those on associations are here, the others
//! in `directory` and its directories.

mod create;
mod delete;
pub(crate) mod directory;
mod family;
mod network;
mod profile;
mod provider;
mod query;
pub(crate) mod resource;
mod strict;
mod update;

use http::Method;
use jackfield_model::path;
use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Request, Tenant};
use serde_json::{Value, json};

/// One of the four operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Update,
    Delete,
    Query,
}

impl Op {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Query];

    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Create | Self::Query => Method::POST,
            Self::Update => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }

    pub(crate) const fn template(self) -> &'static str {
        match self {
            Self::Query => path::EXTERNAL_USERS_QUERY,
            _ => path::EXTERNAL_USERS,
        }
    }

    /// The path with any text in the place of the provider.
    pub(crate) fn path(self, provider: &str) -> String {
        self.template().replace("{serviceProviderId}", provider)
    }

    /// A body that is good, whatever the state.
    pub(crate) fn body(self, id: &str) -> Value {
        match self {
            Self::Create | Self::Update => association(id, &profile("1234")),
            Self::Delete => json!({"externalUserId": id}),
            Self::Query => json!({"filters": {"externalUserIds": [id]}}),
        }
    }

    /// A good request of a tenant.
    pub(crate) fn request(self, tenant: &Tenant, id: &str) -> Request {
        self.bare_request(&tenant.provider, id).bearer(&tenant.token)
    }

    /// A good request without a token.
    pub(crate) fn bare_request(self, provider: &str, id: &str) -> Request {
        Request::new(&self.method(), self.path(provider)).json(&self.body(id))
    }

    /// The status of a success.
    pub(crate) const fn success(self) -> u16 {
        match self {
            Self::Create => 201,
            _ => 200,
        }
    }

    /// Makes the state in which the good request with this id succeeds.
    pub(crate) async fn prepare(self, tenant: &Tenant, id: &str) {
        let there = tenant.find(id).await.is_some();
        match self {
            Self::Create if there => tenant.delete(id).await.is(200),
            Self::Update | Self::Delete if !there => tenant.create(id, "1234").await.is(201),
            _ => {}
        }
    }
}

/// A body with its `externalUserId`, `amazonId` and `amazonIdType` as raw JSON text, so that they can be anything.
fn raw_association(id: &str, amazon_id: &str, amazon_id_type: &str) -> String {
    format!(r#"{{"externalUserId":{id},"amazonId":{amazon_id},"amazonIdType":{amazon_id_type}}}"#)
}

/// Sends bodies that are to be refused with 400 and a message that holds the text beside each.
async fn refuses(tenant: &Tenant, op: Op, bodies: &[(String, &str)]) {
    for (body, part) in bodies {
        let request = tenant.request(&op.method(), op.path(&tenant.provider)).body(body.clone());
        let response = tenant.send(&request).await;
        assert_eq!(response.status, 400, "{op:?} {body:.200}: {response:?}");
        assert!(
            response.message().contains(part),
            "{op:?} {body:.200}: {part:?} is not in {:?}",
            response.message()
        );
    }
}

/// Bodies that are no JSON object, which every operation refuses.
fn no_objects() -> Vec<(String, &'static str)> {
    let mut bodies: Vec<(String, &'static str)> =
        ["", " \r\n", "nonsense", "{", "[]", "7", "null", "\"text\"", "{}x", "{\"a\":1,}", "{'a':1}"]
            .map(|body| (body.to_owned(), "body"))
            .to_vec();
    // Deep nesting is refused before it costs stack.
    bodies.push((format!("{{\"a\":{}", "[".repeat(30_000)), "JSON"));
    bodies
}

/// Names, as raw JSON, that are refused, with what the message says.
fn bad_names() -> Vec<(String, &'static str)> {
    vec![
        ("null".into(), "null"),
        ("7.5".into(), "number"),
        ("[]".into(), "array"),
        ("\"\"".into(), "0 characters long; 1 to 256"),
        (format!("\"{}\"", "é".repeat(257)), "257 characters long; 1 to 256"),
        ("\"a\\u0000\"".into(), "control character"),
        ("\"a\\n\"".into(), "control character"),
    ]
}

/// Names that are just allowed.
fn good_names() -> Vec<String> {
    vec!["7".into(), " a b ".into(), "é".repeat(255), "é".repeat(256), "\u{1f3e8}".repeat(256)]
}

/// `externalUserId` values, as raw JSON, that are no valid id, with what the message says.
fn bad_ids() -> Vec<(String, &'static str)> {
    let long = |character: &str| format!("\"{}\"", character.repeat(257));
    vec![
        ("null".into(), "null"),
        ("7201.5".into(), "in quotes"),
        ("1e3".into(), "in quotes"),
        ("1.0".into(), "in quotes"),
        ("9007199254740993".into(), "in quotes"),
        ("-9007199254740993".into(), "in quotes"),
        ("18446744073709551616".into(), "in quotes"),
        ("true".into(), "boolean"),
        ("[\"7201\"]".into(), "array"),
        ("{}".into(), "object"),
        ("\"\"".into(), "empty"),
        (long("a"), "257 characters long; at most 256"),
        (long("é"), "257 characters long; at most 256"),
        (long("😀"), "257 characters long; at most 256"),
        ("\" 7201\"".into(), "white space"),
        ("\"7201 \"".into(), "white space"),
        ("\"\\u00a07201\"".into(), "white space"),
        ("\"72\\u000001\"".into(), "control character"),
        ("\"72\\n01\"".into(), "control character"),
        ("\"72\\u007f01\"".into(), "control character"),
        ("\"72\\u008501\"".into(), "control character"),
    ]
}

/// Ids that are just allowed.
fn good_ids() -> Vec<String> {
    let fixed =
        ["7", "7201", "TestUserId@test.com", "a b", "sip:+4989123@host;x=1", "%2F", "../..", "\\\"", "0"];
    let mut ids: Vec<String> = fixed.map(str::to_owned).to_vec();
    ids.extend(["a", "é", "😀"].map(|character| character.repeat(256)));
    ids.push("a".repeat(255));
    ids
}
