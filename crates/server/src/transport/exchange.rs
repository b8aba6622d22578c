//! A request and its answer on a connection, and how their bytes are counted.
//!
//! Operations with large answers begin only where there is room for one more.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, Bytes};

use super::deadline::Deadlines;
use super::outbox::Outbox;

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
    /// Begins one on a connection; `streams` says whether that carries streams. While it lives the client owes nothing but
    /// the rest of a body and the reading of an answer, and these have limits of their own.
    pub(crate) fn begin(connection: &Deadlines, streams: bool) -> Self {
        connection.begin_exchange();
        Self { connection: connection.clone(), streams, owed: AtomicUsize::new(0) }
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
        let owed = self.owed.get_mut();
        let bytes = bytes.min(*owed);
        *owed -= bytes;
        let part = Self::begin(&self.connection, self.streams);
        part.owed.store(bytes, Ordering::Relaxed);
        part
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let owed = *self.owed.get_mut();
        self.outbox().pay(owed);
        self.connection.end_exchange(self.streams);
    }
}

/// A request that no longer waits for room.
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
        let owed = exchange.owed.get_mut();
        let paid = count.min(*owed);
        *owed -= paid;
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
