//! Rules that only a whole list can break: repeats, values that look alike, and what a spreadsheet did to a column.

use std::collections::HashMap;

use super::Problem;
use super::characters::{alike, cleaned, differ_in_script, look, visible};
use super::entry::Entry;
use super::options::Doubt;
use super::reading::{Found, Reading};

/// Places that one remark names.
const NAMED: usize = 5;

/// Values of one look that are compared with each other.
const COMPARED: usize = 50;

/// Holds all rows to these rules.
pub(super) fn check(reading: &mut Reading<'_>) {
    refuse_twins(reading);
    refuse_decimals(reading);
    refuse_repeats(reading);
    refuse_contradictions(reading);
    warn_of_lost_zeros(reading);
}

/// Which of two rows counts is not for a program to guess: all rows of an id that stands twice are refused. Where they
/// say the same, they count once.
fn refuse_repeats(reading: &mut Reading<'_>) {
    let found = &reading.found;
    let row = |at: usize| found[at].row.as_ref().ok();
    let id = |at: usize| row(at).map(|row| &row.external_user_id);
    let mut order: Vec<usize> = (0..found.len()).filter(|&at| id(at).is_some()).collect();
    order.sort_by(|&one, &other| id(one).cmp(&id(other)).then(one.cmp(&other)));
    let (mut refused, mut same) = (Vec::new(), Vec::new());
    for group in order.chunk_by(|&one, &other| id(one) == id(other)).filter(|group| group.len() > 1) {
        if group.iter().all(|&at| row(at) == row(group[0])) {
            same.extend(group[1..].iter().map(|&at| (at, group[0])));
            continue;
        }
        for (place, &at) in group.iter().enumerate() {
            // The first names the second, the others the first.
            let other = found[group[usize::from(place == 0)]].line;
            let unit = reading.unit();
            let rule = format!("stands in {unit} {other} too; an externalUserId may stand once");
            refused.push((at, reading.problem_of_id(found[at].line, rule)));
        }
    }
    for (at, problem) in refused {
        reading.found[at].row = Err(vec![problem]);
    }
    count_once(reading, same);
}

/// Rows of one unit share its profile and contact: what they call them is the same, or not said.
fn refuse_contradictions(reading: &mut Reading<'_>) {
    if reading.options.parts.is_empty() {
        return;
    }
    let mut refused = contradictions(reading, |entry| entry.profile_name.as_deref());
    refused.extend(contradictions(reading, |entry| entry.contact_name.as_deref()));
    for (at, problem) in refused {
        match &mut reading.found[at].row {
            Err(problems) => problems.push(problem),
            row @ Ok(_) => *row = Err(vec![problem]),
        }
    }
}

/// All rows that call a unit or profile otherwise than another one does: which of them counts is not for a program to
/// guess.
fn contradictions(reading: &Reading<'_>, named: fn(&Entry) -> Option<&str>) -> Vec<(usize, Problem)> {
    let mut rows: HashMap<&str, Vec<(usize, &str)>> = HashMap::new();
    for (at, found) in reading.found.iter().enumerate() {
        if let Ok(entry) = &found.row
            && let (Some(name), Some(subject)) = (named(entry), entry.subject())
        {
            rows.entry(subject).or_default().push((at, name));
        }
    }
    let mut refused = Vec::new();
    for (subject, rows) in rows {
        for &(at, name) in &rows {
            let Some(&(other, said)) = rows.iter().find(|(_, other)| *other != name) else { break };
            let (unit, line) = (reading.unit(), reading.found[other].line);
            let rule = format!(
                "calls \"{}\" \"{}\", and {unit} {line} calls it \"{}\"; rows of one unit or profile call it the same",
                visible(subject),
                visible(name),
                visible(said)
            );
            refused.push((at, reading.problem(reading.found[at].line, rule)));
        }
    }
    refused
}

/// Leaves out rows that say what an earlier one says.
fn count_once(reading: &mut Reading<'_>, mut same: Vec<(usize, usize)>) {
    if same.is_empty() {
        return;
    }
    same.sort_unstable();
    let line = |at: usize| reading.found[at].line;
    let places = same.iter().take(NAMED).map(|&(at, first)| format!("{} as {}", line(at), line(first)));
    let places = places.collect::<Vec<_>>().join(", ");
    let (unit, more) = (reading.unit(), more(same.len()));
    let (rows, count) = match same.len() {
        1 => ("1 row says".to_owned(), "counts"),
        many => (format!("{many} rows say"), "count"),
    };
    let remark = format!("{rows} the same as an earlier one and {count} once: {unit} {places}{more}");
    reading.remark(remark);
    let mut at = 0;
    reading.found.retain(|_| {
        at += 1;
        same.binary_search_by_key(&(at - 1), |&(at, _)| at).is_err()
    });
}

