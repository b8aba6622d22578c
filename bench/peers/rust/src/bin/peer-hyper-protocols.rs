//! The limit for each protocol: hyper behind the same detection of HTTP/1.1 and HTTP/2 as the server's, on one port
//! plain, on another with TLS by the same library and settings. It bounds nothing and defends itself against nobody.

use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use jackfield_bench_peers::bare::Answers;
use jackfield_bench_peers::{address, setting};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

/// TLS 1.2 and 1.3, session tickets, HTTP/2 before HTTP/1.1: what the server has.
fn tls() -> Result<TlsAcceptor, Failure> {
    let certificates =
        CertificateDer::pem_file_iter(setting("BENCH_TLS_CERT"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(setting("BENCH_TLS_KEY"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, answers: Answers) {
    let service = service_fn(move |request| answers.clone().answer(request));
    // A client that goes away ends its connection.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn serve_secured(stream: TcpStream, tls: TlsAcceptor, answers: Answers) {
    if let Ok(stream) = tls.accept(stream).await {
        serve(stream, answers).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (answers, tls) = (Answers::given(), tls()?);
    let secured = TcpListener::bind(format!("127.0.0.1:{}", setting("BENCH_TLS_PORT"))).await?;
    // Last: who waits for this one finds the other there.
    let plain = TcpListener::bind(address()).await?;
    loop {
        let (stream, is_secured) = tokio::select! {
            accepted = plain.accept() => (accepted?.0, false),
            accepted = secured.accept() => (accepted?.0, true),
        };
        stream.set_nodelay(true)?;
        let answers = answers.clone();
        if is_secured {
            tokio::spawn(serve_secured(stream, tls.clone(), answers));
        } else {
            tokio::spawn(serve(stream, answers));
        }
    }
}
