//! The calls of a server: found by organization and id, so that none is seen by another, and bounded.
//!
//! Calls that have ended are kept for whoever looks, until newer ones need their room: the oldest gives way. What lives
//! is never removed.

use std::collections::{HashMap, VecDeque};

use jackfield_model::{OrganizationId, limit};
use thiserror::Error;

use crate::session::Session;
use crate::session_id::SessionId;
use crate::state::CallState;

/// A call, and what belongs to it outside.
#[derive(Debug)]
struct Held<T> {
    /// The number of its beginning.
    number: u64,
    session: Session,
    with: T,
    /// Its bytes when they were last counted.
    bytes: usize,
}

type Key = (OrganizationId, SessionId);

/// The calls.
#[derive(Debug)]
pub struct Table<T> {
    held: HashMap<Key, Held<T>>,
    /// In the order of their beginning; those that were replaced stand here until they are met.
    order: VecDeque<(u64, Key)>,
    last: u64,
    bytes: usize,
}

/// Why a call cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Full {
    /// There is one with this id that has not ended.
    #[error("There is a call with the same sessionId that has not ended.")]
    Lives,
    /// The organization has as many calls as it may.
    #[error("The organization has {max} calls that have not ended, which is the most allowed.", max = limit::LIVE_CALLS_OF_ORGANIZATION)]
    Organization,
    /// The server has as many calls as it can hold.
    #[error("There are as many calls as this server holds.")]
    Server,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { held: HashMap::new(), order: VecDeque::new(), last: 0, bytes: 0 }
    }
}

impl<T> Table<T> {
    /// How many calls are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Bytes of the session descriptions of all calls, as last counted.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a call with this id may begin.
    ///
    /// # Errors
    /// [`Full`] saying why not.
    pub fn check(&self, organization: &OrganizationId, id: &SessionId) -> Result<(), Full> {
        let alive = |held: &&Held<T>| held.session.state() != CallState::Ended;
        if self.held.get(&(organization.clone(), id.clone())).filter(alive).is_some() {
            return Err(Full::Lives);
        }
        let of_organization = |held: &&Held<T>| held.session.organization() == organization;
        let live = self.held.values().filter(alive);
        if live.clone().filter(of_organization).count() >= limit::LIVE_CALLS_OF_ORGANIZATION {
            return Err(Full::Organization);
        }
        let (count, bytes) = live.fold((0, 0), |(count, bytes), held| (count + 1, bytes + held.bytes));
        if count >= limit::CALLS || bytes >= limit::CALLS_BYTES {
            return Err(Full::Server);
        }
        Ok(())
    }

    /// Takes a call that has begun. One with its id that has ended gives way.
    ///
    /// # Errors
    /// [`Full`] saying why not.
    pub fn insert(&mut self, session: Session, with: T) -> Result<(), Full> {
        self.check(session.organization(), session.id())?;
        let key = (session.organization().clone(), session.id().clone());
        self.last += 1;
        let bytes = session.bytes();
        self.bytes += bytes;
        let held = Held { number: self.last, session, with, bytes };
        if let Some(replaced) = self.held.insert(key.clone(), held) {
            self.bytes -= replaced.bytes;
        }
        self.order.push_back((self.last, key));
        self.make_room();
        Ok(())
    }

    /// What `act` does with a call of the organization; nothing where there is none.
    pub fn with<R>(
        &mut self,
        organization: &OrganizationId,
        id: &SessionId,
        act: impl FnOnce(&mut Session, &mut T) -> R,
    ) -> Option<R> {
        let held = self.held.get_mut(&(organization.clone(), id.clone()))?;
        let done = act(&mut held.session, &mut held.with);
        let bytes = held.session.bytes();
        self.bytes = self.bytes - held.bytes + bytes;
        held.bytes = bytes;
        self.make_room();
        Some(done)
    }

    /// The organization of the newest call with this id: for operators, who see those of all.
    #[must_use]
    pub fn find(&self, id: &SessionId) -> Option<OrganizationId> {
        let found =
            self.order.iter().rev().find(|(number, key)| key.1 == *id && self.is_current(*number, key));
        found.map(|(_, key)| key.0.clone())
    }

    /// The calls, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = (&Session, &T)> {
        let current = self.order.iter().rev().filter(|(number, key)| self.is_current(*number, key));
        current.map(|(_, key)| &self.held[key]).map(|held| (&held.session, &held.with))
    }

    /// Removes every call, and hands out what belongs to each outside.
    pub fn clear(&mut self) -> Vec<T> {
        self.order.clear();
        self.bytes = 0;
        self.held.drain().map(|(_, held)| held.with).collect()
    }

    fn is_current(&self, number: u64, key: &Key) -> bool {
        self.held.get(key).is_some_and(|held| held.number == number)
    }

    /// Lets ended calls go, the oldest first, until the others fit.
    fn make_room(&mut self) {
        if self.order.len() > 2 * self.held.len() + 64 {
            // Most of it names calls that were replaced.
            let held = &self.held;
            self.order.retain(|(number, key)| held.get(key).is_some_and(|found| found.number == *number));
        }
        let mut living = Vec::new();
        while self.held.len() > limit::CALLS || self.bytes > limit::CALLS_BYTES {
            let Some((number, key)) = self.order.pop_front() else { break };
            if !self.is_current(number, &key) {
                continue;
            }
            if self.held[&key].session.state() == CallState::Ended {
                self.bytes -= self.held.remove(&key).map_or(0, |gone| gone.bytes);
            } else {
                living.push((number, key));
            }
        }
        living.into_iter().rev().for_each(|kept| self.order.push_front(kept));
    }
}
