//! What the engine does not check of its files by itself.
//!
//! | what | checked by the engine | here |
//! |---|---|---|
//! | journals | the items of a batch | all else, see `journal` |
//! | manifests (`current`, `v…`) of a keyspace | no | checksum, before the engine opens |
//! | keyspaces that are gone | made anew, empty | refused, before the engine opens |
//! | blocks of tables | as they are read | every byte of every table, when somebody asks (`verify`) |

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::journal::{self, Found, JournalError};
use super::layout::{self, Space};

/// What names the manifest of a keyspace: its number (8 bytes), its checksum (16), the kind of checksum (1).
const CURRENT: &str = "current";
const CURRENT_BYTES: usize = 25;
/// Attempts to read a manifest that is replaced meanwhile.
const ATTEMPTS: usize = 5;

/// Checks the files that the engine is about to open, and cuts off what a crash left of a commit that was never
/// acknowledged.
pub(super) fn before_open(engine: &Path) -> io::Result<Found> {
    check_manifests(engine)?;
    let found = check_journals(&journals(engine)?)?;
    if let Some((journal, at)) = &found.torn {
        tracing::warn!(journal = %name(journal), at, "a commit that was cut off is taken away");
        cut(journal, *at)?;
    }
    Ok(found)
}

/// Ends a journal here, for good.
pub(super) fn cut(path: &Path, at: u64) -> io::Result<()> {
    let file = fs::OpenOptions::new().write(true).open(path)?;
    file.set_len(at)?;
    file.sync_all()
}

/// Checks the journals and manifests of an engine that is open. The newest journal is being written.
pub(super) fn beside_engine(engine: &Path) -> io::Result<()> {
    check_manifests(engine)?;
    let mut journals = journals(engine)?;
    journals.pop();
    // The engine removes journals while they are looked at.
    match check_journals(&journals) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The journals, the oldest first.
pub(super) fn journals(engine: &Path) -> io::Result<Vec<PathBuf>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(engine)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            let number = number.ok_or_else(|| damaged(format!("{} is no journal", name(&path))))?;
            journals.push((number, path));
        }
    }
    journals.sort_unstable();
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

/// Whether every byte of a file is as its checksum says.
pub(super) fn has_checksum(file: &Path, checksum: u128) -> io::Result<bool> {
    let mut sum = Xxh3::new();
    let mut file = fs::File::open(file)?;
    let mut block = vec![0; 256 * 1024];
    loop {
        let read = io::Read::read(&mut file, &mut block)?;
        if read == 0 {
            return Ok(sum.digest128() == checksum);
        }
        sum.update(&block[..read]);
    }
}

fn check_journals(journals: &[PathBuf]) -> io::Result<Found> {
    // Meta is the last that the engine was given.
    let loading = (Space::ALL.len() as u64, layout::LOADING.to_vec());
    journal::read(journals, &loading).map_err(|error| match error {
        JournalError::Io(error) => error,
        JournalError::Damaged { journal, at } => {
            damaged(format!("{} is damaged from byte {at} on", name(&journal)))
        }
    })
}

fn check_manifests(engine: &Path) -> io::Result<()> {
    // The engine keeps the names of the others in the first.
    for keyspace in 0..=Space::ALL.len() {
        let directory = engine.join("keyspaces").join(keyspace.to_string());
        let mut attempts = 0;
        while !manifest_is_whole(&directory)? {
            attempts += 1;
            if attempts == ATTEMPTS {
                return Err(damaged(format!("the manifest of keyspaces/{keyspace} is damaged")));
            }
        }
    }
    Ok(())
}

fn manifest_is_whole(keyspace: &Path) -> io::Result<bool> {
    let current = fs::read(keyspace.join(CURRENT)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => damaged(format!("{} is gone", name(&keyspace.join(CURRENT)))),
        _ => error,
    })?;
    let Ok(current) = <[u8; CURRENT_BYTES]>::try_from(current.as_slice()) else { return Ok(false) };
    let (number, rest) = current.split_at(8);
    let (checksum, kind) = rest.split_at(16);
    let number = u64::from_le_bytes(number.try_into().expect("eight bytes"));
    let checksum = u128::from_le_bytes(checksum.try_into().expect("sixteen bytes"));
    match fs::read(keyspace.join(format!("v{number}"))) {
        Ok(manifest) => Ok(kind == [0] && xxh3_128(&manifest) == checksum),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The file within the engine's directory.
pub(super) fn name(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let from = parts.iter().rposition(|part| part == "engine").unwrap_or_default();
    parts[from..].join("/")
}

/// The files are not as they were written.
pub(super) fn damaged(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
