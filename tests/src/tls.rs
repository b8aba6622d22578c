//! The client's side of TLS: whom it trusts, under which name it calls, what it offers, and what it was shown.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A client that trusts the certificates of one file and nothing else, and calls a server by one name.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    name: ServerName<'static>,
}

/// What a client offers.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Application protocols, the best first.
    pub alpn: &'a [&'a str],
    /// Versions of TLS.
    pub versions: &'a [&'static SupportedProtocolVersion],
}

impl Default for Offer<'_> {
    fn default() -> Self {
        Self { alpn: &[], versions: rustls::ALL_VERSIONS }
    }
}

impl Trust {
    /// Reads the certificates of a PEM file.
    ///
    /// # Panics
    /// When it cannot be read, or `name` is none.
    #[must_use]
    pub fn new(file: &Path, name: &str) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file).expect("the file of certificates can be read")
        {
            roots
                .add(certificate.expect("the file holds certificates"))
                .expect("a certificate can be trusted");
        }
        Self { roots: Arc::new(roots), name: name.to_owned().try_into().expect("a name of a server") }
    }

    /// Connects to a listener. Every connection does a whole handshake.
    ///
    /// # Errors
    /// When the server does not accept, or the handshake fails.
    pub async fn connect(&self, address: SocketAddr, offer: Offer<'_>) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        self.shake_hands(stream, offer).await
    }

    /// Connects and answers the certificate that the server shows.
    ///
    /// # Errors
    /// When the server does not accept, or the handshake fails.
    ///
    /// # Panics
    /// When the server shows none.
    pub async fn certificate(&self, address: SocketAddr) -> io::Result<Vec<u8>> {
        let stream = self.connect(address, Offer::default()).await?;
        let (_, connection) = stream.get_ref();
        Ok(connection.peer_certificates().expect("a server shows a certificate")[0].to_vec())
    }

    /// Makes a connection a TLS one that speaks this application protocol.
    pub(crate) async fn secure(&self, stream: TcpStream, alpn: &str) -> io::Result<TlsStream<TcpStream>> {
        let stream = self.shake_hands(stream, Offer { alpn: &[alpn], ..Offer::default() }).await?;
        assert_eq!(
            stream.get_ref().1.alpn_protocol(),
            Some(alpn.as_bytes()),
            "the server takes the protocol"
        );
        Ok(stream)
    }

    async fn shake_hands(&self, stream: TcpStream, offer: Offer<'_>) -> io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(offer.versions)
            .expect("the versions go with the provider")
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        config.alpn_protocols = offer.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config.resumption = Resumption::disabled();
        TlsConnector::from(Arc::new(config)).connect(self.name.clone(), stream).await
    }
}
