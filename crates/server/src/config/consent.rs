//! How the server identifies the user who approves on the consent page.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderName;

/// Who may approve on the consent page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConsentLogin {
    /// Anyone who reaches the page.
    Open,
    /// A user who knows the password of the organization.
    #[default]
    Password,
    /// A user whom a proxy authenticated: it sends the user's name in this header.
    Header(HeaderName),
}

impl FromStr for ConsentLogin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            None if text == "open" => Ok(Self::Open),
            None if text == "password" => Ok(Self::Password),
            Some(("header", name)) => {
                name.parse().map(Self::Header).map_err(|_| "header= wants the name of a header".to_owned())
            }
            _ => Err("open, password or header=NAME is expected".to_owned()),
        }
    }
}

/// Addresses that begin with the same bits: `192.0.2.0/24`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// The addresses of this machine's own loopback interface.
    pub(crate) const LOOPBACK: [Self; 2] = [
        Self { address: IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), bits: 8 },
        Self { address: IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), bits: 128 },
    ];

    /// Whether an address is one of them.
    pub(crate) fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(network), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or_default();
                network.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or_default();
                network.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "an address is expected, or addresses like 192.0.2.0/24".to_owned();
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_open_by_password_or_by_header() {
        assert_eq!("open".parse(), Ok(ConsentLogin::Open));
        assert_eq!("password".parse(), Ok(ConsentLogin::Password));
        assert_eq!("header=X-User".parse(), Ok(ConsentLogin::Header("x-user".parse().unwrap())));
        for bad in ["", "header", "header=", "header=a b", "Open", "password=x"] {
            assert!(bad.parse::<ConsentLogin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        let contains = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("192.0.2.0/24", "192.0.2.255") && !contains("192.0.2.0/24", "192.0.3.0"));
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.6"));
        assert!(contains("0.0.0.0/0", "203.0.113.1") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1") && !contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("::/0", "2001:db8::1"));
        for bad in ["", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "example", "::/129"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        assert!(Network::LOOPBACK.iter().any(|network| network.contains("127.3.2.1".parse().unwrap())));
    }
}
