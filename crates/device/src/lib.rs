//! The media of a virtual device: a WebRTC peer without a screen. It makes and answers session descriptions, finds a path
//! by ICE, secures it by DTLS-SRTP, sends a tone, and measures what it hears.
//!
//! The protocol is `str0m`, which does no I/O; this crate brings the sockets and the clock. Audio is G.711 (a tone) where
//! the endpoint takes it, and Opus (silence) otherwise. It knows nothing of calls.

mod crypto;
mod peer;
mod socket;
mod tone;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

pub use self::peer::Measured;
use self::peer::Peer;
use self::socket::Sockets;

/// Why a device does not do what is asked of it. The text says what is wrong with a description, and never quotes it.
pub type Rejected = String;

/// Between two packets of audio.
const PACKET: Duration = Duration::from_millis(20);

/// A device in a call. Its media end when it is dropped.
#[derive(Debug)]
pub struct Device {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    peer: Mutex<Peer>,
    /// There is something to send, or nothing more to do.
    changed: Notify,
}

impl Device {
    /// A device that is reached at these addresses. Within a Tokio runtime: a task of its own serves it.
    ///
    /// # Errors
    /// When no socket can be had.
    pub fn new(addresses: &[IpAddr]) -> Result<Self, Rejected> {
        let sockets = Sockets::bind(addresses).map_err(|error| format!("no socket for media: {error}"))?;
        let peer = Peer::new(&sockets.addresses()?)?;
        let shared = Arc::new(Shared { peer: Mutex::new(peer), changed: Notify::new() });
        tokio::spawn(serve(Arc::clone(&shared), sockets));
        Ok(Self { shared })
    }

    /// An offer: the first, or one that renegotiates.
    ///
    /// # Errors
    /// When there is nothing to offer.
    pub fn offer(&self) -> Result<String, Rejected> {
        self.with(Peer::offer)
    }

    /// Takes the answer to the last offer.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub fn accept(&self, answer: &str) -> Result<(), Rejected> {
        self.with(|peer| peer.accept(answer))
    }

    /// Answers an offer: the first, or one that renegotiates.
    ///
    /// # Errors
    /// Why it cannot be answered.
    pub fn answer(&self, offer: &str) -> Result<String, Rejected> {
        self.with(|peer| peer.answer(offer))
    }

    /// From now on it neither sends nor hears. The path stays.
    pub fn silence(&self) {
        self.with(Peer::silence);
    }

    /// What was sent and heard so far.
    #[must_use]
    pub fn measured(&self) -> Measured {
        self.shared.lock().measured()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Peer) -> T) -> T {
        let done = act(&mut self.shared.lock());
        self.shared.changed.notify_one();
        done
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.with(Peer::close);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Peer> {
        self.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries what a peer sends and gets, until it is closed.
async fn serve(shared: Arc<Shared>, sockets: Sockets) {
    let mut buffer = vec![0; 2_000];
    let mut packets = tokio::time::interval(PACKET);
    packets.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let next = shared.lock().drain(|source, destination, bytes| sockets.send(source, destination, bytes));
        let Some(next) = next else { return };
        tokio::select! {
            received = sockets.receive(&mut buffer) => {
                if let Some((to, from, length)) = received {
                    shared.lock().receive(Instant::now(), (from, to), &buffer[..length]);
                }
            }
            () = tokio::time::sleep_until(next.into()) => shared.lock().tick(Instant::now()),
            _ = packets.tick() => shared.lock().speak(Instant::now()),
            () = shared.changed.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests;
