//! The account association service: HTTP, accounts, tokens and operations over a store.
//!
//! A request passes router → auth → operation → store → adapter. [`Settings`] become a [`Config`], a [`Server`] is
//! started from it and runs until it is told to stop.

mod admin;
mod auth;
mod body;
mod calling;
mod calls;
mod config;
mod config_error;
mod console;
mod credential;
mod description;
mod endpoint;
mod error;
mod fault_answer;
mod feed;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod group;
mod head;
mod http;
mod imports;
mod issuer;
mod log_throttle;
pub mod logs;
mod media;
mod metrics;
mod notes;
mod oauth;
pub mod openapi;
mod operation;
mod outbound;
mod private;
mod probes;
mod redact;
mod request;
mod response;
mod router;
mod sandbox;
mod seed;
mod server;
mod skill;
mod startup;
mod state;
mod supervisor;
mod throttle;
mod tls;
mod traces;
mod transport;
mod validate;
mod webhook;

pub use config::{
    AdminTls, CacheSize, Config, ConsentLogin, CorsOrigin, FromText, HumanDuration, InvalidListenAddress,
    InvalidSecret, IssuerName, ListenAddress, Network, SecretSetting, SeedSource, Settings,
};
pub use config_error::ConfigError;
pub use imports::{Applied, ImportApi, ImportFuture, ImportRunner, ImportWatch, ImportWork};
pub use issuer::{ForeignIssuer, IssuerKind};
pub use logs::LogFormat;
pub use metrics::Metrics;
pub use sandbox::clock::{ClockOffset, InvalidClockOffset};
pub use sandbox::request_log::JournalScope;
pub use seed::SeedError;
pub use server::Server;
pub use startup::{ADMIN_TOKEN_FILE, OnUnavailable, StartError};
pub use supervisor::Supervisor;
pub use tls::{InvalidTlsName, LocalCaError, PairError, TlsError, TlsName, TlsSource, Trust};
pub use traces::CommandTrace;
