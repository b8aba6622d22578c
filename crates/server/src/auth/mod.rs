//! Bearer token → [`Caller`]; caller and path → a handle: [`Provider`], [`Organization`] or [`Profile`].
//!
//! Operations can reach the store only through a handle, which exists only for a caller that may use what it is bound
//! to, so that an operation that forgets the tenant does not compile.

mod admit;
mod directory;
mod issue;
mod organization;
mod profile;
mod provider;
mod signaling;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use jackfield_model::scope::{CALLING, MANAGEMENT, SERVICE_PROVIDER};
use jackfield_model::{RequestId, Scope, limit};
use jackfield_store::registry::{self, Client, Registry};
use jackfield_store::step::{self, Running};
use jackfield_store::{Actor, Origin};

pub(crate) use admit::{Grant, admit};
pub(crate) use directory::{Directory, Held, OfDirectory, OfHeld};
pub(crate) use issue::{issue, issue_from};
pub(crate) use organization::{OfOrganization, Organization};
pub(crate) use profile::{OfProfile, Profile};
pub(crate) use provider::{OfProvider, Provider};
pub(crate) use signaling::{OfSignaling, Signaling};

use crate::credential::claims::{Accounts, Claims};
use crate::credential::signing::NotOpened;
use crate::credential::{access_token, refresh_token};
use crate::error::{ApiError, Forbidden, Unauthorized};
use crate::group::Group;
use crate::head;
use crate::issuer::Foreign;
use crate::request::Call;
use crate::state::State;

/// A client with a valid token, and what the token allows.
#[derive(Debug)]
pub(crate) struct Caller {
    accounts: Arc<Accounts>,
    registry: Arc<Registry>,
    /// The scopes of a token that lacks the one that every operation takes.
    other_scopes: Option<Vec<String>>,
}

/// Begins the step of a request that is a call of the store.
#[inline]
fn store_step() -> Running {
    step::begin("store")
}

/// The token of an `Authorization: Bearer …` header. The scheme is read in any case (RFC 9110, section 11.1).
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, Unauthorized> {
    parse_bearer(authorization(headers)?)
}

/// The one `Authorization` header.
fn authorization(headers: &HeaderMap) -> Result<&HeaderValue, Unauthorized> {
    only(head::single(headers, &header::AUTHORIZATION))
}

fn only(header: Result<Option<&HeaderValue>, head::Repeated>) -> Result<&HeaderValue, Unauthorized> {
    header.map_err(|head::Repeated| Unauthorized::NotBearer)?.ok_or(Unauthorized::Missing)
}

fn parse_bearer(value: &HeaderValue) -> Result<&str, Unauthorized> {
    let text = value.to_str().map_err(|_| Unauthorized::NotBearer)?;
    let (scheme, token) = text.trim_ascii().split_once(' ').ok_or(Unauthorized::NotBearer)?;
    let token = token.trim_ascii_start();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains([' ', '\t']) {
        return Err(Unauthorized::NotBearer);
    }
    Ok(token)
}

/// A valid access token of this service: its client and its claims.
pub(crate) struct Verified {
    pub(crate) client: Arc<Client>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) now: u64,
}

/// Verifies an access token of this service.
pub(crate) fn verify(state: &State, registry: &Registry, token: &str) -> Result<Verified, Unauthorized> {
    let opened = if state.credentials.issuers.builtin {
        state.signing(registry).open(token)
    } else {
        Err(NotOpened::Foreign)
    };
    let Ok(claims) = opened else {
        let refresh = token.len() <= limit::BEARER_TOKEN_BYTES && token.starts_with(refresh_token::PREFIX);
        return Err(match access_token::has_form(token) {
            _ if refresh => Unauthorized::RefreshToken,
            true if opened == Err(NotOpened::UnknownKey) => Unauthorized::UnknownKey,
            true => Unauthorized::Unknown,
            false => Unauthorized::Malformed,
        });
    };
    judge(state, registry, claims)
}

/// Checks the claims of a token of this service, as of now.
fn judge(state: &State, registry: &Registry, claims: Arc<Claims>) -> Result<Verified, Unauthorized> {
    let client = registry.clients.get(&*claims.client).ok_or(Unauthorized::ClientGone)?;
    let now = judge_for(state, client, &claims)?;
    Ok(Verified { client: Arc::clone(client), claims, now })
}

/// The same for claims of this client; answers the time at which they were checked, in seconds since 1970.
fn judge_for(state: &State, client: &Client, claims: &Claims) -> Result<u64, Unauthorized> {
    if !client.enabled {
        return Err(Unauthorized::Disabled);
    }
    if client.token_generation != claims.generation || claims.refresh.is_some_and(|id| !client.holds(id)) {
        return Err(Unauthorized::Revoked);
    }
    let now = state.sandbox.clock.seconds();
    if now >= claims.expires {
        return Err(Unauthorized::Expired { at: claims.expires });
    }
    Ok(now)
}

