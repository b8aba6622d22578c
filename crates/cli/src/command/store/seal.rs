//! Exports that are encrypted to recipients, in the format of age (<https://age-encryption.org/v1>), and their opening.
//!
//! It happens here, not at the server: who keeps the file needs nothing but its identity. Bytes are sealed in chunks of
//! 64 KiB as they come, so memory does not grow with the file. Each chunk is proven before it is read, and the end as
//! well: whoever reads to the end without an error has read what was written, all of it.

use std::fs;
use std::io::{self, BufReader, Chain, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use age::stream::{StreamReader, StreamWriter};
use age::x25519::Recipient;
use age::{DecryptError, Decryptor, Encryptor, IdentityFile};
use clap::Args;

use super::file::{Sink, Source};
use crate::failure::Failure;

/// How every encrypted file begins.
const MAGIC: &[u8] = b"age-encryption.org/v1\n";
/// How one begins that is wrapped for mail.
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPT";
const DAMAGED: &str = "it is damaged, or was cut off";

/// To whom an export is encrypted.
#[derive(Args)]
pub(crate) struct RecipientArgs {
    /// Encrypt the file to this recipient of age; may be repeated, each can
    /// open it
    #[arg(long = "recipient", value_name = "AGE1…", value_parser = recipient)]
    recipients: Vec<Recipient>,
    /// Encrypt the file to the recipients in this file, one a line; may be
    /// repeated
    #[arg(long = "recipient-file", value_name = "FILE")]
    recipient_files: Vec<PathBuf>,
}

/// With what an encrypted export is opened.
#[derive(Args)]
pub(crate) struct IdentityArgs {
    /// The identities of age that can open an encrypted file; may be repeated
    #[arg(long = "identity", value_name = "FILE")]
    identities: Vec<PathBuf>,
}

/// Where an export is written to.
pub(crate) enum Writer {
    Plain(Sink),
    Sealed(Box<StreamWriter<Sink>>),
}

/// Where an export is read from.
pub(crate) enum Reader {
    Plain(Input),
    Sealed(Box<StreamReader<BufReader<Input>>>),
}

/// A source whose first bytes were looked at.
pub(crate) type Input = Chain<Cursor<Vec<u8>>, Source>;

fn recipient(text: &str) -> Result<Recipient, String> {
    text.parse().map_err(|error: &str| format!("{error}; a recipient of age begins with age1"))
}

impl RecipientArgs {
    fn all(self) -> Result<Vec<Recipient>, Failure> {
        let mut all = self.recipients;
        for path in &self.recipient_files {
            let failed = |what: String| Failure::usage(format!("{}: {what}", path.display()));
            let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
            let before = all.len();
            for (number, line) in (1..).zip(text.lines().map(str::trim)) {
                if !line.is_empty() && !line.starts_with('#') {
                    all.push(recipient(line).map_err(|error| failed(format!("line {number}: {error}")))?);
                }
            }
            if all.len() == before {
                // A file that turned out empty must not lead to a backup in clear.
                return Err(failed("it holds no recipient".to_owned()));
            }
        }
        Ok(all)
    }
}

impl Writer {
    /// A file, or standard output for `-`; encrypted when there are recipients.
    ///
    /// # Errors
    /// [`Failure`] when a recipient is none, or the file cannot be made.
    pub(crate) fn create(path: &Path, recipients: RecipientArgs) -> Result<Self, Failure> {
        let recipients = recipients.all()?;
        let sink = Sink::create(path)?;
        if recipients.is_empty() {
            return Ok(Self::Plain(sink));
        }
        let encryptor =
            Encryptor::with_recipients(recipients.iter().map(|recipient| recipient as &dyn age::Recipient))
                // With recipients of one kind, and at least one, there is no error. Printing it would link code that a
                // macro of `age` writes in another order at each compilation (docs/adr/0036-packages.md).
                .map_err(|_| Failure::failed("the file cannot be encrypted"))?;
        Ok(Self::Sealed(Box::new(encryptor.wrap_output(sink)?)))
    }

    /// Says that everything was written, see [`Sink::finish`]. Answers whether it was a file.
    ///
    /// # Errors
    /// [`Failure`]; there is no file.
    pub(crate) fn finish(self) -> Result<bool, Failure> {
        let sink = match self {
            Self::Plain(sink) => sink,
            Self::Sealed(sealed) => sealed.finish()?,
        };
        let is_file = !sink.is_stdout();
        sink.finish()?;
        Ok(is_file)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(sink) => sink.write(bytes),
            Self::Sealed(sealed) => sealed.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(sink) => sink.flush(),
            Self::Sealed(sealed) => sealed.flush(),
        }
    }
}

