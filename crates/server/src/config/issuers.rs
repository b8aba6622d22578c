//! The settings of token issuers.

use std::str::FromStr;
use std::time::Duration;

use http::Uri;

use super::{ConfigError, SecretSetting, Settings};
use crate::issuer::{ForeignIssuer, IssuerKind};

/// The vendor's own.
const VENDOR: &str = "https://api.amazon.com/auth/o2/tokeninfo";

/// An issuer as it is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerName {
    /// This service itself.
    Builtin,
    /// Login with Amazon, asked at this tokeninfo.
    Lwa(Uri),
    /// An `OpenID` Connect issuer. As text: tokens name it letter by letter.
    Oidc(String),
    /// An introspection endpoint.
    Introspection(Uri),
}

impl FromStr for IssuerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, at) = text.split_once('=').map_or((text, None), |(kind, at)| (kind, Some(at)));
        match (kind, at) {
            ("builtin", None) => Ok(Self::Builtin),
            ("lwa", at) => url(at.unwrap_or(VENDOR)).map(Self::Lwa),
            ("oidc", Some(at)) => url(at).map(|_| Self::Oidc(at.to_owned())),
            ("introspection", Some(at)) => url(at).map(Self::Introspection),
            _ => Err("builtin, lwa, lwa=URL, oidc=URL or introspection=URL is expected".to_owned()),
        }
    }
}

/// An absolute URL of http or https.
fn url(text: &str) -> Result<Uri, String> {
    let wrong = || "an http or https URL without credentials and fragment is expected".to_owned();
    let url: Uri = text.parse().map_err(|_| wrong())?;
    let scheme = matches!(url.scheme_str(), Some("http" | "https"));
    let plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if scheme && plain && !text.contains('#') { Ok(url) } else { Err(wrong()) }
}

/// Whether the server accepts its own tokens, and those of which other issuer.
pub(super) fn resolve(settings: &Settings) -> Result<(bool, Option<ForeignIssuer>), ConfigError> {
    let wrong = |flag, rule: &str| Err(ConfigError::Value { flag, rule: rule.to_owned() });
    let names = settings.token_issuer.as_deref().unwrap_or_default();
    let client_secret = match settings.token_issuer_client_secret.as_ref().map(SecretSetting::presented) {
        Some(Err(error)) => return wrong("token-issuer-client-secret", &error.to_string()),
        Some(Ok(secret)) => Some(secret),
        None => None,
    };
    let builtin = names.is_empty() || names.iter().any(|name| name.0 == IssuerName::Builtin);
    let mut foreign = names.iter().map(|name| &name.0).filter(|name| **name != IssuerName::Builtin);
    let Some(name) = foreign.next() else { return Ok((builtin, None)) };
    if foreign.next().is_some() {
        return wrong("token-issuer", "names more than one issuer beside builtin; one is allowed");
    }
    let kind = match name {
        IssuerName::Builtin => unreachable!("it was filtered out"),
        IssuerName::Lwa(url) => IssuerKind::Lwa(url.clone()),
        IssuerName::Oidc(issuer) => match &settings.token_audience {
            Some(audience) => IssuerKind::Oidc { issuer: issuer.clone(), audience: audience.clone() },
            None => return wrong("token-audience", "is missing; oidc needs it"),
        },
        IssuerName::Introspection(endpoint) => {
            let Some(client_id) = settings.token_issuer_client_id.clone() else {
                return wrong("token-issuer-client-id", "is missing; introspection needs it");
            };
            let Some(client_secret) = client_secret else {
                return wrong("token-issuer-client-secret", "is missing; introspection needs it");
            };
            let audience = settings.token_audience.clone();
            IssuerKind::Introspection { endpoint: endpoint.clone(), client_id, client_secret, audience }
        }
    };
    let recheck = settings.token_recheck.map_or(Duration::from_secs(60), |span| span.0);
    if recheck.is_zero() {
        return wrong("token-recheck", "must be more than nothing");
    }
    Ok((builtin, Some(ForeignIssuer { kind, recheck, ca: settings.token_issuer_ca.clone() })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FromText;

    fn settings(names: &[&str]) -> Settings {
        let names = names.iter().map(|name| name.parse().map(FromText).unwrap()).collect();
        Settings { token_issuer: Some(names), ..Settings::default() }
    }

    #[test]
    fn issuers_are_read() {
        assert_eq!("lwa".parse(), Ok(IssuerName::Lwa(VENDOR.parse().unwrap())));
        let slash = "oidc=https://login.example/tenant/".parse();
        assert_eq!(slash, Ok(IssuerName::Oidc("https://login.example/tenant/".to_owned())));
        for bad in [
            "",
            "oidc",
            "oidc=",
            "oidc=login.example",
            "lwa=ftp://x/",
            "introspection=https://u:p@x/",
            "none",
        ] {
            assert!(bad.parse::<IssuerName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_lists_issuers_and_hides_the_secret() {
        let file: Settings = toml::from_str(
            "token-issuer = [\"builtin\", \"introspection=https://login.example/introspect\"]
             token-issuer-client-id = \"me\"
             token-issuer-client-secret = \"hide-me-please\"
             token-recheck = \"5s\"",
        )
        .unwrap();
        let config = file.resolve().unwrap();
        let foreign = config.foreign_tokens.as_ref().unwrap();
        assert_eq!((config.builtin_tokens, foreign.recheck), (true, Duration::from_secs(5)));
        assert!(!format!("{config:?}").contains("hide-me"));
    }

    #[test]
    fn one_issuer_may_stand_beside_ours() {
        assert!(matches!(resolve(&Settings::default()), Ok((true, None))));
        assert!(matches!(resolve(&settings(&["builtin"])), Ok((true, None))));
        assert!(matches!(resolve(&settings(&["lwa"])), Ok((false, Some(_)))));
        assert!(matches!(resolve(&settings(&["lwa", "builtin"])), Ok((true, Some(_)))));
        let missing = |names: &[&str]| resolve(&settings(names)).unwrap_err().to_string();
        assert!(missing(&["lwa", "oidc=https://x/"]).starts_with("--token-issuer names more than one"));
        assert_eq!(missing(&["oidc=https://x/"]), "--token-audience is missing; oidc needs it");
        assert!(missing(&["introspection=https://x/"]).starts_with("--token-issuer-client-id is missing"));
    }
}
