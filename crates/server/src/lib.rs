//! The account association service: HTTP, accounts, tokens and operations over a store.
//!
//! A request passes router → auth → operation → store → adapter. [`Settings`] become a [`Config`], a [`Server`] is
//! started from it and runs until it is told to stop.

mod admin;
mod app;
mod auth;
mod clock;
mod config;
mod connection;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod logs;
mod lwa;
mod metrics;
mod open;
pub mod openapi;
mod operation;
mod response;
mod router;
mod seed;
mod server;

pub use auth::issuer::{ForeignIssuer, IssuerKind};
pub use config::{AdminTokenText, Config, ConfigError, IssuerName, SeedSource, Settings, Span, Text};
pub use logs::LogFormat;
pub use metrics::Metrics;
pub use seed::SeedError;
pub use server::{ADMIN_TOKEN_FILE, Server, StartError};
