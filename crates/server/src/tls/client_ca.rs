//! The CA whose certificates clients of the admin listener must present.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::{PairError, TlsError, provider};

const FLAG: &str = "admin-client-ca";

/// The verifier that refuses a handshake without a certificate signed by one in the file.
///
/// # Errors
/// [`TlsError`] when the file holds no certificates.
pub(super) fn verifier(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let content = |rule| PairError::Content { flag: FLAG, path: file.to_owned(), rule };
    let pem =
        std::fs::read(file).map_err(|cause| PairError::Read { flag: FLAG, path: file.to_owned(), cause })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| content("is not in PEM form"))?;
        roots.add(certificate).map_err(|_| content("holds a certificate that cannot be trusted"))?;
    }
    if roots.is_empty() {
        return Err(content("holds no certificate in PEM form").into());
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| TlsError::Setup(error.to_string()))?;
    Ok(verifier)
}
