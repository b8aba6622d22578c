//! The claims of access tokens, and a cache of recent ones.

use std::sync::Arc;

use foldhash::quality::RandomState;
use jackfield_store::registry::RefreshTokenId;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

/// Headers in the cache; with the longest tokens they take about 4 MB.
const KNOWN_MAX: usize = 1_024;

/// The claims of tokens that were recently used, by the bytes of the header.
pub(super) type Known = Cache<Box<[u8]>, Arc<Claims>, UnitWeighter, RandomState>;

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
    /// The refresh token that it came from.
    pub(crate) refresh: Option<RefreshTokenId>,
}