/// Opens an export, or standard input for `-`, encrypted or not.
///
/// # Errors
/// [`Failure`] when it cannot be read, or not with these identities.
pub(crate) fn open_backup(path: &Path, identities: &IdentityArgs) -> Result<Reader, Failure> {
    let mut source = Source::open(path)?;
    let name = path.display();
    let failed = |what: &str| Failure::failed(format!("{name}: {what}"));
    let mut head = Vec::with_capacity(MAGIC.len());
    Read::by_ref(&mut source).take(MAGIC.len() as u64).read_to_end(&mut head)?;
    let (sealed, armored) = (head == MAGIC, head == ARMOR);
    let input = Cursor::new(head).chain(source);
    match (sealed, identities.identities.is_empty()) {
        _ if armored => Err(failed("it is wrapped for mail; `age --decrypt` unwraps it")),
        (false, true) => Ok(Reader::Plain(input)),
        (true, true) => {
            Err(failed("it is encrypted").hint("--identity FILE, with an identity that can open it"))
        }
        (false, false) => Err(failed("it is not encrypted, so it may be anybody's")
            .hint("the same without --identity, if you know where it is from")),
        (true, false) => {
            let identities = read_identities(&identities.identities)?;
            let opened = Decryptor::new_buffered(BufReader::new(input))
                .and_then(|file| file.decrypt(identities.iter().map(|identity| &**identity)));
            opened.map(|reader| Reader::Sealed(Box::new(reader))).map_err(|error| {
                failed(match error {
                    DecryptError::NoMatchingKeys => "it was encrypted to others: no identity opens it",
                    DecryptError::UnknownFormat => "it has a form of age that is not known here",
                    _ => DAMAGED,
                })
            })
        }
    }
}

fn read_identities(paths: &[PathBuf]) -> Result<Vec<Box<dyn age::Identity>>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        // What is wrong with it is not repeated: it is a secret.
        let failed = |what: &str| Failure::usage(format!("{}: {what}", path.display()));
        let file = fs::File::open(path).map_err(|error| failed(&error.to_string()))?;
        let found =
            IdentityFile::from_buffer(BufReader::new(file)).ok().and_then(|file| file.into_identities().ok());
        let found = found.filter(|identities| !identities.is_empty());
        all.extend(found.ok_or_else(|| failed("it holds no identity of age (AGE-SECRET-KEY-1…)"))?);
    }
    Ok(all)
}

