//! Sessions of the console, and the links that begin them.
//!
//! A session stands for an admin token: it may what the token may, as long as the token is valid. Only hashes are held,
//! in the memory of this process, and a bounded number of them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jackfield_model::limit;
use jackfield_store::registry::SecretHash;
use ring::digest;

use crate::credential::encoding;

/// The beginning of a link's token, by which it is told from an admin token.
pub(crate) const LINK_PREFIX: &str = "jackfield-link-";

/// What is open, and what can be opened.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: Mutex<Secrets>,
    links: Mutex<Secrets>,
}

/// Secrets that stand for admin tokens, the oldest first.
#[derive(Debug)]
struct Secrets {
    most: usize,
    life: Duration,
    held: VecDeque<Held>,
}

#[derive(Debug)]
struct Held {
    /// Where two secrets differ does not show: what is compared are their hashes.
    hash: SecretHash,
    stands_for: SecretHash,
    ends: Instant,
}

impl Default for Sessions {
    fn default() -> Self {
        let secrets = |most, seconds| {
            Mutex::new(Secrets { most, life: Duration::from_secs(seconds), held: VecDeque::new() })
        };
        Self {
            open: secrets(limit::SESSIONS, limit::SESSION_SECONDS),
            links: secrets(limit::SESSION_LINKS, limit::SESSION_LINK_SECONDS),
        }
    }
}

impl Sessions {
    /// Begins a session for the admin token with this hash; answers what the browser shows for it.
    pub(crate) fn begin(&self, token: SecretHash) -> String {
        let text = encoding::random_text::<32>();
        lock(&self.open).add(&text, token, Instant::now());
        text
    }

    /// The admin token that a session stands for, and how long it still does.
    pub(crate) fn find(&self, session: &str) -> Option<(SecretHash, Duration)> {
        lock(&self.open).find(session, Instant::now())
    }

    /// Ends a session; says whether it was there.
    pub(crate) fn end(&self, session: &str) -> bool {
        lock(&self.open).take(session, Instant::now()).is_some()
    }

    /// A token that begins one session for the admin token with this hash.
    pub(crate) fn link(&self, token: SecretHash) -> String {
        let text = format!("{LINK_PREFIX}{}", encoding::random_text::<32>());
        lock(&self.links).add(&text, token, Instant::now());
        text
    }

    /// Uses up a link; answers the admin token that it stands for.
    pub(crate) fn take_link(&self, link: &str) -> Option<SecretHash> {
        lock(&self.links).take(link, Instant::now())
    }
}

impl Secrets {
    fn add(&mut self, text: &str, stands_for: SecretHash, now: Instant) {
        self.forget(now);
        if self.held.len() == self.most {
            self.held.pop_front();
        }
        self.held.push_back(Held { hash: hash(text), stands_for, ends: now + self.life });
    }

    fn find(&mut self, text: &str, now: Instant) -> Option<(SecretHash, Duration)> {
        self.forget(now);
        let hash = hash(text);
        let found = self.held.iter().find(|held| held.hash == hash)?;
        Some((found.stands_for, found.ends.saturating_duration_since(now)))
    }

    fn take(&mut self, text: &str, now: Instant) -> Option<SecretHash> {
        self.forget(now);
        let hash = hash(text);
        let place = self.held.iter().position(|held| held.hash == hash)?;
        self.held.remove(place).map(|held| held.stands_for)
    }

    /// All have the same life, so the oldest end first.
    fn forget(&mut self, now: Instant) {
        while self.held.front().is_some_and(|held| held.ends <= now) {
            self.held.pop_front();
        }
    }
}

fn hash(text: &str) -> SecretHash {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    SecretHash(digest.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

/// No code under these locks can panic half-way.
fn lock(secrets: &Mutex<Secrets>) -> MutexGuard<'_, Secrets> {
    secrets.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: SecretHash = SecretHash([7; 32]);

    #[test]
    fn a_link_begins_one_session() {
        let sessions = Sessions::default();
        let link = sessions.link(TOKEN);
        assert!(link.starts_with(LINK_PREFIX));
        assert_eq!(sessions.find(&link), None, "a link is no session");
        assert_eq!(sessions.take_link(&link), Some(TOKEN));
        assert_eq!(sessions.take_link(&link), None, "it is used up");
        let session = sessions.begin(TOKEN);
        assert_eq!(sessions.take_link(&session), None, "a session is no link");
        assert_eq!(sessions.find(&session).map(|(token, _)| token), Some(TOKEN));
        assert!(sessions.end(&session) && !sessions.end(&session));
        assert_eq!(sessions.find(&session), None);
    }

    #[test]
    fn what_is_old_ends_and_the_oldest_makes_room() {
        let life = Duration::from_secs(10);
        let mut secrets = Secrets { most: 2, life, held: VecDeque::new() };
        let start = Instant::now();
        for (text, after) in [("a", 0), ("b", 1), ("c", 2)] {
            secrets.add(text, TOKEN, start + Duration::from_secs(after));
        }
        assert_eq!(secrets.find("a", start), None);
        let at = start + Duration::from_secs(10);
        assert_eq!(secrets.find("b", at), Some((TOKEN, Duration::from_secs(1))));
        let at = start + Duration::from_secs(11);
        assert_eq!(secrets.find("b", at), None, "its time is over");
        assert_eq!(secrets.find("c", at), Some((TOKEN, Duration::from_secs(1))));
        assert_eq!(secrets.take("c", at + life), None);
    }
}
