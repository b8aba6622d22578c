//! The steps that a request takes, for traces: which part of its time went into what.
//!
//! Whoever wants to know has the work of a request [recorded](Steps::record). Everywhere else a step is a look at a task's
//! own memory and nothing more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

tokio::task_local! {
    static STEPS: Steps;
}

/// A part of the work of a request.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is called.
    pub name: &'static str,
    /// The step that it is a part of, by its place among the steps; none for a part of the request itself.
    pub within: Option<usize>,
    /// When it began.
    pub began: Instant,
    /// When it ended; nothing while it goes on, and for one that was given up with its request.
    pub ended: Option<Instant>,
}

/// The steps of one request. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Steps(Arc<Mutex<Vec<Step>>>);

impl Steps {
    /// Does `work` and records the steps that it takes within its task.
    pub async fn record<F: Future>(&self, work: F) -> F::Output {
        STEPS.scope(self.clone(), work).await
    }

    /// The steps until now, each before those within it.
    #[must_use]
    pub fn take(&self) -> Vec<Step> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Step>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, name: &'static str) -> usize {
        let mut steps = self.lock();
        // A task does one thing after the other: what has not ended is around this.
        let within = steps.iter().rposition(|step| step.ended.is_none());
        steps.push(Step { name, within, began: Instant::now(), ended: None });
        steps.len() - 1
    }
}

/// A step that goes on. It ends when this is dropped.
#[must_use]
#[derive(Debug)]
pub struct Running(Option<(Steps, usize)>);

/// Begins a step of the request whose task this is, where it is recorded.
#[inline]
pub fn begin(name: &'static str) -> Running {
    Running(STEPS.try_with(|steps| (steps.clone(), steps.push(name))).ok())
}

impl Drop for Running {
    #[inline]
    fn drop(&mut self) {
        if let Some((steps, at)) = self.0.take() {
            end(&steps, at);
        }
    }
}

#[cold]
fn end(steps: &Steps, at: usize) {
    if let Some(step) = steps.lock().get_mut(at) {
        step.ended = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::{Steps, begin};

    #[tokio::test]
    async fn a_step_lies_within_the_one_that_goes_on() {
        let steps = Steps::default();
        let work = async {
            let outer = begin("outer");
            drop(begin("first"));
            let second = begin("second");
            tokio::task::yield_now().await;
            drop(second);
            drop(outer);
            drop(begin("after"));
        };
        steps.record(work).await;
        let said: Vec<_> =
            steps.take().iter().map(|step| (step.name, step.within, step.ended.is_some())).collect();
        let expected = [
            ("outer", None, true),
            ("first", Some(0), true),
            ("second", Some(0), true),
            ("after", None, true),
        ];
        assert_eq!(said, expected);
        assert!(steps.take().is_empty());
    }

    #[tokio::test]
    async fn nothing_is_recorded_for_others() {
        let steps = Steps::default();
        steps.record(async { tokio::spawn(async { drop(begin("another task")) }).await }).await.unwrap();
        drop(begin("no request"));
        assert!(steps.take().is_empty());
    }
}
