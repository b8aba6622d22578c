//! The harness of the black-box tests: it starts the real binary, speaks to it over real sockets and holds every
//! answer to the rules that are always true.
//!
//! It knows the bounds and identifiers of `jackfield-model` and nothing of the server: what a test sends is raw
//! JSON, what it reads are raw bodies. Tests that share a server get an organization of their own, so they run
//! in parallel. A server ends with the last test that uses it.

pub mod admin;
pub mod binary;
pub mod browser;
pub mod check;
pub mod creator;
pub mod endpoint;
pub mod frames;
pub mod http;
pub mod metrics;
pub mod namespace;
pub mod oauth;
pub mod packages;
pub mod page;
pub mod poll;
pub mod postgres;
pub mod proxy;
pub mod raw;
pub mod seed;
pub mod server;
pub mod shared;
pub mod tenant;
pub mod terminal;
pub mod tls;

pub use admin::Admin;
pub use endpoint::{Endpoint, Listener};
pub use http::{Client, Request, Response, Version};
pub use server::{Options, Server};
pub use tenant::{Tenant, TenantOptions};
