//! The account association service: HTTP, accounts, tokens and operations over a store.
//!
//! A request passes router → auth → operation → store → adapter. [`Settings`] become a [`Config`], a [`Server`] is
//! started from it and runs until it is told to stop.

mod admin;
mod admission;
mod app;
mod auth;
mod body;
mod clock;
mod config;
mod connection;
mod cors;
mod deadline;
mod descriptors;
mod error;
mod exchange;
mod fault;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod head;
mod ids;
mod journal;
pub mod logs;
mod lwa;
mod metrics;
mod news;
mod notes;
mod open;
pub mod openapi;
mod opening;
mod operation;
mod peer;
mod private;
mod reset;
mod response;
mod restore;
mod router;
mod seed;
mod server;
mod sockets;
mod stream;
mod supervisor;
mod tls;
mod visits;
mod waiting;

pub use auth::issuer::{ForeignIssuer, IssuerKind};
pub use clock::{ClockOffset, InvalidClockOffset};
pub use config::{
    AdminTls, Config, ConfigError, ConsentLogin, InvalidListenAddress, InvalidSecret, IssuerName,
    ListenAddress, Network, SecretSetting, SeedSource, Settings, Span, Text,
};
pub use cors::CorsOrigin;
pub use journal::JournalScope;
pub use logs::LogFormat;
pub use metrics::Metrics;
pub use opening::WhenAway;
pub use seed::SeedError;
pub use server::{ADMIN_TOKEN_FILE, Server, StartError};
pub use supervisor::Supervisor;
pub use tls::{InvalidTlsName, LocalCaError, PairError, TlsError, TlsName, TlsSource, Trust};
