//! Redacts paths for the request log and the log: only the words of this service's routes and identifiers are shown.
//!
//! People put tokens into paths. A part is shown because it is known, never because it looks harmless. A part that is
//! nearly a known word is probably a typing mistake, which the reader of the log wants to see.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jackfield_model::{AmazonId, ClientId, OrganizationId, ServiceProviderId, limit};

use super::routes::ROUTES;
use crate::redact::HIDDEN;

/// Letters that may be wrong in a word that is shown all the same.
const TYPING_MISTAKES: usize = 2;
/// A shorter word with so many mistakes could be anything.
const MISTAKEN_WORD_MIN: usize = 7;

/// The words that paths are made of.
static WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let paths = ROUTES.iter().map(|route| route.path);
    paths.flat_map(|path| path.split('/')).filter(|word| !word.starts_with('{')).chain(["v2", "v3"]).collect()
});

/// The path as it may be shown, and the service provider that it names.
pub(super) fn shown_path(path: &str) -> (String, Option<ServiceProviderId>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDER: &str = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001";

    #[test]
    fn known_words_and_typing_mistakes_are_shown_and_nothing_else() {
        let users = format!("/v1/communications/serviceProviders/{PROVIDER}/externalUsers");
        assert_eq!(shown_path(&users), (users.clone(), PROVIDER.parse().ok()));
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
            assert_eq!(shown_path(sent).0, shown, "{sent}");
        }
        assert!(shown_path(&"/v1".repeat(5_000)).0.len() < limit::JOURNAL_TEXT_BYTES + 8);
    }
}
