//! What operations require of a token and of an organization: those on associations, with their providers and
//! networks, those on communication profiles, which more organizations may use, and signaling.

use jackfield_model::organization::{are_profiles_available, is_available};
use jackfield_model::scope::{CALLING, MANAGEMENT, SERVICE_PROVIDER};
use jackfield_model::{Country, Vertical};

/// Operations with the same requirements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Associations, service providers and their network mapping.
    Associations,
    /// Communication profiles.
    Profiles,
    /// Signaling of calls.
    Calls,
}

impl Group {
    /// The scopes of which a token needs one.
    pub(crate) const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Associations => &[SERVICE_PROVIDER],
            Self::Profiles => &[MANAGEMENT, SERVICE_PROVIDER],
            Self::Calls => &[CALLING, SERVICE_PROVIDER],
        }
    }

    /// Whether the organization needs the WebRTC add-on.
    pub(crate) const fn needs_add_on(self) -> bool {
        matches!(self, Self::Associations | Self::Calls)
    }

    /// Whether the operations are available to a vertical in a country.
    pub(crate) const fn is_available(self, vertical: Vertical, country: Country) -> bool {
        match self {
            Self::Associations | Self::Calls => is_available(vertical, country),
            Self::Profiles => are_profiles_available(vertical, country),
        }
    }
}
