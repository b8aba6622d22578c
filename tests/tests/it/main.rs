//! Black-box tests of the real binary. One test binary: linking is slower than running.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

mod admin;
mod answers;
mod authorization;
mod cli;
mod clients;
mod clock;
mod crash;
mod details;
mod dev;
mod disk;
mod examples;
mod fault;
mod integrators;
mod journal;
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
mod reset;
mod restart;
mod seeding;
mod walk;
