//! The certificate that the flags select. An invalid combination is a configuration error that names the flag at
//! fault.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use rustls::pki_types::ServerName;

use crate::config_error::ConfigError;

/// Where the certificate of a listener comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsSource {
    /// Files of the operator, read again when they change.
    Files {
        /// Certificate chain in PEM form, the server's own certificate first.
        cert: PathBuf,
        /// Its private key in PEM form.
        key: PathBuf,
    },
    /// Certificates of a local CA that the server keeps in a directory.
    SelfSigned {
        /// Holds `ca.pem` and `ca.key`; both are made when they are not there.
        directory: PathBuf,
        /// Names that the certificate is good for; at least one, none twice.
        names: Vec<TlsName>,
    },
}

/// A host name or an IP address that a certificate can be good for, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsName(String);

impl TlsName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the TLS library has it.
    pub(super) fn server_name(&self) -> ServerName<'static> {
        ServerName::try_from(self.0.clone()).expect("the name was checked when it was made")
    }
}

impl FromStr for TlsName {
    type Err = InvalidTlsName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_ascii_lowercase();
        match ServerName::try_from(name.as_str()) {
            Ok(_) if !name.ends_with('.') => Ok(Self(name)),
            _ => Err(InvalidTlsName),
        }
    }
}

impl fmt::Display for TlsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is neither a host name nor an IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a host name or an IP address, without port and without *")]
pub struct InvalidTlsName;

/// Names of the flags about the certificate of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlagNames {
    pub(crate) cert: &'static str,
    pub(crate) key: &'static str,
    pub(crate) self_signed: &'static str,
}

impl FlagNames {
    /// Those of the public listener.
    pub(crate) const PUBLIC: Self = Self { cert: "tls-cert", key: "tls-key", self_signed: "tls-self-signed" };
    /// Those of the admin listener.
    pub(crate) const ADMIN: Self =
        Self { cert: "admin-tls-cert", key: "admin-tls-key", self_signed: "admin-tls-self-signed" };

    /// What the flags ask for; nothing when none is given. Certificates of a local CA are good for `names`.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming a flag that lacks another, or that another excludes.
    pub(crate) fn source(
        self,
        cert: Option<PathBuf>,
        key: Option<PathBuf>,
        self_signed: Option<PathBuf>,
        names: Vec<TlsName>,
    ) -> Result<Option<TlsSource>, ConfigError> {
        let wrong = |flag: &'static str, rule: String| Err(ConfigError::Value { flag, rule });
        let one_of = || format!("excludes --{}: give one of them", self.self_signed);
        match (cert, key, self_signed) {
            (Some(_), _, Some(_)) => wrong(self.cert, one_of()),
            (_, Some(_), Some(_)) => wrong(self.key, one_of()),
            (Some(_), None, None) => wrong(self.cert, format!("wants --{} FILE beside it", self.key)),
            (None, Some(_), None) => wrong(self.key, format!("wants --{} FILE beside it", self.cert)),
            (None, None, None) => Ok(None),
            (Some(cert), Some(key), None) => Ok(Some(TlsSource::Files { cert, key })),
            (None, None, Some(directory)) => {
                let mut different: Vec<TlsName> = Vec::new();
                for name in names {
                    if !different.contains(&name) {
                        different.push(name);
                    }
                }
                Ok(Some(TlsSource::SelfSigned { directory, names: different }))
            }
        }
    }
}

/// The flags about certificates of the public listener.
#[derive(Debug, Default)]
pub(crate) struct TlsFlags {
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) self_signed: Option<PathBuf>,
    pub(crate) names: Vec<TlsName>,
}

impl TlsFlags {
    /// What they ask for; nothing when none is given.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming a flag that lacks another, or that another excludes.
    pub(crate) fn resolve(self) -> Result<Option<TlsSource>, ConfigError> {
        let wrong = |flag: &'static str, rule: &str| Err(ConfigError::Value { flag, rule: rule.to_owned() });
        let own_names = !self.names.is_empty();
        match FlagNames::PUBLIC.source(self.cert, self.key, self.self_signed, self.names)? {
            Some(TlsSource::Files { .. }) if own_names => {
                wrong("tls-name", "belongs to --tls-self-signed: a certificate of --tls-cert has its names")
            }
            None if own_names => wrong("tls-name", "wants --tls-self-signed DIR beside it"),
            Some(TlsSource::SelfSigned { .. }) if !own_names => {
                wrong("tls-self-signed", "wants at least one --tls-name NAME beside it")
            }
            source => Ok(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(cert: bool, key: bool, self_signed: bool, names: &[&str]) -> TlsFlags {
        let file = |given: bool, name: &str| given.then(|| PathBuf::from(name));
        TlsFlags {
            cert: file(cert, "c"),
            key: file(key, "k"),
            self_signed: file(self_signed, "d"),
            names: names.iter().map(|name| name.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn whole_combinations_are_taken() {
        assert_eq!(flags(false, false, false, &[]).resolve().unwrap(), None);
        let files = TlsSource::Files { cert: "c".into(), key: "k".into() };
        assert_eq!(flags(true, true, false, &[]).resolve().unwrap(), Some(files));
        let own = flags(false, false, true, &["API.example", "api.example", "::1"]).resolve().unwrap();
        let Some(TlsSource::SelfSigned { names, .. }) = own else { panic!("{own:?}") };
        assert_eq!(names.iter().map(TlsName::as_str).collect::<Vec<_>>(), ["api.example", "::1"]);
    }

    #[test]
    fn others_are_refused_with_the_flag_at_fault() {
        for (flags, begin) in [
            (flags(true, false, false, &[]), "--tls-cert wants --tls-key"),
            (flags(false, true, false, &[]), "--tls-key wants --tls-cert"),
            (flags(true, true, true, &["a"]), "--tls-cert excludes --tls-self-signed"),
            (flags(false, true, true, &["a"]), "--tls-key excludes --tls-self-signed"),
            (flags(false, false, true, &[]), "--tls-self-signed wants at least one --tls-name"),
            (flags(false, false, false, &["a"]), "--tls-name wants --tls-self-signed"),
            (flags(true, true, false, &["a"]), "--tls-name belongs to --tls-self-signed"),
        ] {
            let text = flags.resolve().unwrap_err().to_string();
            assert!(text.starts_with(begin), "{text}");
        }
    }

    #[test]
    fn names_are_hosts_or_addresses() {
        for good in ["localhost", "api.amazonalexa.com", "127.0.0.1", "::1", "a-b.c"] {
            assert!(good.parse::<TlsName>().is_ok(), "{good}");
        }
        for bad in ["", "*.example", "a b", "host:443", "https://host", "host.", "-a"] {
            assert_eq!(bad.parse::<TlsName>(), Err(InvalidTlsName), "{bad}");
        }
    }
}
