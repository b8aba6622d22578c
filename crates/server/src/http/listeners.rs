//! The sockets of a listener: one for each address of its setting, all on one port.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::connection::ListenerConfig;
use crate::config::ListenAddress;
use crate::router::Listener;
use crate::tls::Handshakes;

/// How often a free port is picked anew when another program has it on a later address.
const PICKS: usize = 10;

/// At least one socket that accepts connections.
#[derive(Debug)]
pub(crate) struct Sockets(Vec<TcpListener>);

/// An address cannot be listened on.
#[derive(Debug)]
pub(crate) struct ListenError {
    pub(crate) flag: &'static str,
    /// The address, or the name that has none.
    pub(crate) address: String,
    pub(crate) cause: io::Error,
}

impl Sockets {
    /// Listens on all addresses of a setting. Port 0 picks one that is free on all of them.
    ///
    /// # Errors
    /// [`ListenError`] naming the flag and the address.
    pub(crate) async fn listen(flag: &'static str, setting: &ListenAddress) -> Result<Self, ListenError> {
        let failed = |address: String| move |cause| ListenError { flag, address, cause };
        let addresses = setting.resolve().await.map_err(failed(setting.to_string()))?;
        let mut picks = 0;
        loop {
            picks += 1;
            match bind(&addresses).await {
                Ok(sockets) => return Ok(Self(sockets)),
                Err((_, cause))
                    if setting.picks_port() && cause.kind() == ErrorKind::AddrInUse && picks < PICKS => {}
                Err((address, cause)) => {
                    let address = address.map_or_else(|| setting.to_string(), |address| address.to_string());
                    return Err(failed(address)(cause));
                }
            }
        }
    }

    /// The first address, which stands for all.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.0.first().map_or_else(|| Err(ErrorKind::NotFound.into()), TcpListener::local_addr)
    }

    /// What they accept connections as, with TLS or plain.
    pub(crate) fn configure(self, tls: Option<&Handshakes>, which: Listener) -> Vec<ListenerConfig> {
        self.0.into_iter().map(|tcp| ListenerConfig { tcp, tls: tls.cloned(), which }).collect()
    }
}

async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, (Option<SocketAddr>, io::Error)> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    let mut left_out = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        let mut address = *address;
        if let Some(first) = sockets.first() {
            let port = first.local_addr().map_err(|cause| (None, cause))?.port();
            address.set_port(port);
        }
        match TcpListener::bind(address).await {
            Ok(socket) => sockets.push(socket),
            Err(cause) if addresses.len() == 1 || is_taken(&cause) => return Err((Some(address), cause)),
            // A name also stands for addresses of a family that this machine does not have.
            Err(cause) => left_out = cause,
        }
    }
    if sockets.is_empty() { Err((None, left_out)) } else { Ok(sockets) }
}

fn is_taken(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}
