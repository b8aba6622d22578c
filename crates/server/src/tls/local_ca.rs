//! A local CA, and certificates that it signs for the names of the server.
//!
//! The CA is created once and kept in a directory: `ca.pem` for clients to trust, `ca.key` readable by the owner
//! alone. Certificates for names and their keys are in memory: each start makes one, and the running server renews it
//! long before it expires.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use ring::digest::{SHA256, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use thiserror::Error;

use super::provider;
use super::settings::TlsName;

/// The certificate of the CA, for clients to trust.
pub(super) const CA_CERT_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca.key";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Clocks differ: a certificate is valid from a day before it was made.
const BACKDATED: Duration = DAY;
const CA_LIFE: Duration = Duration::from_secs(3650 * 24 * 60 * 60);
/// Clients of some systems refuse certificates with a lifetime of more than a year or two; a month costs nothing here.
const LEAF_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The remaining lifetime of a certificate when the next one is made.
const RENEWED_BEFORE: Duration = Duration::from_secs(10 * 24 * 60 * 60);

/// Why there is no local CA. The text is for the operator.
#[derive(Debug, Error)]
#[error("--tls-self-signed {directory}: {what}", directory = .directory.display())]
pub struct LocalCaError {
    /// The directory.
    pub directory: PathBuf,
    /// What is wrong, and what to do.
    pub what: String,
}

/// The CA in a directory.
pub(crate) struct LocalCa {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    cert: CertificateDer<'static>,
    verifier: Arc<WebPkiServerVerifier>,
}

/// A certificate for the server's names.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) key: Arc<CertifiedKey>,
    /// When the next one is to be made.
    pub(crate) renew_at: SystemTime,
}

impl LocalCa {
    /// Reads the CA of a directory, or makes one there.
    ///
    /// # Errors
    /// [`LocalCaError`] when the directory cannot be used, or holds half of a CA or something else.
    pub(crate) fn open(directory: &Path, now: SystemTime) -> Result<Self, LocalCaError> {
        let failed = |what: String| LocalCaError { directory: directory.to_owned(), what };
        let io = |what: &str, error: std::io::Error| failed(format!("{what}: {error}"));
        make_for_everybody(directory).map_err(|error| io("it cannot be made", error))?;
        // Two servers that start at the same time make one CA. The lock goes with the file.
        let lock = File::open(directory).map_err(|error| io("it cannot be read", error))?;
        lock.lock().map_err(|error| io("it cannot be locked", error))?;
        let directory = std::fs::canonicalize(directory).map_err(|error| io("it cannot be read", error))?;
        let read = |name: &str| match std::fs::read_to_string(directory.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io(&format!("{name} cannot be read"), error)),
        };
        let (cert, key) = (read(CA_CERT_FILE)?, read(CA_KEY_FILE)?);
        let unmade = |error: rcgen::Error| failed(format!("a CA cannot be made: {error}"));
        let write = |name: &str, text: &str, mode| {
            write(&directory, name, text, mode)
                .map_err(|error| io(&format!("{name} cannot be written"), error))
        };
        let key = match (&cert, key) {
            (_, Some(pem)) => KeyPair::from_pem(&pem)
                .map_err(|_| failed(format!("{CA_KEY_FILE} holds no private key that can be used")))?,
            (None, None) => {
                let key = KeyPair::generate().map_err(unmade)?;
                write(CA_KEY_FILE, &key.serialize_pem(), 0o600)?;
                key
            }
            (Some(_), None) => {
                return Err(failed(format!(
                    "{CA_CERT_FILE} is there and {CA_KEY_FILE} is not; put it back, or remove {CA_CERT_FILE} for a \
                     new CA, which clients then have to trust"
                )));
            }
        };
        // The certificate says nothing that the key does not decide, apart from dates.
        let cert = match cert {
            Some(cert) => cert,
            None => {
                let cert = ca_params(&key, now).self_signed(&key).map_err(unmade)?.pem();
                write(CA_CERT_FILE, &cert, 0o644)?;
                tracing::info!(directory = %directory.display(), "a local CA was made");
                cert
            }
        };
        warn_of_readers(&directory.join(CA_KEY_FILE));
        let (cert, verifier) = trusted(&cert).map_err(|what| failed(format!("{CA_CERT_FILE} {what}")))?;
        let issuer = Issuer::new(ca_params(&key, now), key);
        Ok(Self { directory, issuer, cert, verifier })
    }

    /// The file that clients are to trust, as an absolute path.
    pub(crate) fn cert_file(&self) -> PathBuf {
        self.directory.join(CA_CERT_FILE)
    }

    /// A fresh certificate for these names.
    ///
    /// # Errors
    /// [`LocalCaError`] when no client that trusts `ca.pem` would accept it: the CA has expired, or its two files do
    /// not match.
    pub(crate) fn issue(&self, names: &[TlsName], now: SystemTime) -> Result<Leaf, LocalCaError> {
        let failed = |what: String| LocalCaError { directory: self.directory.clone(), what };
        let useless = |why: &dyn std::fmt::Display| {
            failed(format!(
                "{CA_CERT_FILE} is of no use any more ({why}); remove {CA_CERT_FILE} and {CA_KEY_FILE} for a new CA, \
                 which clients then have to trust"
            ))
        };
        if self.expired(now) {
            return Err(useless(&"it has expired"));
        }
        if self.expired(now + LEAF_LIFE) {
            tracing::warn!(directory = %self.directory.display(), "the local CA expires within a month");
        }
        let made = leaf_params(names, now).and_then(|params| {
            let key = KeyPair::generate()?;
            let cert = params.signed_by(&key, &self.issuer)?;
            Ok((cert, PrivateKeyDer::from(key)))
        });
        let (cert, key) = made.map_err(|error| failed(format!("a certificate cannot be made: {error}")))?;
        let key = CertifiedKey::from_der(vec![cert.into()], key, &provider())
            .map_err(|error| failed(format!("the certificate that was made cannot be used: {error}")))?;
        let leaf = Leaf { key: Arc::new(key), renew_at: now + LEAF_LIFE - RENEWED_BEFORE };
        for name in names {
            self.check(&leaf, name, now).map_err(|error| useless(&error))?;
        }
        Ok(leaf)
    }

    /// Whether the CA has expired. Verifiers do not check the dates of what they trust. They refuse a CA in the place
    /// of a server's certificate, but check its dates first.
    fn expired(&self, now: SystemTime) -> bool {
        let name = ServerName::try_from("localhost").expect("it is a name");
        let verified = self.verifier.verify_server_cert(&self.cert, &[], &name, &[], unix_time(now));
        matches!(
            verified,
            Err(rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. }
            ))
        )
    }

    /// Whether a client that trusts `ca.pem` accepts the certificate under this name.
    fn check(&self, leaf: &Leaf, name: &TlsName, now: SystemTime) -> Result<(), rustls::Error> {
        let cert = leaf.key.end_entity_cert()?;
        self.verifier.verify_server_cert(cert, &[], &name.server_name(), &[], unix_time(now)).map(|_| ())
    }
}

