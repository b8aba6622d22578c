//! The address of a listener, as people write it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

use crate::tls::TlsName;

/// An address to listen on: `IP:PORT`, or `NAME:PORT`, which is looked up at the start and may be several addresses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ListenAddress {
    /// One address.
    Ip(SocketAddr),
    /// All addresses of a host name, on one port.
    Name(TlsName, u16),
}

/// The error for a text that is no address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("IP:PORT or NAME:PORT is expected, for example 127.0.0.1:8080, [::1]:8080 or localhost:8080")]
pub struct InvalidListenAddress;

impl ListenAddress {
    /// The addresses behind it, IPv4 first, none twice.
    ///
    /// # Errors
    /// When the name cannot be resolved.
    pub(crate) async fn resolve(&self) -> std::io::Result<Vec<SocketAddr>> {
        let (name, port) = match self {
            Self::Ip(address) => return Ok(vec![*address]),
            Self::Name(name, port) => (name.as_str(), *port),
        };
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in tokio::net::lookup_host((name, port)).await? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses.sort_by_key(SocketAddr::is_ipv6);
        Ok(addresses)
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Ip(address) => address.ip().is_loopback(),
            Self::Name(name, _) => name.as_str() == "localhost",
        }
    }

    /// Whether the system picks the port.
    pub(crate) const fn picks_port(&self) -> bool {
        match self {
            Self::Ip(address) => address.port() == 0,
            Self::Name(_, port) => *port == 0,
        }
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let (name, port) = text.rsplit_once(':').ok_or(InvalidListenAddress)?;
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits).ok_or(InvalidListenAddress)?;
        // What is left is a name: an address would have been read above.
        match name.parse::<TlsName>() {
            Ok(name) if name.as_str().parse::<std::net::IpAddr>().is_err() => Ok(Self::Name(name, port)),
            _ => Err(InvalidListenAddress),
        }
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = InvalidListenAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_have_a_port() {
        for good in ["127.0.0.1:8080", "[::1]:0", "localhost:8080", "a.example:0"] {
            assert_eq!(good.parse::<ListenAddress>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:",
            "localhost:x",
            "localhost:+1",
            "localhost:65536",
            "::1:80",
            "1.2.3:80",
            "http://a:80",
        ] {
            assert_eq!(bad.parse::<ListenAddress>(), Err(InvalidListenAddress), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let local: ListenAddress = "localhost:7".parse().unwrap();
        let found = local.resolve().await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{found:?}");
        assert!(!found.is_empty() && local.is_loopback());
        assert!(!"0.0.0.0:7".parse::<ListenAddress>().unwrap().is_loopback());
    }
}
