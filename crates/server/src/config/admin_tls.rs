//! The settings about TLS of the admin listener.

use std::path::PathBuf;

use super::{ConfigError, ListenAddress};
use crate::tls::{FlagNames, TlsName, TlsSource};

/// TLS of the admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminTls {
    /// Where its certificate comes from.
    pub source: TlsSource,
    /// Certificates of those who sign the certificates of clients; `None`: clients show none.
    pub client_ca: Option<PathBuf>,
}

/// What the flags say.
#[derive(Debug)]
pub(super) struct Flags {
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) self_signed: Option<PathBuf>,
    pub(super) client_ca: Option<PathBuf>,
    pub(super) plaintext: bool,
    /// What certificates of a local CA are good for.
    pub(super) names: Vec<TlsName>,
}

/// What they ask for; nothing when none is given.
///
/// # Errors
/// [`ConfigError::Value`] naming a flag that lacks another, or that another excludes.
pub(super) fn resolve(flags: Flags) -> Result<Option<AdminTls>, ConfigError> {
    let wrong = |flag: &'static str, rule: &str| Err(ConfigError::Value { flag, rule: rule.to_owned() });
    let source = FlagNames::ADMIN.source(flags.cert, flags.key, flags.self_signed, flags.names)?;
    match source {
        None if flags.client_ca.is_some() => wrong(
            "admin-client-ca",
            "wants TLS on --admin-listen: --admin-tls-cert or --admin-tls-self-signed",
        ),
        None => Ok(None),
        Some(_) if flags.plaintext => {
            wrong("admin-plaintext", "excludes --admin-tls-cert and --admin-tls-self-signed")
        }
        Some(source) => Ok(Some(AdminTls { source, client_ca: flags.client_ca })),
    }
}

/// The names of certificates that a local CA signs for the admin listener: this machine's, where it listens, and those
/// that it answers to.
pub(super) fn names(listen: &ListenAddress, hosts: &[TlsName]) -> Vec<TlsName> {
    let listening = match listen {
        ListenAddress::Ip(address) if !address.ip().is_unspecified() => address.ip().to_string().parse().ok(),
        ListenAddress::Ip(_) => None,
        ListenAddress::Name(name, _) => Some(name.clone()),
    };
    let local = ["localhost", "127.0.0.1", "::1"].iter().filter_map(|name| name.parse().ok());
    hosts.iter().cloned().chain(local).chain(listening).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> Flags {
        Flags {
            cert: None,
            key: None,
            self_signed: None,
            client_ca: None,
            plaintext: false,
            names: names(&"10.1.2.3:8081".parse().unwrap(), &["ops.example".parse().unwrap()]),
        }
    }

    #[test]
    fn whole_combinations_are_taken() {
        assert_eq!(resolve(flags()).unwrap(), None);
        let files = resolve(Flags {
            cert: Some("c".into()),
            key: Some("k".into()),
            client_ca: Some("a".into()),
            ..flags()
        });
        let source = TlsSource::Files { cert: "c".into(), key: "k".into() };
        assert_eq!(files.unwrap(), Some(AdminTls { source, client_ca: Some("a".into()) }));
        let own = resolve(Flags { self_signed: Some("d".into()), ..flags() }).unwrap().unwrap();
        let TlsSource::SelfSigned { names, .. } = own.source else { panic!("a local CA") };
        let names: Vec<&str> = names.iter().map(TlsName::as_str).collect();
        assert_eq!(names, ["ops.example", "localhost", "127.0.0.1", "::1", "10.1.2.3"]);
    }

    #[test]
    fn others_are_refused_with_the_flag_at_fault() {
        let file = || Some(PathBuf::from("f"));
        for (flags, begin) in [
            (Flags { cert: file(), ..flags() }, "--admin-tls-cert wants --admin-tls-key"),
            (Flags { key: file(), ..flags() }, "--admin-tls-key wants --admin-tls-cert"),
            (
                Flags { cert: file(), self_signed: file(), ..flags() },
                "--admin-tls-cert excludes --admin-tls-self-signed",
            ),
            (Flags { client_ca: file(), ..flags() }, "--admin-client-ca wants TLS"),
            (Flags { self_signed: file(), plaintext: true, ..flags() }, "--admin-plaintext excludes"),
        ] {
            let text = resolve(flags).unwrap_err().to_string();
            assert!(text.starts_with(begin), "{text}");
        }
    }
}
