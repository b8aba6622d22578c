//! What a client of a server with a local CA needs: the name that leads to the server, and the CA to trust. As lines
//! that work where they are pasted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::settings::TlsName;

/// The variables in which clients look for a file of certificates to trust: Node, OpenSSL (and what is built on it),
/// Python's requests.
const VARIABLES: [&str; 3] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];

/// How to reach a server under its names, and trust it.
#[derive(Clone, Debug)]
pub struct Trust {
    ca_file: PathBuf,
    names: Vec<TlsName>,
    address: SocketAddr,
}

impl Trust {
    pub(crate) fn new(ca_file: PathBuf, names: Vec<TlsName>, listening: SocketAddr) -> Self {
        let ip = match listening.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Self { ca_file, names, address: SocketAddr::new(ip, listening.port()) }
    }

    /// The certificate of the CA.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The port of the listener.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// The line for `/etc/hosts`; none when every name leads here anyway.
    #[must_use]
    pub fn hosts_line(&self) -> Option<String> {
        let to_map = |name: &&str| *name != "localhost" && name.parse::<IpAddr>().is_err();
        let names: Vec<&str> = self.names.iter().map(TlsName::as_str).filter(to_map).collect();
        (!names.is_empty()).then(|| format!("{} {}", self.address.ip(), names.join(" ")))
    }

    /// The lines that make clients trust the CA, for a shell.
    #[must_use]
    pub fn environment(&self) -> [String; 3] {
        VARIABLES.map(|variable| format!("export {variable}='{}'", self.ca_file.display()))
    }

    /// The base URL under a name: this one if the certificate has it, else the first.
    #[must_use]
    pub fn origin(&self, name: &str) -> String {
        let host = self.host(name);
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        match self.address.port() {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }

    /// The beginning of a `curl` for [`Trust::origin`] that needs neither `/etc/hosts` nor the environment.
    #[must_use]
    pub fn curl(&self, name: &str) -> String {
        let (ip, port) = (self.address.ip(), self.address.port());
        let mut command = format!("curl --cacert '{}'", self.ca_file.display());
        let host = self.host(name);
        if host.parse::<IpAddr>().is_err() {
            let ip = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
            command += &format!(" --resolve '{host}:{port}:{ip}'");
        }
        command
    }

    fn host(&self, name: &str) -> &str {
        let named = self.names.iter().find(|known| known.as_str() == name);
        named.or(self.names.first()).expect("there is at least one name").as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(names: &[&str], listening: &str) -> Trust {
        let names = names.iter().map(|name| name.parse().unwrap()).collect();
        Trust::new("/tls/ca.pem".into(), names, listening.parse().unwrap())
    }

    #[test]
    fn lines_lead_to_the_listener() {
        let own = trust(&["api.amazon.com", "localhost", "127.0.0.1", "b.example"], "0.0.0.0:8443");
        assert_eq!(own.hosts_line().unwrap(), "127.0.0.1 api.amazon.com b.example");
        assert_eq!(own.environment()[0], "export NODE_EXTRA_CA_CERTS='/tls/ca.pem'");
        assert_eq!(own.origin("b.example"), "https://b.example:8443");
        assert_eq!(own.origin("unknown"), "https://api.amazon.com:8443");
        assert_eq!(
            own.curl("unknown"),
            "curl --cacert '/tls/ca.pem' --resolve 'api.amazon.com:8443:127.0.0.1'"
        );
    }

    #[test]
    fn the_usual_port_and_addresses_as_names() {
        let own = trust(&["a.example"], "[::]:443");
        assert_eq!(
            (own.origin(""), own.hosts_line().unwrap()),
            ("https://a.example".into(), "::1 a.example".into())
        );
        assert!(own.curl("").ends_with("--resolve 'a.example:443:[::1]'"));
        let own = trust(&["::1", "localhost"], "[::1]:8443");
        assert_eq!((own.origin(""), own.hosts_line()), ("https://[::1]:8443".into(), None));
        assert_eq!(own.curl(""), "curl --cacert '/tls/ca.pem'");
    }
}
