//! The peer of a connection, and the number of connections of each peer.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its address; an IPv4 address in its IPv6 form is what it stands for.
    pub(crate) address: IpAddr,
    /// Whether the connection has TLS.
    pub(crate) secure: bool,
}

/// What counts as one peer: an IPv4 address, or the /64 network of an IPv6 address. A client with one such address
/// usually has the whole network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(IpAddr);

impl Peer {
    /// A caller within this process, who has no connection.
    #[cfg(any(test, feature = "in-process"))]
    pub(crate) const LOCAL: Self = Self { address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), secure: false };

    /// The peer at this address. An IPv4-mapped IPv6 address is the IPv4 address.
    pub(crate) fn at(address: SocketAddr, secure: bool) -> Self {
        Self { address: address.ip().to_canonical(), secure }
    }

    /// Its address.
    pub(crate) const fn address(self) -> IpAddr {
        self.address
    }

    /// What it counts as.
    pub(crate) fn origin(self) -> Origin {
        match self.address {
            IpAddr::V4(_) => Origin(self.address),
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Origin(IpAddr::V6(Ipv6Addr::from_bits(network)))
            }
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

/// Open connections by origin.
#[derive(Debug)]
pub(crate) struct Origins {
    /// Most connections of one origin; 0 for no bound.
    most: usize,
    open: Mutex<HashMap<Origin, usize>>,
}

/// A counted connection, until dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    origins: Arc<Origins>,
    origin: Origin,
}

impl Origins {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, open: Mutex::default() }
    }

    /// Counts a connection; nothing when its origin has as many as it may.
    pub(crate) fn count(self: &Arc<Self>, origin: Origin) -> Option<Counted> {
        // Nothing that is done under the lock can panic half-way.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(origin).or_default();
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Counted { origins: Arc::clone(self), origin })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.origins.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Origin {
        Peer::at(SocketAddr::new(address.parse().unwrap(), 1), false).origin()
    }

    #[test]
    fn an_origin_is_an_address_or_a_network() {
        assert_eq!(origin("192.0.2.1"), origin("::ffff:192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
        assert_eq!(origin("2001:db8:0:1::1"), origin("2001:db8:0:1:ffff::2"));
        assert_ne!(origin("2001:db8:0:1::1"), origin("2001:db8:0:2::1"));
    }

    #[test]
    fn connections_are_counted_for_as_long_as_they_are_open() {
        let origins = Arc::new(Origins::new(2));
        let (one, other) = (origin("192.0.2.1"), origin("192.0.2.2"));
        let held = [origins.count(one).unwrap(), origins.count(one).unwrap()];
        assert!(origins.count(one).is_none());
        let _others = origins.count(other).unwrap();
        drop(held);
        assert!(origins.count(one).is_some());
        assert_eq!(origins.open.lock().unwrap().len(), 1, "who is gone is forgotten");
        let unbounded = Arc::new(Origins::new(0));
        let _held: Vec<_> = (0..10_000).map(|_| unbounded.count(one).unwrap()).collect();
    }
}
