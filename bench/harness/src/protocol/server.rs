//! A server on two ports, plain and with TLS.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::{Certificate, Protocol, Subject};
use crate::load::Load;
use crate::process::{Process, command, free_port};
use crate::system::{Lab, Started, peer};
use crate::usage;
use crate::workload::{Directory, answer, made_up_token};

const PATIENCE: Duration = Duration::from_secs(30);
/// Connections that fill a server.
const FILLERS: usize = 16;

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    running: Running,
    plain: SocketAddr,
    secured: SocketAddr,
    /// What it holds.
    pub directory: Arc<Directory>,
}

#[derive(Debug)]
enum Running {
    Peer(Process),
    Jackfield(Started),
}

fn address() -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)))
}

impl Server {
    /// Starts one that keeps its files in `home`; Jackfield with so many associations.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(
        subject: Subject,
        lab: &Lab,
        certificate: &Certificate,
        associations: u64,
        home: &Path,
    ) -> anyhow::Result<Self> {
        match subject {
            Subject::Bare => Self::bare(certificate, home),
            Subject::Jackfield => Self::jackfield(lab, certificate, associations, home),
        }
    }

    fn bare(certificate: &Certificate, home: &Path) -> anyhow::Result<Self> {
        let (plain, secured) = (address()?, address()?);
        let mut command = command(&peer("peer-hyper-protocols")?, &[]);
        command.env("BENCH_PORT", plain.port().to_string());
        command.env("BENCH_TLS_PORT", secured.port().to_string());
        command.env("BENCH_TLS_CERT", &certificate.cert).env("BENCH_TLS_KEY", &certificate.key);
        command.env("BENCH_ANSWER_1", answer(&[0])).env("BENCH_ANSWER_30", "");
        let mut process = Process::start(&mut command, &home.join("log"), Signal::TERM)?;
        process.wait_until("it accepts", PATIENCE, || TcpStream::connect(plain).is_ok())?;
        let directory = Arc::new(Directory { providers: 1, token: made_up_token() });
        Ok(Self { running: Running::Peer(process), plain, secured, directory })
    }

    fn jackfield(
        lab: &Lab,
        certificate: &Certificate,
        associations: u64,
        home: &Path,
    ) -> anyhow::Result<Self> {
        let plain = address()?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let flags = [
            "--plain-listen".to_owned(),
            plain.to_string(),
            "--tls-cert".to_owned(),
            text(&certificate.cert),
            "--tls-key".to_owned(),
            text(&certificate.key),
        ];
        let store = format!("embedded:{}", home.join("store").display());
        let started = lab.start_jackfield_with(&flags, &store, 1, home, &[])?;
        let (secured, directory) = (started.address, Arc::clone(&started.directory));
        let fillers = Load {
            address: plain,
            directory: Arc::clone(&directory),
            connections: FILLERS,
            cores: Vec::new(),
        };
        fillers.create_all(0..associations)?;
        Ok(Self { running: Running::Jackfield(started), plain, secured, directory })
    }

    /// Where it speaks this.
    #[must_use]
    pub fn address(&self, protocol: Protocol) -> SocketAddr {
        if protocol.is_secured() { self.secured } else { self.plain }
    }

    /// Processor time that it has used.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let id = match &self.running {
            Running::Peer(process) => process.id(),
            Running::Jackfield(started) => started.id(),
        };
        usage::cpu(&[id])
    }
}
