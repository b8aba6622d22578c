//! JSON Lines: an object a line.

use std::io::{self, BufRead, Read};

use jackfield_model::json::{InvalidRequest, Json, Object};
use jackfield_model::wire::{AMAZON_ID_TYPE, Association};
use jackfield_model::{AmazonId, ExternalUserId, InvalidId};

use super::record::RECORD_BYTES;
use super::{Found, InputError, InputOptions, Problem, Reading, printable, trimmed};

/// Reads all lines.
pub(super) fn read(
    mut input: impl BufRead,
    options: &InputOptions,
    reading: &mut Reading,
) -> Result<(), InputError> {
    let name = |asked: &Option<String>, usual: &str| asked.clone().unwrap_or_else(|| usual.to_owned());
    let names = Names {
        external_user_id: name(&options.external_user_id, "externalUserId"),
        amazon_id: name(&options.amazon_id, "amazonId"),
    };
    let mut line = 0;
    let mut raw = Vec::new();
    loop {
        raw.clear();
        let bound = RECORD_BYTES as u64 + 1;
        let read: io::Result<usize> = (&mut input).take(bound).read_until(b'\n', &mut raw);
        if read.map_err(|error| reading.unreadable(error))? == 0 {
            return Ok(());
        }
        line += 1;
        let whole = raw.ends_with(b"\n");
        if !whole && raw.len() > RECORD_BYTES {
            return Err(reading.refused(line, format!("the line is longer than {RECORD_BYTES} bytes")));
        }
        let text = raw.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let row = match serde_json::from_slice(text) {
            Ok(Json::Object(object)) => row(&object, &names, line, reading),
            Ok(other) => {
                let rule = format!("the line is {}; a JSON object is expected", other.kind());
                Err(vec![reading.problem(line, rule)])
            }
            // The last line without its end: more than one row may be gone.
            Err(error) if error.is_eof() && !whole => {
                let rule = "the last line ends in the middle of an object; the input is cut off";
                return Err(reading.refused(line, rule));
            }
            Err(error) => {
                let rule = format!("the line is not valid JSON (at byte {})", error.column());
                Err(vec![reading.problem(line, rule)])
            }
        };
        let place = (None, names.external_user_id.clone());
        reading.found.push(Found { line, raw: text.to_vec(), row, place });
    }
}

struct Names {
    external_user_id: String,
    amazon_id: String,
}

fn row(
    object: &Object<'_>,
    names: &Names,
    line: u64,
    reading: &Reading,
) -> Result<Association, Vec<Problem>> {
    let mut problems = Vec::new();
    let external_user_id = value(object, &names.external_user_id, ExternalUserId::new);
    let amazon_id = value(object, &names.amazon_id, AmazonId::new);
    let kind = match object.get("amazonIdType") {
        Ok(None) => Ok(()),
        Ok(Some(Json::Text(text))) if text == AMAZON_ID_TYPE => Ok(()),
        _ => Err(("amazonIdType", format!("must be \"{AMAZON_ID_TYPE}\" or absent"))),
    };
    let mut refuse = |(field, rule): (&str, String)| {
        problems.push(Problem { field: Some(field.to_owned()), ..reading.problem(line, rule) });
    };
    let external_user_id = external_user_id.map_err(&mut refuse).ok();
    let amazon_id = amazon_id.map_err(&mut refuse).ok();
    let kind = kind.map_err(&mut refuse).ok();
    match (external_user_id, amazon_id, kind) {
        (Some(id), Some(amazon_id), Some(())) => Ok(Association::new(id, amazon_id)),
        _ => Err(problems),
    }
}

fn value<'a, T>(
    object: &Object<'_>,
    name: &'a str,
    check: fn(&str) -> Result<T, InvalidId>,
) -> Result<T, (&'a str, String)> {
    let text = object.text(name).map_err(|error: InvalidRequest| {
        // The refusal names the property, which the place of a problem names too.
        let rule = error.0.strip_prefix(name).unwrap_or(&error.0).trim().trim_end_matches('.');
        (name, printable(rule))
    })?;
    if trimmed(text).is_empty() {
        return Err((name, "is empty".to_owned()));
    }
    check(trimmed(text)).map_err(|error| (name, error.to_string()))
}
