//! Passwords that people type: hashed slowly, and only a few at a time.
//!
//! PBKDF2 with HMAC-SHA256 takes processor time and no memory, so the number of concurrent hashes alone limits what
//! unauthenticated clients can make the server spend; a memory-hard hash would take 19 MB for each. The root key is
//! beside the hashes, and an attacker who has that needs no password.

use std::num::NonZeroU32;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jackfield_model::limit;
use jackfield_store::registry::PasswordHash;
use ring::pbkdf2;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

use crate::error::ApiError;

const ALGORITHM: &str = "pbkdf2-sha256";
/// As many as OWASP recommends for this function.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).expect("it is not zero");
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The queue of passwords to hash.
#[derive(Debug)]
pub(crate) struct Hashing {
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Default for Hashing {
    fn default() -> Self {
        let waiting = limit::PASSWORD_HASHES + limit::PASSWORDS_WAITING;
        Self { running: Arc::new(Semaphore::new(limit::PASSWORD_HASHES)), waiting: Semaphore::new(waiting) }
    }
}

impl Hashing {
    /// The hash of a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<PasswordHash, ApiError> {
        self.run(move || hash(&password)).await
    }

    /// Whether the password is the one behind the hash.
    pub(crate) async fn verify(&self, password: String, hash: PasswordHash) -> Result<bool, ApiError> {
        self.run(move || verify(&password, &hash)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let Ok(_place) = self.waiting.try_acquire() else { return Err(ApiError::Overloaded) };
        let turn = Arc::clone(&self.running).acquire_owned().await.expect("the semaphore is never closed");
        let hashed = tokio::task::spawn_blocking(move || {
            // Kept until it is done, even when nobody waits for it any more.
            let _turn = turn;
            work()
        });
        hashed
            .await
            .map_err(|error| ApiError::Internal { cause: format!("a password was not hashed: {error}") })
    }
}

/// The hash of a password with a new salt: `$pbkdf2-sha256$i=…$salt$hash`. It takes some tenths of a second.
pub(crate) fn hash(password: &str) -> PasswordHash {
    let mut salt = [0; SALT_BYTES];
    SystemRandom::new().fill(&mut salt).expect("the operating system gives randomness");
    let mut hash = [0; HASH_BYTES];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password.as_bytes(), &mut hash);
    let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    PasswordHash(format!("${ALGORITHM}$i={ITERATIONS}${}${}", encode(&salt), encode(&hash)))
}

/// Whether the password is the one behind the hash. Takes as long as a hash, whatever the answer.
pub(crate) fn verify(password: &str, stored: &PasswordHash) -> bool {
    let mut parts = stored.0.split('$');
    let (Some(""), Some(ALGORITHM), Some(iterations), Some(salt), Some(hash), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let iterations = iterations.strip_prefix("i=").and_then(|text| text.parse().ok());
    let decode = |text: &str| STANDARD_NO_PAD.decode(text).ok();
    let (Some(iterations), Some(salt), Some(hash)) = (iterations, decode(salt), decode(hash)) else {
        return false;
    };
    pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_behind_its_hash() {
        let stored = hash("correct horse");
        assert!(verify("correct horse", &stored) && !verify("correct horsf", &stored));
        assert_ne!(stored, hash("correct horse"), "salts differ");
        assert!(!format!("{stored:?}").contains(&stored.0[30..]));
        for broken in
            ["", "$", "$argon2id$i=1$AAAA$AAAA", "$pbkdf2-sha256$i=0$AAAA$AAAA", "$pbkdf2-sha256$i=1$!$!"]
        {
            assert!(!verify("correct horse", &PasswordHash(broken.to_owned())), "{broken}");
        }
    }

    #[tokio::test]
    async fn too_many_at_a_time_are_refused() {
        let hashing = Hashing::default();
        let places = limit::PASSWORD_HASHES + limit::PASSWORDS_WAITING;
        let taken = hashing.waiting.try_acquire_many(u32::try_from(places).unwrap()).unwrap();
        assert!(matches!(hashing.hash("p".to_owned()).await, Err(ApiError::Overloaded)));
        drop(taken);
        assert!(hashing.hash("p".to_owned()).await.is_ok());
    }
}
