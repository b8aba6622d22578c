//! A certificate from two files of the operator, reloaded when their content changes.
//!
//! When a pair is unusable, the current one stays in use and the server warns once. Both files are rarely replaced in
//! the same instant, so a mismatched pair is read once more before the warning.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::digest::{Context, SHA256};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use super::{FlagNames, provider};

/// Why a pair of files is unusable. The text is for the operator; it contains nothing of the key.
#[derive(Debug, Error)]
pub enum PairError {
    /// A file cannot be read.
    #[error("--{flag} {path} cannot be read: {cause}", path = .path.display())]
    Read {
        /// The flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What is in the way.
        cause: std::io::Error,
    },
    /// A file holds something else.
    #[error("--{flag} {path} {rule}", path = .path.display())]
    Content {
        /// The flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What is valid.
        rule: &'static str,
    },
    /// Certificate and key are each readable, but do not match.
    #[error("the certificate of --{flag} {cert} cannot be used with the key beside it: {cause}", cert = .cert.display())]
    Pair {
        /// The flag of the certificate.
        flag: &'static str,
        /// The file of the certificate.
        cert: PathBuf,
        /// What the TLS library says.
        cause: rustls::Error,
    },
}

/// What was found in the files, in a form that can be kept and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// The digest of both.
    Content(Vec<u8>),
    /// Why there is none.
    Unreadable(String),
}

/// Two files and the result of the last reading.
#[derive(Debug)]
pub(crate) struct PairFiles {
    flags: FlagNames,
    cert: PathBuf,
    key: PathBuf,
    /// Taken into use, or warned about.
    settled: Seen,
    /// Unusable at the last reading.
    suspect: Option<Seen>,
}

/// The result of reading the files.
#[derive(Debug)]
pub(crate) enum Look {
    /// Nothing to do.
    Same,
    /// There is a new pair.
    New(Arc<CertifiedKey>),
    /// There is a new pair and it is unusable. Reported once for each.
    Broken(PairError),
}

impl PairFiles {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`PairError`] when they make no pair.
    pub(crate) fn open(
        flags: FlagNames,
        cert: PathBuf,
        key: PathBuf,
    ) -> Result<(Self, Arc<CertifiedKey>), PairError> {
        let (settled, pair) = read(flags, &cert, &key);
        Ok((Self { flags, cert, key, settled, suspect: None }, pair?))
    }

    /// Checks whether the files have changed. `at_once`: the operator asked for it; no second reading.
    pub(crate) fn look(&mut self, at_once: bool) -> Look {
        let (seen, pair) = read(self.flags, &self.cert, &self.key);
        let suspect = self.suspect.take();
        if seen == self.settled && !at_once {
            return Look::Same;
        }
        match pair {
            Ok(pair) => {
                self.settled = seen;
                Look::New(pair)
            }
            Err(error) if at_once || suspect.as_ref() == Some(&seen) => {
                self.settled = seen;
                Look::Broken(error)
            }
            Err(_) => {
                self.suspect = Some(seen);
                Look::Same
            }
        }
    }
}

fn read(flags: FlagNames, cert: &Path, key: &Path) -> (Seen, Result<Arc<CertifiedKey>, PairError>) {
    let file = |flag, path: &Path| {
        std::fs::read(path).map_err(|cause| PairError::Read { flag, path: path.to_owned(), cause })
    };
    match (file(flags.cert, cert), file(flags.key, key)) {
        (Ok(cert_pem), Ok(key_pem)) => {
            let mut digest = Context::new(&SHA256);
            digest.update(&(cert_pem.len() as u64).to_be_bytes());
            digest.update(&cert_pem);
            digest.update(&key_pem);
            let seen = Seen::Content(digest.finish().as_ref().to_vec());
            (seen, pair(flags, cert, &cert_pem, key, &key_pem))
        }
        (Err(error), _) | (_, Err(error)) => (Seen::Unreadable(error.to_string()), Err(error)),
    }
}

