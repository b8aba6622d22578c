//! The directory of a store: its format marker, its lock, and what is done to its files around the engine.
//!
//! | file | what |
//! |---|---|
//! | `format` | the format version; written before anything else |
//! | `lock` | locked while a process has the store open |
//! | `engine/` | the files of the engine |
//!
//! A directory that is empty becomes a store, one that holds anything else is refused, and so is every format
//! that is not read. What an older format left can be read as it is, see `layout` and `codec`; the marker is raised
//! before anything is written, so that an older version never meets what it would misread.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::token::Token;
use super::{integrity, privacy};
use crate::OpenError;

/// The format that this version writes.
///
/// 1: the first. 2: associations say whether they are counted at their profile; service providers have a network. 3: admin
/// tokens, and the change record names them; organizations have quotas; signing keys. 4: resources: units, address books,
/// contacts. 5: webhooks. 6: rows of several changes.
pub(super) const FORMAT: u32 = 6;
/// The oldest format that this version reads.
const OLDEST_FORMAT: u32 = 1;

const MARKER: &str = "format";
const LOCK: &str = "lock";
const ENGINE: &str = "engine";
const PROBE: &str = "probe.tmp";
/// Kept here by the server.
const ADMIN_TOKEN: &str = "admin-token";
/// A journal that is being written anew.
const JOURNAL_TMP: &str = "journal.tmp";
const MARKER_BEGINNING: &str = "jackfield store, format ";
/// Stands at the end of the marker until the engine's files are complete.
const MARKER_UNFINISHED: &str = ", being made";

/// Room that must be free before a store that failed goes on: with less the next journal or table would fail again.
pub(super) const ROOM_BYTES: usize = 16 * 1024 * 1024;

/// A store directory that this process has to itself.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Closing the file gives the lock back.
    _lock: File,
    /// Whether the engine's files were made completely.
    finished: bool,
    /// Whether the marker names an older format.
    outdated: bool,
}

