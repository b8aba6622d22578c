//! Black-box tests of the real binary. One test binary: linking is slower than running.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

mod authorization;
mod details;
mod examples;
mod operation;
mod order;
mod pages;
