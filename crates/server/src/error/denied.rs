//! Why a caller is not authenticated or not authorized: what the client reads, and what the request log says.

use http::HeaderValue;
use jackfield_model::admin::Role;
use jackfield_model::inspect::Refusal;
use jackfield_model::{Country, Vertical};

use crate::group::Group;

/// Which part of the authentication failed (RFC 6750, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    /// No `Authorization` header.
    Missing,
    /// A header that is not `Bearer <token>`.
    NotBearer,
    /// The cookie of a session of the console that has ended.
    NoSession,
    /// A refresh token, which is for the token endpoint only.
    RefreshToken,
    /// A text that is no access token at all.
    Malformed,
    /// What looks like a token that this service did not issue, or was changed.
    Unknown,
    /// What looks like a token of a key that this node does not know yet.
    UnknownKey,
    /// An expired token.
    Expired {
        /// When that was, by the token clock, in seconds since 1970.
        at: u64,
    },
    /// A token that was revoked.
    Revoked,
    /// A token whose client is disabled.
    Disabled,
    /// A token whose client is gone.
    ClientGone,
    /// A valid token of another issuer, for a client that is not registered here.
    UnknownClient,
    /// A service provider of another organization.
    OtherOrganization,
    /// A communication profile of another organization.
    OtherProfile,
    /// A unit of another organization.
    OtherUnit,
    /// An address book of another organization.
    OtherAddressBook,
}

impl Unauthorized {
    /// What the client reads.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Missing => {
                "The request has no Authorization header; \"Bearer\" and an access token are expected."
            }
            Self::NotBearer => "The Authorization header is not \"Bearer\" followed by one access token.",
            Self::NoSession => "The session has ended; sign in again.",
            Self::RefreshToken => {
                "The token is a refresh token; exchange it for an access token at /auth/o2/token first."
            }
            Self::Malformed | Self::Unknown | Self::UnknownKey => "The access token is not valid.",
            Self::Expired { .. } => "The access token has expired.",
            Self::Revoked | Self::Disabled | Self::ClientGone => "The access token was revoked.",
            Self::UnknownClient => {
                "The access token belongs to a client that is not registered here, or is disabled."
            }
            Self::OtherOrganization => "You don't have access to this service provider.",
            Self::OtherProfile => "You don't have access to this communication profile.",
            Self::OtherUnit => "You don't have access to this unit.",
            Self::OtherAddressBook => "You don't have access to this address book.",
        }
    }

    /// RFC 6750: a request without authentication gets no error code. Nor does one for what is another
    /// organization's: its token is valid, and a client that renews tokens on `invalid_token` would gain nothing.
    pub(super) fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing
            | Self::NotBearer
            | Self::NoSession
            | Self::OtherOrganization
            | Self::OtherProfile
            | Self::OtherUnit
            | Self::OtherAddressBook => "Bearer realm=\"jackfield\"",
            Self::RefreshToken => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"a refresh token is no access token\""
            }
            Self::Malformed | Self::Unknown | Self::UnknownKey | Self::UnknownClient => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token is not valid\""
            }
            Self::Expired { .. } => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token expired\""
            }
            Self::Revoked | Self::Disabled | Self::ClientGone => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token was revoked\""
            }
        })
    }

    /// What the journal says.
    pub(crate) fn refusal(self) -> Refusal {
        let refused = |reason: &str| refusal("authentication", reason);
        match self {
            Self::Missing => refused("no_token"),
            Self::NotBearer => refused("not_bearer"),
            Self::NoSession => refused("no_session"),
            Self::RefreshToken => refused("refresh_token"),
            Self::Malformed => refused("malformed"),
            Self::Unknown | Self::UnknownKey => refused("not_issued_here"),
            Self::Expired { at } => Refusal { expired_at: Some(time_text(at)), ..refused("expired") },
            Self::Revoked => refused("revoked"),
            Self::Disabled => refused("client_disabled"),
            Self::ClientGone => refused("client_gone"),
            Self::UnknownClient => refused("client_not_registered"),
            Self::OtherOrganization | Self::OtherProfile | Self::OtherUnit | Self::OtherAddressBook => {
                refusal("ownership", "other_organization")
            }
        }
    }
}