impl Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(bytes),
            Self::Sealed(sealed) => sealed.read(bytes).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                    io::Error::new(error.kind(), DAMAGED)
                }
                _ => error,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret;
    use age::x25519::Identity;

    use super::*;

    /// The size of a chunk before it is sealed, and what sealing adds.
    const CHUNK: usize = 64 * 1024;

    struct Place(tempfile::TempDir);

    impl Place {
        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn identity(&self, name: &str) -> (Recipient, IdentityArgs) {
            let identity = Identity::generate();
            fs::write(self.path(name), identity.to_string().expose_secret()).unwrap();
            (identity.to_public(), IdentityArgs { identities: vec![self.path(name)] })
        }
    }

    fn to(recipients: &[&Recipient]) -> RecipientArgs {
        let recipients = recipients.iter().map(|recipient| (*recipient).clone()).collect();
        RecipientArgs { recipients, recipient_files: Vec::new() }
    }

    fn write(path: &Path, content: &[u8], recipients: RecipientArgs) {
        let mut writer = Writer::create(path, recipients).unwrap();
        writer.write_all(content).unwrap();
        assert!(writer.finish().unwrap());
    }

    fn read(path: &Path, identities: &IdentityArgs) -> Result<Vec<u8>, String> {
        let mut reader = open_backup(path, identities).map_err(|failure| format!("{failure:?}"))?;
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map_err(|error| error.to_string())?;
        Ok(content)
    }

    fn nobody() -> IdentityArgs {
        IdentityArgs { identities: Vec::new() }
    }

    #[test]
    fn each_recipient_opens_what_was_written() {
        let place = Place(tempfile::tempdir().unwrap());
        let ((one, first), (other, second)) = (place.identity("one"), place.identity("other"));
        let (_, stranger) = place.identity("stranger");
        let file = place.path("house");
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let content: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            write(&file, &content, to(&[&one, &other]));
            let sealed = fs::read(&file).unwrap();
            assert!(length < 16 || !sealed.windows(16).any(|part| part == &content[..16]), "in clear");
            assert_eq!(read(&file, &first), Ok(content.clone()));
            assert_eq!(read(&file, &second), Ok(content));
            assert!(read(&file, &stranger).unwrap_err().contains("encrypted to others"));
            assert!(read(&file, &nobody()).unwrap_err().contains("it is encrypted"));
        }
    }

    #[test]
    fn every_cut_and_every_changed_part_is_noticed() {
        let place = Place(tempfile::tempdir().unwrap());
        let (recipient, identity) = place.identity("one");
        let file = place.path("house");
        let content = vec![7; 2 * CHUNK + 100];
        write(&file, &content, to(&[&recipient]));
        let sealed = fs::read(&file).unwrap();
        let head = sealed.len() - content.len() - 3 * 16;
        let edges =
            [MAGIC.len(), head - 1, head, head + CHUNK + 15, head + CHUNK + 16, head + 2 * (CHUNK + 16)];
        for cut in edges.into_iter().chain([sealed.len() - 1]) {
            fs::write(&file, &sealed[..cut]).unwrap();
            let refused = read(&file, &identity).unwrap_err();
            assert!(refused.contains(DAMAGED), "cut at {cut}: {refused}");
        }
        for at in (MAGIC.len()..head).step_by(7).chain((head..sealed.len()).step_by(10_007)) {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            fs::write(&file, &changed).unwrap();
            assert!(read(&file, &identity).is_err(), "changed at {at}");
        }
        fs::write(&file, [sealed.as_slice(), b"more"].concat()).unwrap();
        assert!(read(&file, &identity).is_err(), "something after the end");
    }

    #[test]
    fn a_plain_file_is_read_unless_an_identity_is_named() {
        let place = Place(tempfile::tempdir().unwrap());
        let (_, identity) = place.identity("one");
        let file = place.path("house");
        write(&file, b"plain", to(&[]));
        assert_eq!(read(&file, &nobody()), Ok(b"plain".to_vec()));
        assert!(read(&file, &identity).unwrap_err().contains("not encrypted"));
        fs::write(&file, "-----BEGIN AGE ENCRYPTED FILE-----\n").unwrap();
        assert!(read(&file, &identity).unwrap_err().contains("wrapped for mail"));
    }

    #[test]
    fn recipients_come_from_files_and_a_bad_one_stops_everything() {
        let place = Place(tempfile::tempdir().unwrap());
        let (recipient, identity) = place.identity("one");
        let (file, list) = (place.path("house"), place.path("list"));
        let from_list =
            || RecipientArgs { recipients: Vec::new(), recipient_files: vec![place.path("list")] };
        fs::write(&list, format!("# who keeps it\n\n{recipient}\n")).unwrap();
        write(&file, b"secret", from_list());
        assert_eq!(read(&file, &identity), Ok(b"secret".to_vec()));
        fs::remove_file(&file).unwrap();
        for bad in ["", "# nobody\n", "age1nonsense\n"] {
            fs::write(&list, bad).unwrap();
            assert!(Writer::create(&file, from_list()).is_err(), "{bad:?}");
            assert!(!file.exists(), "{bad:?}");
        }
        let secret = place.path("secret");
        fs::write(&secret, "AGE-SECRET-KEY-1NONSENSE\n").unwrap();
        write(&file, b"secret", to(&[&recipient]));
        let refused = read(&file, &IdentityArgs { identities: vec![secret] }).unwrap_err();
        assert!(refused.contains("holds no identity") && !refused.contains("NONSENSE"), "{refused}");
    }
}
