//! Randomness that can be repeated.

use fastrand::Rng;

/// Repeats a run: the seed that a failed test printed.
pub const VARIABLE: &str = "JACKFIELD_TEST_SEED";

/// A generator for one test. The seed is printed, and taken from [`VARIABLE`] when that is set.
///
/// # Panics
/// When [`VARIABLE`] is no number.
#[must_use]
pub fn rng(test: &str) -> Rng {
    let seed = match std::env::var(VARIABLE) {
        Ok(text) => text.parse().expect("JACKFIELD_TEST_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    eprintln!("{test}: {VARIABLE}={seed}");
    Rng::with_seed(seed)
}

/// A number that the environment may raise: how often a long test repeats.
///
/// # Panics
/// When the variable is no number.
#[must_use]
pub fn count(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a count is a number"))
}
