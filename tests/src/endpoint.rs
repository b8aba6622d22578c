//! Where a server listens, what must never leak from it, and what it has written to standard error.

use std::net::SocketAddr;
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
    log: Mutex<String>,
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
            log: Mutex::default(),
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

    /// What the server has written to standard error.
    #[must_use]
    pub fn log(&self) -> String {
        lock(&self.0.log).clone()
    }

    /// # Panics
    /// When a secret stands in what the server has logged.
    pub fn check_log(&self) {
        let leak = self.leaked_in(&lock(&self.0.log));
        assert_eq!(leak, None, "a secret stands in the log");
    }

    pub(crate) fn append_log(&self, line: &str) {
        let mut log = lock(&self.0.log);
        log.push_str(line);
        log.push('\n');
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with the lock")
}
