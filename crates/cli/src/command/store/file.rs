//! The file of an export: written under another name until it is whole, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Where an export goes.
pub(crate) enum Sink {
    Stdout(io::Stdout),
    File(Partial),
}

/// A file that is not whole yet. It goes when it is dropped so.
pub(crate) struct Partial {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    whole: bool,
}

/// Where an export comes from.
pub(crate) enum Source {
    Stdin(io::Stdin),
    File(File),
}

impl Sink {
    /// A file, or standard output for `-`.
    ///
    /// # Errors
    /// [`Failure`] when the file cannot be made.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(io::stdout()));
        }
        let failed =
            |error: io::Error| Failure::failed(format!("{} cannot be written: {error}", path.display()));
        let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::IsADirectory.into()))?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(temporary);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&temporary).map_err(failed)?;
        Ok(Self::File(Partial { file, temporary, path: path.to_owned(), whole: false }))
    }

    /// Whether it is standard output, where nothing else must go.
    pub(crate) const fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    /// Says that everything was written: the file is on stable storage, under its name, when this answers.
    ///
    /// # Errors
    /// [`Failure`]; there is no file.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout(mut stdout) => Ok(stdout.flush()?),
            Self::File(mut partial) => {
                let path = partial.path.clone();
                partial.finish().map_err(|error| {
                    Failure::failed(format!("{} cannot be written: {error}", path.display()))
                })
            }
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File(partial) => partial.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(partial) => partial.file.flush(),
        }
    }
}

impl Partial {
    fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.whole = true;
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.whole {
            // Nobody could use it; when it cannot be removed, its name says what it is.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

impl Source {
    /// A file, or standard input for `-`.
    ///
    /// # Errors
    /// [`Failure`] when the file cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdin(io::stdin()));
        }
        let file = File::open(path);
        file.map(Self::File)
            .map_err(|error| Failure::failed(format!("{} cannot be read: {error}", path.display())))
    }
}

impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stdin(stdin) => stdin.read(bytes),
            Self::File(file) => file.read(bytes),
        }
    }
}
