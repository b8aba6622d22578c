//! What systems use, as the kernel counts it: processor time and memory of process trees, bytes on disk, flushes.

use std::collections::BTreeMap;
use std::fs;
use std::os::linux::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

/// Length of the blocks that the kernel counts in, whatever the file system's are.
const BLOCK_BYTES: u64 = 512;
/// Where `/proc/diskstats` counts flushes, from 0.
const FLUSHES: usize = 18;

/// A process and all that it started and that is still there.
#[must_use]
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for id in processes() {
        if let Some(parent) = parent(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut tree = vec![root];
    let mut next = 0;
    while next < tree.len() {
        tree.extend(children.get(&tree[next]).into_iter().flatten());
        next += 1;
    }
    tree
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fields of `/proc/ID/stat` behind the name.
fn stat(id: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may hold anything, but nothing behind it holds a parenthesis.
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}

/// The process that started it.
#[must_use]
pub fn parent(id: u32) -> Option<u32> {
    stat(id)?.get(1)?.parse().ok()
}

/// Processor time of these process trees, user and system, with children that have ended.
#[must_use]
pub fn cpu(roots: &[u32]) -> Duration {
    let ids: Vec<u32> = roots.iter().flat_map(|&root| tree(root)).collect();
    let ticks = |id: u32| -> u64 {
        let Some(fields) = stat(id) else { return 0 };
        // utime, stime, cutime, cstime
        fields[11..15].iter().filter_map(|field| field.parse::<u64>().ok()).sum()
    };
    let ticks: u64 = ids.into_iter().map(ticks).sum();
    Duration::from_nanos(ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second())
}

/// Bytes of memory of these process trees: pages that several share count once.
#[must_use]
pub fn memory(roots: &[u32]) -> u64 {
    let ids = roots.iter().flat_map(|&root| tree(root));
    ids.filter_map(|id| kilobytes(&format!("/proc/{id}/smaps_rollup"), "Pss:")).sum::<u64>() * 1024
}

/// Bytes of memory that a process has resident now.
#[must_use]
pub fn resident(id: u32) -> u64 {
    kilobytes(&format!("/proc/{id}/status"), "VmRSS:").unwrap_or(0) * 1024
}

/// The most bytes of memory that a process had resident.
#[must_use]
pub fn peak_resident(id: u32) -> u64 {
    kilobytes(&format!("/proc/{id}/status"), "VmHWM:").unwrap_or(0) * 1024
}

fn kilobytes(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Flushes that the device below a path has completed since the machine started, whoever asked for them; nothing where
/// the device does not count.
#[must_use]
pub fn flushes(path: &Path) -> Option<u64> {
    let device = fs::metadata(path).ok()?.st_dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let text = fs::read_to_string("/proc/diskstats").ok()?;
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let found = fields[0].parse() == Ok(major) && fields[1].parse() == Ok(minor);
        found.then(|| fields.get(FLUSHES)?.parse().ok()).flatten()
    })
}

/// Bytes that a directory takes on disk.
#[must_use]
pub fn disk(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk(&entry.path()),
        Ok(metadata) => metadata.st_blocks() * BLOCK_BYTES,
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let process = std::process::id();
        assert!(tree(process).contains(&process) && tree(parent(process).unwrap()).contains(&process));
        assert!(
            memory(&[process]) > 100_000
                && resident(process) > 100_000
                && peak_resident(process) >= resident(process) / 2
        );
        let before = cpu(&[process]);
        let start = std::time::Instant::now();
        while cpu(&[process]) == before {
            assert!(start.elapsed() < Duration::from_secs(10), "processor time is counted");
        }
    }

    #[test]
    fn a_file_takes_its_blocks() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("below")).unwrap();
        std::fs::write(directory.path().join("below/file"), vec![1; 10_000]).unwrap();
        assert!((10_000..50_000).contains(&disk(directory.path())));
    }
}
