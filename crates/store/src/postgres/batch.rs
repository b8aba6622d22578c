//! Concurrent operations become batches without an artificial wait: what comes in while a line's batches are under
//! way makes up its next one. A line is what may share a statement, so that one busy line cannot hold up another.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jackfield_model::ExternalUserId;

/// Most jobs in a batch; at most as many as sequence numbers of a batch, see the schema.
const BATCH_MAX: usize = 512;
/// Jobs that wait, of all lines; more are refused.
const WAITING_MAX: usize = 16_384;
/// Batches of one line that are under way at the same time.
const LINE_MAX: usize = 2;
/// Jobs that wait when a batch begins beside another of its line. What a batch costs beside its rows, its commit above
/// all, weighs more than a second connection brings: were the first job that comes in to begin one, all would be small.
const BESIDE_MIN: usize = 128;
/// A job that waited longer is refused.
const WAIT_MAX: Duration = Duration::from_secs(5);

const TOO_MANY: &str = "too many operations wait for the database";
const TOO_LATE: &str = "the database did not get to it in time";

/// One operation of a batch.
pub(super) trait Job: Send + 'static {
    /// What no two jobs of a batch may share.
    fn unique(&self) -> Option<&ExternalUserId>;
    /// Answers that it was not done.
    fn refuse(self, cause: &str);
}

