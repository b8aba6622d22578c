//! Who can read the directory of a store: its owner and nobody else, for it holds the keys of all tokens.
//!
//! The directory itself decides: what lies in one that is closed is out of reach, whatever its own mode. Versions before
//! this left the modes of their files to the umask; such files are closed as well when the store is opened, so that a
//! copy of them is as private as they are. On systems without modes nothing is checked.

use std::io;
use std::path::Path;

/// Whether group or others have any right on the directory, or what a link leads to.
#[cfg(unix)]
pub(super) fn is_open_to_others(directory: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(directory).map(|metadata| of_others(&metadata))? != 0)
}

#[cfg(not(unix))]
pub(super) fn is_open_to_others(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Takes every right of group and others from a file, or from a directory and all that is in it. Links are left
/// alone, and a file that is not there is none.
#[cfg(unix)]
pub(super) fn close_to_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if metadata.is_symlink() {
        return Ok(());
    }
    if of_others(&metadata) != 0 {
        let mode = metadata.permissions().mode() & !OTHERS;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path)? {
            close_to_others(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn close_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The bits of a mode that give group and others any right.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

#[cfg(unix)]
fn of_others(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & OTHERS
}
