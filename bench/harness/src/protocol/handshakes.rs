//! New connections with TLS 1.3, one request each: with a full handshake, or one that resumes an earlier session.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore, StreamOwned};
use serde::Serialize;

use super::{Certificate, Figures, Protocol, Server};
use crate::latencies::Latencies;
use crate::response;
use crate::workload::{Request, check_answer};

/// Longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Handshakes that a client makes before they are measured: after the first it has a ticket.
const WARM_UP: u32 = 2;

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A full handshake.
    Full,
    /// One that resumes a session.
    Resumed,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Full, Self::Resumed];

    /// Its name in reports.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Full => "a new session",
            Self::Resumed => "a session resumed",
        }
    }
}

/// How they are made.
#[derive(Debug)]
pub struct Handshakes<'a> {
    /// Whom to trust.
    pub certificate: &'a Certificate,
    /// How long is measured.
    pub span: Duration,
    /// Clients, each with one connection at a time.
    pub clients: usize,
}

impl Handshakes<'_> {
    /// Makes connections for a while.
    ///
    /// # Errors
    /// When one fails, is answered wrong, or begins with another kind of handshake.
    pub fn measure(&self, server: &Server, kind: Kind) -> anyhow::Result<Figures> {
        let clients = (0..self.clients).map(|_| Client::new(server, self.certificate, kind));
        let clients = clients.collect::<anyhow::Result<Vec<_>>>()?;
        for client in &clients {
            for number in 0..WARM_UP {
                client.connect(number > 0)?;
            }
        }
        let (stop, start, cpu) = (AtomicBool::new(false), Instant::now(), server.cpu());
        let mut latencies = Latencies::default();
        std::thread::scope(|scope| {
            let stop = &stop;
            let mut threads = Vec::new();
            for client in &clients {
                threads.push(scope.spawn(move || client.connect_until(stop)));
            }
            std::thread::sleep(self.span);
            stop.store(true, Ordering::Relaxed);
            for thread in threads {
                latencies.merge(&thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))??);
            }
            anyhow::Ok(())
        })?;
        let (used, took) = (server.cpu() - cpu, start.elapsed());
        let connections = latencies.total() as f64;
        ensure!(connections > 0.0, "no connection was made");
        Ok(Figures {
            rate: connections / took.as_secs_f64(),
            p99_us: latencies.micros(0.99),
            cpu_us: used.as_secs_f64() * 1e6 / connections,
        })
    }
}

/// A client with sessions of its own.
struct Client {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    request: Vec<u8>,
    kind: Kind,
}

impl Client {
    fn new(server: &Server, certificate: &Certificate, kind: Kind) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if kind == Kind::Full {
            config.resumption = Resumption::disabled();
        }
        let request = Request::query_of(&server.directory, 0);
        let address = server.address(Protocol::Http1Tls);
        Ok(Self { address, config: Arc::new(config), request: request.bytes, kind })
    }

    /// Connects again and again until told to stop.
    fn connect_until(&self, stop: &AtomicBool) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::default();
        while !stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            self.connect(true)?;
            latencies.record(start.elapsed());
        }
        Ok(latencies)
    }

    /// Connects, asks once and disconnects. A client that `knows` the server resumes, if that is what is measured.
    fn connect(&self, knows: bool) -> anyhow::Result<()> {
        let tcp = TcpStream::connect(self.address).context("the server does not accept")?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::from(self.address.ip());
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(&self.config), name)?, tcp);
        stream.write_all(&self.request)?;
        let (mut answer, mut part) = (Vec::new(), vec![0; 16 * 1024]);
        let extent = loop {
            let read = stream.read(&mut part)?;
            ensure!(read > 0, "the server closed the connection");
            answer.extend_from_slice(&part[..read]);
            if let Some(extent) = response::extent(&answer)? {
                break extent;
            }
        };
        ensure!(extent.status == 200, "not a 200: {}", response::shown(&answer));
        check_answer(&response::body(&answer, extent)?, &[0])?;
        ensure!(stream.conn.protocol_version() == Some(ProtocolVersion::TLSv1_3), "not TLS 1.3");
        let resumes = knows && self.kind == Kind::Resumed;
        let wanted = if resumes { HandshakeKind::Resumed } else { HandshakeKind::Full };
        let made = stream.conn.handshake_kind();
        ensure!(made == Some(wanted), "the handshake is {made:?}, not {wanted:?}");
        stream.conn.send_close_notify();
        stream.flush()?;
        Ok(())
    }
}
