//! Where a server listens, what must never leak from it, and what it has written to standard error.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use crate::tls::Trust;

/// One of the listeners of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// The public API.
    Public,
    /// The operator's API.
    Admin,
    /// The public API without TLS, beside the listener that has it.
    Plain,
}

/// A running server as its clients see it. Clones share everything, and follow it over a restart.
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    admin_token: String,
    addresses: RwLock<Option<Addresses>>,
    secrets: Mutex<Vec<String>>,
    /// The standard error of all its lives. A file, not a pipe: what was written before a ready line or an answer can
    /// be read after it, without waiting for a thread that reads a pipe.
    log: File,
    trust: RwLock<Option<Trust>>,
}

/// The addresses of the listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The public API.
    pub public: SocketAddr,
    /// The operator's API.
    pub admin: SocketAddr,
    /// Whether the public listener speaks TLS.
    pub secure: bool,
    /// The public API without TLS.
    pub plain: Option<SocketAddr>,
}

impl Endpoint {
    pub(crate) fn new(admin_token: String) -> Self {
        Self(Arc::new(Inner {
            secrets: Mutex::new(vec![admin_token.clone()]),
            admin_token,
            addresses: RwLock::default(),
            log: tempfile::tempfile().expect("a temporary file can be made"),
            trust: RwLock::default(),
        }))
    }

    pub(crate) fn set_addresses(&self, addresses: Addresses) {
        *self.0.addresses.write().expect("no writer panics") = Some(addresses);
    }

    /// Where a listener is.
    ///
    /// # Panics
    /// Before the server was ready for the first time.
    #[must_use]
    pub fn address(&self, listener: Listener) -> SocketAddr {
        let addresses = *self.0.addresses.read().expect("no writer panics");
        let addresses = addresses.expect("the server was ready");
        match listener {
            Listener::Public => addresses.public,
            Listener::Admin => addresses.admin,
            Listener::Plain => addresses.plain.expect("the server has a plain listener"),
        }
    }

    /// Where the public listener is.
    ///
    /// # Panics
    /// Like [`Self::address`].
    #[must_use]
    pub fn public(&self) -> SocketAddr {
        self.address(Listener::Public)
    }

    /// Says how clients are to speak to a public listener with TLS from now on.
    ///
    /// # Panics
    /// Never: no holder of the lock panics.
    pub fn set_trust(&self, trust: Trust) {
        *self.0.trust.write().expect("no writer panics") = Some(trust);
    }

    /// How clients speak to a listener: with TLS, or plain.
    pub(crate) fn trust(&self, listener: Listener) -> Option<Trust> {
        let addresses = *self.0.addresses.read().expect("no writer panics");
        let secure = listener == Listener::Public && addresses.is_some_and(|addresses| addresses.secure);
        let trust = self.0.trust.read().expect("no writer panics");
        secure.then(|| trust.clone().expect("a test says whom its clients trust"))
    }

    /// The operator's token.
    #[must_use]
    pub fn admin_token(&self) -> &str {
        &self.0.admin_token
    }

    /// Notes a secret or token that must not stand in any answer or log from now on.
    pub fn keep_secret(&self, secret: &str) {
        let mut secrets = lock(&self.0.secrets);
        if !secrets.iter().any(|known| known == secret) {
            secrets.push(secret.to_owned());
        }
    }

    /// The secret that stands in `text`, shortened, if one does.
    #[must_use]
    pub fn leaked_in(&self, text: &str) -> Option<String> {
        let secrets = lock(&self.0.secrets);
        let leak = secrets.iter().find(|secret| text.contains(secret.as_str()));
        leak.map(|secret| format!("{}…", &secret[..secret.len().min(12)]))
    }

    /// What the server has written to standard error, up to its last whole line.
    ///
    /// # Panics
    /// When the file that it writes to cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        let length = self.0.log.metadata().expect("an open file has a length").len();
        let mut log = vec![0; usize::try_from(length).expect("it fits into memory")];
        // Reading at a place leaves alone the place of writing, which this file shares with the server.
        self.0.log.read_exact_at(&mut log, 0).expect("a temporary file can be read");
        log.truncate(log.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
        String::from_utf8_lossy(&log).into_owned()
    }

    /// # Panics
    /// When a secret stands in what the server has logged.
    pub fn check_log(&self) {
        assert_eq!(self.leaked_in(&self.log()), None, "a secret stands in the log");
    }

    /// The standard error of a process that is to be this server.
    pub(crate) fn stderr(&self) -> Stdio {
        self.0.log.try_clone().expect("a file can be opened twice").into()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with the lock")
}
