//! The user who approves on the consent page: anybody, a user who knows the organization's password, or a user whom a
//! proxy authenticated.

use jackfield_model::limit;
use jackfield_store::registry::Organization;

use crate::config::ConsentLogin;
use crate::error::ApiError;
use crate::request::Call;
use crate::state::State;
use crate::throttle::guess::{Attempt, Guess};

/// What the page shows of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks<'a> {
    Nothing,
    /// It asks for the organization's password.
    Password,
    /// It says as whom the person is known.
    User(&'a str),
}

/// Why this user may not approve.
#[derive(Debug)]
pub(super) enum NotAllowed {
    /// Nobody may: the organization has no password.
    NoPassword,
    /// It is another one, or none.
    WrongPassword,
    /// The request did not come from a proxy that is trusted.
    NotByProxy,
    /// The proxy did not say who it is, or more than one.
    NoUser,
    /// Too many attempts, or the server is overloaded.
    Server(ApiError),
}

impl NotAllowed {
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::NoPassword => "no_password_set",
            Self::WrongPassword => "wrong_password",
            Self::NotByProxy => "not_by_proxy",
            Self::NoUser => "no_user",
            Self::Server(_) => "refused",
        }
    }

    pub(super) fn message(&self, organization: &Organization) -> String {
        match self {
            Self::NoPassword => format!(
                "Nobody can allow access to this organization yet: it has no consent password. Its operator sets one with: jackfield org set-consent-password {}",
                organization.id
            ),
            Self::WrongPassword => "The password is not right.".to_owned(),
            Self::NotByProxy => "This page is to be opened through the proxy that logs people in.".to_owned(),
            Self::NoUser => {
                "The proxy in front of this page did not say who you are; log in there first.".to_owned()
            }
            Self::Server(error) => error.message(),
        }
    }
}

/// What the page has to ask or to show, when the user could approve.
pub(super) fn asks<'a>(
    state: &State,
    call: &'a Call,
    organization: &Organization,
) -> Result<Asks<'a>, NotAllowed> {
    match &state.consent.login {
        ConsentLogin::Open => Ok(Asks::Nothing),
        ConsentLogin::Password if organization.consent_password.is_some() => Ok(Asks::Password),
        ConsentLogin::Password => Err(NotAllowed::NoPassword),
        ConsentLogin::Header(name) => {
            if !is_by_proxy(state, call) {
                return Err(NotAllowed::NotByProxy);
            }
            let mut values = call.head.headers.get_all(name).iter();
            let (Some(value), None) = (values.next(), values.next()) else { return Err(NotAllowed::NoUser) };
            let user = value.to_str().unwrap_or_default().trim();
            if user.is_empty() || user.len() > limit::CONSENT_USER_BYTES {
                return Err(NotAllowed::NoUser);
            }
            Ok(Asks::User(user))
        }
    }
}

/// Who approves, as the change record names it: a user's name, or an address. Limits count by it.
pub(super) async fn allow(
    state: &State,
    call: &Call,
    organization: &Organization,
    password: Option<String>,
) -> Result<String, NotAllowed> {
    let from = call.peer.origin();
    match asks(state, call, organization)? {
        Asks::Nothing => {}
        Asks::User(user) => return Ok(user.to_owned()),
        Asks::Password => {
            let attempt = Attempt { at: Guess::ConsentPassword, of: organization.id.as_str(), from };
            let too_many = |retry_after| NotAllowed::Server(ApiError::TooManyGuesses { retry_after });
            // Before the hash, which costs us more than him.
            if let Some(retry_after) = state.limits.guesses.wait(attempt) {
                return Err(too_many(retry_after));
            }
            let stored = organization.consent_password.clone().ok_or(NotAllowed::NoPassword)?;
            let right = match password {
                Some(password) if password.len() <= limit::CONSENT_PASSWORD_BYTES => {
                    state.credentials.hashing.verify(password, stored).await.map_err(NotAllowed::Server)?
                }
                _ => false,
            };
            if !right {
                return Err(state.limits.guesses.failed(attempt).map_or(NotAllowed::WrongPassword, too_many));
            }
            state.limits.guesses.succeeded(attempt);
        }
    }
    Ok(from.to_string())
}

/// Whether the request came from a proxy that is trusted.
fn is_by_proxy(state: &State, call: &Call) -> bool {
    state.consent.proxies.iter().any(|network| network.contains(call.peer.address))
}

/// Whether the browser speaks TLS: to us, or to a proxy that is trusted and says so.
pub(super) fn is_secure(state: &State, call: &Call) -> bool {
    let forwarded = || call.head.headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
    call.peer.secure || (forwarded() && is_by_proxy(state, call))
}
