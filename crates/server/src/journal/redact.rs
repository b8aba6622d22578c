//! What of a request line may be shown, in the journal and in the log: what this service's own words and identifiers are made of, and nothing else.
//!
//! People put tokens into paths, secrets into queries and passwords into scopes. No pattern finds all of those, so
//! a part is shown because it is known, never because it looks harmless. A part that is nearly a known word is a
//! typing mistake, and the very thing that somebody looks for in the journal.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::Method;
use jackfield_model::{AmazonId, ClientId, OrganizationId, ServiceProviderId, limit};

use crate::router::ROUTES;

/// Stands for what is not shown.
const HIDDEN: &str = "…";
/// Letters that may be wrong in a word that is shown all the same.
const TYPING_MISTAKES: usize = 2;
/// A shorter word with so many mistakes could be anything.
const MISTAKEN_WORD_MIN: usize = 7;

/// The words that paths are made of.
static WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let paths = ROUTES.iter().map(|route| route.path);
    paths.flat_map(|path| path.split('/')).filter(|word| !word.starts_with('{')).chain(["v2", "v3"]).collect()
});

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

pub(super) fn method(method: &Method) -> &'static str {
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

/// The path as it may be shown, and the service provider that it names.
pub(crate) fn path(path: &str) -> (String, Option<ServiceProviderId>) {
    let mut provider = None;
    let mut shown = String::with_capacity(path.len().min(limit::JOURNAL_TEXT_BYTES));
    for (place, segment) in path.split('/').enumerate() {
        if place > 0 {
            shown.push('/');
        }
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        if let Ok(id) = decoded.parse::<ServiceProviderId>() {
            provider.get_or_insert(id);
            shown.push_str(&id.to_string());
        } else if is_word(segment) || is_identifier(&decoded) {
            shown.push_str(segment);
        } else {
            shown.push_str(HIDDEN);
        }
        if shown.len() > limit::JOURNAL_TEXT_BYTES {
            shown.truncate(shown.floor_char_boundary(limit::JOURNAL_TEXT_BYTES));
            shown.push_str(HIDDEN);
            break;
        }
    }
    (shown, provider)
}

fn is_identifier(segment: &str) -> bool {
    OrganizationId::new(segment).is_ok() || ClientId::new(segment).is_ok() || AmazonId::new(segment).is_ok()
}

fn is_word(segment: &str) -> bool {
    if WORDS.contains(segment) {
        return true;
    }
    let plausible = (MISTAKEN_WORD_MIN..=32).contains(&segment.len())
        && segment.bytes().all(|byte| byte.is_ascii_alphabetic());
    let lower = segment.to_ascii_lowercase();
    plausible
        && WORDS
            .iter()
            .filter(|word| word.len() >= MISTAKEN_WORD_MIN)
            .any(|word| strsim::levenshtein(&word.to_ascii_lowercase(), &lower) <= TYPING_MISTAKES)
}

/// The names of query parameters, where they are known. Values never.
pub(super) fn query(query: &str) -> String {
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
            || (scope.contains("::") && scope.split(':').filter(|own| !own.is_empty()).all(part))
    };
    let mut shown: Vec<String> = Vec::new();
    for scope in asked {
        let scope = if form(&scope) { scope } else { HIDDEN };
        if shown.iter().all(|own| own != scope) {
            shown.push(scope.to_owned());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDER: &str = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001";

    #[test]
    fn known_words_and_typing_mistakes_are_shown_and_nothing_else() {
        let users = format!("/v1/communications/serviceProviders/{PROVIDER}/externalUsers");
        assert_eq!(path(&users), (users.clone(), PROVIDER.parse().ok()));
        for (sent, shown) in [
            (
                "/v1/communication/serviceproviders/1/externalUser/",
                "/v1/communication/serviceproviders/…/externalUser/",
            ),
            (
                "/v1/communications/serviceProviders/Atza%7Cabc/externalUsers",
                "/v1/communications/serviceProviders/…/externalUsers",
            ),
            ("/auth/o2/token/secret", "/auth/o2/token/…"),
            ("/hunter2hunter2", "/…"),
            ("/correcthorse", "/…"),
            ("/", "/"),
        ] {
            assert_eq!(path(sent).0, shown, "{sent}");
        }
        assert!(path(&"/v1".repeat(5_000)).0.len() < limit::JOURNAL_TEXT_BYTES + 8);
    }

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
