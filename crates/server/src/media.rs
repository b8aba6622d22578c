//! The media of a virtual device, where the server was built with them, and how many of them there may be.

use std::fmt;
use std::sync::Arc;

use jackfield_calling::Sdp;
use jackfield_model::admin::CallMedia;
use jackfield_model::limit;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for devices with media: each sends and gets fifty packets a second.
#[derive(Clone, Debug)]
pub(crate) struct MediaPlaces(Arc<Semaphore>);

/// A device's media in a call. They end when it is dropped.
pub(crate) struct Media {
    #[cfg(feature = "media")]
    device: jackfield_device::Device,
    #[cfg(not(feature = "media"))]
    device: std::convert::Infallible,
    _place: OwnedSemaphorePermit,
}

impl Default for MediaPlaces {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(limit::MEDIA_DEVICES)))
    }
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Media")
    }
}

#[cfg(feature = "media")]
impl Media {
    /// A device with media; nothing where all places are taken, or the machine has no socket for it.
    pub(crate) fn new(places: &MediaPlaces) -> Option<Self> {
        let place = Arc::clone(&places.0).try_acquire_owned().ok()?;
        match jackfield_device::Device::new(&addresses()) {
            Ok(device) => Some(Self { device, _place: place }),
            Err(cause) => {
                tracing::warn!(cause, "a device has no media");
                None
            }
        }
    }

    /// An offer: the first, or one that renegotiates.
    pub(crate) fn offer(&self) -> Option<Sdp> {
        self.device.offer().ok().and_then(|text| Sdp::new(&text).ok())
    }

    /// The answer to an offer; nothing where the offer is none of WebRTC.
    pub(crate) fn answer(&self, offer: &Sdp) -> Option<Sdp> {
        let answer = self.device.answer(offer.as_str());
        if let Err(cause) = &answer {
            tracing::info!(cause, "a device cannot answer an offer");
        }
        answer.ok().and_then(|text| Sdp::new(&text).ok())
    }

    /// It neither sends nor hears from now on.
    pub(crate) fn silence(&self) {
        self.device.silence();
    }

    /// Takes the answer to the last offer.
    pub(crate) fn accept(&self, answer: &Sdp) {
        if let Err(cause) = self.device.accept(answer.as_str()) {
            tracing::info!(cause, "a device cannot take an answer");
        }
    }

    /// What was sent and heard so far.
    pub(crate) fn measured(&self) -> CallMedia {
        let measured = self.device.measured();
        CallMedia {
            connected: measured.connected,
            packets_sent: measured.sent,
            packets_received: measured.received,
            packets_lost: measured.lost,
            jitter_ms: measured.jitter_ms,
            frequency_hz: measured.hertz,
        }
    }
}

#[cfg(not(feature = "media"))]
impl Media {
    pub(crate) fn new(_: &MediaPlaces) -> Option<Self> {
        None
    }

    pub(crate) fn offer(&self) -> Option<Sdp> {
        match self.device {}
    }

    pub(crate) fn answer(&self, _: &Sdp) -> Option<Sdp> {
        match self.device {}
    }

    pub(crate) fn silence(&self) {
        match self.device {}
    }

    pub(crate) fn accept(&self, _: &Sdp) {
        match self.device {}
    }

    pub(crate) fn measured(&self) -> CallMedia {
        match self.device {}
    }
}

/// Where devices are reached: on this machine, and where its packets to elsewhere come from.
#[cfg(feature = "media")]
fn addresses() -> Vec<std::net::IpAddr> {
    use std::net::{IpAddr, Ipv4Addr, UdpSocket};
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    // Nothing is sent: the system says which address it would take. The other one is of a net for documents (RFC 5737).
    let outwards = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    let outwards = outwards.ok().map(|address| address.ip()).filter(|ip| *ip != here && !ip.is_unspecified());
    std::iter::once(here).chain(outwards).collect()
}
