//! How far it is: a bar on a terminal, a line every few seconds elsewhere. Both go to standard error.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use jackfield_client::sync::Progress;
use tokio::task::JoinHandle;

/// How often the bar moves.
const BAR: Duration = Duration::from_millis(100);

/// How often a line is written where there is no bar.
const LINE: Duration = Duration::from_secs(5);

/// Shows how far a session is until it is finished.
pub(super) struct Meter {
    task: JoinHandle<()>,
    bar: Option<ProgressBar>,
}

impl Meter {
    /// Begins to show.
    pub(super) fn start(progress: Arc<Progress>, verb: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { task: tokio::spawn(lines(progress, verb)), bar: None };
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{prefix:9} [{wide_bar}] {pos}/{len}  {rate}  {eta} left")
            .expect("the template is a constant")
            .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A bar that cannot be written is none.
                let _ = write!(out, "{:.0}/s", state.per_sec());
            })
            .progress_chars("=> ");
        bar.set_style(style);
        bar.set_prefix(verb);
        Self { task: tokio::spawn(move_bar(progress, bar.clone())), bar: Some(bar) }
    }

    /// Ends, and takes the bar away.
    pub(super) fn finish(self) {
        self.task.abort();
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

async fn move_bar(progress: Arc<Progress>, bar: ProgressBar) {
    let mut ticks = tokio::time::interval(BAR);
    loop {
        ticks.tick().await;
        bar.set_length(progress.total());
        bar.set_position(progress.done());
    }
}

async fn lines(progress: Arc<Progress>, verb: &'static str) {
    let mut at = (Instant::now(), 0);
    loop {
        tokio::time::sleep(LINE).await;
        let (done, total) = (progress.done(), progress.total());
        let rate = rate(done.saturating_sub(at.1), at.0.elapsed());
        at = (Instant::now(), done);
        let left = match total.saturating_sub(done).checked_div(rate) {
            Some(seconds) => format!("{seconds} s left"),
            None => "waiting".to_owned(),
        };
        let failed = match progress.failed() {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let line = format!("{verb}: {done} of {total}{failed}, {rate}/s, {left}\n");
        // Nobody is left to tell when standard error is closed.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// How many a second.
pub(super) fn rate(count: u64, span: Duration) -> u64 {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000) / millis
}
