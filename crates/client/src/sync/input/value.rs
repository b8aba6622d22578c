//! Values that are valid and almost certainly not meant. Each rule says what it saw, why, and which option helps.

use std::borrow::Cow;

use super::characters::{
    alike, cleaned, inside_set_quotes, is_normal, is_wide, misread, oddity, stranger, trimmed, unmangled,
    visible,
};
use super::options::{Doubt, Format, InputOptions};

/// Error values of spreadsheets in the languages of people who send lists, and what programs write for no value.
const ERRORS: &[&str] = &[
    "#N/A",
    "#N/A N/A",
    "#NA",
    "#NV",
    "#N/D",
    "#N/V",
    "N/A",
    "NaN",
    "nan",
    "NULL",
    "null",
    "(null)",
    "\\N",
    "None",
    "undefined",
    "#GETTING_DATA",
    "<NA>",
];

/// Truth values, as spreadsheets write them.
const BOOLEANS: &[&str] = &["TRUE", "FALSE", "WAHR", "FALSCH", "VRAI", "FAUX", "VERDADERO", "FALSO", "VERO"];

/// The first three letters of the months, in the languages of the API's countries.
const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mai", "okt", "dez",
    "mär", "fév", "fev", "avr", "jui", "aoû", "déc", "ene", "abr", "ago", "dic", "gen", "mag", "giu", "lug",
    "set", "ott",
];

/// A value as it is taken: without the blanks around it, out of `="…"`, and cleaned where that is asked for.
pub(super) fn taken<'a>(text: &'a str, options: &InputOptions) -> Cow<'a, str> {
    if !options.clean {
        return unwrapped(trimmed(text));
    }
    let value = match cleaned(text) {
        Cow::Borrowed(text) => unwrapped(text),
        Cow::Owned(text) => Cow::Owned(unwrapped(&text).into_owned()),
    };
    if marked(&value) {
        return Cow::Owned(value[1..].to_owned());
    }
    if let Some(inner) = inside_set_quotes(&value) {
        return Cow::Owned(trimmed(inner).to_owned());
    }
    // Behind what nobody sees, a quote did not begin a quoted field.
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner.filter(|inner| !inner.contains('"') && !text.starts_with('"') && !text.is_ascii()) {
        Some(inner) => Cow::Owned(trimmed(inner).to_owned()),
        None => value,
    }
}

/// `="0071"`, how exports keep leading zeros, is `0071`.
fn unwrapped(text: &str) -> Cow<'_, str> {
    let inner = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.replace("\"\"", "").contains('"') => {
            let inner = inner.replace("\"\"", "\"");
            Cow::Owned(trimmed(&inner).to_owned())
        }
        _ => Cow::Borrowed(text),
    }
}

/// Whether an apostrophe stands in front of a number, which makes it text in a spreadsheet.
fn marked(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('\'') && chars.next().is_some_and(|c| c.is_ascii_digit() || c == '+')
}

/// What speaks against a value of any column, however it was allowed by the contract.
pub(super) fn character_doubt(text: &str, options: &InputOptions) -> Option<String> {
    if text.is_ascii() || options.allow.has(Doubt::Characters) {
        return None;
    }
    let keeps = "--allow characters keeps it";
    if let Some((c, what)) = text.chars().find_map(|c| oddity(c).map(|what| (c, what))) {
        let takes = if cleaned(text).contains(c) { "correct it" } else { "--clean takes it out" };
        let takes = if what.contains("like a space") { "--clean makes it one" } else { takes };
        return Some(format!(
            "holds U+{:04X}, {what}: \"{}\"; {takes}, {keeps}",
            u32::from(c),
            visible(text)
        ));
    }
    if !is_normal(text) {
        let (written, meant) = (visible(text), cleaned(text));
        return Some(format!(
            "is not in Unicode normal form C: \"{written}\" looks like \"{meant}\"; --clean makes it that, {keeps}"
        ));
    }
    if let Some(c) = stranger(text) {
        let code = u32::from(c);
        return Some(format!(
            "mixes letters of two scripts: \"{c}\" in \"{text}\" is U+{code:04X}, which only looks like a letter of \
             the others; correct it, {keeps}"
        ));
    }
    if let Some(meant) = misread(text) {
        let (written, meant) = (visible(text), visible(&meant));
        return Some(format!(
            "mixes letters of two scripts: \"{written}\" is \"{meant}\" in another encoding; --encoding windows-1252 reads \
             the list so, {keeps}"
        ));
    }
    if let Some(inner) = inside_set_quotes(text) {
        return Some(format!(
            "stands in quotes that a text program set: {text}; --clean makes it {inner}, {keeps}"
        ));
    }
    if is_wide(text) {
        let meant = alike(text);
        return Some(format!(
            "is written in wide characters: \"{text}\" is not \"{meant}\"; correct it, {keeps}"
        ));
    }
    unmangled(text).map(|meant| {
        format!("seems to have been read in a wrong encoding: \"{text}\" was \"{meant}\"; export it again, {keeps}")
    })
}

