//! What bounds how often and how much at a time: rates of clients, guesses, places for requests.

pub(crate) mod admission;
pub(crate) mod guess;
pub(crate) mod rate;
