//! What nobody else sees, in a namespace: a small file system to fill, one whose power can be cut, and a network with
//! names of its own.
//!
//! A keeper process holds the namespace open; servers are started in it with a wrapper command. All answer nothing
//! where the system does not let this process do such things.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::poll;

/// Options of `unshare` and `nsenter` for a namespace that may mount anything.
type Way = (&'static [&'static str], &'static [&'static str]);

/// As root.
const PRIVILEGED: Way = (&["--mount"], &["--mount"]);
/// As anybody, where the kernel allows it: good for a tmpfs.
const UNPRIVILEGED: Way = (&["--mount", "--map-root-user"], &["--mount", "--user", "--preserve-credentials"]);

/// The same with a network.
const PRIVILEGED_NETWORK: Way = (&["--mount", "--net"], &["--mount", "--net"]);
const UNPRIVILEGED_NETWORK: Way =
    (&["--mount", "--net", "--map-root-user"], &["--mount", "--net", "--user", "--preserve-credentials"]);

/// A namespace in which something was done to a directory.
#[derive(Debug)]
struct Keeper {
    process: Child,
    enter: Vec<OsString>,
    directory: PathBuf,
}

impl Keeper {
    /// Runs `mount` with these arguments and the directory in a new namespace.
    fn mounting(way: Way, mount: &[&str], directory: &Path) -> Option<Self> {
        Self::new(way, r#"mount "$@""#, mount, directory)
    }

    /// Runs a script with these arguments and the directory in a new namespace.
    fn new(way: Way, script: &str, arguments: &[&str], directory: &Path) -> Option<Self> {
        let script = format!("{{ {script}; }} 2>/dev/null && touch done && exec sleep infinity");
        let marker = directory.parent()?.join("done");
        let mut command = Command::new("unshare");
        command.args(way.0).args(["sh", "-c", &script, "sh"]).args(arguments).arg(directory);
        command.current_dir(marker.parent()?).stdin(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().ok()?;
        let outcome = poll::until("the namespace is ready, or cannot be", poll::PATIENCE, || {
            let ended = process.try_wait().expect("a child can be waited for").is_some();
            (ended || marker.exists()).then_some(!ended)
        });
        let _ = std::fs::remove_file(marker);
        if !outcome {
            return None;
        }
        let mut enter: Vec<OsString> =
            vec!["nsenter".into(), "--target".into(), process.id().to_string().into()];
        enter.extend(way.1.iter().map(Into::into));
        enter.push("--".into());
        Some(Self { process, enter, directory: directory.to_owned() })
    }

    /// A path as a process inside the namespace sees it.
    fn inside(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The same path as this process reaches it.
    fn outside(&self, name: &str) -> PathBuf {
        let inside = self.inside(name);
        let relative = inside.strip_prefix("/").expect("a temporary directory is absolute");
        Path::new("/proc").join(self.process.id().to_string()).join("root").join(relative)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The namespace and its mounts go with its last process.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A temporary directory with a directory to mount on.
fn mount_point() -> (TempDir, PathBuf) {
    let home = TempDir::with_prefix("jackfield-disk-").expect("a temporary directory can be made");
    let directory = home.path().join("disk");
    std::fs::create_dir(&directory).expect("a directory can be made");
    (home, directory)
}

/// A small file system that can be filled. It lives as long as this value, over restarts of a server on it.
#[derive(Debug)]
pub struct SmallDisk {
    keeper: Keeper,
    _home: TempDir,
}

impl SmallDisk {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no room for temporary files.
    #[must_use]
    pub fn new(mebibytes: u32) -> Option<Self> {
        let (home, directory) = mount_point();
        let size = format!("size={mebibytes}m");
        let mount = ["-t", "tmpfs", "-o", &size, "tmpfs"];
        let mut ways = [PRIVILEGED, UNPRIVILEGED].into_iter();
        let keeper = ways.find_map(|way| Keeper::mounting(way, &mount, &directory))?;
        Some(Self { keeper, _home: home })
    }

    /// The command that runs another one where the disk is.
    #[must_use]
    pub fn wrapper(&self) -> Vec<OsString> {
        self.keeper.enter.clone()
    }

    /// A path on the disk, as a process inside sees it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.keeper.inside(name)
    }

    /// Takes all the room there is.
    ///
    /// # Panics
    /// When the disk cannot be written for another reason than being full.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.keeper.outside("filler")).expect("the disk can be written");
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
        std::fs::remove_file(self.keeper.outside("filler")).expect("the filler is there");
    }

    /// Makes the disk read-only, or writable again.
    ///
    /// # Panics
    /// When files on it are open for writing.
    pub fn set_read_only(&self, read_only: bool) {
        let option = if read_only { "remount,ro" } else { "remount,rw" };
        let mut command = Command::new(&self.keeper.enter[0]);
        command.args(&self.keeper.enter[1..]).args(["mount", "-o", option]).arg(&self.keeper.directory);
        run(&mut command).expect("nothing on the disk is open for writing");
    }
}

/// A file system in an image file. What a process wrote and did not flush to stable storage is in the memory of the
/// file system and not yet in the image, so a copy of the image is what a machine finds after a power cut.
#[derive(Debug)]
pub struct PowerCutDisk {
    keeper: Option<Keeper>,
    home: TempDir,
}

/// No flush of its own within a test.
const MOUNT: [&str; 2] = ["-o", "loop,commit=300"];
/// Sparse: it takes the room that is written.
const IMAGE_BYTES: u64 = 512 << 20;

impl PowerCutDisk {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no room for temporary files.
    #[must_use]
    pub fn new() -> Option<Self> {
        let (home, _) = mount_point();
        let mut disk = Self { keeper: None, home };
        let file = std::fs::File::create(disk.image()).expect("a file can be made");
        file.set_len(IMAGE_BYTES).expect("a sparse file takes no room");
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image()))?;
        disk.keeper = Some(disk.mounted()?);
        Some(disk)
    }

    /// The command that runs another one where the disk is. Another one after each power cut.
    ///
    /// # Panics
    /// Never: the disk is mounted.
    #[must_use]
    pub fn wrapper(&self) -> Vec<OsString> {
        self.keeper.as_ref().expect("the disk is mounted").enter.clone()
    }

    /// A path on the disk, as a process inside sees it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("disk").join(name)
    }

