//! Countries, verticals and where the operations are available.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The country that an organization does business in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "&'static str")]
#[schemars(inline, with = "String", extend("enum" = [&Self::ALL.map(Self::as_str)[..], &["GB"]].concat()))]
pub enum Country {
    /// United States.
    Us,
    /// United Kingdom; `GB` is read as the same.
    Uk,
    /// France.
    Fr,
    /// Italy.
    It,
    /// Germany.
    De,
    /// Spain.
    Es,
    /// Canada.
    Ca,
    /// Japan.
    Jp,
}

/// The line of business of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "&'static str")]
#[schemars(inline, with = "String", extend("enum" = Self::ALL.map(Self::as_str)))]
pub enum Vertical {
    /// Hospitals and clinics.
    Healthcare,
    /// Hotels.
    Hospitality,
    /// Senior living.
    SeniorLiving,
    /// Any other smart property.
    Core,
}

/// A country or vertical that the service does not know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{value}\" is not a {what}; one of {allowed} is expected")]
pub struct UnknownName {
    what: &'static str,
    value: String,
    allowed: &'static str,
}

impl Country {
    /// Every country, in the order of the documentation.
    pub const ALL: [Self; 8] =
        [Self::Us, Self::Uk, Self::Fr, Self::It, Self::De, Self::Es, Self::Ca, Self::Jp];

    /// The two letters that stand on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Us => "US",
            Self::Uk => "UK",
            Self::Fr => "FR",
            Self::It => "IT",
            Self::De => "DE",
            Self::Es => "ES",
            Self::Ca => "CA",
            Self::Jp => "JP",
        }
    }
}

impl Vertical {
    /// Every vertical, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Healthcare, Self::Hospitality, Self::SeniorLiving, Self::Core];

    /// The word that stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthcare => "healthcare",
            Self::Hospitality => "hospitality",
            Self::SeniorLiving => "senior-living",
            Self::Core => "core",
        }
    }
}

/// Whether the account association operations are available to a vertical in a country.
///
/// The availability table stands at each operation of the API reference and is the same for all four. Service providers and
/// their network mapping are available where associations are.
#[must_use]
pub const fn is_available(vertical: Vertical, country: Country) -> bool {
    match vertical {
        Vertical::Healthcare | Vertical::Core => matches!(country, Country::Us),
        Vertical::Hospitality | Vertical::SeniorLiving => matches!(
            country,
            Country::Us | Country::Uk | Country::Fr | Country::It | Country::De | Country::Es
        ),
    }
}

/// Whether the operations on communication profiles are available to a vertical in a country: wherever those on
/// associations are, and for hotels and senior living in Canada and Japan.
#[must_use]
pub const fn are_profiles_available(vertical: Vertical, country: Country) -> bool {
    let more = matches!(vertical, Vertical::Hospitality | Vertical::SeniorLiving)
        && matches!(country, Country::Ca | Country::Jp);
    more || is_available(vertical, country)
}

impl FromStr for Country {
    type Err = UnknownName;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        if value == "GB" {
            return Ok(Self::Uk);
        }
        Self::ALL.into_iter().find(|country| country.as_str() == value).ok_or_else(|| UnknownName {
            what: "country",
            value: value.chars().take(40).collect(),
            allowed: "US, UK, FR, IT, DE, ES, CA, JP",
        })
    }
}

impl FromStr for Vertical {
    type Err = UnknownName;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|vertical| vertical.as_str() == value).ok_or_else(|| UnknownName {
            what: "vertical",
            value: value.chars().take(40).collect(),
            allowed: "healthcare, hospitality, senior-living, core",
        })
    }
}

impl TryFrom<String> for Country {
    type Error = UnknownName;

    fn try_from(value: String) -> Result<Self, Self::Error> {
        value.parse()
    }
}

impl TryFrom<String> for Vertical {
    type Error = UnknownName;

    fn try_from(value: String) -> Result<Self, Self::Error> {
        value.parse()
    }
}

impl From<Country> for &'static str {
    fn from(country: Country) -> Self {
        country.as_str()
    }
}

impl From<Vertical> for &'static str {
    fn from(vertical: Vertical) -> Self {
        vertical.as_str()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Vertical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the reference, written out: a change of `is_available` must be a change here.
    #[test]
    fn availability_is_the_documented_table() {
        let documented = [
            ("healthcare", vec!["US"]),
            ("hospitality", vec!["US", "UK", "FR", "IT", "DE", "ES"]),
            ("senior-living", vec!["US", "UK", "FR", "IT", "DE", "ES"]),
            ("core", vec!["US"]),
        ];
        for (vertical, countries) in documented {
            let vertical: Vertical = vertical.parse().unwrap();
            let available: Vec<&str> = Country::ALL
                .into_iter()
                .filter(|country| is_available(vertical, *country))
                .map(Country::as_str)
                .collect();
            assert_eq!(available, countries, "{vertical}");
        }
    }

    #[test]
    fn profiles_are_available_in_more_places() {
        for vertical in Vertical::ALL {
            let more: Vec<&str> = Country::ALL
                .into_iter()
                .filter(|country| {
                    are_profiles_available(vertical, *country) && !is_available(vertical, *country)
                })
                .map(Country::as_str)
                .collect();
            let hotels = matches!(vertical, Vertical::Hospitality | Vertical::SeniorLiving);
            assert_eq!(more, if hotels { vec!["CA", "JP"] } else { vec![] }, "{vertical}");
            let fewer =
                |country| is_available(vertical, country) && !are_profiles_available(vertical, country);
            assert!(!Country::ALL.into_iter().any(fewer));
        }
    }

    #[test]
    fn great_britain_is_the_united_kingdom() {
        assert_eq!("GB".parse(), Ok(Country::Uk));
        assert_eq!(
            "Spain".parse::<Country>().unwrap_err().to_string(),
            "\"Spain\" is not a country; one of US, UK, FR, IT, DE, ES, CA, JP is expected"
        );
    }
}
