//! How much memory this process may use: that of the machine, or less where a control group limits it.
//!
//! A limit of any group above the process's own holds as well. In a container the path in `/proc/self/cgroup` may be one
//! of the host, whose groups are not all to be seen; those that can be read count.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of memory that this process may use; nothing where the system does not say.
pub(super) fn here() -> Option<u64> {
    below(Path::new("/"))
}

/// The same of a system whose files are below a directory.
fn below(root: &Path) -> Option<u64> {
    let read = |path: PathBuf| fs::read_to_string(root.join(path)).ok();
    let machine = read("proc/meminfo".into()).as_deref().and_then(total);
    let groups = read("proc/self/cgroup".into()).unwrap_or_default();
    let limits = groups.lines().filter_map(limit_files).flatten();
    // Where there is no limit the file says "max", or in version 1 a number beyond every machine.
    let limits = limits.filter_map(|file| read(file)?.trim().parse::<u64>().ok());
    machine.into_iter().chain(limits).min()
}

/// Bytes of `MemTotal` in `/proc/meminfo`.
fn total(text: &str) -> Option<u64> {
    let kilobytes =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix("kB")?;
    kilobytes.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The files that can limit memory for a line of `/proc/self/cgroup`: number, controllers, path. Version 2 has neither
/// number nor controllers.
fn limit_files(line: &str) -> Option<impl Iterator<Item = PathBuf>> {
    let mut parts = line.splitn(3, ':');
    let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let (mount, file) = match (number, controllers) {
        ("0", "") => ("sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|controller| controller == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return None,
    };
    let groups = Path::new(path.trim_start_matches('/')).ancestors().map(Path::to_owned);
    Some(groups.map(move |group| Path::new(mount).join(group).join(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: (&str, &str) = ("proc/meminfo", "MemTotal:        2048 kB\nMemFree:          12 kB\n");

    fn usable(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        below(root.path())
    }

    #[test]
    fn the_memory_of_this_machine_is_known() {
        assert!(here().is_some_and(|bytes| bytes > 1024 * 1024));
    }

    #[test]
    fn the_least_limit_of_the_groups_above_counts() {
        let group = ("proc/self/cgroup", "0::/a/b\n");
        let limits = |own: &str, above: &str| {
            let files =
                [MEMORY, group, ("sys/fs/cgroup/a/b/memory.max", own), ("sys/fs/cgroup/a/memory.max", above)];
            usable(&files)
        };
        assert_eq!(limits("max\n", "max\n"), Some(2048 * 1024));
        assert_eq!(limits("1000000\n", "max\n"), Some(1_000_000));
        assert_eq!(limits("1000000\n", "900000\n"), Some(900_000));
        assert_eq!(limits("9000000\n", "9000000\n"), Some(2048 * 1024), "more than the machine has");
        // A namespace hides the groups above, and the limit is that of the root it shows.
        let own = [MEMORY, ("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "700000\n")];
        assert_eq!(usable(&own), Some(700_000));
    }

    #[test]
    fn version_1_is_read_where_its_memory_controller_stands() {
        let groups = "5:cpu,cpuacct:/c\n4:memory:/docker/1\n1:name=systemd:/s\n0::/\n";
        let limits = |file: &str, text: &str| usable(&[MEMORY, ("proc/self/cgroup", groups), (file, text)]);
        let own = "sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes";
        assert_eq!(limits(own, "500000\n"), Some(500_000));
        assert_eq!(limits(own, "9223372036854771712\n"), Some(2048 * 1024));
        // The container sees its own group as the root of the mount.
        assert_eq!(limits("sys/fs/cgroup/memory/memory.limit_in_bytes", "400000\n"), Some(400_000));
        assert_eq!(limits("sys/fs/cgroup/memory/c/memory.limit_in_bytes", "1\n"), Some(2048 * 1024));
    }

    #[test]
    fn what_cannot_be_read_does_not_count() {
        assert_eq!(usable(&[]), None);
        assert_eq!(usable(&[MEMORY]), Some(2048 * 1024));
        let odd = [
            ("proc/meminfo", "MemTotal: many kB\n"),
            ("proc/self/cgroup", "nonsense\n0::/a\n"),
            ("sys/fs/cgroup/a/memory.max", "much"),
        ];
        assert_eq!(usable(&odd), None);
        let limit_alone = [("proc/self/cgroup", "0::/a\n"), ("sys/fs/cgroup/a/memory.max", "800000")];
        assert_eq!(usable(&limit_alone), Some(800_000));
    }
}
