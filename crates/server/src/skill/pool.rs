//! Connections to skills: shared by those that are trusted alike, and bounded for each skill.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_model::{SkillId, limit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::outbound::{Bounds, Outbound};

const BOUNDS: Bounds =
    Bounds { connect: limit::SKILL_TIMEOUT, idle: limit::SKILL_CALLS, answer: limit::SKILL_ANSWER_BYTES };

/// Trusted certificates, and skills, that are remembered: beyond it all are forgotten, and made again.
const REMEMBERED: usize = 256;

/// The connections, and how many requests each skill may get at a time.
#[derive(Default)]
pub(super) struct Pools {
    outbound: Mutex<HashMap<Option<String>, Outbound>>,
    places: Mutex<HashMap<SkillId, Arc<Semaphore>>>,
}

impl Pools {
    /// The connections that trust these certificates beside those of the machine.
    pub(super) fn outbound(&self, ca: Option<&str>) -> Result<Outbound, String> {
        let mut known = self.outbound.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&ca.map(str::to_owned)) {
            return Ok(found.clone());
        }
        let made = Outbound::new(ca.map(str::as_bytes), BOUNDS)?;
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(ca.map(str::to_owned), made.clone());
        Ok(made)
    }

    /// A place among the requests to a skill.
    pub(super) async fn place(&self, skill: &SkillId) -> OwnedSemaphorePermit {
        let places = {
            let mut known = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= REMEMBERED {
                known.retain(|_, places| places.available_permits() < limit::SKILL_CALLS);
            }
            let places = known.entry(skill.clone());
            Arc::clone(places.or_insert_with(|| Arc::new(Semaphore::new(limit::SKILL_CALLS))))
        };
        places.acquire_owned().await.expect("nobody closes it")
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pools")
    }
}