/// Why an authenticated caller is not authorized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// The access token lacks a scope of the operation.
    Scope {
        /// The operations, which have scopes of which one is enough.
        group: Group,
        /// The scopes that it has.
        granted: Vec<String>,
    },
    /// The organization has no WebRTC add-on.
    AddOn,
    /// The operations are not available to such organizations.
    Availability(Group, Vertical, Country),
    /// The server runs without `--allow-reset`.
    Reset,
    /// The admin token's role is too low.
    Role {
        /// Its role.
        has: Role,
        /// The required role.
        needed: Role,
    },
    /// The admin listener is not known under the name that the request is for.
    Host,
    /// A page of another site sent the request.
    Origin,
    /// A page of another origin may have sent the request with the cookie of a session.
    CrossOrigin,
    /// There are as many objects of a kind as there may be in their place.
    Bound {
        /// The kind and the place, in the plural, for the client.
        of: &'static str,
        /// How many there may be.
        most: u32,
    },
    /// The organization is at its quota for a kind of object.
    Quota {
        /// The kind, in the plural, for the client.
        of: &'static str,
        /// How many it may have.
        most: u32,
    },
}

impl Forbidden {
    pub(super) fn message(&self) -> String {
        match self {
            Self::Scope { group, .. } => {
                format!("The access token lacks the scope {}.", group.scopes().join(" or "))
            }
            Self::AddOn => "The organization does not have the WebRTC add-on.".to_owned(),
            Self::Availability(Group::Associations, vertical, country) => {
                format!("Account association is not available to {vertical} in {country}.")
            }
            Self::Availability(Group::Calls, vertical, country) => {
                format!("Calling is not available to {vertical} in {country}.")
            }
            Self::Availability(Group::Profiles, vertical, country) => {
                format!("Communication profiles are not available to {vertical} in {country}.")
            }
            Self::Host => {
                "The admin listener does not answer to the name in the Host header; start the server with \
                           --admin-host NAME to let it."
                    .to_owned()
            }
            Self::Origin => {
                "A page of another site may not change anything here; the Origin header names it. Start the \
                             server with --admin-host NAME to let it."
                    .to_owned()
            }
            Self::CrossOrigin => {
                "A request with the cookie of a session comes from the console itself, with the header \
                             X-Jackfield-Console; send an admin token in Authorization instead."
                    .to_owned()
            }
            Self::Role { has, needed } => {
                format!("The admin token has the role {has}; this takes the role {needed}.")
            }
            Self::Reset => "This server may not be reset; it was started without --allow-reset.".to_owned(),
            Self::Bound { of, most } => format!("The maximum number of {of} is reached: {most}."),
            Self::Quota { of, most } => {
                format!("The organization may have at most {most} {of}; an operator can change this quota.")
            }
        }
    }

    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::Scope { group, granted } => Refusal {
                missing_scopes: group.scopes().iter().map(|scope| (*scope).to_owned()).collect(),
                granted_scopes: Some(granted.clone()),
                ..refusal("scope", "missing_scope")
            },
            Self::AddOn => refusal("add_on", "webrtc_off"),
            Self::Availability(..) => refusal("availability", "not_available"),
            Self::Reset => refusal("reset", "not_allowed"),
            Self::Role { .. } => refusal("role", "too_low"),
            Self::Host => refusal("host", "unknown_name"),
            Self::Origin | Self::CrossOrigin => refusal("host", "other_site"),
            Self::Bound { .. } | Self::Quota { .. } => refusal("quota", "reached"),
        }
    }
}

/// What the journal says: the check that failed, and what it found.
pub(crate) fn refusal(check: &str, reason: &str) -> Refusal {
    Refusal { check: check.to_owned(), reason: reason.to_owned(), ..Refusal::default() }
}

/// A time of the token clock as text.
pub(crate) fn time_text(seconds: u64) -> String {
    // Later than the year 9999 there is no such form.
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.min(253_402_300_799));
    humantime::format_rfc3339_seconds(time).to_string()
}
