//! A zip archive that a workbook is: its parts, and how large they become.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::sync::Arc;

use jackfield_model::limit;
use zip::ZipArchive;

use super::super::bounded::Bounded;

/// The bytes of a workbook, which several readers look at.
pub(super) type Bytes = Cursor<Arc<[u8]>>;

/// An archive whose parts, unpacked, are no larger than the bound.
pub(super) struct Archive {
    bytes: Arc<[u8]>,
    zip: ZipArchive<Bytes>,
}

/// What kind of workbook an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Xlsx,
    Xlsm,
    Xlsb,
    Ods,
}

const DAMAGED: &str = "is a damaged archive; copy or save it again";

impl Archive {
    /// Opens an archive. Each part is unpacked once, to nowhere: what the directory says of its size is not believed.
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self, String> {
        let bytes: Arc<[u8]> = bytes.into();
        let mut zip = ZipArchive::new(Cursor::new(Arc::clone(&bytes))).map_err(|_| DAMAGED.to_owned())?;
        let mut left = limit::LIST_BYTES;
        for at in 0..zip.len() {
            let too_large =
                || format!("is a workbook of more than {} bytes when unpacked", limit::LIST_BYTES);
            let Ok(part) = zip.by_index(at) else { return Err(locked(&mut zip, at)) };
            // Pictures and the like are never looked at.
            if !is_read(part.name().unwrap_or_default().as_ref()) {
                continue;
            }
            if part.size() > left {
                return Err(too_large());
            }
            let mut bounded = Bounded::new(part, left);
            let unpacked = std::io::copy(&mut bounded, &mut std::io::sink());
            left = match unpacked {
                Ok(size) => left - size,
                Err(_) if bounded.is_spent() => return Err(too_large()),
                Err(_) => return Err(DAMAGED.to_owned()),
            };
        }
        Ok(Self { bytes, zip })
    }

    /// The archive itself, for a reader that opens it again.
    pub(super) fn bytes(&self) -> Bytes {
        Cursor::new(Arc::clone(&self.bytes))
    }

    /// What it is, by the parts that it has.
    pub(super) fn kind(&self) -> Result<Kind, String> {
        let has = |name: &str| self.zip.index_for_name(name).is_some();
        let begins = |start: &str| self.names().any(|name| name.starts_with(start));
        if has("xl/workbook.bin") {
            return Ok(Kind::Xlsb);
        }
        if has("xl/workbook.xml") || begins("xl/worksheets/") {
            return Ok(if has("xl/vbaProject.bin") { Kind::Xlsm } else { Kind::Xlsx });
        }
        if has("content.xml") {
            return Ok(Kind::Ods);
        }
        Err(if begins("word/") {
            "is a text document (.docx); save its table as .xlsx or .csv"
        } else if begins("Index/") || has("Index.zip") {
            "is a workbook of Numbers; export it as .xlsx or .csv"
        } else {
            "is a .zip archive; unpack it, and give the list in it"
        }
        .to_owned())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.zip.file_names().filter_map(Result::ok).map(Cow::into_owned)
    }

    /// A part, unpacked; nothing where there is none.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let Some(at) = self.zip.index_for_name(name) else { return Ok(None) };
        let part = self.zip.by_index(at).map_err(|_| DAMAGED.to_owned())?;
        let mut bytes = Vec::new();
        Bounded::new(part, limit::LIST_BYTES).read_to_end(&mut bytes).map_err(|_| DAMAGED.to_owned())?;
        Ok(Some(bytes))
    }
}

/// Why a part cannot be unpacked.
fn locked(zip: &mut ZipArchive<Bytes>, at: usize) -> String {
    match zip.by_index_raw(at) {
        Ok(part) if part.encrypted() => "is protected by a password; save it without one".to_owned(),
        _ => DAMAGED.to_owned(),
    }
}

/// Whether a part of this name may be unpacked later.
fn is_read(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".xml", ".rels", ".bin", ".vml"].iter().any(|end| name.ends_with(end))
        && !name.ends_with("vbaproject.bin")
}
