//! What the Rust peers share: their settings, the bodies of the contract, and the check of the token.
//!
//! They do what a service of this kind cannot leave out (check the token, read the body, look up, answer in the form of
//! the contract) and nothing more: no accounts, no rate limit, no metrics, no record of changes.

pub mod bare;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

/// The only `amazonIdType` that there is.
pub const AMAZON_ID_TYPE: &str = "communication-profile";
/// The path of a create.
pub const CREATE: &str = "/v1/communications/serviceProviders/{provider}/externalUsers";
/// The path of a query.
pub const QUERY: &str = "/v1/communications/serviceProviders/{provider}/externalUsers/query";

/// A setting that the harness gives in the environment.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// Where to listen.
#[must_use]
pub fn address() -> String {
    format!("127.0.0.1:{}", setting("BENCH_PORT"))
}

/// The body of a query.
#[derive(Debug, Deserialize)]
pub struct Query {
    /// What to look for.
    pub filters: Filters,
}

/// Which associations are wanted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filters {
    /// Their ids.
    pub external_user_ids: Vec<String>,
}

/// The body of a create, and a row of an answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// The endpoint of the network.
    pub external_user_id: String,
    /// The profile.
    pub amazon_id: String,
    /// Always [`AMAZON_ID_TYPE`].
    pub amazon_id_type: String,
}

/// The answer to a query.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pagination_context: PaginationContext,
    account_associations: Vec<Association>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PaginationContext {
    total_count: usize,
    next_page_token: &'static str,
}

impl Answer {
    /// The answer with these associations, sorted.
    #[must_use]
    pub fn new(mut found: Vec<Association>) -> Self {
        found.sort_by(|one, other| one.external_user_id.cmp(&other.external_user_id));
        let pagination_context = PaginationContext { total_count: found.len(), next_page_token: "0" };
        Self { pagination_context, account_associations: found }
    }
}

/// Whether the request bears the token.
#[must_use]
pub fn is_authorized(headers: &HeaderMap, token: &str) -> bool {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")) == Some(token)
}
