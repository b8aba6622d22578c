//! Bearer token → [`Caller`]; caller and path → [`Provider`].
//!
//! Operations can reach the store only through a [`Provider`], which exists only for a caller that may use it, so
//! that an operation that forgets the tenant does not compile.

pub(crate) mod access_token;
pub(crate) mod keys;
pub(crate) mod page_token;
mod provider;
pub(crate) mod rate;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use jackfield_model::organization::is_available;
use jackfield_model::scope::SERVICE_PROVIDER;
use jackfield_model::{RequestId, ServiceProviderId, limit};
use jackfield_store::registry::{Client, Registry};
use jackfield_store::{Actor, Origin, Timestamp};

use crate::app::App;
use crate::error::{ApiError, Forbidden, Unauthorized};
pub(crate) use provider::Provider;

/// A client whose token holds, with what the token allows.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) client: Arc<Client>,
    registry: Arc<Registry>,
    /// The scopes of a token that lacks the one it takes.
    other_scopes: Option<Vec<String>>,
}

/// The token of an `Authorization: Bearer …` header. The scheme is read in any case (RFC 9110, section 11.1).
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, Unauthorized> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Unauthorized::Missing)?;
    if values.next().is_some() {
        return Err(Unauthorized::NotBearer);
    }
    parse_bearer(value)
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

/// Who asks, judged by the token alone: 401 unless it holds.
pub(crate) fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let token = bearer_token(headers).map_err(ApiError::Unauthorized)?;
    let registry = app.store.registry();
    let mut buffer = access_token::Buffer::default();
    let Some(claims) = access_token::open(&app.keys.access_token, token, &mut buffer) else {
        let refresh =
            token.len() <= limit::BEARER_TOKEN_BYTES && token.starts_with(access_token::REFRESH_PREFIX);
        let why = match access_token::has_form(token) {
            _ if refresh => Unauthorized::RefreshToken,
            true => Unauthorized::Unknown,
            false => Unauthorized::Malformed,
        };
        return Err(ApiError::Unauthorized(why));
    };
    let client =
        registry.clients.get(claims.client).ok_or(ApiError::Unauthorized(Unauthorized::ClientGone))?;
    if !client.enabled {
        return Err(ApiError::Unauthorized(Unauthorized::Disabled));
    }
    if client.token_generation != claims.generation {
        return Err(ApiError::Unauthorized(Unauthorized::Revoked));
    }
    if app.clock.seconds() >= claims.expires {
        return Err(ApiError::Unauthorized(Unauthorized::Expired { at: claims.expires }));
    }
    let scopes = || claims.scopes.split(' ').filter(|scope| !scope.is_empty());
    let has_scope = scopes().any(|scope| scope == SERVICE_PROVIDER);
    Ok(Caller {
        other_scopes: (!has_scope).then(|| scopes().map(str::to_owned).collect()),
        client: Arc::clone(client),
        registry,
    })
}

/// The provider of the path, when the caller may use it now. The checks stand in the order of the contract: rate,
/// scope, provider known, provider owned, add-on, availability.
pub(crate) fn authorize<'a>(
    app: &'a App,
    caller: &Caller,
    provider: &str,
    request_id: RequestId,
) -> Result<Provider<'a>, ApiError> {
    app.rates
        .check(&caller.client, &caller.registry)
        .map_err(|retry_after| ApiError::TooManyRequests { retry_after })?;
    if let Some(granted) = &caller.other_scopes {
        return Err(ApiError::Forbidden(Forbidden::Scope { granted: granted.clone() }));
    }
    let known = provider.parse::<ServiceProviderId>().ok().and_then(|id| caller.registry.providers.get(&id));
    let provider = known.ok_or(ApiError::NoSuchProvider)?;
    if provider.organization != caller.client.organization {
        return Err(ApiError::Unauthorized(Unauthorized::OtherOrganization));
    }
    let organization = caller.registry.organizations.get(&provider.organization).ok_or_else(|| {
        ApiError::Internal { cause: format!("the organization of provider {} is missing", provider.id) }
    })?;
    if !organization.webrtc {
        return Err(ApiError::Forbidden(Forbidden::AddOn));
    }
    if !is_available(organization.vertical, organization.country) {
        let not_available = Forbidden::Availability(organization.vertical, organization.country);
        return Err(ApiError::Forbidden(not_available));
    }
    let origin =
        Origin { actor: Actor::Client(Arc::clone(&caller.client.id)), request_id, time: Timestamp::now() };
    let profile_owner = organization.strict_profiles.then(|| organization.id.clone());
    Ok(Provider::new(&*app.store, &app.keys, &app.clock, provider.id, profile_owner, origin))
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
