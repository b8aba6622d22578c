//! The admin token of a server whose configuration gives none.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::StartError;
use crate::credential::encoding;

/// Name of the file in a data directory that holds the admin token.
pub const ADMIN_TOKEN_FILE: &str = "admin-token";

/// The admin token of the data directory, made when it is not there. A store without a directory has a token for as
/// long as the process lives, in a file of the system's directory for temporary files.
pub(crate) fn kept_admin_token(directory: Option<&Path>) -> Result<(String, PathBuf), StartError> {
    let path = match directory {
        Some(directory) => directory.join(ADMIN_TOKEN_FILE),
        None => std::env::temp_dir().join(format!("jackfield-{}-{ADMIN_TOKEN_FILE}", std::process::id())),
    };
    let failed = |cause| StartError::AdminToken { path: path.clone(), cause };
    match std::fs::read_to_string(&path) {
        Ok(token) if directory.is_some() && !token.trim().is_empty() => {
            return Ok((token.trim().to_owned(), path));
        }
        Ok(_) => std::fs::remove_file(&path).map_err(failed)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let token = encoding::random_text::<32>();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(failed)?;
    file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    tracing::info!(path = %path.display(), "the admin token was made");
    Ok((token, path))
}
