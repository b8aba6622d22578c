//! Values that several commands take.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use jackfield_model::admin::{DisplayName, Secret};
use jackfield_model::scope::InvalidScope;
use jackfield_model::{Country, Scope, ScopeSet, Vertical};
use jackfield_server::SecretSetting;
use jackfield_store::StoreUrl;

use crate::failure::Failure;

/// A switch.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

impl Switch {
    pub(super) const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

/// A country, `GB` being another name of `UK`.
pub(super) fn country() -> impl TypedValueParser<Value = Country> {
    let names = Country::ALL.map(|country| match country {
        Country::Uk => PossibleValue::new("UK").alias("GB"),
        country => PossibleValue::new(country.as_str()),
    });
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Country>())
}

/// A line of business.
pub(super) fn vertical() -> impl TypedValueParser<Value = Vertical> {
    PossibleValuesParser::new(Vertical::ALL.map(Vertical::as_str)).try_map(|name| name.parse::<Vertical>())
}

/// One permission scope.
pub(super) fn scope(text: &str) -> Result<Scope, InvalidScope> {
    Scope::new(text)
}

/// A secret that is to be valid, as an option gave it.
pub(super) fn secret(option: &str, given: &SecretSetting) -> Result<Secret, Failure> {
    given.to_secret().map_err(|error| Failure::usage(format!("--{option} {error}")))
}

/// A store URL, which may hold a password, as an option or the environment gave it.
pub(super) fn store_url(option: &str, given: &SecretSetting) -> Result<StoreUrl, Failure> {
    given.parse().map_err(|error| Failure::usage(format!("--{option} {error}")))
}

/// `LOCALE=NAME`.
pub(super) fn display_name(text: &str) -> Result<DisplayName, &'static str> {
    match text.split_once('=') {
        Some((locale, value)) if !locale.is_empty() && !value.is_empty() => {
            Ok(DisplayName { locale: locale.to_owned(), value: value.to_owned() })
        }
        _ => Err("expected LOCALE=NAME, for example en-US=\"Front desk\""),
    }
}

/// The scopes given, if any were.
pub(super) fn scope_set(scopes: Vec<Scope>) -> Result<Option<ScopeSet>, Failure> {
    if scopes.is_empty() {
        return Ok(None);
    }
    ScopeSet::new(scopes).map(Some).map_err(|error| Failure::usage(error.to_string()))
}
