//! The claims of access tokens, and a cache of recent ones.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::quality::RandomState;
use jackfield_store::registry::RefreshTokenId;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};

/// Headers in the cache; with the longest tokens they take about 4 MB.
const KNOWN_MAX: usize = 1_024;

/// How many bytes at the end of a header are hashed: they are of the signature, as good as random.
const HASHED_BYTES: usize = 32;

/// The claims of tokens that were recently used, by the bytes of the header.
pub(super) type Known = Cache<Header, Arc<Claims>, UnitWeighter, RandomState>;

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
