//! Characters that nobody sees, and texts that look the same and are not.

use std::borrow::Cow;

pub(super) use jackfield_model::unseen::oddity;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark, is_nfc};
use unicode_script::{Script, UnicodeScript};
use unicode_security::skeleton;

/// Whether it has no width at all, so that it can be taken out.
fn is_invisible(c: char) -> bool {
    oddity(c).is_some_and(|what| what.contains("nobody sees"))
}

/// Whether it can be put into the place of a plain space.
fn is_odd_space(c: char) -> bool {
    oddity(c).is_some_and(|what| what.contains("like a space"))
}

/// A value without the blanks around it. Other white space is a control character, which a value may not hold.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\t' || (c.is_whitespace() && !c.is_control()))
}

/// Whether nobody would see anything.
pub(super) fn looks_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c) || is_odd_space(c))
}

/// A value as it was probably meant: without what nobody sees, with plain spaces, in normal form C, trimmed.
pub(super) fn cleaned(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(trimmed(text));
    }
    let seen = text.chars().filter(|&c| !is_invisible(c));
    let plain: String = seen.map(|c| if is_odd_space(c) { ' ' } else { c }).nfc().collect();
    if plain == text { Cow::Borrowed(trimmed(text)) } else { Cow::Owned(trimmed(&plain).to_owned()) }
}

/// What a value looks like: equal for values that a person cannot tell apart by invisible characters, normal form,
/// width or letters of another script.
pub(super) fn look(text: &str) -> String {
    skeleton(&alike(text)).collect()
}

/// A cleaned value with letters and digits of the usual width, and the dashes and quotes of a keyboard.
pub(super) fn alike(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        other => other,
    };
    cleaned(text).nfkc().map(plain).collect()
}

/// What stands between quotes that a text program sets; a field that was quoted with them was not quoted.
pub(super) fn inside_set_quotes(text: &str) -> Option<&str> {
    const QUOTES: [char; 10] = ['“', '”', '„', '‟', '«', '»', '‘', '’', '‚', '‹'];
    let inner = text.strip_prefix(QUOTES)?.strip_suffix(['“', '”', '‟', '«', '»', '‘', '’', '›'])?;
    (!inner.is_empty()).then_some(inner)
}

/// Whether all that is not plain in a text are wide forms of plain letters, digits and signs.
pub(super) fn is_wide(text: &str) -> bool {
    !text.is_ascii() && text.chars().all(|c| c.is_ascii() || matches!(c, '\u{ff01}'..='\u{ff5e}'))
}

/// The script of the letters, where they are of one only; digits and punctuation are of none.
fn only_script(text: &str) -> Option<Script> {
    let mut scripts = text
        .chars()
        .map(|c| c.script())
        .filter(|script| !matches!(script, Script::Common | Script::Inherited));
    let first = scripts.next().unwrap_or(Script::Common);
    scripts.all(|script| script == first).then_some(first)
}

/// Whether letters of other scripts are what two texts of one look differ by. Without it, `1` and `l` would be alike.
pub(super) fn differ_in_script(one: &str, other: &str) -> bool {
    match (only_script(one), only_script(other)) {
        (Some(one), Some(other)) => one != other,
        _ => true,
    }
}

/// The letter of another script in a word that otherwise looks like plain letters.
pub(super) fn stranger(text: &str) -> Option<char> {
    if text.is_ascii() || only_script(text).is_some() || !text.chars().any(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    let foreign = text.chars().find(|c| {
        !c.is_ascii()
            && c.is_alphabetic()
            && !matches!(c.script(), Script::Latin | Script::Common | Script::Inherited)
    })?;
    look(text).is_ascii().then_some(foreign)
}

/// What a text was before UTF-8 was read as Windows-1252: `CafÃ©` was `Café`.
pub(super) fn unmangled(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let (bytes, _, lost) = encoding_rs::WINDOWS_1252.encode(text);
    if lost {
        return None;
    }
    String::from_utf8(bytes.into_owned()).ok().filter(|meant| meant != text)
}

/// What a text is when its bytes are read as Windows-1252, where it is probably that: a Latin letter stands beside a letter
/// or mark of a script that is written from right to left. A sharp s before a soft hyphen is such a one in UTF-8.
pub(super) fn misread(text: &str) -> Option<String> {
    let leftward = |c: char| matches!(c, '\u{590}'..='\u{7ff}');
    let latin = |c: char| c.is_alphabetic() && c.script() == Script::Latin;
    let mut pairs = text.chars().zip(text.chars().skip(1));
    let mixed = pairs.any(|(one, next)| latin(one) && leftward(next) || leftward(one) && latin(next));
    mixed.then(|| encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned())
}

/// Whether a text is in normal form C.
pub(super) fn is_normal(text: &str) -> bool {
    text.is_ascii() || is_nfc(text)
}

/// A text with what nobody sees written out.
pub(super) fn visible(text: &str) -> String {
    let apart = !is_normal(text);
    let mut seen = String::with_capacity(text.len());
    for c in text.chars().take(300) {
        if c.is_control() || oddity(c).is_some() || (apart && is_combining_mark(c)) {
            seen.push_str(&code_point(c));
        } else {
            seen.push(c);
        }
    }
    seen
}

fn code_point(c: char) -> String {
    format!("<U+{:04X}>", u32::from(c))
}

/// A name out of an input, bounded and unable to steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_control() || is_invisible(c) { ' ' } else { c };
    text.chars().take(100).map(plain).collect()
}
