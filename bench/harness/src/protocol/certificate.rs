//! A certificate for a run: of the kind that `--tls-self-signed` makes.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

/// A certificate for 127.0.0.1 in files, which clients trust as it is.
#[derive(Debug)]
pub struct Certificate {
    /// The file of the certificate.
    pub cert: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    pub(super) der: CertificateDer<'static>,
}

impl Certificate {
    /// Makes one in this directory.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn make(directory: &Path) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        std::fs::write(&cert, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self { cert, key, der: made.cert.der().clone() })
    }
}
