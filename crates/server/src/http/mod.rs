//! HTTP on sockets: connections, the gate before the store is open, routes, and the path of a request to its response.

pub(crate) mod admin_hosts;
pub(crate) mod connection;
pub(crate) mod cors;
pub(crate) mod descriptors;
pub(crate) mod listeners;
mod pipeline;
pub(crate) mod routes;
pub(crate) mod service_gate;
mod shown_path;
mod unserved;
