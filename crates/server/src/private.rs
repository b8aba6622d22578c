//! Files of the operator that hold secrets: whoever can read them is told of, not refused, because some machines share
//! such files with a group on purpose.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Read by others than owner and group.
const OTHERS: u32 = 0o007;

/// Warns when everybody on this machine can read or write the file. One that is not there is somebody else's business.
pub(crate) fn warn_of_readers(file: &Path) {
    let mode = std::fs::metadata(file).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & OTHERS != 0) {
        tracing::warn!(file = %file.display(), "everybody can read a file that holds secrets; take that away: chmod o=");
    }
}
