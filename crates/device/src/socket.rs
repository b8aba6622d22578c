//! The sockets of a device: one for each of its addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;

/// At most two: this machine, and the network.
#[derive(Debug)]
pub(crate) struct Sockets {
    first: UdpSocket,
    second: Option<UdpSocket>,
}

impl Sockets {
    pub(crate) fn bind(addresses: &[IpAddr]) -> io::Result<Self> {
        let bind = |address: &IpAddr| {
            let socket = std::net::UdpSocket::bind((*address, 0))?;
            socket.set_nonblocking(true)?;
            UdpSocket::from_std(socket)
        };
        let first = addresses.first().ok_or_else(|| io::Error::other("there is no address"))?;
        Ok(Self { first: bind(first)?, second: addresses.get(1).map(bind).transpose()? })
    }

    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let all = std::iter::once(&self.first).chain(&self.second);
        all.map(UdpSocket::local_addr).collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    /// Sends a datagram. One that the network does not take is lost, as others are.
    pub(crate) fn send(&self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        let from_second =
            self.second.as_ref().filter(|socket| socket.local_addr().is_ok_and(|own| own == source));
        let _ = from_second.unwrap_or(&self.first).try_send_to(bytes, destination);
    }

    /// The next datagram: at which address, from whom, and how long.
    pub(crate) async fn receive(&self, buffer: &mut [u8]) -> Option<(SocketAddr, SocketAddr, usize)> {
        let socket = match &self.second {
            None => &self.first,
            Some(second) => tokio::select! {
                ready = self.first.readable() => ready.ok().map(|()| &self.first)?,
                ready = second.readable() => ready.ok().map(|()| second)?,
            },
        };
        if self.second.is_none() {
            socket.readable().await.ok()?;
        }
        let (length, from) = socket.try_recv_from(buffer).ok()?;
        Some((socket.local_addr().ok()?, from, length))
    }
}
