//! Tokens of commits: by them the last commit is known, and a failed one found in the journals.

/// Marks one commit: random, so that the commit can be told from any other bytes.
pub(super) type Token = [u8; 16];

/// Makes tokens: one random number, counted up.
pub(super) struct Tokens(u128);

impl Tokens {
    pub(super) fn new() -> Self {
        Self(uuid::Uuid::new_v4().as_u128())
    }

    pub(super) const fn next(&mut self) -> Token {
        self.0 = self.0.wrapping_add(1);
        self.0.to_be_bytes()
    }
}
