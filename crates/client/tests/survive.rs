//! Readers of lists survive damaged bytes: the seeds of the fuzz targets, changed at random, cause no panic.
//!
//! The fuzz targets go further (`make fuzz`). `JACKFIELD_MUTATE_SECONDS` makes this go on for longer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::io::{Cursor, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use jackfield_client::sync::{Format, Input, InputOptions};
use zip::write::SimpleFileOptions;

/// What the last panic said.
static LAST: Mutex<String> = Mutex::new(String::new());

fn seeds(target: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut seeds: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    seeds
}

/// Changes a few places.
fn mutate(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(1..6) {
        let at = random.usize(0..=bytes.len().saturating_sub(1));
        match random.u8(0..7) {
            0 if !bytes.is_empty() => bytes[at] = random.u8(..),
            1 if !bytes.is_empty() => bytes[at] ^= 1 << random.u8(0..8),
            2 => bytes.insert(at, random.u8(..)),
            3 if !bytes.is_empty() => drop(bytes.remove(at)),
            4 => bytes.truncate(at),
            5 if bytes.len() >= at + 4 => {
                let extreme = [0, 1, u32::MAX, 0x7fff_ffff, 0xffff][random.usize(0..5)];
                bytes[at..at + 4].copy_from_slice(&extreme.to_le_bytes());
            }
            _ => {
                let end = bytes.len().min(at + random.usize(0..64));
                let part = bytes[at..end].to_vec();
                let to = random.usize(0..=bytes.len());
                bytes.splice(to..to, part);
            }
        }
    }
}

/// An archive with one of its parts changed, so that what is inside is reached.
fn mutate_inside(bytes: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let changed = random.usize(0..archive.len());
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut data = Vec::new();
        part.read_to_end(&mut data).unwrap();
        if at == changed {
            mutate(&mut data, random);
        }
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(&data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[track_caller]
fn survives(target: &str, name: &str, format: Format) {
    let seconds = std::env::var("JACKFIELD_MUTATE_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(1));
    let seed = std::env::var("JACKFIELD_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("JACKFIELD_TEST_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let seeds: Vec<Vec<u8>> = seeds(target).iter().map(|seed| std::fs::read(seed).unwrap()).collect();
    // Readers of others are held by the reader of workbooks when they panic; what is said of it helps nobody here.
    std::panic::set_hook(Box::new(|panic| *LAST.lock().unwrap() = panic.to_string()));
    let mut tried = 0_u64;
    while Instant::now() < until || tried < 200 {
        let seed_bytes = &seeds[random.usize(0..seeds.len())];
        let bytes = if seed_bytes.starts_with(b"PK") && random.bool() {
            mutate_inside(seed_bytes, &mut random)
        } else {
            let mut bytes = seed_bytes.clone();
            mutate(&mut bytes, &mut random);
            bytes
        };
        let mut options = InputOptions::new(name, format);
        (options.clean, options.until_blank_row) = (random.bool(), random.bool());
        let read = catch_unwind(AssertUnwindSafe(|| {
            if let Ok(input) = Input::read(&bytes[..], &options) {
                input.write_rejects(std::io::sink()).unwrap();
            }
        }));
        if read.is_err() {
            let kept = std::env::temp_dir().join(format!("jackfield-{target}-{seed}-{tried}"));
            std::fs::write(&kept, &bytes).unwrap();
            drop(std::panic::take_hook());
            let last = LAST.lock().unwrap().clone();
            panic!("seed {seed}, try {tried}: {} broke the reader: {last}", kept.display());
        }
        tried += 1;
    }
    eprintln!("{target}: {tried} tried");
}

#[test]
fn text_survives() {
    survives("list_text", "mutated.csv", Format::Csv);
}

#[test]
fn json_lines_survive() {
    survives("list_lines", "mutated.jsonl", Format::JsonLines);
}

#[test]
fn workbooks_survive() {
    survives("list_workbook", "mutated.xlsx", Format::Csv);
}
