//! Why a server does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use jackfield_store::OpenError;
use thiserror::Error;

use crate::http::listeners::ListenError;
use crate::seed::SeedError;
use crate::tls::TlsError;

/// Why a server does not start. The text is for the operator.
#[derive(Debug, Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The seed file is wrong.
    #[error("--seed {path}: {cause}", path = .path.display())]
    Seed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: SeedError,
    },
    /// The admin token cannot be read or kept.
    #[error("the admin token cannot be kept in {path}: {cause}", path = .path.display())]
    AdminToken {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        cause: std::io::Error,
    },
    /// The public listener gets no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Another token issuer cannot be asked with these settings.
    #[error("--token-issuer: {cause}")]
    TokenIssuer {
        /// What is wrong.
        cause: String,
    },
    /// The collector of traces cannot be asked with these settings.
    #[error("--otlp-endpoint or OTEL_EXPORTER_OTLP_ENDPOINT: {cause}")]
    Collector {
        /// What is wrong.
        cause: String,
    },
    /// An address cannot be listened on.
    #[error("{flag} {address} cannot be listened on: {cause}")]
    Listen {
        /// The flag.
        flag: &'static str,
        /// The address, or the name that has none.
        address: String,
        /// What is in the way.
        cause: std::io::Error,
    },
    /// The admin listener would be plain on a non-loopback address.
    #[error(
        "--admin-listen {address} is no loopback address and would be plain: give it TLS with --admin-tls-cert and \
         --admin-tls-key or with --admin-tls-self-signed, or allow it with --admin-plaintext"
    )]
    AdminPlaintext {
        /// The address.
        address: SocketAddr,
    },
}

impl StartError {
    /// Whether the configuration is at fault, not the machine.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Seed { cause, .. } => cause.is_configuration(),
            Self::Tls(cause) => matches!(cause, TlsError::Pair(_)),
            Self::TokenIssuer { .. }
            | Self::Collector { .. }
            | Self::AdminPlaintext { .. }
            | Self::Open(OpenError::Readable(_)) => true,
            Self::Open(_) | Self::AdminToken { .. } | Self::Listen { .. } => false,
        }
    }
}

impl From<ListenError> for StartError {
    fn from(ListenError { flag, address, cause }: ListenError) -> Self {
        Self::Listen { flag, address, cause }
    }
}