/// Ids that a person cannot tell apart: one of them is a mistake.
fn refuse_twins(reading: &mut Reading<'_>) {
    if reading.options.allow.has(Doubt::LookAlikes) {
        return;
    }
    let ids: Vec<Option<&str>> = reading.found.iter().map(Found::id).collect();
    if ids.iter().flatten().all(|id| id.is_ascii()) {
        return;
    }
    let mut looks: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, id) in ids.iter().enumerate() {
        if let Some(id) = id {
            looks.entry(look(id)).or_default().push(at);
        }
    }
    let mut refused = Vec::new();
    for group in looks.values().filter(|group| group.len() > 1) {
        for &at in group {
            let id = ids[at].unwrap_or_default();
            let others = group.iter().take(COMPARED).filter(|&&other| other != at);
            let twin = others.filter_map(|&other| Some((other, twin(id, ids[other]?)?))).next();
            let Some((other, how)) = twin else { continue };
            let (unit, line) = (reading.unit(), reading.found[other].line);
            let (one, other) = (visible(id), visible(ids[other].unwrap_or_default()));
            let rule = format!(
                "\"{one}\" looks like \"{other}\" in {unit} {line} and is not the same: {how}, or --allow \
                 look-alikes takes both"
            );
            refused.push((at, reading.problem_of_id(reading.found[at].line, rule)));
        }
    }
    for (at, problem) in refused {
        match &mut reading.found[at].row {
            Err(problems) => problems.push(problem),
            row @ Ok(_) => *row = Err(vec![problem]),
        }
    }
}

/// How two ids of one look differ, where that is a mistake, and what helps.
fn twin(one: &str, other: &str) -> Option<&'static str> {
    if one == other {
        None
    } else if cleaned(one) == cleaned(other) {
        Some("it differs in what nobody sees; --clean makes them one")
    } else if alike(one) == alike(other) {
        Some("its letters, digits or signs are of another form; correct one of them")
    } else if differ_in_script(one, other) {
        Some("it has letters of another script; correct one of them")
    } else {
        None
    }
}

/// `7201.0` among whole numbers: a program took the column for numbers with a fraction.
fn refuse_decimals(reading: &mut Reading<'_>) {
    if reading.options.allow.has(Doubt::Decimals) {
        return;
    }
    let valid = |found: &Found| found.row.is_ok();
    let fraction = |found: &Found| {
        let (whole, fraction) = found.id()?.split_once(['.', ','])?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (digits(whole) && digits(fraction)).then(|| fraction.bytes().all(|byte| byte == b'0'))
    };
    let mut whole = Vec::new();
    for (at, found) in reading.found.iter().enumerate().filter(|(_, found)| valid(found)) {
        match fraction(found) {
            Some(true) => whole.push(at),
            // Others have a fraction: that is how endpoints are called here.
            Some(false) => return,
            None => {}
        }
    }
    for at in whole {
        let id = reading.found[at].id().unwrap_or_default();
        let meant = id.split(['.', ',']).next().unwrap_or_default();
        let rule = format!(
            "\"{id}\" is {meant} as a number with a fraction, and no other has one; --allow decimals takes it as it is"
        );
        let problem = reading.problem_of_id(reading.found[at].line, rule);
        reading.found[at].row = Err(vec![problem]);
    }
}

/// `71` where all other numbers have four digits: a spreadsheet took the zeros in front of it away.
fn warn_of_lost_zeros(reading: &mut Reading<'_>) {
    let ids = reading.found.iter().filter(|found| found.row.is_ok());
    let numbers: Vec<(u64, &str)> = ids
        .filter_map(|found| Some((found.line, found.id()?)))
        .filter(|(_, id)| id.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    let Some(longest) = numbers.iter().map(|(_, id)| id.len()).max() else { return };
    let shorter: Vec<_> = numbers.iter().filter(|(_, id)| id.len() < longest).collect();
    let zeros = numbers.iter().any(|(_, id)| id.len() == longest && id.starts_with('0'));
    // Rooms 98 to 103 have lost nothing; without a zero anywhere only few among many speak for it.
    let few = shorter.len() * 10 <= numbers.len() || (shorter.len() == 1 && numbers.len() > 2);
    if shorter.is_empty() || !(few || zeros) || shorter.len() * 2 > numbers.len() {
        return;
    }
    let unit = reading.unit();
    let places = shorter.iter().take(NAMED).map(|(line, id)| format!("{id} in {unit} {line}"));
    let remark = format!(
        "ids that are numbers have {longest} digits, but not {}{}: zeros in front of them may have been lost",
        places.collect::<Vec<_>>().join(", "),
        more(shorter.len())
    );
    reading.remark(remark);
}

fn more(count: usize) -> String {
    if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() }
}
