//! A file system of a bounded size that nobody else sees: a mount namespace with a tmpfs in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::poll;

/// A small file system. It lives as long as this value, over restarts of a server on it.
#[derive(Debug)]
pub struct SmallDisk {
    keeper: Child,
    enter: Vec<OsString>,
    directory: TempDir,
}

impl SmallDisk {
    /// Makes one, or answers nothing where the system does not let this process have a mount namespace.
    ///
    /// # Panics
    /// When a namespace can be made but not set up.
    #[must_use]
    pub fn new(mebibytes: u32) -> Option<Self> {
        let (unshare, nsenter): (&[&str], &[&str]) = [
            (&["--mount"][..], &["--mount"][..]),
            (&["--mount", "--map-root-user"], &["--mount", "--user", "--preserve-credentials"]),
        ]
        .into_iter()
        .find(|(unshare, _)| succeeds(Command::new("unshare").args(*unshare).arg("true")))?;
        let directory = TempDir::with_prefix("jackfield-disk-").expect("a temporary directory can be made");
        let script = r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && touch "$2/mounted" && exec sleep infinity"#;
        let mut keeper = Command::new("unshare");
        keeper.args(unshare).args(["sh", "-c", script, "sh", &format!("{mebibytes}m")]).arg(directory.path());
        let keeper = keeper.stdin(Stdio::null()).spawn().expect("unshare can be run");
        let mut enter: Vec<OsString> =
            vec!["nsenter".into(), "--target".into(), keeper.id().to_string().into()];
        enter.extend(nsenter.iter().map(Into::into));
        enter.push("--".into());
        let disk = Self { keeper, enter, directory };
        poll::until("the small disk is mounted", poll::PATIENCE, || {
            disk.outside("mounted").exists().then_some(())
        });
        Some(disk)
    }

    /// The command that runs another one where the disk is.
    #[must_use]
    pub fn wrapper(&self) -> Vec<OsString> {
        self.enter.clone()
    }

    /// A path on the disk, as a process inside sees it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Takes all the room there is.
    ///
    /// # Panics
    /// When the disk cannot be written for another reason than being full.
    pub fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.outside("filler")).expect("the disk can be written");
        let mut block = vec![1; 1 << 20];
        // Smaller and smaller pieces, down to the last page.
        while !block.is_empty() {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    block.truncate(block.len() / 2);
                }
                Err(error) => panic!("the disk cannot be filled: {error}"),
            }
        }
    }

    /// Gives the room back.
    ///
    /// # Panics
    /// When it was not taken.
    pub fn free(&self) {
        std::fs::remove_file(self.outside("filler")).expect("the filler is there");
    }

    /// Makes the disk read-only, or writable again.
    ///
    /// # Panics
    /// When files on it are open for writing.
    pub fn set_read_only(&self, read_only: bool) {
        let mut command = Command::new(&self.enter[0]);
        let option = if read_only { "remount,ro" } else { "remount,rw" };
        command.args(&self.enter[1..]).args(["mount", "-o", option]).arg(self.directory.path());
        assert!(succeeds(&mut command), "{command:?}");
    }

    /// A path on the disk, as this process reaches it.
    fn outside(&self, name: &str) -> PathBuf {
        let inside = self.path(name);
        let relative = inside.strip_prefix("/").expect("a temporary directory is absolute");
        Path::new("/proc").join(self.keeper.id().to_string()).join("root").join(relative)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The namespace goes with its last process.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