/// The caller, by the token alone: 401 when it is invalid, 503 when another issuer cannot say. `refreshed` says that
/// the accounts are up to date; until then an unknown key may be one of this service, and no other issuer is asked.
async fn authenticate(
    state: &State,
    registry: Arc<Registry>,
    call: &Call,
    refreshed: bool,
) -> Result<Caller, ApiError> {
    let header = only(call.survey.authorization(&call.head.headers)).map_err(ApiError::Unauthorized)?;
    // None is kept where tokens of ours are not taken.
    let known = state.signing(&registry).known(header.as_bytes(), &registry);
    if let Some(recent) = known {
        let accounts = Arc::clone(&recent.accounts);
        judge_for(state, &accounts.client, &recent.claims).map_err(ApiError::Unauthorized)?;
        return Ok(Caller::new(accounts, &recent.claims, registry));
    }
    let token = parse_bearer(header).map_err(ApiError::Unauthorized)?;
    let judged = authenticate_builtin(state, registry, header, token);
    if judged.as_ref().is_err_and(|why| *why == Unauthorized::UnknownKey) && !refreshed {
        return judged.map_err(ApiError::Unauthorized);
    }
    match (judged, &state.credentials.issuers.foreign) {
        // Boxed, to keep the common future small.
        (Err(Unauthorized::Unknown | Unauthorized::UnknownKey | Unauthorized::Malformed), Some(foreign))
            if token.len() <= limit::BEARER_TOKEN_BYTES =>
        {
            Box::pin(authenticate_foreign(state, foreign, token)).await
        }
        (judged, _) => judged.map_err(ApiError::Unauthorized),
    }
}

fn authenticate_builtin(
    state: &State,
    registry: Arc<Registry>,
    header: &HeaderValue,
    token: &str,
) -> Result<Caller, Unauthorized> {
    let verified = verify(state, &registry, token)?;
    let accounts = Accounts::of(&registry, verified.client);
    // In its plain form alone: other spaces and letters would be as many headers of one token.
    if header.as_bytes().strip_prefix(b"Bearer ") == Some(token.as_bytes()) {
        state.signing(&registry).keep(header.as_bytes(), &verified.claims, &registry, &accounts);
    }
    Ok(Caller::new(accounts, &verified.claims, registry))
}

/// The client must be registered and enabled now, and granted what it uses, whatever the issuer says.
async fn authenticate_foreign(state: &State, issuer: &Foreign, token: &str) -> Result<Caller, ApiError> {
    let vouched = issuer.ask(token, state.sandbox.clock.seconds()).await?;
    let vouched = vouched.ok_or(ApiError::Unauthorized(Unauthorized::Unknown))?;
    let registry = state.store.registry();
    let client = registry.clients.get(&vouched.client).filter(|client| client.enabled);
    let client = Arc::clone(client.ok_or(ApiError::Unauthorized(Unauthorized::UnknownClient))?);
    let has =
        |scope: &str| vouched.scopes.is_none_or(|scopes| scopes.has(scope)) && client.scopes.contains(scope);
    let other_scopes = (!has(SERVICE_PROVIDER)).then(|| {
        // What else a token is good for is not kept; what else a client is granted is known.
        let token_lacks_it = client.scopes.contains(SERVICE_PROVIDER);
        let known =
            |scope: &&str| if matches!(*scope, MANAGEMENT | CALLING) { has(scope) } else { !token_lacks_it };
        client.scopes.iter().map(Scope::as_str).filter(known).map(str::to_owned).collect()
    });
    Ok(Caller { accounts: Accounts::of(&registry, client), registry, other_scopes })
}

impl Caller {
    /// The caller of a token of this service.
    fn new(accounts: Arc<Accounts>, claims: &Claims, registry: Arc<Registry>) -> Self {
        let scopes = || claims.scopes.split(' ').filter(|scope| !scope.is_empty());
        let other_scopes = (!claims.service_provider).then(|| scopes().map(str::to_owned).collect());
        Self { accounts, registry, other_scopes }
    }

    fn client(&self) -> &Client {
        &self.accounts.client
    }

    /// Takes one request from the client's rate.
    fn spend_rate(&self, state: &State) -> Result<(), ApiError> {
        let spent = state.limits.rates.check(self.client(), &self.registry, &self.accounts.bucket);
        spent.map_err(|retry_after| ApiError::TooManyRequests { retry_after })
    }

    fn check_scope(&self, group: Group) -> Result<(), ApiError> {
        match &self.other_scopes {
            Some(granted) if !granted.iter().any(|scope| group.scopes().contains(&&**scope)) => {
                Err(ApiError::Forbidden(Forbidden::Scope { group, granted: granted.clone() }))
            }
            _ => Ok(()),
        }
    }

    /// The caller's organization, when it has the add-on that the operations need and they are available to it.
    fn check_organization_access(&self, group: Group) -> Result<&registry::Organization, ApiError> {
        let organization = self.accounts.organization.as_ref().ok_or_else(|| ApiError::Internal {
            cause: format!("the organization of client {} is missing", self.client().id),
        })?;
        if group.needs_add_on() && !organization.webrtc {
            return Err(ApiError::Forbidden(Forbidden::AddOn));
        }
        if !group.is_available(organization.vertical, organization.country) {
            let not_available = Forbidden::Availability(group, organization.vertical, organization.country);
            return Err(ApiError::Forbidden(not_available));
        }
        Ok(organization)
    }

    fn origin(&self, request_id: RequestId) -> Origin {
        Origin::now(Actor::Client(Arc::clone(&self.client().id)), request_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_headers_are_read_leniently_and_refused_strictly() {
        let token = |text: &'static str| parse_bearer(&HeaderValue::from_static(text)).map(str::to_owned);
        for good in ["Bearer t", "bearer t", "BEARER   t", " Bearer t "] {
            assert_eq!(token(good).as_deref(), Ok("t"), "{good:?}");
        }
        for bad in ["", "Bearer", "Bearer ", "Basic dTpw", "t", "Bearer t u", "Bearer\tt"] {
            assert_eq!(token(bad), Err(Unauthorized::NotBearer), "{bad:?}");
        }
        assert_eq!(bearer_token(&HeaderMap::new()), Err(Unauthorized::Missing));
    }
}
