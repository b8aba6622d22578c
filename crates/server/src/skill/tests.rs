use ring::hmac;
use ring::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::signature::Signer;

fn seed(byte: u8) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
}

/// The chain is whole, the same for the same seed, and both signatures are good for the body alone.
#[test]
fn requests_are_signed_with_a_chain_that_every_node_has() {
    use base64::Engine;
    let (signer, again) = (Signer::new(&seed(1)), Signer::new(&seed(1)));
    assert_eq!((signer.chain(), signer.path()), (again.chain(), again.path()));
    assert_ne!(signer.path(), Signer::new(&seed(2)).path());
    assert!(signer.path().starts_with("/echo.api/echo-api-cert-") && signer.path().ends_with(".pem"));
    let chain = signer.chain();
    let certificates: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(&chain).collect::<Result<_, _>>().unwrap();
    let [leaf, ca] = &certificates[..] else { panic!("a leaf and a CA") };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.clone()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
    let name = "echo-api.amazon.com".try_into().unwrap();
    rustls::client::danger::ServerCertVerifier::verify_server_cert(
        &*verifier,
        leaf,
        &[],
        &name,
        &[],
        rustls::pki_types::UnixTime::now(),
    )
    .unwrap();
    let signatures = signer.sign(b"{}");
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    for (algorithm, signature) in [
        (&RSA_PKCS1_2048_8192_SHA256, signatures.sha256),
        (&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, signatures.sha1),
    ] {
        let public = ring::signature::UnparsedPublicKey::new(algorithm, signer.public_key());
        public.verify(b"{}", &decode(&signature)).unwrap();
        assert!(public.verify(b"{ }", &decode(&signature)).is_err());
    }
}
