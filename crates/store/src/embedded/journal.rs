//! A look at the engine's journals before the engine opens them.
//!
//! The engine takes whatever it does not understand in a journal for the remains of a commit that a crash cut off, and
//! drops it with everything behind it: one bad byte would silently take commits that were acknowledged. A commit that was
//! cut off can be told from one that was damaged later: nothing follows it, for the next one begins when it is on stable
//! storage, and its own end, or whole sectors of it, were never written. The first is taken away here; the second is
//! refused, and somebody has to decide.
//!
//! A journal is a row of batches: `01`, number of items (4 bytes), sequence number (8); the items; `03`, xxh3 of the
//! items (8), `FJL` `03`. An item is `02`, kind of value, compression, keyspace (8), lengths of key (2) and value (4, and 4
//! as stored), key, value. Numbers are little endian. The sequence numbers, which no checksum covers, rise.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
/// Ends a batch.
const MAGIC: [u8; 4] = *b"FJL\x03";
/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;
/// Kinds of value: a row, and two ways of saying that there is none.
const VALUE: u8 = 0;
const REMOVED: [u8; 2] = [1, 2];

/// Rows by keyspace and key; nothing where a row was removed.
pub(super) type Rows = HashMap<RowKey, Option<Vec<u8>>>;
/// A keyspace and a key in it.
pub(super) type RowKey = (u64, Vec<u8>);

/// A row of [`Rows`].
type Row = (RowKey, Option<Vec<u8>>);

/// What is wrong with a journal.
#[derive(Debug)]
pub(super) enum JournalError {
    /// It cannot be read.
    Io(io::Error),
    /// It was changed after it was written.
    Damaged { journal: PathBuf, at: u64 },
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What was found in journals that are whole.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The rows of the oldest batch, as the batches behind it left them: what the engine has to show for them.
    pub(super) oldest: Rows,
    /// Whether a batch changed the row that was asked for.
    pub(super) mentions: bool,
    /// Where the newest journal has to be cut: what follows was never acknowledged.
    pub(super) torn: Option<(PathBuf, u64)>,
}

/// Reads journals, the oldest first, and looks whether any of them changes the row with this key.
pub(super) fn read(journals: &[PathBuf], key: &RowKey) -> Result<Found, JournalError> {
    let mut found = Found::default();
    let mut last_sequence = None;
    for (index, path) in journals.iter().enumerate() {
        let damaged = |at| JournalError::Damaged { journal: path.clone(), at };
        let mut journal = Journal::open(path)?;
        loop {
            let start = journal.position;
            let mut rows = Vec::new();
            match journal.batch(&mut rows) {
                Ok(Some(sequence)) if last_sequence.is_none_or(|last| last < sequence) => {
                    found.mentions |= rows.iter().any(|(named, _)| named == key);
                    found.take(rows, last_sequence.is_none());
                    last_sequence = Some(sequence);
                }
                Ok(Some(_)) => return Err(damaged(start)),
                Ok(None) => break,
                Err(Broken::Io(error)) => return Err(error.into()),
                Err(Broken::At(at)) => {
                    let newest = index + 1 == journals.len();
                    if !newest || !is_torn(path, start, at)? {
                        return Err(damaged(start));
                    }
                    found.torn = Some((path.clone(), start));
                    break;
                }
            }
        }
    }
    Ok(found)
}

impl Found {
    fn take(&mut self, rows: Vec<Row>, oldest: bool) {
        for (key, value) in rows {
            if oldest {
                self.oldest.insert(key, value);
            } else if let Some(kept) = self.oldest.get_mut(&key) {
                *kept = value;
            }
        }
    }
}

/// Why a batch cannot be read.
enum Broken {
    Io(io::Error),
    /// What stands here is no part of a batch.
    At(u64),
}

