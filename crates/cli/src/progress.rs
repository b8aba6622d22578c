//! How far a long command is: a bar for people at a terminal, a line from time to time for logs.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// Pictures of the bar a second.
const BAR_HZ: u8 = 4;

/// Progress on standard error.
pub(crate) struct Progress {
    doing: &'static str,
    bar: Option<ProgressBar>,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// Of a command that is `doing` something with rows.
    pub(crate) fn new(doing: &'static str) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(BAR_HZ);
            let style =
                ProgressStyle::with_template("{msg} [{bar:30}] {human_pos} rows, {per_sec}, {elapsed}")
                    .expect("the template holds known keys");
            ProgressBar::with_draw_target(Some(0), target).with_style(style).with_message(doing)
        });
        Self { doing, bar, started: now, said: now }
    }

    /// Says that so many rows of at least `expected` are done.
    pub(crate) fn set(&mut self, rows: u64, expected: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(expected.max(rows));
            bar.set_position(rows);
        } else if self.said.elapsed() >= LINE_INTERVAL {
            self.said = Instant::now();
            eprintln!("{}: {rows} rows after {} s", self.doing, self.started.elapsed().as_secs());
        }
    }

    /// Takes the bar away; answers how long everything took.
    pub(crate) fn end(self) -> Duration {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}
