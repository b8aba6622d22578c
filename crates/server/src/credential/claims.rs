//! The claims of access tokens, and a cache of recent ones.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};

use foldhash::quality::RandomState;
use jackfield_store::registry::{Client, Organization, RefreshTokenId, Registry};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};

use crate::throttle::rate::FoundBucket;

/// Headers in the cache; with the longest tokens they take about 4 MB.
const KNOWN_MAX: usize = 1_024;

/// How many bytes at the end of a header are hashed: they are of the signature, as good as random.
const HASHED_BYTES: usize = 32;

/// Tokens that were recently used, by the bytes of the header.
pub(super) type Known = Cache<Header, Arc<RecentToken>, UnitWeighter, RandomState>;

/// A header with a token of this service. All of it is compared, and its end is hashed: nobody but this service can choose
/// two tokens with the same end.
#[derive(PartialEq, Eq)]
pub(super) struct Header(pub(super) Box<[u8]>);

/// A header that is looked for.
#[derive(Clone, Copy)]
pub(super) struct HeaderBytes<'a>(pub(super) &'a [u8]);

impl Hash for Header {
    fn hash<H: Hasher>(&self, state: &mut H) {
        HeaderBytes(&self.0).hash(state);
    }
}

impl Hash for HeaderBytes<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.last_chunk::<HASHED_BYTES>().map_or(self.0, |end| &end[..]));
    }
}

impl Equivalent<Header> for HeaderBytes<'_> {
    fn equivalent(&self, header: &Header) -> bool {
        *self.0 == *header.0
    }
}

/// None so far.
pub(super) fn known() -> Known {
    let hasher = RandomState::default();
    Known::with(KNOWN_MAX, KNOWN_MAX as u64, UnitWeighter, hasher, DefaultLifecycle::default())
}

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The id of the client that it was issued to.
    pub(crate) client: Box<str>,
    /// The client's token generation when it was issued.
    pub(crate) generation: u32,
    /// When it was issued, in seconds since 1970.
    pub(crate) issued: u64,
    /// When it expires, in seconds since 1970.
    pub(crate) expires: u64,
    /// Its scopes, separated by spaces.
    pub(crate) scopes: Box<str>,
    /// Whether the scope that every operation takes is among them.
    pub(crate) service_provider: bool,
    /// The refresh token that it came from.
    pub(crate) refresh: Option<RefreshTokenId>,
}

/// A token that was recently used: its claims, and the accounts that they led to.
#[derive(Debug)]
pub(crate) struct RecentToken {
    pub(crate) claims: Arc<Claims>,
    /// The registry with the accounts, as long as somebody uses it; until this goes, no other has its address.
    registry: Weak<Registry>,
    pub(crate) accounts: Arc<Accounts>,
}

/// A client and what belongs to it, in one registry.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) client: Arc<Client>,
    /// Missing in a damaged store only.
    pub(crate) organization: Option<Arc<Organization>>,
    pub(crate) bucket: FoundBucket,
}

impl RecentToken {
    pub(super) fn new(claims: Arc<Claims>, registry: &Arc<Registry>, accounts: Arc<Accounts>) -> Self {
        Self { claims, registry: Arc::downgrade(registry), accounts }
    }

    /// Whether its accounts are those of this registry.
    pub(super) fn is_of(&self, registry: &Arc<Registry>) -> bool {
        Weak::as_ptr(&self.registry) == Arc::as_ptr(registry)
    }
}

impl Accounts {
    pub(crate) fn of(registry: &Registry, client: Arc<Client>) -> Arc<Self> {
        let organization = registry.organizations.get(&client.organization).cloned();
        Arc::new(Self { client, organization, bucket: FoundBucket::default() })
    }
}
