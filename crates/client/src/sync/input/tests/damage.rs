//! A clean table that was damaged in many ways at once: what the messages name mends it, or it is refused by name.

use std::io::Write;

use proptest::collection::{btree_set, vec};
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};
use unicode_normalization::UnicodeNormalization;

use super::*;

/// Tables that are tried.
const CASES: u32 = 10_000;

/// What is done to the whole of a list.
#[derive(Clone, Debug)]
struct Whole {
    delimiter: u8,
    sep: bool,
    end: &'static str,
    /// Titles and blank lines above the header.
    above: Vec<String>,
    /// A total below a blank line.
    below: bool,
    end_mark: bool,
    trailing: usize,
    note: bool,
    header: usize,
    marks: usize,
    encoding: usize,
    packed: bool,
}

/// What is done to one row.
#[derive(Clone, Debug)]
enum Damage {
    Mark,
    Invisible(char, Index),
    Apart,
    Wrapped,
    Blanks,
    Twice,
    Short,
    Quoted,
    /// What nothing mends.
    Instead(&'static str),
}

fn whole() -> impl Strategy<Value = Whole> {
    let lines = (
        proptest::sample::select(&b",;\t|"[..]),
        any::<bool>(),
        proptest::sample::select(&["\n", "\r\n", "\r"][..]),
        vec(prop_oneof![Just(String::new()), "Rooms [0-9]{1,3}", "\"Hotel, [a-z]{1,5}\""], 0..5),
    );
    let ends = (any::<bool>(), any::<bool>(), 0_usize..3, any::<bool>(), 0_usize..3);
    (lines, ends, 0_usize..3, 0_usize..8, any::<bool>()).prop_map(|(lines, ends, marks, encoding, packed)| {
        let (delimiter, sep, end, above) = lines;
        let (below, end_mark, trailing, note, header) = ends;
        Whole { delimiter, sep, end, above, below, end_mark, trailing, note, header, marks, encoding, packed }
    })
}

fn damage() -> impl Strategy<Value = Damage> {
    let invisible =
        proptest::sample::select(&['\u{200b}', '\u{feff}', '\u{ad}', '\u{200e}', '\u{2060}', '\u{fe0f}'][..]);
    prop_oneof![
        Just(Damage::Mark),
        (invisible, any::<Index>()).prop_map(|(c, at)| Damage::Invisible(c, at)),
        Just(Damage::Apart),
        Just(Damage::Wrapped),
        Just(Damage::Blanks),
        Just(Damage::Twice),
        Just(Damage::Short),
        Just(Damage::Quoted),
        proptest::sample::select(
            &[
                "4.91512E+11",
                "#N/A",
                "#REF!",
                "=1+1",
                "@SUM(A1)",
                "7201.0",
                "2026-01-05",
                "TRUE",
                "",
                "a\u{e000}",
                "B\u{430}r"
            ][..]
        )
        .prop_map(Damage::Instead),
    ]
}

fn ids() -> impl Strategy<Value = Vec<String>> {
    let id = prop_oneof![
        "[0-9]{4}",
        "room [0-9]{1,3}",
        "Caf\u{e9} [a-d]",
        "[a-z]{2,6}@hotel\\.de",
        "Stra\u{df}e [0-9]"
    ];
    btree_set(id, 1..7).prop_map(|ids| ids.into_iter().collect())
}

/// The rows of a table as they stand in a list, each with its end.
fn written(ids: &[String], whole: &Whole, damages: &[(Index, Damage)]) -> String {
    let delimiter = char::from(whole.delimiter);
    let mut lines = Vec::new();
    let trailing = delimiter.to_string().repeat(whole.trailing);
    let note = if whole.note { format!("n{delimiter}") } else { String::new() };
    let header =
        ["externalUserId?amazonId", "External User ID?Amazon ID", "EXTERNAL_USER_ID?profile"][whole.header];
    if whole.sep {
        lines.push(format!("sep={delimiter}"));
    }
    lines.extend(whole.above.iter().cloned());
    lines.push(format!("{note}{}{trailing}", header.replace('?', &delimiter.to_string())));
    for (at, id) in ids.iter().enumerate() {
        let (mut id, mut mark, mut twice, mut short) = (id.clone(), "", false, false);
        for (_, damage) in damages.iter().filter(|(place, _)| place.index(ids.len()) == at) {
            match damage {
                Damage::Mark => mark = "\u{feff}",
                Damage::Invisible(c, at) => {
                    let places: Vec<usize> = id.char_indices().map(|(at, _)| at).chain([id.len()]).collect();
                    id.insert(*at.get(&places), *c);
                }
                Damage::Apart => id = id.nfd().collect(),
                Damage::Wrapped if !id.contains('"') && !id.starts_with('=') => id = format!("=\"{id}\""),
                Damage::Blanks => id = format!(" {id}\u{a0}"),
                Damage::Twice => twice = true,
                Damage::Short => short = true,
                Damage::Quoted if !id.contains('"') => id = format!("\"{id}\""),
                Damage::Instead(text) => id = (*text).to_owned(),
                Damage::Wrapped | Damage::Quoted => {}
            }
        }
        let end = if short { "" } else { &trailing };
        let line = format!("{note}{id}{delimiter}{PROFILE}{at}{end}");
        lines.push(format!("{mark}{line}"));
        lines.extend(twice.then_some(line));
    }
    if whole.below {
        lines.extend([String::new(), format!("Total: {} rooms", ids.len())]);
    }
    lines.extend(whole.end_mark.then(|| "\u{1a}".to_owned()));
    lines.iter().map(|line| format!("{line}{}", whole.end)).collect()
}

/// The bytes of a list, and the encoding that has to be named.
fn encoded(text: &str, whole: &Whole) -> (Vec<u8>, Option<Encoding>) {
    let marked = "\u{feff}".repeat(whole.marks) + text;
    let units =
        |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let wide = |order: fn(u32) -> [u8; 4]| {
        format!("\u{feff}{text}").chars().map(u32::from).flat_map(order).collect()
    };
    let mut named = None;
    let bytes = match whole.encoding {
        0 => units(&marked, u16::to_le_bytes),
        1 => units(&marked, u16::to_be_bytes),
        2 => wide(u32::to_le_bytes),
        3 => wide(u32::to_be_bytes),
        4 => {
            let (bytes, _, lost) = encoding_rs::WINDOWS_1252.encode(text);
            if lost {
                marked.into_bytes()
            } else {
                named = "windows-1252".parse().ok();
                bytes.into_owned()
            }
        }
        _ => marked.into_bytes(),
    };
    if !whole.packed {
        return (bytes, named);
    }
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(&bytes).unwrap();
    (writer.finish().unwrap(), named)
}

/// Reads with what the messages name, until it is read or nothing new is named.
fn mended(bytes: &[u8], named: Option<Encoding>) -> Result<Input, String> {
    let mut options = InputOptions::new("r.csv", Format::Csv);
    loop {
        let told = match Input::read(bytes, &options) {
            Ok(input) if input.rejects.is_empty() => return Ok(input),
            Ok(input) => super::told(&input).join("\n"),
            Err(error) => error.to_string(),
        };
        let before = (options.clean, options.until_blank_row, options.encoding);
        options.clean |= told.contains("--clean");
        options.until_blank_row |= told.contains("--until-blank-row");
        if told.contains("--encoding") {
            // The text that is shown with the guess tells a person.
            options.encoding = named;
        }
        if (options.clean, options.until_blank_row, options.encoding) == before {
            return Err(told);
        }
    }
}

fn check(ids: &[String], whole: &Whole, damages: &[(Index, Damage)]) -> Result<(), TestCaseError> {
    let (bytes, named) = encoded(&written(ids, whole, damages), whole);
    let hopeless = damages.iter().any(|(_, damage)| matches!(damage, Damage::Instead(_)));
    match mended(&bytes, named) {
        Ok(input) => {
            let row = |row: &Row| {
                (row.association.external_user_id.to_string(), row.association.amazon_id.to_string())
            };
            let mut read: Vec<_> = input.rows.iter().map(row).collect();
            let mut clean: Vec<_> =
                ids.iter().enumerate().map(|(at, id)| (id.clone(), format!("{PROFILE}{at}"))).collect();
            read.sort();
            clean.sort();
            prop_assert_eq!(read, clean, "{:?}", input.understood);
        }
        Err(told) => {
            // What nobody sees behind a quote is text there, which is refused as such.
            prop_assert!(hopeless || told.contains("after its closing quote"), "{told}");
            prop_assert!(told.lines().all(|line| line.starts_with("r.csv:") && line.len() > 20), "{told}");
        }
    }
    Ok(())
}

#[test]
fn what_is_damaged_is_mended_by_what_is_named_or_refused_by_name() {
    let seed = std::env::var("JACKFIELD_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("JACKFIELD_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let table = (ids(), whole(), vec((any::<Index>(), damage()), 0..4));
    let outcome = runner.run(&table, |(ids, whole, damages)| check(&ids, &whole, &damages));
    if let Err(failure) = outcome {
        panic!("seed {seed}: {failure}");
    }
}
