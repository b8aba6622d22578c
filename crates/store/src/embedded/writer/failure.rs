//! What the writer does when a commit fails, or a bug of its own stops it: it refuses writes, and brings the store back
//! as soon as the directory takes files again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::directory::ROOM_BYTES;
use super::super::engine::{Engine, describe};
use super::super::layout::Key;
use super::super::token::Token;
use super::super::view::View;
use super::Writer;

/// How long after a failure the first look is taken, and the longest time between two looks.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);
/// How long readers may hold on to a view that has to go. They take microseconds.
const READERS_MAX: Duration = Duration::from_secs(5);

/// Why the store takes no writes, and what is to be done about it.
#[derive(Clone)]
pub(super) struct Failure {
    pub(super) cause: String,
    /// The commit that must leave no trace.
    pub(super) failed_commit: Option<Token>,
    /// The commit that must be the last one.
    last_commit: Token,
    pub(super) retry_at: tokio::time::Instant,
    delay: Duration,
}

impl Writer {
    pub(super) fn fail(&mut self, cause: String, failed_commit: Option<Token>, last_commit: Token) {
        tracing::error!(cause, "the store takes no writes");
        self.shared.set_failure(Some(cause.clone()));
        let retry_at = tokio::time::Instant::now() + FIRST_RETRY;
        self.failure = Some(Failure { cause, failed_commit, last_commit, retry_at, delay: FIRST_RETRY });
    }

    /// After a panic: nobody knows how far the engine is, so it is opened again, like after a commit that failed. Whoever
    /// waits for an answer has been told that there is none.
    pub(super) fn give_up(&mut self) {
        let under_way = self.under_way.take();
        if let Some(failure) = &mut self.failure {
            failure.retry_at = tokio::time::Instant::now() + LAST_RETRY;
            return;
        }
        let Some(view) = self.shared.view.load_full() else { return };
        let last_commit = view.state.token;
        drop(view);
        // A commit that readers see already stays.
        let failed_commit = under_way.filter(|token| *token != last_commit);
        self.fail("the writer of the store met a bug of its own".to_owned(), failed_commit, last_commit);
    }

    /// Tries to bring the store back; plans the next attempt when it does not come.
    pub(super) fn retry(&mut self) {
        let Some(failure) = self.failure.clone() else { return };
        match self.reopen(&failure) {
            Ok(()) => {
                tracing::info!("the store takes writes again");
                self.failure = None;
                self.reopened = Some(Instant::now());
                self.shared.set_failure(None);
            }
            Err(cause) => {
                if cause != failure.cause {
                    tracing::warn!(cause, "the store still takes no writes");
                    self.shared.set_failure(Some(cause.clone()));
                }
                let delay = (failure.delay * 2).min(LAST_RETRY);
                let retry_at = tokio::time::Instant::now() + delay;
                self.failure = Some(Failure { cause, delay, retry_at, ..failure });
            }
        }
    }

    fn reopen(&mut self, failure: &Failure) -> Result<(), String> {
        // As long as these fail, readers keep their view.
        let usable = self.directory.probe(ROOM_BYTES).and_then(|()| self.directory.sync_journals());
        usable.map_err(|error| error.to_string())?;
        self.let_go()?;
        if let Some(token) = &failure.failed_commit {
            let cut = self.directory.cut_from_journals(token);
            // A system that failed to write a page may take it for written since. What was acknowledged does not rest on
            // such pages: it is written again, elsewhere.
            let rewritten = cut.and_then(|()| self.directory.rewrite_journals());
            rewritten.map_err(|error| error.to_string())?;
        }
        let engine = Engine::open(&self.directory.engine(), false, self.options.block_bytes())
            .map_err(|error| describe(&error))?;
        let view = View::load(engine, self.shared.row_cache.forget()).map_err(|error| error.to_string())?;
        match view {
            Some((view, recent)) if view.state.token == failure.last_commit => {
                self.recent = recent;
                self.walk = Some(Key::default());
                self.shared.publish(view);
                Ok(())
            }
            // Rather no service than one that shows what was answered as failed, or misses what was stored.
            _ => Err("what was opened again is not what was stored last".to_owned()),
        }
    }

    /// Closes the engine. Readers wait from here on; those that are at it are waited for.
    pub(super) fn let_go(&self) -> Result<(), String> {
        let Some(mut view) = self.shared.view.swap(None) else { return Ok(()) };
        self.shared.held.let_go();
        let started = Instant::now();
        loop {
            view = match Arc::try_unwrap(view) {
                Ok(view) => {
                    drop(view);
                    return Ok(());
                }
                Err(view) => view,
            };
            if started.elapsed() > READERS_MAX {
                self.shared.publish_again(view);
                return Err("readers do not come to an end".to_owned());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
