//! Running actions of operators, and those that the change record does not have yet.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use jackfield_model::admin::Demo;

use super::history::History;
use super::sessions::Sessions;
use super::{Acts, PublicApi};
use crate::error::ApiError;

/// Running actions of operators, and those that the change record does not have yet.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    pub(crate) acts: Acts,
    pub(crate) sessions: Sessions,
    pub(crate) history: History,
    /// What answers requests to the public API. It holds this state.
    pub(crate) public: OnceLock<Weak<dyn PublicApi>>,
    /// The base URL of the public API, once it listens.
    pub(crate) endpoint: OnceLock<String>,
    /// The credentials of the demo data.
    pub(crate) demo: Option<Demo>,
    pub(crate) restore: OneAtATime,
    pub(crate) verification: OneAtATime,
}

impl Operators {
    /// What answers requests to the public API.
    ///
    /// # Errors
    /// When the server is about to end.
    pub(crate) fn public(&self) -> Result<Arc<dyn PublicApi>, ApiError> {
        let public = self.public.get().and_then(Weak::upgrade);
        public.ok_or_else(|| ApiError::Internal { cause: "the service is gone".to_owned() })
    }
}

/// An action that runs once at a time.
#[derive(Debug, Default)]
pub(crate) struct OneAtATime(Arc<AtomicBool>);

/// Marks the action as running, until dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<AtomicBool>);

impl OneAtATime {
    /// Begins, unless one is running.
    pub(crate) fn begin(&self) -> Option<UnderWay> {
        let was_under_way = self.0.swap(true, Ordering::AcqRel);
        (!was_under_way).then(|| UnderWay(Arc::clone(&self.0)))
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