fn pair(
    flags: FlagNames,
    cert: &Path,
    cert_pem: &[u8],
    key: &Path,
    key_pem: &[u8],
) -> Result<Arc<CertifiedKey>, PairError> {
    let content = |flag, path: &Path, rule| PairError::Content { flag, path: path.to_owned(), rule };
    let chain = CertificateDer::pem_slice_iter(cert_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| content(flags.cert, cert, "is not in PEM form"))?;
    if chain.is_empty() {
        return Err(content(flags.cert, cert, "holds no certificate in PEM form"));
    }
    let key_der = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| {
        content(flags.key, key, "holds no private key in PEM form (an encrypted one is none)")
    })?;
    CertifiedKey::from_der(chain, key_der, &provider()).map(Arc::new).map_err(|cause| PairError::Pair {
        flag: flags.cert,
        cert: cert.to_owned(),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files(tempfile::TempDir);

    impl Files {
        fn cert(&self) -> PathBuf {
            self.0.path().join("cert.pem")
        }

        fn key(&self) -> PathBuf {
            self.0.path().join("key.pem")
        }

        fn open(&self) -> Result<(PairFiles, Arc<CertifiedKey>), PairError> {
            PairFiles::open(FlagNames::PUBLIC, self.cert(), self.key())
        }
    }

    fn pem_pair() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn files() -> Files {
        let files = Files(tempfile::tempdir().unwrap());
        let (cert, key) = pem_pair();
        std::fs::write(files.cert(), cert).unwrap();
        std::fs::write(files.key(), key).unwrap();
        files
    }

    #[test]
    fn a_new_pair_is_found_whatever_the_order_of_writing() {
        let files = files();
        let (mut pair, first) = files.open().unwrap();
        assert!(matches!(pair.look(false), Look::Same));
        let (cert, key) = pem_pair();
        std::fs::write(files.cert(), cert).unwrap();
        // Half-way: no warning, no change.
        assert!(matches!(pair.look(false), Look::Same));
        std::fs::write(files.key(), key).unwrap();
        let Look::New(second) = pair.look(false) else { panic!("the new pair is not found") };
        assert_ne!(first.end_entity_cert().unwrap(), second.end_entity_cert().unwrap());
        assert!(matches!(pair.look(false), Look::Same));
    }

    #[test]
    fn a_broken_pair_is_complained_about_once() {
        let files = files();
        let (mut pair, _) = files.open().unwrap();
        let good = std::fs::read(files.cert()).unwrap();
        for _ in 0..2 {
            std::fs::write(files.cert(), "nonsense").unwrap();
            assert!(matches!(pair.look(false), Look::Same));
            assert!(matches!(pair.look(false), Look::Broken(_)));
            assert!(matches!(pair.look(false), Look::Same));
            // The way back is a change as well.
            std::fs::write(files.cert(), &good).unwrap();
            assert!(matches!(pair.look(false), Look::New(_)));
        }
        std::fs::remove_file(files.key()).unwrap();
        assert!(matches!(pair.look(true), Look::Broken(PairError::Read { flag: "tls-key", .. })));
        assert!(matches!(pair.look(false), Look::Same));
    }

    #[test]
    fn an_operator_who_asks_gets_an_answer_at_once() {
        let files = files();
        let (mut pair, _) = files.open().unwrap();
        assert!(matches!(pair.look(true), Look::New(_)));
        std::fs::write(files.cert(), "nonsense").unwrap();
        assert!(matches!(pair.look(true), Look::Broken(_)));
    }

    #[test]
    fn mistakes_are_named_and_keys_are_not_quoted() {
        let files = files();
        let good_key = std::fs::read_to_string(files.key()).unwrap();
        let mistake = |cert: Option<&str>, key: Option<&str>| {
            let (own_cert, own_key) = pem_pair();
            std::fs::write(files.cert(), cert.unwrap_or(&own_cert)).unwrap();
            std::fs::write(files.key(), key.unwrap_or(&own_key)).unwrap();
            let text = files.open().unwrap_err().to_string();
            assert!(!text.contains('\n') && !text.contains(good_key.lines().nth(1).unwrap()), "{text}");
            text
        };
        assert!(mistake(Some(""), None).ends_with("holds no certificate in PEM form"));
        assert!(mistake(None, Some("")).contains("holds no private key in PEM form"));
        assert!(mistake(None, Some(&good_key)).contains("cannot be used with the key"));
        std::fs::remove_file(files.cert()).unwrap();
        let text = files.open().unwrap_err().to_string();
        assert!(text.starts_with("--tls-cert ") && text.contains("cannot be read"), "{text}");
    }
}