impl Directory {
    /// Locks the directory, making it when it is not there. One that others than its owner can read is refused unless
    /// `allow_readable` says that it is meant so.
    pub(super) fn open(path: &Path, allow_readable: bool) -> Result<Self, OpenError> {
        let failed = |doing: &str| {
            let doing = doing.to_owned();
            move |error: io::Error| OpenError::Io { dir: path.to_owned(), cause: format!("{doing}: {error}") }
        };
        make_private(path).map_err(failed("it cannot be made"))?;
        if read_marker(path)?.is_none() && holds_something_else(path).map_err(failed("it cannot be read"))? {
            return Err(OpenError::NotAStore(path.to_owned()));
        }
        if !allow_readable && privacy::is_open_to_others(path).map_err(failed("its mode cannot be read"))? {
            return Err(OpenError::Readable(path.to_owned()));
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK));
        let lock = lock.map_err(failed("its lock file cannot be written"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed("it cannot be locked")(error)),
        }
        let marker = read_marker(path)?;
        let directory = Self {
            path: path.to_owned(),
            _lock: lock,
            finished: marker.is_some_and(|marker| marker.finished),
            outdated: marker.is_some_and(|marker| marker.format != FORMAT),
        };
        match directory.probe(1) {
            // A full store can still be read.
            Err(error) if directory.finished && error.kind() == io::ErrorKind::StorageFull => {}
            probed => probed.map_err(failed("it cannot be written"))?,
        }
        if !allow_readable {
            directory.close_to_others().map_err(failed("its files cannot be closed to others"))?;
        }
        if marker.is_none() {
            directory.mark(false).map_err(failed("its format marker cannot be written"))?;
        }
        Ok(directory)
    }

    /// Closes the files in a directory that is closed itself; see `privacy`.
    fn close_to_others(&self) -> io::Result<()> {
        let ours = [MARKER, LOCK, ADMIN_TOKEN, ENGINE];
        ours.iter().try_for_each(|name| privacy::close_to_others(&self.path.join(name)))
    }

    /// Whether the format marker is there.
    pub(super) fn is_marked(path: &Path) -> bool {
        path.join(MARKER).is_file()
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Removes what an interrupted making left. Nothing was ever stored in it.
    pub(super) fn clear_unfinished(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.engine()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Says that the engine's files are complete: from now on they are opened, never made again.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.mark(true)?;
        self.finished = true;
        Ok(())
    }

    /// Says that the files are of this version's format from now on; before anything is written to them.
    pub(super) fn raise(&mut self) -> io::Result<()> {
        if self.outdated {
            self.mark(true)?;
            self.outdated = false;
        }
        Ok(())
    }

    /// Where the engine keeps its files.
    pub(super) fn engine(&self) -> PathBuf {
        self.path.join(ENGINE)
    }

    /// Finds out whether the directory takes files, with so many bytes of room left.
    pub(super) fn probe(&self, bytes: usize) -> io::Result<()> {
        let path = self.path.join(PROBE);
        let write = || {
            let mut file = File::create(&path)?;
            // Not zeros: a file system may store those without taking room.
            file.write_all(&vec![0xa5; bytes])?;
            file.sync_all()
        };
        let written = write();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => written.and(Err(error)),
            _ => written,
        }
    }

    /// Cuts the commit with this token, and what follows it, off the engine's journals.
    ///
    /// A commit that failed may still stand in a journal, complete or not, and the engine would take it for done
    /// when it opens the journal. Each commit begins with a row that holds its token, and the engine drops a
    /// commit whose end is missing. Journals hold rows as they are, see `engine`. The engine must not be open.
    pub(super) fn cut_from_journals(&self, token: &Token) -> io::Result<()> {
        for path in self.journals()? {
            if let Some(at) = find(&mut File::open(&path)?, token)? {
                integrity::cut(&path, at)?;
            }
        }
        Ok(())
    }

    /// Empties the engine's journals, all of whose rows are in tables: reading them again, row by row, is most of what a
    /// start costs. The engine must not be open.
    pub(super) fn empty_journals(&self) -> io::Result<()> {
        self.journals()?.iter().try_for_each(|path| integrity::cut(path, 0))
    }

    /// Finds out whether the journals can be put on stable storage.
    pub(super) fn sync_journals(&self) -> io::Result<()> {
        self.journals()?.iter().try_for_each(|path| File::open(path)?.sync_all())
    }

    /// Writes the journals anew, up to the last byte that is not zero. The engine must not be open.
    pub(super) fn rewrite_journals(&self) -> io::Result<()> {
        let temporary = self.path.join(JOURNAL_TMP);
        for path in self.journals()? {
            let mut bytes = fs::read(&path)?;
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            let mut file = File::create(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
        }
        File::open(self.engine())?.sync_all()
    }

    fn journals(&self) -> io::Result<Vec<PathBuf>> {
        integrity::journals(&self.engine())
    }

    /// Bytes that the files take on disk.
    pub(super) fn disk_bytes(path: &Path) -> io::Result<u64> {
        let mut bytes = 0;
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            bytes += match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => Self::disk_bytes(&entry.path())?,
                Ok(metadata) => allocated(&metadata),
                // The engine removes files while they are looked at.
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(error),
            };
        }
        Ok(bytes)
    }

    fn mark(&self, finished: bool) -> io::Result<()> {
        let unfinished = if finished { "" } else { MARKER_UNFINISHED };
        let temporary = self.path.join(format!("{MARKER}.tmp"));
        let mut file = File::create(&temporary)?;
        file.write_all(format!("{MARKER_BEGINNING}{FORMAT}{unfinished}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, self.path.join(MARKER))?;
        File::open(&self.path)?.sync_all()
    }
}

/// Makes a directory that only its owner can look into: it holds keys.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether there is anything that does not belong to a store that is being made, nor to the server.
fn holds_something_else(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let ours = matches!(&*name, LOCK | PROBE | "format.tmp" | "lost+found" | ADMIN_TOKEN);
        if !ours && !name.starts_with('.') {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the format marker says.
#[derive(Clone, Copy, Debug)]
struct Marker {
    format: u32,
    /// Whether the store was made completely.
    finished: bool,
}

/// What the marker says, if there is one.
fn read_marker(path: &Path) -> Result<Option<Marker>, OpenError> {
    let text = match fs::read(path.join(MARKER)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(OpenError::Io {
                dir: path.to_owned(),
                cause: format!("its format marker cannot be read: {error}"),
            });
        }
    };
    let Some(format) = text.strip_prefix(MARKER_BEGINNING).and_then(|rest| rest.strip_suffix('\n')) else {
        return Err(OpenError::NotAStore(path.to_owned()));
    };
    let (version, finished) = match format.strip_suffix(MARKER_UNFINISHED) {
        Some(version) => (version, false),
        None => (format, true),
    };
    match version.parse() {
        Ok(format) if (OLDEST_FORMAT..=FORMAT).contains(&format) => Ok(Some(Marker { format, finished })),
        _ => {
            let found = version.chars().take(40).collect();
            Err(OpenError::Format { dir: path.to_owned(), found, expected: FORMAT })
        }
    }
}

/// Where in a journal a token begins. A journal is written from its beginning into a file that is zeros so far.
fn find(file: &mut File, token: &Token) -> io::Result<Option<u64>> {
    const BLOCK: usize = 256 * 1024;
    static ZEROS: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
    let overlap = token.len() - 1;
    let mut block = Vec::with_capacity(BLOCK + overlap);
    let mut start = 0;
    loop {
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        let read = Read::by_ref(file).take((BLOCK + overlap) as u64).read_to_end(&mut block)?;
        if let Some(at) = block.windows(token.len()).position(|window| window == token) {
            return Ok(Some(start + at as u64));
        }
        if read < BLOCK + overlap || block == ZEROS[..read] {
            return Ok(None);
        }
        start += BLOCK as u64;
    }
}

#[cfg(unix)]
fn allocated(metadata: &fs::Metadata) -> u64 {
    // The unit of this field is 512 bytes on every system, whatever the block size.
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