/// What speaks against an `externalUserId`.
pub(super) fn doubt(text: &str, options: &InputOptions) -> Option<String> {
    let (doubt, rule) = rule(text)?;
    (!options.allow.has(doubt)).then(|| format!("{rule}; --allow {doubt} takes it as it is"))
}

/// What speaks against an `amazonId` that is none, better than that it does not begin like one.
pub(super) fn no_value(text: &str, _: &InputOptions) -> Option<String> {
    is_error(text).then(|| format!("\"{}\" is what programs write where there is no value", visible(text)))
}

/// What kind of doubtful value an id is, where it is one.
pub(in crate::sync) fn doubt_of(id: &str) -> Option<Doubt> {
    let nothing_allowed = InputOptions::new("", Format::Csv);
    let characters = character_doubt(id, &nothing_allowed).map(|_| Doubt::Characters);
    characters.or_else(|| rule(id).map(|(doubt, _)| doubt))
}

fn rule(text: &str) -> Option<(Doubt, String)> {
    let shown = visible(text);
    if is_power(text) {
        let what =
            "is a power of ten, which spreadsheets make of long numbers; the digits behind it are lost";
        return Some((Doubt::Powers, format!("\"{shown}\" {what}")));
    }
    if is_formula(text) {
        return Some((Doubt::Formulas, format!("\"{shown}\" is a formula, not its value")));
    }
    if marked(text) {
        let what = "begins with the apostrophe that marks a number as text; --clean takes it out";
        return Some((Doubt::Formulas, format!("\"{shown}\" {what}")));
    }
    if is_error(text) {
        return Some((Doubt::Errors, format!("\"{shown}\" is what programs write where there is no value")));
    }
    if is_date(text) {
        let what = "is a date, which spreadsheets make of numbers like 1-5";
        return Some((Doubt::Dates, format!("\"{shown}\" {what}")));
    }
    BOOLEANS.contains(&text).then(|| (Doubt::Booleans, format!("\"{shown}\" is a truth value")))
}

/// `4.91512E+11`, but not the room `12E3`.
fn is_power(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let signed = exponent.starts_with(['+', '-']);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && fraction.is_none_or(digits)
        && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
        && (signed || fraction.is_some())
}

/// What a spreadsheet would calculate: it begins with `=` or `@`, or with a sign and a call.
fn is_formula(text: &str) -> bool {
    if text.starts_with(['=', '@']) {
        return true;
    }
    let Some(rest) = text.strip_prefix(['+', '-']) else { return false };
    let name = rest.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_'));
    name.starts_with('(') && rest.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn is_error(text: &str) -> bool {
    let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    let word = |rest: &str| {
        let rest = rest.strip_suffix(['!', '?']).unwrap_or_default();
        !rest.is_empty() && rest.chars().all(|c| c.is_uppercase() || matches!(c, '/' | '0' | '_' | '-'))
    };
    ERRORS.contains(&text)
        || text.strip_prefix('#').is_some_and(word)
        || ["Err:", "Fehler:"].iter().any(|start| text.strip_prefix(start).is_some_and(number))
        || (text.len() > 2 && text.bytes().all(|byte| byte == b'#'))
}

/// `2026-01-05`, `5.1.2026`, `1/5/26`, `5-Jan`, `Jan 26`, each with a time or without.
fn is_date(text: &str) -> bool {
    if !text.starts_with(|c: char| c.is_alphanumeric()) || text.len() > 40 {
        return false;
    }
    let time = |rest: &str| {
        rest.contains(':') && rest.chars().all(|c| c.is_ascii_digit() || "Z:.+AMPamp ".contains(c))
    };
    let date = match text.split_once([' ', 'T']) {
        Some((date, rest)) if time(rest) => date,
        _ => text,
    };
    let parts: Vec<&str> = date.split(['-', '/', '.', ' ']).filter(|part| !part.is_empty()).collect();
    let separators = date.chars().filter(|c| matches!(c, '-' | '/' | '.')).count();
    let number = |part: &&str, longest: usize, most: u32| {
        part.len() <= longest && part.parse().is_ok_and(|number: u32| (1..=most).contains(&number))
    };
    let month = |part: &&str| {
        let start: String = part.chars().take(3).flat_map(char::to_lowercase).collect();
        part.chars().count() <= 4 && part.chars().all(char::is_alphabetic) && MONTHS.contains(&&*start)
    };
    let year = |part: &&str| matches!(part.len(), 2 | 4) && part.bytes().all(|byte| byte.is_ascii_digit());
    match &parts[..] {
        [y, m, d] if y.len() == 4 && separators == 2 => year(y) && number(m, 2, 12) && number(d, 2, 31),
        [d, m, y] if separators == 2 => {
            year(y) && ((number(d, 2, 31) && number(m, 2, 31)) || (number(d, 2, 31) && month(m)))
        }
        [one, other] if separators == 1 => {
            (number(one, 2, 31) && month(other)) || (month(one) && (number(other, 2, 31) || year(other)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
