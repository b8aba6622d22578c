//! Bearer token → [`Caller`]; caller and path → [`Provider`].
//!
//! Operations can reach the store only through a [`Provider`], which exists only for a caller that may use it, so
//! that an operation that forgets the tenant does not compile.

pub(crate) mod access_token;
pub(crate) mod code;
pub(crate) mod issuer;
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
use crate::error::{ApiError, Unauthorized};
use issuer::Foreign;
pub(crate) use provider::Provider;

/// A client whose token holds, with what the token allows.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) client: Arc<Client>,
    registry: Arc<Registry>,
    has_scope: bool,
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

/// An access token of ours that holds: whose it is and what it says.
pub(crate) struct Verified<'b> {
    pub(crate) client: Arc<Client>,
    pub(crate) claims: access_token::Claims<'b>,
    pub(crate) now: u64,
}

/// Judges an access token of ours.
pub(crate) fn verify<'b>(
    app: &App,
    registry: &Registry,
    token: &str,
    buffer: &'b mut access_token::Buffer,
) -> Result<Verified<'b>, Unauthorized> {
    let opened = access_token::open(&app.keys.access_token, token, buffer);
    let Some(claims) = opened.filter(|_| app.issuers.builtin) else {
        let refresh =
            token.len() <= limit::BEARER_TOKEN_BYTES && token.starts_with(access_token::REFRESH_PREFIX);
        return Err(if refresh { Unauthorized::RefreshToken } else { Unauthorized::Unknown });
    };
    let client = registry
        .clients
        .get(claims.client)
        .filter(|client| client.enabled && client.token_generation == claims.generation)
        .filter(|client| claims.refresh.is_none_or(|id| client.holds(id)))
        .ok_or(Unauthorized::Revoked)?;
    let now = app.clock.seconds();
    if now >= claims.expires {
        return Err(Unauthorized::Expired);
    }
    Ok(Verified { client: Arc::clone(client), claims, now })
}

/// Who asks, judged by the token alone: 401 unless it holds, 503 when another issuer cannot say.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let token = bearer_token(headers).map_err(ApiError::Unauthorized)?;
    match (authenticate_builtin(app, token), &app.issuers.foreign) {
        // Boxed, so that a request with a token of ours is not the larger for it.
        (Err(Unauthorized::Unknown), Some(foreign)) if token.len() <= limit::BEARER_TOKEN_BYTES => {
            Box::pin(authenticate_foreign(app, foreign, token)).await
        }
        (judged, _) => judged.map_err(ApiError::Unauthorized),
    }
}

fn authenticate_builtin(app: &App, token: &str) -> Result<Caller, Unauthorized> {
    let registry = app.store.registry();
    let mut buffer = access_token::Buffer::default();
    let Verified { client, claims, .. } = verify(app, &registry, token, &mut buffer)?;
    Ok(Caller {
        has_scope: claims.scopes.split(' ').any(|scope| scope == SERVICE_PROVIDER),
        client,
        registry,
    })
}

/// The client must be registered and enabled now, and granted what it uses, whatever the issuer says.
async fn authenticate_foreign(app: &App, issuer: &Foreign, token: &str) -> Result<Caller, ApiError> {
    let vouched = issuer.ask(token, app.clock.seconds()).await?;
    let vouched = vouched.ok_or(ApiError::Unauthorized(Unauthorized::Unknown))?;
    let registry = app.store.registry();
    let client = registry.clients.get(&vouched.client).filter(|client| client.enabled);
    let client = Arc::clone(client.ok_or(ApiError::Unauthorized(Unauthorized::UnknownClient))?);
    let has_scope = vouched.has_scope.unwrap_or(true) && client.scopes.contains(SERVICE_PROVIDER);
    Ok(Caller { client, registry, has_scope })
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
    if !caller.has_scope {
        return Err(ApiError::Forbidden(format!("The access token lacks the scope {SERVICE_PROVIDER}.")));
    }
    let known = provider.parse::<ServiceProviderId>().ok().and_then(|id| caller.registry.providers.get(&id));
    let provider =
        known.ok_or_else(|| ApiError::NotFound("There is no such service provider.".to_owned()))?;
    if provider.organization != caller.client.organization {
        return Err(ApiError::Unauthorized(Unauthorized::OtherOrganization));
    }
    let organization = caller.registry.organizations.get(&provider.organization).ok_or_else(|| {
        ApiError::Internal { cause: format!("the organization of provider {} is missing", provider.id) }
    })?;
    if !organization.webrtc {
        return Err(ApiError::Forbidden("The organization does not have the WebRTC add-on.".to_owned()));
    }
    if !is_available(organization.vertical, organization.country) {
        return Err(ApiError::Forbidden(format!(
            "Account association is not available to {} in {}.",
            organization.vertical, organization.country
        )));
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
