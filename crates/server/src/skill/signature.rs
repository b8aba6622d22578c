//! The signatures of requests to skills, and the certificate chain that they are checked with.
//!
//! The vendor signs the body of each request with RSA, once over SHA-256 and once over SHA-1, and names a chain whose leaf
//! is for `echo-api.amazon.com`. Here the two keys follow from the root key of the store: every node signs alike, and who
//! trusts the CA once trusts it for as long as the store lasts. Nothing else is signed with them.

use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, SerialNumber,
};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::PrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{SignatureEncoding, Signer as _};
use sha1::Sha1;

use super::CHAIN_PATH;

const BITS: usize = 2_048;
/// The name that verifiers of such requests look for.
const NAME: &str = "echo-api.amazon.com";
/// 1 January 2025 and 2045: the same on every node.
const VALID: (u64, u64) = (1_735_689_600, 2_366_841_600);

/// Signs requests.
pub(super) struct Signer {
    sha256: RsaKeyPair,
    sha1: SigningKey<Sha1>,
    chain: Bytes,
}

/// The signatures of a body, in base64.
pub(super) struct Signatures {
    pub(super) sha256: String,
    pub(super) sha1: String,
}

impl Signer {
    /// Makes the keys that follow from another one. It takes a second.
    pub(super) fn new(seed: &hmac::Key) -> Self {
        let (_, ca_key) = keys(seed, "ca");
        let (private, leaf_key) = keys(seed, "leaf");
        let mut ca = params("Jackfield skill signing CA", 1);
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let mut leaf = params(NAME, 2);
        leaf.subject_alt_names = vec![rcgen::SanType::DnsName(NAME.try_into().expect("it is a name"))];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let root = ca.self_signed(&ca_key).expect("the parameters are fixed");
        let leaf = leaf.signed_by(&leaf_key, &Issuer::new(ca, ca_key)).expect("the parameters are fixed");
        let pkcs8 = private.to_pkcs8_der().expect("a fresh key can be written");
        Self {
            sha256: RsaKeyPair::from_pkcs8(pkcs8.as_bytes()).expect("a fresh key can be read"),
            sha1: SigningKey::new(private),
            chain: Bytes::from([leaf.pem(), root.pem()].concat()),
        }
    }

    /// The leaf and the CA, in PEM form.
    pub(super) fn chain(&self) -> Bytes {
        self.chain.clone()
    }

    /// The path that the chain is served at. It changes with the chain: verifiers keep what they fetched.
    pub(super) fn path(&self) -> String {
        let hash = digest(&SHA256, &self.chain);
        let short: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{CHAIN_PATH}echo-api-cert-{short}.pem")
    }

    /// The public key of the leaf (PKCS #1).
    #[cfg(test)]
    pub(super) fn public_key(&self) -> &[u8] {
        use ring::signature::KeyPair;
        self.sha256.public_key().as_ref()
    }

    pub(super) fn sign(&self, body: &[u8]) -> Signatures {
        let mut sha256 = vec![0; self.sha256.public().modulus_len()];
        self.sha256
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body, &mut sha256)
            .expect("the buffer is as long as the key");
        let sha1 = self.sha1.sign(body).to_bytes();
        Signatures { sha256: STANDARD.encode(sha256), sha1: STANDARD.encode(sha1) }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// A key, for signing and for certificates.
fn keys(seed: &hmac::Key, purpose: &str) -> (PrivateKey, KeyPair) {
    let mut stream = Stream {
        key: hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(seed, purpose.as_bytes()).as_ref()),
        block: 0,
        rest: Vec::new(),
    };
    let key = PrivateKey::new(&mut stream, BITS).expect("the size is allowed");
    let pkcs8 = key.to_pkcs8_der().expect("a fresh key can be written");
    let der = rustls::pki_types::PrivatePkcs8KeyDer::from(pkcs8.as_bytes());
    let pair =
        KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256).expect("a fresh key can be read");
    (key, pair)
}

fn params(name: &str, serial: u64) -> CertificateParams {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let mut params = CertificateParams::default();
    params.not_before = at(VALID.0).into();
    params.not_after = at(VALID.1).into();
    params.serial_number = Some(SerialNumber::from(serial));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Bytes that follow from a key: HMAC-SHA256 over a counter (NIST SP 800-108).
struct Stream {
    key: hmac::Key,
    block: u64,
    rest: Vec<u8>,
}

impl Stream {
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&mut self, to: &mut [u8]) {
        for byte in to {
            if self.rest.is_empty() {
                self.rest = hmac::sign(&self.key, &self.block.to_be_bytes()).as_ref().to_vec();
                self.block += 1;
            }
            *byte = self.rest.pop().expect("a block has bytes");
        }
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.next()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.next()))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        self.fill(to);
        Ok(())
    }
}

impl TryCryptoRng for Stream {}
