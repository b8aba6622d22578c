//! Files of the operator that hold secrets: when others can read them the server warns but accepts them, because some
//! machines share such files with a group on purpose.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Read by others than owner and group.
const OTHERS: u32 = 0o007;

/// Warns when every user of this machine can read or write the file. Ignores a missing file.
pub(crate) fn warn_of_readers(file: &Path) {
    let mode = std::fs::metadata(file).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & OTHERS != 0) {
        tracing::warn!(file = %file.display(), "everybody can read a file that holds secrets; take that away: chmod o=");
    }
}
