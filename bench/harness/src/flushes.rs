//! What the disk allows durable creates: groups of them share a flush, and a loop that does nothing but flush says how
//! many flushes there can be.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;

use crate::load::Single;
use crate::system::{ADMIN_TOKEN, Started};

/// Length that the engine gives a journal before it writes to it.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
/// How long the loop runs.
const SPAN: Duration = Duration::from_secs(1);

/// Commits since a server started, and the creates in them.
#[derive(Clone, Copy, Debug)]
pub struct Commits {
    commits: f64,
    creates: f64,
}

/// Creates beside what the disk allows.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Disk {
    /// Creates in a commit, which is one flush.
    pub group: f64,
    /// Bytes of the journal that such a commit takes.
    pub bytes: u64,
    /// Appends of so many bytes a second, each with `fdatasync` and nothing else.
    pub loop_flushes: f64,
}

impl Disk {
    /// What part these creates a second are of those that as many flushes as the loop's would carry.
    #[must_use]
    pub fn share(&self, creates: f64) -> f64 {
        creates / (self.loop_flushes * self.group)
    }
}

impl Commits {
    /// Those of a server until now, from its metrics.
    ///
    /// # Errors
    /// When it does not tell.
    pub fn of(started: &Started) -> anyhow::Result<Self> {
        let admin = started.admin.context("it has no metrics")?;
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
        );
        let (status, body) = Single::connect(admin)?.send(request.as_bytes())?;
        ensure!(status == 200, "the metrics are a {status}");
        let text = String::from_utf8_lossy(&body);
        let metric = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            found.with_context(|| format!("{name} is not among the metrics"))
        };
        Ok(Self {
            commits: metric("jackfield_commit_group_size_count ")?,
            creates: metric("jackfield_commit_group_size_sum ")?,
        })
    }

    /// Measures what the disk of `directory` allows the groups since then. A create takes so many bytes there.
    ///
    /// # Errors
    /// When there were none, or the disk fails.
    pub fn disk_since(&self, started: &Started, directory: &Path, bytes_of_one: f64) -> anyhow::Result<Disk> {
        let now = Self::of(started)?;
        ensure!(now.commits > self.commits, "nothing was committed");
        let group = (now.creates - self.creates) / (now.commits - self.commits);
        let bytes = (bytes_of_one * group).max(1.0) as u64;
        Ok(Disk { group, bytes, loop_flushes: loop_flushes(directory, bytes, SPAN)? })
    }
}

/// Appends of this length a second, each followed by `fdatasync`, to a file of the length that the engine's has.
fn loop_flushes(directory: &Path, bytes: u64, span: Duration) -> anyhow::Result<f64> {
    let block = vec![b'j'; usize::try_from(bytes)?];
    let (mut flushes, start) = (0_u32, Instant::now());
    loop {
        let mut file = tempfile::tempfile_in(directory)?;
        file.set_len(JOURNAL_BYTES)?;
        file.sync_all()?;
        flushes += fill(&mut file, &block, span.saturating_sub(start.elapsed()))?;
        let elapsed = start.elapsed();
        if elapsed >= span {
            return Ok(f64::from(flushes) / elapsed.as_secs_f64());
        }
    }
}

/// Flushes until the time is over or the file is full, and once however short it is.
fn fill(file: &mut File, block: &[u8], span: Duration) -> anyhow::Result<u32> {
    let (mut flushes, mut length, start) = (0, 0, Instant::now());
    loop {
        file.write_all(block)?;
        file.sync_data()?;
        length += block.len() as u64;
        flushes += 1;
        if start.elapsed() >= span || length >= JOURNAL_BYTES {
            return Ok(flushes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_flushes_and_a_share_is_of_what_it_would_carry() {
        let directory = tempfile::tempdir().unwrap();
        assert!(loop_flushes(directory.path(), JOURNAL_BYTES / 2, Duration::ZERO).unwrap() > 0.0);
        let disk = Disk { group: 16.0, bytes: 4_096, loop_flushes: 1_000.0 };
        assert_eq!(disk.share(12_000.0), 0.75);
    }
}
