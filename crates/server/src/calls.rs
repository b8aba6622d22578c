//! The calls of this server and the rules of its devices: in memory, and gone with the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jackfield_calling::{DeviceEvent, Message, SessionId, Table, Time};
use jackfield_model::admin::{CallMedia, DeviceRule};
use jackfield_model::inspect::DeviceFault;
use jackfield_model::{AmazonId, OrganizationId, limit};
use tokio::sync::{Notify, mpsc, watch};

use crate::media::{Media, MediaPlaces};

/// The calls, and what devices do about those that come in.
pub(crate) struct Calls {
    table: Mutex<Table<Line>>,
    rules: Mutex<HashMap<AmazonId, DeviceRule>>,
    pub(crate) media: MediaPlaces,
    /// A clock that never goes back.
    started: (Instant, Duration),
}

/// What belongs to a call outside of its state.
#[derive(Debug)]
pub(crate) struct Line {
    /// Messages for the skill, in their order; none after the last one.
    pub(crate) outgoing: Option<mpsc::UnboundedSender<(u64, Message)>>,
    /// What the device learns; none after the end.
    pub(crate) events: Option<mpsc::UnboundedSender<DeviceEvent>>,
    /// Tells whoever waits that the call changed.
    pub(crate) changed: Arc<watch::Sender<u64>>,
    /// Tells the timers that deadlines changed.
    pub(crate) deadlines: Arc<Notify>,
    /// The profile whose device takes part.
    pub(crate) profile: AmazonId,
    /// Whether the device answers offers by itself.
    pub(crate) device: bool,
    /// Its media, while the call lasts.
    pub(crate) media: Option<Media>,
    /// What is wrong with the device, and which fault rule says so.
    pub(crate) fault: Option<(u64, DeviceFault)>,
    /// What they came to.
    pub(crate) measured: Option<CallMedia>,
}

/// Which call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallKey {
    pub(crate) organization: OrganizationId,
    pub(crate) id: SessionId,
}

impl Default for Calls {
    fn default() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            table: Mutex::default(),
            rules: Mutex::default(),
            media: MediaPlaces::default(),
            started: (Instant::now(), since_epoch),
        }
    }
}

impl Calls {
    /// The calls. Nobody holds them while waiting for anything.
    pub(crate) fn table(&self) -> MutexGuard<'_, Table<Line>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Time {
        let (instant, since_epoch) = self.started;
        Time::default().after(since_epoch + instant.elapsed())
    }

    /// When a time is reached.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        Instant::now() + time.since(self.now())
    }

    /// What the device of a profile does about a call.
    pub(crate) fn rule(&self, profile: &AmazonId) -> Option<DeviceRule> {
        self.rules().get(profile).cloned()
    }

    /// Sets that; answers whether there was room for it.
    pub(crate) fn set_rule(&self, profile: AmazonId, rule: DeviceRule) -> bool {
        let mut rules = self.rules();
        let room = rules.len() < limit::DEVICE_RULES || rules.contains_key(&profile);
        if room {
            rules.insert(profile, rule);
        }
        room
    }

    /// Ends and forgets everything, without a word to anybody.
    pub(crate) fn clear(&self) {
        self.rules().clear();
        for line in self.table().clear() {
            line.deadlines.notify_one();
            line.changed.send_modify(|version| *version += 1);
        }
    }

    fn rules(&self) -> MutexGuard<'_, HashMap<AmazonId, DeviceRule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calls({})", self.table().len())
    }
}
