//! The state that all requests share: plain data, in groups by purpose. Nothing here routes or answers.

mod acts;
mod credentials;
mod history;
mod operators;
mod sessions;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::Guard;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Request;
use http_body_util::Full;
use jackfield_store::{Registry, Store};

pub(crate) use acts::{Acts, FAILURES_INTERVAL};
pub(crate) use credentials::Credentials;
pub(crate) use operators::{Operators, UnderWay};
pub(crate) use sessions::LINK_PREFIX;

use crate::body::Bodies;
use crate::calls::Calls;
use crate::config::{ConsentLogin, Network};
use crate::credential::keys::Keys;
use crate::credential::signing::{Signing, SigningKeys};
use crate::feed::Feed;
use crate::imports::Imports;
use crate::metrics::Metrics;
use crate::response::Sent;
use crate::sandbox::clock::{Clock, ClockOffset};
use crate::sandbox::fault::Faults;
use crate::sandbox::ids::Ids;
use crate::sandbox::request_log::Journal;
use crate::sandbox::reset_lock::ResetLock;
use crate::seed::Seed;
use crate::skill::Skills;
use crate::throttle::admission::Places;
use crate::throttle::guess::Guesses;
use crate::throttle::rate::Rates;
use crate::traces::Traces;
use crate::transport::outbox::Unsent;
use crate::transport::peer::Peer;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) credentials: Credentials,
    pub(crate) limits: Limits,
    pub(crate) sandbox: Sandbox,
    pub(crate) operators: Operators,
    pub(crate) consent: Consent,
    pub(crate) documents: Documents,
    pub(crate) skills: Skills,
    pub(crate) feed: Feed,
    pub(crate) imports: Arc<Imports>,
    pub(crate) calls: Calls,
    pub(crate) traces: Traces,
    /// Whether clients get the leniency that can be switched off; an organization may still refuse it.
    pub(crate) lenient: bool,
    pub(crate) started: Instant,
}

/// What bounds the work of the server and of its clients.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) rates: Rates,
    pub(crate) guesses: Guesses,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) unsent: Arc<Unsent>,
    /// Places for operations on associations, providers and profiles.
    pub(crate) operations: Places,
    /// Places for logins, so that neither keeps the other out.
    pub(crate) logins: Places,
}

/// The public API, for operators who try it: it answers a request as one that came over the network.
pub(crate) trait PublicApi: fmt::Debug + Send + Sync {
    /// The answer; nothing when a fault rule keeps it.
    fn ask(self: Arc<Self>, peer: Peer, request: Request<Full<Bytes>>) -> BoxFuture<'static, Option<Sent>>;
}

/// The tools for integrators.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) clock: Clock,
    /// Where the token clock is set again by a reset.
    pub(crate) initial_clock: ClockOffset,
    pub(crate) faults: Faults,
    /// The names of operations that a fault rule can select.
    pub(crate) fault_operations: Vec<&'static str>,
    pub(crate) journal: Journal,
    pub(crate) ids: Ids,
    pub(crate) reset_lock: ResetLock,
    /// What a reset leads back to.
    pub(crate) seeds: Vec<Seed>,
}

/// How users are identified on the consent page.
#[derive(Debug, Default)]
pub(crate) struct Consent {
    pub(crate) login: ConsentLogin,
    /// The proxies trusted for the user's name and for `X-Forwarded-Proto`.
    pub(crate) proxies: Vec<Network>,
}

/// The documents that the server serves about itself, made when they are first read.
#[derive(Clone, Copy)]
pub(crate) struct Documents {
    /// The OpenAPI document.
    pub(crate) openapi: fn() -> Bytes,
    /// The page that shows it.
    pub(crate) page: fn() -> Bytes,
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Documents")
    }
}

impl Limits {
    /// Requests in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.operations.taken() + self.logins.taken()
    }
}

impl State {
    /// The keys that sign tokens, as of these accounts.
    pub(crate) fn signing(&self, registry: &Registry) -> Guard<Arc<SigningKeys>> {
        self.credentials.signing.of(&*self.store, registry)
    }

    /// Where the keys that sign tokens are kept.
    pub(crate) const fn signing_keys(&self) -> &Signing {
        &self.credentials.signing
    }

    /// The keys of hashes and names, which derive from that of the store.
    pub(crate) fn keys(&self) -> &Keys {
        self.credentials.keys()
    }
}
