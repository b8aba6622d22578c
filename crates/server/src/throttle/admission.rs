//! Limits the requests in flight: beyond the limit a request is refused before it costs anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::ApiError;
use crate::metrics::{Limit, Metrics};

/// Places for requests. Operations and logins have places of their own, so that neither keeps the other out.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    taken: AtomicUsize,
    metrics: Arc<Metrics>,
}

impl Places {
    pub(crate) const fn new(most: usize, metrics: Arc<Metrics>) -> Self {
        Self { most, taken: AtomicUsize::new(0), metrics }
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a place, or refuses with 503 before memory grows.
    pub(crate) fn take(&self) -> Result<Place<'_>, ApiError> {
        let mut place = Place { places: self, held: false };
        place.take()?;
        Ok(place)
    }
}

/// A place among the requests in flight; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    places: &'a Places,
    held: bool,
}

impl Place<'_> {
    /// Takes the place again, if there is one.
    pub(crate) fn take(&mut self) -> Result<(), ApiError> {
        if self.held {
            return Ok(());
        }
        let places = self.places;
        if places.taken.fetch_add(1, Ordering::Relaxed) < places.most {
            self.held = true;
            return Ok(());
        }
        places.taken.fetch_sub(1, Ordering::Relaxed);
        places.metrics.limited(Limit::InFlight);
        Err(ApiError::Overloaded)
    }

    /// Gives the place to others while this request waits for its client.
    pub(crate) fn give_back(&mut self) {
        if std::mem::take(&mut self.held) {
            self.places.taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_given_back_is_anothers() {
        let places = Places::new(1, Arc::default());
        let mut first = places.take().unwrap();
        assert!(places.take().is_err());
        assert_eq!(places.taken(), 1, "a refusal takes none");
        first.give_back();
        let second = places.take().unwrap();
        assert!(first.take().is_err());
        drop(second);
        first.take().unwrap();
        first.take().unwrap();
        assert_eq!(places.taken(), 1);
        drop(first);
        assert_eq!(places.taken(), 0);
    }
}
