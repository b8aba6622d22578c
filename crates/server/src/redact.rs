//! Redacts requests for the request log and the log: only known words of this service are shown.
//!
//! People put secrets into queries and passwords into scopes. No pattern finds all of those, so a part is shown because
//! it is known, never because it looks harmless.

use http::Method;
use jackfield_model::limit;

/// Stands for what is not shown.
pub(crate) const HIDDEN: &str = "…";

/// Names of query parameters that clients of this API family send.
const PARAMETERS: &[&str] = &[
    "access_token",
    "cascade",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "entity.id",
    "entity.type",
    "externalUserId",
    "externalUserIds",
    "grant_type",
    "maxResults",
    "nextToken",
    "nextPageToken",
    "redirect_uri",
    "refresh_token",
    "response_type",
    "scope",
    "state",
    "token",
];

/// Scopes that have no namespace.
const SCOPES: &[&str] = &["profile", "profile:user_id", "postal_code"];

pub(crate) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "OTHER",
    }
}

/// The names of query parameters, where they are known. Values never.
pub(crate) fn query(query: &str) -> String {
    let mut shown = String::new();
    for part in query.split('&') {
        let name = part.split('=').next().unwrap_or_default();
        let name = if PARAMETERS.contains(&name) { name } else { HIDDEN };
        if shown.len() + name.len() > limit::JOURNAL_TEXT_BYTES {
            shown.push_str(HIDDEN);
            break;
        }
        if !shown.is_empty() {
            shown.push('&');
        }
        shown.push_str(name);
        if part.contains('=') {
            shown.push('=');
            shown.push_str(HIDDEN);
        }
    }
    shown
}

/// Scopes that a client asked for, those that have the form of a scope of this API family.
pub(crate) fn scopes<'s>(asked: impl Iterator<Item = &'s str>) -> Vec<String> {
    let part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let form = |scope: &&str| {
        SCOPES.contains(scope)
            || (scope.contains("::") && scope.split(':').filter(|part| !part.is_empty()).all(part))
    };
    let mut shown: Vec<String> = Vec::new();
    for scope in asked {
        let scope = if form(&scope) { scope } else { HIDDEN };
        if shown.iter().all(|known| known != scope) {
            shown.push(scope.to_owned());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_parameters_are_never_shown() {
        assert_eq!(
            query("access_token=Atza|x&externalUserId=7201&hunter2&x=y"),
            "access_token=…&externalUserId=…&…&…=…"
        );
        assert!(query(&"code=1&".repeat(5_000)).len() < limit::JOURNAL_TEXT_BYTES + 8);
    }

    #[test]
    fn scopes_are_shown_that_have_the_form_of_one() {
        let asked =
            ["profile", "amazon_communication::service_provider", "a::b::c", "hunter2", "S::x", "x::9"];
        let shown = scopes(asked.into_iter());
        assert_eq!(shown, ["profile", "amazon_communication::service_provider", "a::b::c", "…"]);
    }
}
