//! Verifies access tokens of other issuers, and caches the answers.
//!
//! A rejection by the issuer is a 401. An issuer that is down, slow or returns invalid answers is a 503, and never a
//! 401: a token that it confirmed stays valid until it expires. The cache is bounded, and holds keyed hashes of the
//! tokens. One request at a time asks about a token, and the number of concurrent requests is limited.

mod introspection;
mod jwt;
mod lwa;
mod oidc;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::Uri;
use jackfield_model::admin::Secret;
use jackfield_model::scope::{CALLING, MANAGEMENT, SERVICE_PROVIDER};
use jackfield_model::{ClientId, limit};
use quick_cache::sync::Cache;
use ring::hmac;
use tokio::sync::Semaphore;

use crate::error::ApiError;
use crate::outbound::{Bounds, Outbound};

const BOUNDS: Bounds =
    Bounds { connect: limit::ISSUER_TIMEOUT, idle: limit::ISSUER_CALLS, answer: limit::ISSUER_ANSWER_BYTES };

/// Which issuers' tokens a server accepts.
#[derive(Debug)]
pub(crate) struct Issuers {
    /// This service itself.
    pub(crate) builtin: bool,
    /// Another one.
    pub(crate) foreign: Option<Foreign>,
}

/// Another issuer, as an operator names it.
#[derive(Clone, Debug)]
pub struct ForeignIssuer {
    /// How it is asked.
    pub kind: IssuerKind,
    /// How long an answer is cached.
    pub recheck: Duration,
    /// A file of certificates in PEM form to trust beside those of the operating system.
    pub ca: Option<PathBuf>,
}

/// How another issuer is asked about a token.
#[derive(Clone, Debug)]
pub enum IssuerKind {
    /// The tokeninfo of Login with Amazon at this URL.
    Lwa(Uri),
    /// `OpenID` Connect discovery, and JWT access tokens for this audience.
    Oidc {
        /// The issuer, which the discovery document must name.
        issuer: String,
        /// Who the tokens must be for.
        audience: String,
    },
    /// Token introspection (RFC 7662).
    Introspection {
        /// The endpoint.
        endpoint: Uri,
        /// The client id for the requests.
        client_id: String,
        /// The client secret for the requests.
        client_secret: Secret,
        /// Who the tokens must be for; `None` for anybody.
        audience: Option<String>,
    },
}

/// What an issuer said about a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vouched {
    /// Whose it is. That this client is registered here is checked anew at each use.
    pub(crate) client: ClientId,
    /// Which scopes of operations it has; `None` when the issuer does not speak of scopes.
    pub(crate) scopes: Option<KnownScopes>,
    /// When it ends, in seconds since 1970.
    expires: u64,
}

/// Which of the scopes that operations take a token has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownScopes {
    service_provider: bool,
    management: bool,
    calling: bool,
}

impl KnownScopes {
    /// Whether it has this scope, as far as operations take it.
    pub(crate) fn has(self, scope: &str) -> bool {
        match scope {
            SERVICE_PROVIDER => self.service_provider,
            MANAGEMENT => self.management,
            CALLING => self.calling,
            _ => false,
        }
    }
}

/// An answer about a token.
#[derive(Clone, Debug)]
enum Answer {
    Yes(Vouched),
    No,
    /// No answer, or none that can be understood. The text is for the log.
    Unavailable(Arc<str>),
}

/// A cached yes.
#[derive(Debug)]
struct Known {
    vouched: Vouched,
    asked: Instant,
}

type Key = [u8; 32];
type Flight = Shared<BoxFuture<'static, Answer>>;

/// Another issuer, with its cached answers.
pub(crate) struct Foreign {
    shared: Arc<Inner>,
    key: hmac::Key,
    recheck: Duration,
    flights: Arc<Mutex<HashMap<Key, Flight>>>,
}