impl Broken {
    /// What stands at `position` is not what has to stand there. As far as it is right it may have been cut off.
    fn differing(position: u64, found: [u8; 4], expected: [u8; 4]) -> Self {
        let right = found.iter().zip(expected).take_while(|(one, right)| **one == *right).count();
        let cut_off = found[right..].iter().all(|byte| *byte == 0);
        Self::At(if cut_off { position + right as u64 } else { position })
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

struct Journal {
    reader: BufReader<File>,
    position: u64,
    length: u64,
    /// Of the items of the batch that is being read.
    checksum: Xxh3,
}

impl Journal {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            reader: BufReader::with_capacity(256 * 1024, file),
            position: 0,
            length,
            checksum: Xxh3::new(),
        })
    }

    /// The next batch: its sequence number, and its rows. Nothing at the end: of the file, or of what was written to it.
    fn batch(&mut self, rows: &mut Vec<Row>) -> Result<Option<u64>, Broken> {
        let start = self.position;
        if start == self.length {
            return Ok(None);
        }
        let [tag] = self.array()?;
        if tag == 0 && self.rest_is_zeros()? {
            return Ok(None);
        }
        if tag != START {
            return Err(Broken::At(start));
        }
        let items = u32::from_le_bytes(self.array()?);
        let sequence = u64::from_le_bytes(self.array()?);
        self.checksum.reset();
        for _ in 0..items {
            self.item(rows)?;
        }
        let end = self.position;
        let [tag] = self.array()?;
        if tag != END {
            return Err(Broken::At(end));
        }
        let expected = u64::from_le_bytes(self.array()?);
        let at_magic = self.position;
        let magic: [u8; 4] = self.array()?;
        if magic != MAGIC {
            return Err(Broken::differing(at_magic, magic, MAGIC));
        }
        if self.checksum.digest() == expected { Ok(Some(sequence)) } else { Err(Broken::At(start)) }
    }

    fn item(&mut self, rows: &mut Vec<Row>) -> Result<(), Broken> {
        let start = self.position;
        let [tag] = self.summed()?;
        if tag == CLEAR {
            self.summed::<8>()?;
            return Ok(());
        }
        let [kind, compression] = self.summed()?;
        let known = kind == VALUE || REMOVED.contains(&kind);
        if tag != ITEM || !known || compression != 0 {
            return Err(Broken::At(start));
        }
        let keyspace = u64::from_le_bytes(self.summed()?);
        let key = u16::from_le_bytes(self.summed()?);
        let value = u32::from_le_bytes(self.summed()?);
        let at_stored = self.position;
        let stored = u32::from_le_bytes(self.summed()?);
        if stored != value {
            return Err(Broken::differing(at_stored, stored.to_le_bytes(), value.to_le_bytes()));
        }
        let key = self.bytes(key.into())?;
        let bytes = self.bytes(stored.into())?;
        rows.push(((keyspace, key), (kind == VALUE).then_some(bytes)));
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let mut bytes = [0; N];
        match self.reader.read_exact(&mut bytes) {
            Ok(()) => {
                self.position += N as u64;
                Ok(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Broken::At(self.length)),
            Err(error) => Err(error.into()),
        }
    }

    fn summed<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let bytes = self.array()?;
        self.checksum.update(&bytes);
        Ok(bytes)
    }

    fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Broken> {
        if length > self.length - self.position {
            return Err(Broken::At(self.length));
        }
        let mut bytes = Vec::new();
        Read::by_ref(&mut self.reader).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(Broken::At(self.length));
        }
        self.checksum.update(&bytes);
        self.position += length;
        Ok(bytes)
    }

    fn rest_is_zeros(&mut self) -> io::Result<bool> {
        let mut block = vec![0; 64 * 1024];
        loop {
            let read = self.reader.read(&mut block)?;
            if read == 0 {
                return Ok(true);
            }
            if block[..read].iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
        }
    }
}

/// Whether the batch that begins at `start` and cannot be read at `broken` was cut off as it was written.
fn is_torn(path: &Path, start: u64, broken: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    let written = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let rest = &rest[..written];
    let ends = rest.windows(MAGIC.len()).filter(|window| *window == MAGIC).count();
    // Its end is missing, and it is right as far as it goes; or a sector within it is missing.
    let cut_off = ends == 0 && broken >= start + written as u64;
    Ok(cut_off || (ends <= 1 && misses_sector(rest, start)))
}

