//! Notifies the service manager about the state of the server: the datagrams of `sd_notify(3)`.
//!
//! Without a manager, or when it does not listen, nothing happens.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager of this process, if it has one that expects notifications.
#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(std::env::var_os)
    }

    fn new(variable: impl Fn(&'static str) -> Option<OsString>) -> Self {
        let Some(name) = variable("NOTIFY_SOCKET") else { return Self::default() };
        let socket = match open(&name) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, "the service manager cannot be told anything");
                return Self::default();
            }
        };
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        let meant = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|&micros| meant && micros > 0);
        Self { socket: Some(socket), watchdog: watchdog.map(Duration::from_micros) }
    }

    /// The server answers requests.
    pub(crate) fn ready(&self) {
        self.tell("READY=1\nSTATUS=serving");
    }

    /// The server does not answer requests yet, and why.
    pub(crate) fn waiting(&self, cause: &str) {
        let line: String = cause.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.tell(&format!("STATUS=waiting for the store: {line}"));
    }

    /// The server finishes requests in flight.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=finishing what is in flight");
    }

    /// Shows twice in each interval of the watchdog that tasks of this process get their turn. Never done.
    pub(crate) async fn keep_alive(&self) {
        let Some(interval) = self.watchdog else { return std::future::pending().await };
        let mut ticks = tokio::time::interval(interval / 2);
        loop {
            ticks.tick().await;
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, text: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::warn!(%error, "the service manager does not listen");
        }
    }
}

fn open(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', abstract_name @ ..] => of_abstract_name(abstract_name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that does not read must not hold up the server.
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(target_os = "linux")]
fn of_abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn of_abstract_name(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn supervisor(variables: &[(&'static str, &str)]) -> Supervisor {
        let variables: HashMap<_, _> =
            variables.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
        Supervisor::new(|name| variables.get(name).cloned())
    }

    fn heard(manager: &UnixDatagram) -> Vec<String> {
        manager.set_nonblocking(true).unwrap();
        let mut buffer = [0; 256];
        std::iter::from_fn(|| {
            let length = manager.recv(&mut buffer).ok()?;
            Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
        })
        .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_manager_hears_how_the_server_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let supervisor =
            supervisor(&[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "1000000")]);
        supervisor.waiting("refused\nREADY=1");
        supervisor.ready();
        supervisor.stopping();
        let wanted = [
            "STATUS=waiting for the store: refused READY=1",
            "READY=1\nSTATUS=serving",
            "STOPPING=1\nSTATUS=finishing what is in flight",
        ];
        assert_eq!(heard(&manager), wanted);
        let _ = tokio::time::timeout(Duration::from_millis(1_700), supervisor.keep_alive()).await;
        assert_eq!(heard(&manager), ["WATCHDOG=1"; 4]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_socket_is_one() {
        let name = format!("jackfield-test-{}", std::process::id());
        let address: SocketAddr = of_abstract_name(name.as_bytes()).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        supervisor(&[("NOTIFY_SOCKET", &format!("@{name}"))]).ready();
        assert_eq!(heard(&manager).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn without_one_nothing_happens() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let path = path.to_str().unwrap();
        supervisor(&[]).ready();
        supervisor(&[("NOTIFY_SOCKET", "/nowhere/at/all")]).ready();
        // A watchdog that is meant for another process, or is none.
        for other in [("WATCHDOG_PID", "1"), ("WATCHDOG_USEC", "0"), ("WATCHDOG_USEC", "x")] {
            let variables = [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "1000000"), other];
            let alive =
                tokio::time::timeout(Duration::from_secs(9), supervisor(&variables).keep_alive()).await;
            assert!(alive.is_err());
        }
        assert_eq!(heard(&manager), [""; 0]);
    }
}
