//! Black-box tests of the real binary. One test binary: linking is slower than running.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

mod admin;
mod answers;
mod authorization;
mod browser;
mod cli;
mod clients;
mod consent;
mod crash;
mod details;
mod dev;
mod disk;
mod examples;
mod issuer;
mod lifecycle;
mod linearizability;
mod login;
mod logs;
mod metrics;
mod operation;
mod order;
mod overload;
mod pages;
mod protocol;
mod refresh;
mod restart;
mod seeding;
mod tokeninfo;
mod walk;
