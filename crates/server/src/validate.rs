//! Validates what operators and seed files send, once. Each refusal names the field and the rule.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jackfield_model::admin::{DisplayName, NewWebhook, Quotas, Secret};
use jackfield_model::limit;
use jackfield_model::wire::Skill;
use thiserror::Error;

/// A field with a value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} {rule}")]
pub(crate) struct InvalidField {
    pub(crate) field: &'static str,
    pub(crate) rule: String,
}

fn invalid(field: &'static str, rule: impl Into<String>) -> InvalidField {
    InvalidField { field, rule: rule.into() }
}

/// A text of 1 to [`limit::NAME_CHARS`] characters without control characters.
pub(crate) fn name(field: &'static str, text: &str) -> Result<(), InvalidField> {
    short_name(field, text, limit::NAME_CHARS)
}

/// A text of 1 to so many characters without control characters.
pub(crate) fn short_name(field: &'static str, text: &str, most: usize) -> Result<(), InvalidField> {
    let count = text.chars().count();
    if !(1..=most).contains(&count) {
        return Err(invalid(field, format!("is {count} characters long; 1 to {most} are allowed")));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "holds a control character"));
    }
    Ok(())
}

/// A secret of allowed length: printable ASCII without spaces, so that every client can send it.
pub(crate) fn secret(field: &'static str, secret: &Secret) -> Result<(), InvalidField> {
    let range = limit::SECRET_MIN_BYTES..=limit::SECRET_MAX_BYTES;
    if !range.contains(&secret.0.len()) || !secret.0.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(
            field,
            format!(
                "must be {} to {} printable ASCII characters without spaces",
                limit::SECRET_MIN_BYTES,
                limit::SECRET_MAX_BYTES
            ),
        ));
    }
    Ok(())
}

/// A password of allowed length, in whatever characters a person can type.
pub(crate) fn password(field: &'static str, password: &Secret) -> Result<(), InvalidField> {
    let text = &password.0;
    let enough = text.chars().count() >= limit::CONSENT_PASSWORD_MIN_CHARS;
    if !enough || text.len() > limit::CONSENT_PASSWORD_BYTES || text.chars().any(char::is_control) {
        let rule = format!(
            "must be {} characters to {} bytes without control characters",
            limit::CONSENT_PASSWORD_MIN_CHARS,
            limit::CONSENT_PASSWORD_BYTES
        );
        return Err(invalid(field, rule));
    }
    Ok(())
}

/// A rate limit within its bound; 0 means none.
pub(crate) fn rate_limit(rate: Option<u32>) -> Result<(), InvalidField> {
    match rate {
        Some(rate) if rate > limit::RATE_LIMIT_MAX => {
            Err(invalid("rate_limit", format!("is {rate}; at most {} is allowed", limit::RATE_LIMIT_MAX)))
        }
        _ => Ok(()),
    }
}

/// Absolute redirect URIs without fragment (RFC 6749, section 3.1.2).
pub(crate) fn redirect_uris(uris: &[String]) -> Result<(), InvalidField> {
    if uris.len() > limit::REDIRECT_URIS {
        return Err(invalid(
            "redirect_uris",
            format!("holds {} URIs; at most {} are allowed", uris.len(), limit::REDIRECT_URIS),
        ));
    }
    for uri in uris {
        let absolute = uri.parse::<http::Uri>().is_ok_and(|parsed| parsed.scheme().is_some());
        if uri.len() > limit::REDIRECT_URI_BYTES || uri.contains('#') || !absolute {
            return Err(invalid(
                "redirect_uris",
                format!(
                    "holds something that is not an absolute URI without fragment of at most {} bytes",
                    limit::REDIRECT_URI_BYTES
                ),
            ));
        }
    }
    Ok(())
}

/// How a skill is reached.
pub(crate) fn skill(skill: &Skill) -> Result<(), InvalidField> {
    let uri = skill.endpoint.parse::<http::Uri>();
    let good = |uri: http::Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    if skill.endpoint.len() > limit::SKILL_ENDPOINT_BYTES || !uri.is_ok_and(good) {
        let rule =
            format!("must be a URL with http or https of at most {} bytes", limit::SKILL_ENDPOINT_BYTES);
        return Err(invalid("endpoint", rule));
    }
    match &skill.ca {
        Some(ca) if ca.len() > limit::SKILL_CA_BYTES || !ca.contains("-----BEGIN CERTIFICATE-----") => {
            let rule = format!("must be certificates in PEM form of at most {} bytes", limit::SKILL_CA_BYTES);
            Err(invalid("ca", rule))
        }
        _ => Ok(()),
    }
}

