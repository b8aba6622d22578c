//! Counts the bytes of responses that are not sent yet, of a connection and of all.
//!
//! A client that does not read makes the server buffer responses. So each byte of a response counts from its creation
//! until it is handed to the operating system.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use jackfield_model::limit;
use tokio::sync::Notify;

/// Bytes of answers that all connections together have not sent.
#[derive(Debug, Default)]
pub(crate) struct Unsent(pub(super) AtomicUsize);

impl Unsent {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The answers of one connection that are not sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    all: Arc<Unsent>,
    /// Bytes that are not sent, and those that are set aside for answers that are being made.
    pub(super) owed: AtomicUsize,
    /// Bytes that the HTTP library has and that are not sent.
    pub(super) handed: AtomicUsize,
    /// Bytes that were sent since the beginning.
    pub(super) sent: AtomicU64,
    /// Requests that wait until there is room.
    pub(super) waiting: AtomicUsize,
    pub(super) room: Notify,
}

impl Outbox {
    pub(crate) fn new(all: Arc<Unsent>) -> Self {
        Self {
            all,
            owed: AtomicUsize::new(0),
            handed: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            room: Notify::new(),
        }
    }

    /// Bytes that wait for the client.
    pub(crate) fn handed(&self) -> usize {
        self.handed.load(Ordering::Relaxed)
    }

    /// Bytes that were sent since the beginning.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn owe(&self, bytes: usize) {
        self.owed.fetch_add(bytes, Ordering::Relaxed);
        self.all.0.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn pay(&self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.owed.fetch_sub(bytes, Ordering::Relaxed);
        self.all.0.fetch_sub(bytes, Ordering::Relaxed);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.room.notify_one();
        }
    }

    /// Reserves bytes, where there is room: always for a connection without unread responses, so that a client that
    /// reads makes progress whatever others leave unread.
    pub(super) fn try_owe(&self, bytes: usize) -> bool {
        let all_fit = self.all.bytes() + bytes <= limit::UNSENT_BYTES;
        let more = |owed: usize| {
            let fits = all_fit && owed + bytes <= limit::UNSENT_BYTES_OF_CONNECTION;
            (fits || owed == 0).then_some(owed + bytes)
        };
        // Never more than there is, not even for a moment: who fails then would wait for a change that does not come.
        let taken = self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if taken {
            self.all.0.fetch_add(bytes, Ordering::Relaxed);
        }
        taken
    }
}
