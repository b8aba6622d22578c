//! Characters that nobody sees, so that two texts look the same and are not.

use unicode_normalization::is_nfc;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What is odd about a character, as the rest of "holds U+200B, …".
#[must_use]
pub fn oddity(c: char) -> Option<&'static str> {
    if matches!(c, ' '..='~') || c.is_control() {
        return None;
    }
    Some(match c {
        '\u{feff}' => "a byte-order mark, which nobody sees",
        '\u{200b}'..='\u{200d}' | '\u{2060}' => "a zero-width character, which nobody sees",
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' => {
            "a mark of writing direction, which nobody sees"
        }
        '\u{ad}' => "a soft hyphen, which nobody sees",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "a variation selector, which nobody sees",
        '\u{a0}' | '\u{202f}' => "a no-break space, which looks like a space",
        '\u{fffd}' => "which stands for a character that was lost in an earlier conversion",
        // Letters by their category, and blank all the same.
        '\u{115f}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{34f}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' => "a filler, which nobody sees",
        '\u{2800}' => "a blank pattern, which looks like a space",
        _ => match c.general_category() {
            GeneralCategory::Format => "a format character, which nobody sees",
            GeneralCategory::SpaceSeparator
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator => "an unusual space, which looks like a space",
            GeneralCategory::PrivateUse => "a private-use character, which looks different on each machine",
            GeneralCategory::Unassigned => "an unassigned code point, which no font shows",
            _ => return None,
        },
    })
}

/// Whether a person sees all of a text: no character is odd, and it is in Unicode normal form C.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    text.is_ascii() || (is_nfc(text) && !text.chars().any(|c| oddity(c).is_some()))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn what_nobody_sees_is_not_plain() {
        for text in ["7201", "Caf\u{e9}", "\u{5ba2}\u{5ba4} 12", "a b", "TestUserId@test.com"] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "7201\u{200b}",
            "\u{feff}7201",
            "72\u{a0}01",
            "Cafe\u{301}",
            "a\u{e000}",
            "a\u{fe0f}",
            "\u{202a}7",
        ] {
            assert!(!is_plain(text), "{text:?}");
        }
    }
}