/// What is said of a new webhook.
pub(crate) fn webhook(new: &NewWebhook) -> Result<(), InvalidField> {
    let uri = new.url.parse::<http::Uri>();
    let good = |uri: http::Uri| {
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        matches!(uri.scheme_str(), Some("http" | "https"))
            && !authority.is_empty()
            && !authority.contains('@')
    };
    if new.url.len() > limit::WEBHOOK_URL_BYTES || !uri.is_ok_and(good) {
        let most = limit::WEBHOOK_URL_BYTES;
        let rule = format!("must be a URL with http or https, without a user, of at most {most} bytes");
        return Err(invalid("url", rule));
    }
    if let Some(secret) = &new.secret {
        let (least, most) = (limit::WEBHOOK_KEY_MIN_BYTES, limit::WEBHOOK_KEY_MAX_BYTES);
        let key = secret.0.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        if !key.is_some_and(|key| (least..=most).contains(&key.len())) {
            let rule = format!("must be whsec_ and {least} to {most} bytes in base64");
            return Err(invalid("secret", rule));
        }
    }
    if let Some(operation) = &new.operation {
        name("operation", operation)?;
    }
    for (field, value, most) in [
        ("batch", new.batch, limit::WEBHOOK_BATCH_MAX),
        ("park_after", new.park_after, limit::WEBHOOK_PARK_AFTER_MAX),
    ] {
        if value.is_some_and(|value| !(1..=most).contains(&value)) {
            return Err(invalid(field, format!("must be 1 to {most}")));
        }
    }
    match &new.ca {
        Some(ca) if ca.len() > limit::SKILL_CA_BYTES => {
            Err(invalid("ca", format!("must be at most {} bytes", limit::SKILL_CA_BYTES)))
        }
        _ => Ok(()),
    }
}

/// Display names, one a locale.
pub(crate) fn display_names(names: &[DisplayName]) -> Result<(), InvalidField> {
    if names.len() > limit::DISPLAY_NAMES {
        return Err(invalid(
            "display_name",
            format!("holds {} names; at most {} are allowed", names.len(), limit::DISPLAY_NAMES),
        ));
    }
    for (index, display_name) in names.iter().enumerate() {
        name("display_name.locale", &display_name.locale)?;
        name("display_name.value", &display_name.value)?;
        if names[..index].iter().any(|other| other.locale == display_name.locale) {
            return Err(invalid("display_name", format!("names the locale {} twice", display_name.locale)));
        }
    }
    let bytes = names.iter().map(DisplayName::bytes).sum::<usize>();
    if bytes > limit::DISPLAY_NAMES_BYTES {
        let most = limit::DISPLAY_NAMES_BYTES;
        return Err(invalid(
            "display_name",
            format!("is {bytes} bytes long in all; at most {most} are allowed"),
        ));
    }
    Ok(())
}

/// Quotas within their bound.
pub(crate) fn quotas(quotas: &Quotas) -> Result<(), InvalidField> {
    let Quotas { service_providers, clients, profiles, units, address_books, contacts } = *quotas;
    let all = [
        ("quotas.service_providers", service_providers),
        ("quotas.clients", clients),
        ("quotas.profiles", profiles),
        ("quotas.units", units),
        ("quotas.address_books", address_books),
        ("quotas.contacts", contacts),
    ];
    match all.into_iter().find(|(_, quota)| quota.is_some_and(|quota| quota > limit::QUOTA_MAX)) {
        Some((field, _)) => Err(invalid(field, format!("is above {}, the most allowed", limit::QUOTA_MAX))),
        None => Ok(()),
    }
}

impl From<InvalidField> for crate::error::ApiError {
    fn from(error: InvalidField) -> Self {
        Self::BadRequest(format!("{error}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_at_below_and_above() {
        assert!(name("name", "a").is_ok() && name("name", &"é".repeat(limit::NAME_CHARS)).is_ok());
        assert!(name("name", "").is_err() && name("name", &"é".repeat(limit::NAME_CHARS + 1)).is_err());
        assert!(name("name", "a\n").is_err());
        let of = |length: usize| secret("secret", &Secret("s".repeat(length)));
        assert!(of(limit::SECRET_MIN_BYTES).is_ok() && of(limit::SECRET_MAX_BYTES).is_ok());
        assert!(of(limit::SECRET_MIN_BYTES - 1).is_err() && of(limit::SECRET_MAX_BYTES + 1).is_err());
        let typed = |text: String| password("consent_password", &Secret(text));
        assert!(typed("é".repeat(limit::CONSENT_PASSWORD_MIN_CHARS)).is_ok());
        assert!(typed("é".repeat(limit::CONSENT_PASSWORD_MIN_CHARS - 1)).is_err());
        assert!(typed("p".repeat(limit::CONSENT_PASSWORD_BYTES)).is_ok());
        assert!(typed("p".repeat(limit::CONSENT_PASSWORD_BYTES + 1)).is_err());
        assert!(typed("pass\nword".to_owned()).is_err());
        assert!(rate_limit(Some(limit::RATE_LIMIT_MAX)).is_ok());
        assert!(rate_limit(Some(limit::RATE_LIMIT_MAX + 1)).is_err());
        let quota = |most: u32| quotas(&Quotas { profiles: Some(most), ..Quotas::default() });
        assert!(quota(0).is_ok() && quota(limit::QUOTA_MAX).is_ok() && quota(limit::QUOTA_MAX + 1).is_err());
        let uris = |count: usize| redirect_uris(&vec!["https://example.com/back".to_owned(); count]);
        assert!(uris(limit::REDIRECT_URIS).is_ok() && uris(limit::REDIRECT_URIS + 1).is_err());
        for bad in ["/relative", "https://example.com/#part", ""] {
            assert!(redirect_uris(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refused_secret_is_not_repeated() {
        let refusal = secret("secret", &Secret("tiny".to_owned())).unwrap_err().to_string();
        assert_eq!(refusal, "secret must be 8 to 2048 printable ASCII characters without spaces");
    }
}
