//! Limits on rate and concurrency: rates of clients, guesses, places for requests.

pub(crate) mod admission;
pub(crate) mod guess;
pub(crate) mod rate;
