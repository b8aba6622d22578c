//! A request and its answer on a connection, and the bytes of answers that are not sent yet.
//!
//! Whoever does not read makes the server keep what it wrote. So each byte of an answer is counted from when it is made
//! until it is handed to the operating system: those of a connection, and those of all. Operations with large answers
//! begin only where there is room for one more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::{Buf, Bytes};
use jackfield_model::limit;
use tokio::sync::Notify;

use crate::transport::deadline::Deadlines;

/// Bytes of answers that all connections together have not sent.
#[derive(Debug, Default)]
pub(crate) struct Unsent(AtomicUsize);

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
    owed: AtomicUsize,
    /// Bytes that the HTTP library has and that are not sent.
    handed: AtomicUsize,
    /// Bytes that were sent since the beginning.
    sent: AtomicU64,
    /// Requests that wait until there is room.
    waiting: AtomicUsize,
    room: Notify,
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

    fn owe(&self, bytes: usize) {
        self.owed.fetch_add(bytes, Ordering::Relaxed);
        self.all.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn pay(&self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.owed.fetch_sub(bytes, Ordering::Relaxed);
        self.all.0.fetch_sub(bytes, Ordering::Relaxed);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.room.notify_one();
        }
    }

    /// Sets bytes aside, where there is room: always for a connection that owes nothing, so that one that reads gets on
    /// whatever others leave unread.
    fn try_owe(&self, bytes: usize) -> bool {
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

/// A request on a connection, from its head until its answer is sent or given up.
#[derive(Debug)]
pub(crate) struct Exchange {
    connection: Deadlines,
    /// Whether the connection carries streams: HTTP/2.
    streams: bool,
    /// What it has counted.
    owed: AtomicUsize,
}

impl Exchange {
    pub(crate) const fn new(connection: Deadlines, streams: bool) -> Self {
        Self { connection, streams, owed: AtomicUsize::new(0) }
    }

    pub(crate) const fn streams(&self) -> bool {
        self.streams
    }

    fn outbox(&self) -> &Outbox {
        self.connection.outbox()
    }

    /// Sets bytes aside for the answer, if there is room at once.
    pub(crate) fn try_room(&self, bytes: usize) -> bool {
        let fits = self.outbox().try_owe(bytes);
        if fits {
            self.owed.fetch_add(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// Waits until there is room for an answer of this length, and sets it aside.
    pub(crate) async fn room(&self, bytes: usize) {
        let outbox = self.outbox();
        outbox.waiting.fetch_add(1, Ordering::Relaxed);
        let _leaving = Leaving(outbox);
        loop {
            let mut changed = std::pin::pin!(outbox.room.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if self.try_room(bytes) {
                // There may be room for another one.
                return outbox.room.notify_one();
            }
            changed.await;
        }
    }

    /// Counts what the answer turned out to be, in place of what was set aside.
    pub(crate) fn settle(&mut self, bytes: usize) {
        let set_aside = std::mem::replace(self.owed.get_mut(), bytes);
        if bytes > set_aside {
            self.outbox().owe(bytes - set_aside);
        } else {
            self.outbox().pay(set_aside - bytes);
        }
    }

    /// One that counts for some of the bytes of this one.
    fn part(&mut self, bytes: usize) -> Self {
        let own = self.owed.get_mut();
        let bytes = bytes.min(*own);
        *own -= bytes;
        let part = self.connection.exchange(self.streams);
        part.owed.store(bytes, Ordering::Relaxed);
        part
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let owed = *self.owed.get_mut();
        self.outbox().pay(owed);
        self.connection.exchanged(self.streams);
    }
}

/// One that waits for room no more.
struct Leaving<'a>(&'a Outbox);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        // What it was told is for the next.
        self.0.room.notify_one();
    }
}

/// Bytes of an answer on their way through the HTTP library. They are sent when it advances over them.
#[derive(Debug)]
pub(crate) struct Piece {
    bytes: Bytes,
    exchange: Option<Exchange>,
}

impl Piece {
    /// The rest of an answer.
    pub(crate) fn last(bytes: Bytes, exchange: Option<Exchange>) -> Self {
        if let Some(exchange) = &exchange {
            exchange.outbox().handed.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        Self { bytes, exchange }
    }

    /// A part of an answer of which more follows.
    pub(crate) fn part(bytes: Bytes, exchange: Option<&mut Exchange>) -> Self {
        let part = exchange.map(|exchange| exchange.part(bytes.len()));
        Self::last(bytes, part)
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        let Some(exchange) = &mut self.exchange else { return };
        let outbox = exchange.connection.outbox();
        outbox.handed.fetch_sub(count, Ordering::Relaxed);
        outbox.sent.fetch_add(count as u64, Ordering::Relaxed);
        let own = exchange.owed.get_mut();
        let paid = count.min(*own);
        *own -= paid;
        outbox.pay(paid);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(exchange) = &self.exchange {
            exchange.outbox().handed.fetch_sub(self.bytes.len(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