/// Whether a whole sector of these bytes, which stand at `start` of their file, is zeros. What stands before `start` in
/// the same sector was on stable storage already.
fn misses_sector(bytes: &[u8], start: u64) -> bool {
    let to_boundary = usize::try_from((SECTOR - start % SECTOR) % SECTOR).unwrap_or_default();
    let sector = usize::try_from(SECTOR).unwrap_or(usize::MAX);
    let (first, rest) = bytes.split_at(to_boundary.min(bytes.len()));
    let zeros = |part: &[u8]| part.iter().all(|byte| *byte == 0);
    (first.len() == to_boundary && !first.is_empty() && zeros(first)) || rest.chunks_exact(sector).any(zeros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: RowKey = (9, Vec::new());

    /// Keyspace, key, and the value or that it was removed.
    type Row<'a> = (u64, &'a [u8], Option<&'a [u8]>);

    /// A batch as the engine writes it.
    fn batch(sequence: u64, rows: &[Row<'_>]) -> Vec<u8> {
        let mut items = Vec::new();
        for (keyspace, key, value) in rows {
            let length = u32::try_from(value.unwrap_or_default().len()).unwrap();
            items.extend([ITEM, if value.is_some() { VALUE } else { REMOVED[0] }, 0]);
            items.extend(keyspace.to_le_bytes());
            items.extend(u16::try_from(key.len()).unwrap().to_le_bytes());
            items.extend(length.to_le_bytes());
            items.extend(length.to_le_bytes());
            items.extend_from_slice(key);
            items.extend_from_slice(value.unwrap_or_default());
        }
        let mut bytes = vec![START];
        bytes.extend(u32::try_from(rows.len()).unwrap().to_le_bytes());
        bytes.extend(sequence.to_le_bytes());
        bytes.extend(&items);
        bytes.push(END);
        bytes.extend(xxhash_rust::xxh3::xxh3_64(&items).to_le_bytes());
        bytes.extend(MAGIC);
        bytes
    }

    fn journal(bytes: &[u8]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.jnl");
        std::fs::write(&path, bytes).unwrap();
        (dir, vec![path])
    }

    fn torn_at(bytes: &[u8]) -> Result<Option<u64>, JournalError> {
        let (_dir, paths) = journal(bytes);
        Ok(read(&paths, &KEY)?.torn.map(|(_, at)| at))
    }

    #[test]
    fn the_rows_of_the_oldest_batch_are_as_later_ones_left_them() {
        let one = batch(3, &[(1, b"a", Some(b"1")), (1, b"b", Some(b"2")), (2, b"c", Some(b"3"))]);
        let two = batch(9, &[(1, b"a", Some(b"4")), (2, b"c", None), (2, b"d", Some(b"5"))]);
        for end in [&[][..], &[0; 3], &[0; 100_000]] {
            let (_dir, paths) = journal(&[&one[..], &two, end].concat());
            let found = read(&paths, &KEY).unwrap();
            assert!(found.torn.is_none());
            let row = |keyspace, key: &[u8], value: Option<&[u8]>| {
                ((keyspace, key.to_vec()), value.map(<[u8]>::to_vec))
            };
            let expected = [row(1, b"a", Some(b"4")), row(1, b"b", Some(b"2")), row(2, b"c", None)];
            assert_eq!(found.oldest, HashMap::from(expected));
        }
    }

    #[test]
    fn a_batch_that_was_cut_off_is_told_from_one_that_was_damaged() {
        let first = batch(1, &[(5, b"state", Some(&[7; 41]))]);
        let last = batch(2, &[(5, b"state", Some(&[8; 41])), (1, b"key", Some(&[9; 200]))]);
        let whole = [first.clone(), last.clone()].concat();
        let start = Some(first.len() as u64);
        for zeros in [0, 1_000] {
            let end = vec![0; zeros];
            for length in 1..last.len() {
                let cut = [&first[..], &last[..length], &end].concat();
                assert_eq!(torn_at(&cut).unwrap(), start, "{length} bytes were written");
            }
            for at in 0..whole.len() {
                for flip in [1, 0xff] {
                    let mut bytes = [&whole[..], &end].concat();
                    bytes[at] ^= flip;
                    let sequence = (5..13).contains(&at) || (first.len() + 5..first.len() + 13).contains(&at);
                    match torn_at(&bytes) {
                        Err(JournalError::Damaged { .. }) => {}
                        // A number that still rises changes nothing.
                        Ok(None) if sequence => {}
                        other => panic!("byte {at} ^ {flip}: {other:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn a_sector_that_was_never_written_is_a_tear_in_the_last_batch_only() {
        let first = batch(1, &[(5, b"state", Some(&[7; 41]))]);
        let last = batch(2, &[(5, b"state", Some(&[8; 41])), (1, b"key", Some(&[9; 3_000]))]);
        let whole = [first.clone(), last].concat();
        let torn = |bytes: &[u8], from: usize, to: usize| {
            let mut bytes = bytes.to_vec();
            bytes[from..to].fill(0);
            torn_at(&bytes)
        };
        let start = Some(first.len() as u64);
        assert_eq!(torn(&whole, first.len(), 512).unwrap(), start, "its beginning");
        assert_eq!(torn(&whole, 1_024, 1_536).unwrap(), start);
        assert_eq!(torn(&whole, 3_072, whole.len()).unwrap(), start, "its end");
        assert!(torn(&whole, 1_100, 1_500).is_err(), "a part of a sector");
        let more = [whole, batch(3, &[(5, b"state", Some(&[9; 41]))])].concat();
        assert!(torn(&more, 1_024, 1_536).is_err(), "another one was begun, so it was on stable storage");
    }

    #[test]
    fn sequence_numbers_rise_from_journal_to_journal() {
        let (dir, mut paths) = journal(&batch(5, &[(1, b"a", Some(b"1"))]));
        let second = dir.path().join("1.jnl");
        paths.push(second.clone());
        std::fs::write(&second, batch(6, &[(1, b"a", Some(b"2"))])).unwrap();
        assert!(read(&paths, &KEY).is_ok());
        std::fs::write(&second, batch(5, &[(1, b"a", Some(b"2"))])).unwrap();
        assert!(matches!(read(&paths, &KEY), Err(JournalError::Damaged { at: 0, .. })));
        // Only the newest can be cut off.
        std::fs::write(&second, batch(6, &[(1, b"a", Some(b"2"))])).unwrap();
        let torn = &batch(5, &[(1, b"a", Some(b"1"))])[..20];
        std::fs::write(&paths[0], torn).unwrap();
        assert!(matches!(read(&paths, &KEY), Err(JournalError::Damaged { .. })));
    }
}
