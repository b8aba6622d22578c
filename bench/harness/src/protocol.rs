//! The protocols that a client may speak, and the same server behind each: Jackfield, and hyper with nothing behind it.

mod certificate;
mod h2load;
mod handshakes;
mod report;
mod server;

use serde::Serialize;

pub use certificate::Certificate;
pub use h2load::{H2load, version as generator_version};
pub use handshakes::{Handshakes, Kind};
pub use report::{Report, Row, What};
pub use server::Server;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// hyper alone, with the same library of TLS.
    Bare,
    /// Jackfield with `embedded:`.
    Jackfield,
}

/// How a request gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/1.1 over TLS 1.3.
    Http1Tls,
    /// HTTP/2 that the client knows of beforehand.
    Http2,
    /// HTTP/2 over TLS 1.3.
    Http2Tls,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Http1, Self::Http1Tls, Self::Http2, Self::Http2Tls];

    /// Its name in reports.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http1Tls => "HTTP/1.1, TLS 1.3",
            Self::Http2 => "HTTP/2 (h2c)",
            Self::Http2Tls => "HTTP/2, TLS 1.3",
        }
    }

    const fn is_secured(self) -> bool {
        matches!(self, Self::Http1Tls | Self::Http2Tls)
    }

    const fn is_http1(self) -> bool {
        matches!(self, Self::Http1 | Self::Http1Tls)
    }

    /// Connections, and requests in flight on each: 64 in all.
    const fn in_flight(self) -> (usize, usize) {
        if self.is_http1() { (64, 1) } else { (8, 8) }
    }
}

/// The figures of one measurement.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// Answers a second.
    pub rate: f64,
    /// The latency in microseconds that 99 % stayed within.
    pub p99_us: f64,
    /// Processor time of the server for each answer, in microseconds.
    pub cpu_us: f64,
}