/// Forgets a flight when it ends.
struct Landing {
    flights: Arc<Mutex<HashMap<Key, Flight>>>,
    key: Key,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

struct Inner {
    kind: Kind,
    known: Cache<Key, Arc<Known>>,
    refused: Cache<Key, Instant>,
    places: Semaphore,
    began: Instant,
    /// Milliseconds since `began` until which the issuer is not asked again after a failure.
    resting_until: AtomicU64,
}

enum Kind {
    Lwa(lwa::TokenInfo),
    Oidc(oidc::Oidc),
    Introspection(introspection::Introspection),
}

impl Foreign {
    /// An issuer with an empty cache.
    pub(crate) fn new(issuer: &ForeignIssuer) -> Result<Self, String> {
        let outbound = Outbound::with_ca_file(issuer.ca.as_deref(), BOUNDS)?;
        let kind = match issuer.kind.clone() {
            IssuerKind::Lwa(url) => Kind::Lwa(lwa::TokenInfo::new(outbound, url)),
            IssuerKind::Oidc { issuer, audience } => Kind::Oidc(oidc::Oidc::new(outbound, issuer, audience)?),
            IssuerKind::Introspection { endpoint, client_id, client_secret, audience } => {
                let credentials = introspection::Credentials { id: client_id, secret: client_secret };
                Kind::Introspection(introspection::Introspection::new(
                    outbound,
                    endpoint,
                    &credentials,
                    audience,
                ))
            }
        };
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new())
            .map_err(|_| "the operating system gives no randomness".to_owned())?;
        let shared = Inner {
            kind,
            known: Cache::new(limit::FOREIGN_TOKENS),
            refused: Cache::new(limit::FOREIGN_TOKENS_REFUSED),
            places: Semaphore::new(limit::ISSUER_CALLS),
            began: Instant::now(),
            resting_until: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared), key, recheck: issuer.recheck, flights: Arc::default() })
    }

    /// What the issuer says about a token, from the cache where that is recent enough: `None` for no. `now` is in
    /// seconds since 1970.
    ///
    /// Fails with a 503 when the issuer cannot say and never confirmed this token.
    pub(crate) async fn ask(&self, token: &str, now: u64) -> Result<Option<Vouched>, ApiError> {
        let key = self.hash(token);
        let known = self.shared.known.get(&key).filter(|known| now < known.vouched.expires);
        let young = |known: &Arc<Known>| known.asked.elapsed() < self.recheck;
        if let Some(known) = known.as_ref().filter(|known| young(known) || self.shared.rests()) {
            return Ok(Some(known.vouched.clone()));
        }
        if self.shared.refused.get(&key).is_some_and(|asked| asked.elapsed() < limit::REFUSAL_REMEMBERED) {
            return Ok(None);
        }
        let answer = if self.shared.rests() {
            Answer::Unavailable("the issuer failed a moment ago".into())
        } else {
            self.flight(key, token, now).await
        };
        match (answer, known) {
            (Answer::Yes(vouched), _) => Ok(Some(vouched).filter(|vouched| now < vouched.expires)),
            (Answer::No, _) => Ok(None),
            (Answer::Unavailable(_), Some(known)) => Ok(Some(known.vouched.clone())),
            (Answer::Unavailable(cause), None) => Err(ApiError::Unavailable {
                message: "The issuer of the access token cannot be asked at the moment; nothing was changed."
                    .to_owned(),
                retry_after: 1,
                cause: Some(format!("token issuer: {cause}")),
            }),
        }
    }

    /// One request about a token at a time; concurrent callers wait for the same answer. It is a task of its own, so
    /// that a caller that disconnects does not end it for the others.
    async fn flight(&self, key: Key, token: &str, now: u64) -> Answer {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = || {
                let landing = Landing { flights: Arc::clone(&self.flights), key };
                let (shared, token) = (Arc::clone(&self.shared), token.to_owned());
                let task = tokio::spawn(async move {
                    // Whatever becomes of the question, the next one is a new one.
                    let landing = landing;
                    let answer = shared.inquire(&token, now).await;
                    shared.remember(landing.key, &answer);
                    answer
                });
                let broken = |error: tokio::task::JoinError| Answer::Unavailable(error.to_string().into());
                task.map(move |result| result.unwrap_or_else(broken)).boxed().shared()
            };
            flights.entry(key).or_insert_with(begin).clone()
        };
        flight.await
    }

    fn hash(&self, token: &str) -> Key {
        let tag = hmac::sign(&self.key, token.as_bytes());
        tag.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes")
    }
}

impl Inner {
    /// Asks the issuer, within the bounds of time and of calls at once.
    async fn inquire(&self, token: &str, now: u64) -> Answer {
        let work = async {
            let _place = self.places.acquire().await.expect("the semaphore is never closed");
            match &self.kind {
                Kind::Lwa(issuer) => issuer.ask(token, now).await,
                Kind::Oidc(issuer) => issuer.ask(token).await,
                Kind::Introspection(issuer) => issuer.ask(token, now).await,
            }
        };
        tokio::time::timeout(limit::ISSUER_TIMEOUT, work)
            .await
            .unwrap_or_else(|_| Answer::Unavailable("it did not answer in time".into()))
    }

    fn remember(&self, key: Key, answer: &Answer) {
        match answer {
            Answer::Yes(vouched) => {
                let known = Known { vouched: vouched.clone(), asked: Instant::now() };
                self.known.insert(key, Arc::new(known));
            }
            Answer::No => {
                self.known.remove(&key);
                self.refused.insert(key, Instant::now());
            }
            Answer::Unavailable(cause) => {
                // JWTs are verified here; the fetch of their keys has its own pauses.
                if !matches!(self.kind, Kind::Oidc(_)) {
                    let until = self.began.elapsed() + limit::ISSUER_REST;
                    let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
                    self.resting_until.store(until, Ordering::Relaxed);
                }
                tracing::warn!(cause = &**cause, "the token issuer cannot be asked");
            }
        }
    }

    /// Whether the issuer failed a moment ago: then no caller waits for it.
    fn rests(&self) -> bool {
        self.began.elapsed().as_millis() < u128::from(self.resting_until.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign").field("recheck", &self.recheck).finish_non_exhaustive()
    }
}

/// A confirmation for the client of this id, which an issuer may write in any form: one that is no client id of this
/// service is not registered here.
fn vouch(client: &str, scopes: Option<KnownScopes>, expires: u64) -> Answer {
    match ClientId::new(client) {
        Ok(client) => Answer::Yes(Vouched { client, scopes, expires }),
        Err(_) => Answer::No,
    }
}

fn unavailable(cause: impl fmt::Display) -> Answer {
    Answer::Unavailable(cause.to_string().into())
}

/// Scopes of a JWT or an introspection: one text, or a list.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
enum Scopes {
    Text(String),
    List(Vec<String>),
}

impl Scopes {
    fn known(scopes: Option<&Self>) -> KnownScopes {
        let has = |wanted: &str| match scopes {
            None => false,
            Some(Self::Text(text)) => text.split_ascii_whitespace().any(|scope| scope == wanted),
            Some(Self::List(list)) => list.iter().any(|scope| scope == wanted),
        };
        KnownScopes {
            service_provider: has(SERVICE_PROVIDER),
            management: has(MANAGEMENT),
            calling: has(CALLING),
        }
    }
}

/// An audience: one, or a list.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn holds(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}