impl std::fmt::Debug for LocalCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalCa").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// The name holds a part of the key's digest, so that a client which trusts two of these CAs can tell them apart.
fn ca_params(key: &KeyPair, now: SystemTime) -> CertificateParams {
    let digest = digest(&SHA256, key.public_key_raw());
    let short: String = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut params = CertificateParams::default();
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + CA_LIFE).into();
    params.distinguished_name = common_name(format!("Jackfield local CA {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(names: &[TlsName], now: SystemTime) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + LEAF_LIFE).into();
    params.distinguished_name = common_name("Jackfield".to_owned());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn common_name(name: String) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn unix_time(time: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A certificate, and what verifies for clients that trust it.
fn trusted(ca_pem: &str) -> Result<(CertificateDer<'static>, Arc<WebPkiServerVerifier>), String> {
    let cert = CertificateDer::from_pem_slice(ca_pem.as_bytes())
        .map_err(|_| "holds no certificate in PEM form".to_owned())?;
    let mut roots = RootCertStore::empty();
    roots.add(cert.clone()).map_err(|error| format!("cannot be used: {error}"))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| format!("cannot be used: {error}"))?;
    Ok((cert, verifier))
}

/// Makes the directory, where clients of other users find the certificate to trust: the umask of the process would
/// keep them out.
fn make_for_everybody(directory: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> =
        directory.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    std::fs::create_dir_all(directory)?;
    missing.iter().try_for_each(|path| std::fs::set_permissions(path, Permissions::from_mode(0o755)))
}

/// Whole or not at all, and on stable storage. The mode is as given, whatever the umask.
fn write(directory: &Path, name: &str, text: &str, mode: u32) -> std::io::Result<()> {
    let unfinished = directory.join(format!("{name}.new"));
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, directory.join(name))?;
    File::open(directory)?.sync_all()
}

fn warn_of_readers(key_file: &Path) {
    let mode = std::fs::metadata(key_file).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        tracing::warn!(file = %key_file.display(), "others can read the key of the local CA; take that away: chmod 600");
    }
}

#[cfg(test)]
mod tests;