type Run<K, J> = Box<dyn Fn(K, Vec<J>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Lines of jobs, and how their batches are carried out.
pub(super) struct Batcher<K, J> {
    state: Mutex<State<K, J>>,
    run: Run<K, J>,
    /// Batches of all lines that are under way at the same time.
    running_max: usize,
}

struct State<K, J> {
    lines: HashMap<K, Line<J>>,
    /// Lines that wait for one of the `running_max` places.
    ready: VecDeque<K>,
    running: usize,
    waiting: usize,
}

struct Line<J> {
    waiting: VecDeque<(Instant, J)>,
    /// Batches that are under way, and places in `ready`.
    running: usize,
}

impl<J> Line<J> {
    /// Whether another batch may begin now.
    fn may_begin(&self) -> bool {
        match self.running {
            0 => !self.waiting.is_empty(),
            running => running < LINE_MAX && self.waiting.len() >= BESIDE_MIN,
        }
    }
}

impl<K, J> std::fmt::Debug for Batcher<K, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batcher").field("running_max", &self.running_max).finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, J: Job> Batcher<K, J> {
    pub(super) fn new<F>(running_max: usize, run: impl Fn(K, Vec<J>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let state = State { lines: HashMap::new(), ready: VecDeque::new(), running: 0, waiting: 0 };
        Self {
            state: Mutex::new(state),
            run: Box::new(move |key, jobs| Box::pin(run(key, jobs))),
            running_max,
        }
    }

    // Nothing that is done under the lock can panic half-way.
    fn state(&self) -> MutexGuard<'_, State<K, J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job into its line.
    pub(super) fn push(self: &Arc<Self>, key: K, job: J) {
        let mut state = self.state();
        if state.waiting >= WAITING_MAX {
            drop(state);
            return job.refuse(TOO_MANY);
        }
        state.waiting += 1;
        let line =
            state.lines.entry(key.clone()).or_insert_with(|| Line { waiting: VecDeque::new(), running: 0 });
        line.waiting.push_back((Instant::now(), job));
        if line.may_begin() {
            line.running += 1;
            if state.running < self.running_max {
                state.running += 1;
                drop(state);
                tokio::spawn(Arc::clone(self).work(key));
            } else {
                state.ready.push_back(key);
            }
        }
    }

    /// Carries out batches until no line is ready.
    async fn work(self: Arc<Self>, mut key: K) {
        let mut place = Place { batcher: &self, key: Some(key.clone()) };
        loop {
            let batch = self.take(&key);
            if !batch.is_empty() {
                (self.run)(key, batch).await;
            }
            match place.next() {
                Some(next) => key = next,
                None => return,
            }
        }
    }

    /// The next batch of a line.
    fn take(&self, key: &K) -> Vec<J> {
        let mut late = Vec::new();
        let mut state = self.state();
        let Some(line) = state.lines.get_mut(key) else { return Vec::new() };
        let mut batch: Vec<(Instant, J)> = Vec::new();
        while batch.len() < BATCH_MAX
            && let Some((since, job)) = line.waiting.pop_front()
        {
            if since.elapsed() > WAIT_MAX {
                late.push(job);
            } else {
                batch.push((since, job));
            }
        }
        // Sorted, so that batches that meet in the database lock in the same order.
        batch.sort_by(|(_, one), (_, other)| one.unique().cmp(&other.unique()));
        let (mut unique, mut again): (Vec<J>, Vec<(Instant, J)>) =
            (Vec::with_capacity(batch.len()), Vec::new());
        for (since, job) in batch {
            let repeats =
                job.unique().is_some() && unique.last().is_some_and(|last| last.unique() == job.unique());
            if repeats {
                again.push((since, job));
            } else {
                unique.push(job);
            }
        }
        for job in again {
            line.waiting.push_front(job);
        }
        state.waiting = state.waiting.saturating_sub(unique.len() + late.len());
        drop(state);
        for job in late {
            job.refuse(TOO_LATE);
        }
        unique
    }

    /// Refuses all that waits.
    pub(super) fn refuse_all(&self, cause: &str) {
        let mut jobs = Vec::new();
        let mut state = self.state();
        for line in state.lines.values_mut() {
            jobs.extend(line.waiting.drain(..).map(|(_, job)| job));
        }
        state.waiting = 0;
        drop(state);
        for job in jobs {
            job.refuse(cause);
        }
    }
}

/// A place among the batches under way. It is given up also when a batch panics.
struct Place<'b, K: Clone + Eq + Hash + Send + 'static, J: Job> {
    batcher: &'b Batcher<K, J>,
    key: Option<K>,
}

impl<K: Clone + Eq + Hash + Send + 'static, J: Job> Place<'_, K, J> {
    /// Gives the place to the line that has waited longest; its own comes behind the others.
    fn next(&mut self) -> Option<K> {
        let mut state = self.batcher.state();
        if let Some(key) = self.key.take()
            && let Some(line) = state.lines.get_mut(&key)
        {
            line.running -= 1;
            if line.may_begin() {
                line.running += 1;
                state.ready.push_back(key);
            } else if line.running == 0 {
                state.lines.remove(&key);
            }
        }
        self.key = state.ready.pop_front();
        if self.key.is_none() {
            state.running -= 1;
        }
        self.key.clone()
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, J: Job> Drop for Place<'_, K, J> {
    fn drop(&mut self) {
        let mut state = self.batcher.state();
        let Some(key) = self.key.take() else { return };
        state.running -= 1;
        if let Some(line) = state.lines.get_mut(&key) {
            line.running -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{Semaphore, mpsc};

    use super::*;

    struct Nothing;

    impl Job for Nothing {
        fn unique(&self) -> Option<&ExternalUserId> {
            None
        }

        fn refuse(self, cause: &str) {
            panic!("refused: {cause}");
        }
    }

    #[tokio::test]
    async fn a_batch_begins_beside_another_only_when_many_wait() {
        let (sizes, mut begun) = mpsc::unbounded_channel();
        let ended = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&ended);
        let batcher = Arc::new(Batcher::new(8, move |_: u8, jobs: Vec<Nothing>| {
            let (sizes, gate) = (sizes.clone(), Arc::clone(&gate));
            async move {
                sizes.send(jobs.len()).unwrap();
                gate.acquire().await.unwrap().forget();
            }
        }));
        let push = |line, count| (0..count).for_each(|_| batcher.push(line, Nothing));
        push(1, 1);
        assert_eq!(begun.recv().await, Some(1), "the first goes at once");
        push(1, BESIDE_MIN - 1);
        push(2, 1);
        assert_eq!(begun.recv().await, Some(1), "another line does not wait for this one");
        assert!(begun.try_recv().is_err());
        push(1, 1);
        assert_eq!(begun.recv().await, Some(BESIDE_MIN));
        push(1, BESIDE_MIN + 1);
        tokio::task::yield_now().await;
        assert!(begun.try_recv().is_err(), "there are two already");
        ended.add_permits(1);
        assert_eq!(begun.recv().await, Some(BESIDE_MIN + 1), "what waited makes up the next");
        ended.add_permits(3);
    }
}
