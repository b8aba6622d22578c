//! JWT access tokens (RFC 9068) of an `OpenID` Connect issuer: discovery, keys that rotate, audience.
//!
//! Keys are cached: while the issuer is down, tokens of known keys are still verified. An unknown key triggers a
//! refresh of the keys, at most once an interval.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use jackfield_model::limit;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::{Answer, Scopes, jwt, unavailable, vouch};
use crate::outbound::Outbound;

pub(super) struct Oidc {
    outbound: Outbound,
    issuer: String,
    discovery: Uri,
    audience: String,
    keys: ArcSwapOption<Keys>,
    /// Held by the task that fetches keys; says when that was last tried.
    fetching: Mutex<Option<Instant>>,
}

struct Keys {
    set: JwkSet,
    fetched: Instant,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// The claims that are read; the library checks audience, issuer and times.
#[derive(Deserialize)]
struct Claims {
    exp: u64,
    client_id: Option<String>,
    azp: Option<String>,
    sub: Option<String>,
    scope: Option<Scopes>,
}

impl Oidc {
    pub(super) fn new(outbound: Outbound, issuer: String, audience: String) -> Result<Self, String> {
        jwt::install();
        let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery = discovery.parse().map_err(|_| "the issuer is no URL".to_owned())?;
        Ok(Self {
            outbound,
            issuer,
            discovery,
            audience,
            keys: ArcSwapOption::empty(),
            fetching: Mutex::new(None),
        })
    }

    pub(super) async fn ask(&self, token: &str) -> Answer {
        let Ok(header) = decode_header(token) else { return Answer::No };
        if !jwt::ALGORITHMS.contains(&header.alg) || !is_access_token(&header) {
            return Answer::No;
        }
        match self.keys_for(&header).await {
            Ok(keys) => self.judge(token, &header, &keys),
            Err(cause) => unavailable(cause),
        }
    }

    fn judge(&self, token: &str, header: &Header, keys: &Keys) -> Answer {
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.validate_nbf = true;
        validation.leeway = 0;
        let claims = candidates(&keys.set, header).find_map(|jwk| {
            let key = DecodingKey::from_jwk(jwk).ok()?;
            decode::<Claims>(token, &key, &validation).ok()
        });
        let Some(claims) = claims.map(|data| data.claims) else { return Answer::No };
        let client = claims.client_id.or(claims.azp).or(claims.sub);
        client.map_or(Answer::No, |client| {
            vouch(&client, Some(Scopes::known(claims.scope.as_ref())), claims.exp)
        })
    }

    /// The keys of the issuer, fetched anew when they are old or lack the key of this header.
    async fn keys_for(&self, header: &Header) -> Result<Arc<Keys>, String> {
        let fits = |keys: &Arc<Keys>| named(&keys.set, header).next().is_some();
        let young = |keys: &Arc<Keys>| keys.fetched.elapsed() < limit::ISSUER_KEYS_AGE;
        if let Some(keys) = self.keys.load_full().filter(|keys| fits(keys) && young(keys)) {
            return Ok(keys);
        }
        let mut tried = self.fetching.lock().await;
        let known = self.keys.load_full();
        if let Some(keys) = known.as_ref().filter(|keys| fits(keys) && young(keys)) {
            return Ok(Arc::clone(keys));
        }
        let within = |time| tried.is_some_and(|at| at.elapsed() < time);
        let outcome = match known.as_ref().filter(|keys| tried.is_none_or(|at| keys.fetched >= at)) {
            // The key may have come since: nobody can tell until they are fetched again.
            Some(_) if within(limit::ISSUER_KEYS_INTERVAL) => {
                Err("its keys were fetched a moment ago and lack this one".to_owned())
            }
            None if within(limit::ISSUER_REST) => {
                Err("its keys could not be fetched a moment ago".to_owned())
            }
            _ => {
                *tried = Some(Instant::now());
                self.fetch().await
            }
        };
        match (outcome, known) {
            (Ok(keys), _) => {
                self.keys.store(Some(Arc::clone(&keys)));
                Ok(keys)
            }
            // Old keys are better than none; a key that nobody has seen stays unknown.
            (Err(_), Some(keys)) if fits(&keys) => Ok(keys),
            (Err(cause), _) => Err(cause),
        }
    }

    async fn fetch(&self) -> Result<Arc<Keys>, String> {
        let discovery: Discovery = self.get(self.discovery.clone()).await?;
        if discovery.issuer.trim_end_matches('/') != self.issuer.trim_end_matches('/') {
            return Err("its discovery document names another issuer".to_owned());
        }
        let uri = discovery.jwks_uri.parse().map_err(|_| "its jwks_uri is no URL".to_owned())?;
        let set: JwkSet = self.get(uri).await?;
        Ok(Arc::new(Keys { set, fetched: Instant::now() }))
    }

    async fn get<T: DeserializeOwned>(&self, uri: Uri) -> Result<T, String> {
        let request = Request::get(uri).body(Full::<Bytes>::default()).map_err(|error| error.to_string())?;
        let answered = self.outbound.send(request).await.map_err(|error| error.to_string())?;
        match answered.status {
            StatusCode::OK => answered.json(),
            status => Err(format!("it answers {status}")),
        }
    }
}

/// Whether a token does not say that it is something else: `at+jwt` (RFC 9068), or what issuers wrote before it.
fn is_access_token(header: &Header) -> bool {
    let kind = header.typ.as_deref().map(|kind| kind.trim_start_matches("application/").to_ascii_lowercase());
    kind.is_none_or(|kind| matches!(&*kind, "at+jwt" | "jwt"))
}

/// The keys that a token may mean: the one it names, or all when it names none.
fn named<'k>(set: &'k JwkSet, header: &'k Header) -> impl Iterator<Item = &'k Jwk> {
    set.keys.iter().filter(|jwk| header.kid.is_none() || jwk.common.key_id == header.kid)
}

/// Those of them that may sign like this.
fn candidates<'k>(set: &'k JwkSet, header: &'k Header) -> impl Iterator<Item = &'k Jwk> {
    named(set, header).filter(|jwk| {
        let signs = !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption));
        let pinned = jwk.common.key_algorithm;
        signs && pinned.is_none_or(|algorithm| algorithm.to_string() == format!("{:?}", header.alg))
    })
}
