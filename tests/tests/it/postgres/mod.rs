//! The service on PostgreSQL: everything that holds on the embedded store, and what is new with a database beside it:
//! several nodes, fail-over, and a database that is away, full, read-only or slow.

mod away;
mod crash;
mod documented;
mod doubt;
mod failover;
mod hurt;
mod linearizability;
mod migrate;
mod nodes;
mod secure;
mod suites;

use jackfield_tests::{Options, Server};

/// A node on a database. It logs what an operator would see.
fn node(url: &str) -> Server {
    let quiet = vec![("JACKFIELD_LOG_LEVEL".to_owned(), "info".to_owned())];
    Server::start(Options { store: Some(url.to_owned()), environment: quiet, ..Options::default() })
}

/// Bytes of memory that a process holds.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
