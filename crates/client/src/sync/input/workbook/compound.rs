//! A compound file, which a workbook of the years before 2007 is, and a locked one of the years since.

use std::io::{Cursor, Read};
use std::sync::Arc;

use jackfield_model::limit;

use super::archive::Bytes;

/// The stream of a workbook, and the file around it.
pub(super) struct Compound {
    bytes: Arc<[u8]>,
    pub(super) stream: Vec<u8>,
}

impl Compound {
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self, String> {
        let bytes: Arc<[u8]> = bytes.into();
        let damaged = |_| "is a damaged compound file; copy or save it again".to_owned();
        let mut file = cfb::CompoundFile::open(Cursor::new(Arc::clone(&bytes))).map_err(damaged)?;
        if file.exists("EncryptedPackage") {
            return Err("is protected by a password; save it without one".to_owned());
        }
        let Some(name) = ["Workbook", "Book"].into_iter().find(|name| file.is_stream(name)) else {
            return Err(if file.exists("WordDocument") {
                "is a text document (.doc); save its table as .xlsx or .csv"
            } else {
                "is a compound file without a workbook in it"
            }
            .to_owned());
        };
        let mut stream = Vec::new();
        let opened = file.open_stream(name).map_err(damaged)?;
        opened.take(limit::LIST_BYTES).read_to_end(&mut stream).map_err(damaged)?;
        Ok(Self { bytes, stream })
    }

    pub(super) fn bytes(&self) -> Bytes {
        Cursor::new(Arc::clone(&self.bytes))
    }
}
