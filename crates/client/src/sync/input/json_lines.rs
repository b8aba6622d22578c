//! JSON Lines: an object a line.

use std::io::{self, BufRead, Read};

use jackfield_model::json::{InvalidRequest, Json, Object};
use jackfield_model::wire::AMAZON_ID_TYPE;
use jackfield_model::{AmazonId, ExternalUserId, InvalidId};

use super::characters::{looks_blank, printable};
use super::entry::{self, Entry, Field, PropertyValues};
use super::reading::{Found, Reading};
use super::record::{END_MARK, RECORD_BYTES};
use super::table::checked;
use super::{InputError, InputOptions, Problem, value};

/// Reads all lines.
pub(super) fn read(mut input: impl BufRead, reading: &mut Reading<'_>) -> Result<(), InputError> {
    let options = reading.options;
    let name = |asked: &Option<String>, usual: &str| asked.clone().unwrap_or_else(|| usual.to_owned());
    let names = Names {
        external_user_id: name(&options.external_user_id, "externalUserId"),
        amazon_id: name(&options.amazon_id, Field::AmazonId.name()),
        unit: name(&options.unit, Field::Unit.name()),
        profile_name: name(&options.profile_name, Field::ProfileName.name()),
        contact_name: name(&options.contact_name, Field::ContactName.name()),
    };
    reading.place = (None, names.external_user_id.clone());
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
        let mut text = raw.trim_ascii();
        if options.clean {
            text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text).trim_ascii();
        }
        if text.is_empty() {
            continue;
        }
        let (row, id) = match parsed(text, &names, line, whole, reading)? {
            Ok(entry) => (Ok(entry), None),
            Err((problems, id)) => (Err(problems), id),
        };
        reading.push(Found { line, raw: text.to_vec(), row, id })?;
    }
}

/// What is wrong with a line, and the id that it would have.
type Refused = (Vec<Problem>, Option<Box<str>>);

fn parsed(
    text: &[u8],
    names: &Names,
    line: u64,
    whole: bool,
    reading: &mut Reading<'_>,
) -> Result<Result<Entry, Refused>, InputError> {
    let refuse = |rule: String| Ok(Err((vec![reading.problem(line, rule)], None)));
    match serde_json::from_slice(text) {
        Ok(Json::Object(object)) => Ok(row(&object, names, line, reading)),
        Ok(other) => refuse(format!("the line is {}; a JSON object is expected", other.kind())),
        // The last line without its end: more than one row may be gone.
        Err(error) if error.is_eof() && !whole => {
            let rule = "the last line ends in the middle of an object; the input is cut off";
            Err(reading.refused(line, rule))
        }
        Err(_) if text.starts_with("\u{feff}".as_bytes()) => refuse(
            "begins with a byte-order mark (U+FEFF), which nobody sees; two files may have been joined here; \
             --clean takes it out"
                .to_owned(),
        ),
        Err(_) if text.iter().all(|byte| matches!(byte, &END_MARK | 0)) => {
            refuse("is a Ctrl-Z, with which old programs end a file; take it out".to_owned())
        }
        Err(_) if line == 1 && text == b"{" => Err(reading.refused(
            line,
            "an object of JSON over several lines begins here; an object a line is read, which `jq -c` writes",
        )),
        Err(error) => refuse(format!("the line is not valid JSON (at byte {})", error.column())),
    }
}

struct Names {
    external_user_id: String,
    amazon_id: String,
    unit: String,
    profile_name: String,
    contact_name: String,
}

impl Names {
    fn of(&self, field: Field) -> &str {
        match field {
            Field::AmazonId => &self.amazon_id,
            Field::Unit => &self.unit,
            Field::ProfileName => &self.profile_name,
            Field::ContactName => &self.contact_name,
        }
    }
}

fn row(object: &Object<'_>, names: &Names, line: u64, reading: &mut Reading<'_>) -> Result<Entry, Refused> {
    let mut problems = Vec::new();
    let (external_user_id, id) =
        value(object, &names.external_user_id, line, ExternalUserId::new, value::doubt, reading);
    let parts = reading.options.parts;
    let of_unit = parts.profiles && is_absent(object, &names.amazon_id);
    let amazon_id = if of_unit {
        Ok(None)
    } else {
        value(object, &names.amazon_id, line, AmazonId::new, value::no_value, reading).0.map(Some)
    };
    let mut named = |field, wanted: bool, check| {
        let name = names.of(field);
        if !wanted || is_absent(object, name) {
            return Ok(None);
        }
        value(object, name, line, check, value::doubt, reading).0.map(Some)
    };
    let unit = named(Field::Unit, parts.units, entry::unit);
    let profile_name = named(Field::ProfileName, parts.profiles, entry::name);
    let contact_name = named(Field::ContactName, parts.contacts, entry::name);
    let kind = match object.get("amazonIdType") {
        Ok(None) => Ok(()),
        Ok(Some(Json::Text(text))) if text == AMAZON_ID_TYPE => Ok(()),
        _ => Err(("amazonIdType", format!("must be \"{AMAZON_ID_TYPE}\" or absent"))),
    };
    let mut refuse = |(field, rule): (&str, String)| {
        problems.push(Problem { field: Some(field.to_owned()), ..reading.problem(line, rule) });
    };
    let external_user_id = external_user_id.map_err(&mut refuse).ok();
    let amazon_id = amazon_id.map_err(&mut refuse).ok().flatten();
    let kind = kind.map_err(&mut refuse).ok();
    let values = PropertyValues {
        unit: unit.map_err(&mut refuse).ok().flatten(),
        profile_name: profile_name.map_err(&mut refuse).ok().flatten(),
        contact_name: contact_name.map_err(&mut refuse).ok().flatten(),
    };
    let (Some(external_user_id), Some(())) = (external_user_id, kind) else {
        return Err((problems, id));
    };
    if !problems.is_empty() {
        return Err((problems, id));
    }
    Entry::new(parts, external_user_id, amazon_id, values).map_err(|(field, rule)| {
        let field = Some(names.of(field).to_owned());
        (vec![Problem { field, ..reading.problem(line, rule) }], id)
    })
}

/// Whether a property is not there, null, or empty: as an empty cell of a table.
fn is_absent(object: &Object<'_>, name: &str) -> bool {
    match object.get(name) {
        Ok(None | Some(Json::Null)) => true,
        Ok(Some(Json::Text(text))) => looks_blank(text),
        _ => false,
    }
}

/// The value of a property, or its name and the rule that is broken.
type Named<'a, T> = Result<T, (&'a str, String)>;

/// The value of a property, and its text where it is one, however doubtful.
fn value<'a, T>(
    object: &Object<'_>,
    name: &'a str,
    line: u64,
    check: fn(&str) -> Result<T, InvalidId>,
    doubt: fn(&str, &InputOptions) -> Option<String>,
    reading: &mut Reading<'_>,
) -> (Named<'a, T>, Option<Box<str>>) {
    let text = object.text(name).map_err(|error: InvalidRequest| {
        // The refusal names the property, which the place of a problem names too.
        let rule = error.0.strip_prefix(name).unwrap_or(&error.0).trim().trim_end_matches('.');
        (name, printable(rule))
    });
    match text {
        Err(refused) => (Err(refused), None),
        Ok(text) => {
            let taken = value::taken(text, reading.options);
            reading.note_change(line, name, text, &taken);
            let value = checked(&taken, check, doubt, reading.options).map_err(|rule| (name, rule));
            (value, Some(taken.as_ref().into()))
        }
    }
}