    /// Cuts the power and turns it on again. Whoever wrote on the disk must have been killed before.
    ///
    /// # Panics
    /// When the image cannot be copied or what is left of it cannot be mounted.
    pub fn cut_power(&mut self) {
        let left = self.home.path().join("left");
        run(Command::new("cp").arg("--sparse=always").arg(self.image()).arg(&left)).expect("there is room");
        // Unmounting flushes what was lost, but into an image that nobody will look at again.
        self.keeper = None;
        std::fs::remove_file(self.image()).expect("the old image is there");
        std::fs::rename(left, self.image()).expect("the copy is there");
        self.keeper = Some(self.mounted().expect("what is left can be mounted"));
    }

    fn image(&self) -> PathBuf {
        self.home.path().join("image")
    }

    fn mounted(&self) -> Option<Keeper> {
        let image = self.image();
        let mount = [MOUNT[0], MOUNT[1], image.to_str().expect("a temporary path is text")];
        Keeper::mounting(PRIVILEGED, &mount, &self.home.path().join("disk"))
    }
}

/// A network of its own, in which names lead to 127.0.0.1 and every port is free. Nothing else can be reached.
#[derive(Debug)]
pub struct OwnNetwork {
    keeper: Keeper,
    _home: TempDir,
}

impl OwnNetwork {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no room for temporary files.
    #[must_use]
    pub fn new(names: &[&str]) -> Option<Self> {
        let (home, directory) = mount_point();
        let hosts = format!("127.0.0.1 localhost {}\n", names.join(" "));
        std::fs::write(directory.join("hosts"), hosts).expect("a file can be made");
        let script = r#"ip link set lo up && mount --bind "$1/hosts" /etc/hosts"#;
        let mut ways = [PRIVILEGED_NETWORK, UNPRIVILEGED_NETWORK].into_iter();
        let keeper = ways.find_map(|way| Keeper::new(way, script, &[], &directory))?;
        Some(Self { keeper, _home: home })
    }

    /// The command that runs another one in this network.
    #[must_use]
    pub fn wrapper(&self) -> Vec<OsString> {
        self.keeper.enter.clone()
    }
}

fn run(command: &mut Command) -> Option<()> {
    let status = command.stdin(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success()).then_some(())
}
