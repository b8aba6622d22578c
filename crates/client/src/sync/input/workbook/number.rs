//! A number as its cell shows it.

/// Why a date is no value.
pub(super) const DATE: &str =
    "is a date or a time; format the cell as text and type what is meant, which the sheet no longer knows";

/// Largest whole number of which a cell keeps every digit.
const EXACT: f64 = 1e15;

/// What a cell with this number format shows, or why that is no value.
pub(super) fn shown(value: f64, format: &str) -> Result<String, String> {
    let section = first_section(format);
    if section.trim().is_empty() || section.eq_ignore_ascii_case("General") || section == "@" {
        return general(value);
    }
    let Some(pattern) = Pattern::of(&section) else {
        let value = general(value)?;
        return Err(format!(
            "is the number {value} in the format {format}, which is not read; format the cell as text"
        ));
    };
    if value < 0.0 {
        return Err(format!("is the negative number {}; format the cell as text", general(value)?));
    }
    pattern.write(value)
}

fn general(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        return Err("is no number".to_owned());
    }
    if value.abs() >= EXACT {
        let rule = "is a number of more digits than a cell keeps, so that the last are lost; format the cell as \
                    text and type it again";
        return Err(rule.to_owned());
    }
    // Without a fraction this writes no point, and no value of this size as a power of ten.
    Ok(format!("{value}"))
}

/// The section of a format that is for numbers above zero.
fn first_section(format: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let end = format.char_indices().find(|&(_, c)| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '"' => quoted = !quoted,
            '\\' => escaped = true,
            _ => {}
        }
        c == ';' && !quoted
    });
    format[..end.map_or(format.len(), |(at, _)| at)].to_owned()
}

/// A format of digits and what stands between them.
struct Pattern {
    parts: Vec<Part>,
    /// Digits behind the point.
    decimals: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A digit, zero where there is none.
    Zero,
    /// A digit, nothing where there is none.
    Digit,
    /// Itself.
    Literal(char),
    /// The decimal point.
    Point,
}

impl Pattern {
    /// Reads a format; nothing where it is of a kind that is not read.
    fn of(section: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut chars = section.chars();
        while let Some(c) = chars.next() {
            match c {
                '0' => parts.push(Part::Zero),
                '#' => parts.push(Part::Digit),
                '.' if !parts.contains(&Part::Point) => parts.push(Part::Point),
                // Groups of thousands are how digits are set, and no part of a number of a room.
                ',' => {}
                '"' => loop {
                    match chars.next()? {
                        '"' => break,
                        c => parts.push(Part::Literal(c)),
                    }
                },
                '\\' => parts.push(Part::Literal(chars.next()?)),
                // As wide as the next character, or filled with it: blank.
                '_' | '*' => {
                    chars.next()?;
                }
                '[' => {
                    let inner: String = chars.by_ref().take_while(|&c| c != ']').collect();
                    // A colour or a locale; conditions are not read.
                    if inner.starts_with(['<', '>', '=']) {
                        return None;
                    }
                }
                '-' | '+' | '(' | ')' | ' ' | ':' | '$' | '\'' => parts.push(Part::Literal(c)),
                _ => return None,
            }
        }
        let is_digit = |part: &&Part| matches!(part, Part::Zero | Part::Digit);
        let point = parts.iter().position(|part| *part == Part::Point);
        let decimals = point.map_or(0, |at| parts[at..].iter().filter(is_digit).count());
        parts.iter().any(|part| is_digit(&part)).then_some(Self { parts, decimals })
    }

    fn write(&self, value: f64) -> Result<String, String> {
        let exact = general(value)?;
        let rounded = format!("{value:.*}", self.decimals);
        if rounded.parse() != Ok(value) {
            return Err(format!("is {exact}, of which the cell shows {rounded}; format the cell as text"));
        }
        let (whole, fraction) = rounded.split_once('.').unwrap_or((&rounded, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.as_bytes());
        let point = self.parts.iter().position(|part| *part == Part::Point).unwrap_or(self.parts.len());
        let mut text: Vec<char> = Vec::new();
        let mut digits = whole.bytes().rev().map(char::from);
        let first =
            self.parts.iter().position(|part| matches!(part, Part::Zero | Part::Digit)).unwrap_or_default();
        for (at, part) in self.parts[..point].iter().enumerate().rev() {
            match part {
                Part::Literal(c) => text.push(*c),
                Part::Zero => text.push(digits.next().unwrap_or('0')),
                Part::Digit => text.extend(digits.next()),
                Part::Point => {}
            }
            if at == first {
                text.extend(&mut digits);
            }
        }
        // A format that begins with the point has no place for what stands in front of it.
        text.extend(digits);
        text.reverse();
        let mut decimals = fraction.iter().map(|&digit| char::from(digit));
        for part in &self.parts[point..] {
            match part {
                Part::Literal(c) => text.push(*c),
                Part::Point => text.push('.'),
                Part::Zero | Part::Digit => text.extend(decimals.next()),
            }
        }
        Ok(text.iter().collect::<String>().trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn numbers_are_what_their_cells_show() {
        for (value, format, text) in [
            (7201.0, "General", "7201"),
            (7201.0, "", "7201"),
            (7201.0, "@", "7201"),
            (71.0, "0000", "0071"),
            (12_345.0, "0000", "12345"),
            (0.0, "0", "0"),
            (0.0, "0000", "0000"),
            (0.0, "General", "0"),
            (7201.0, "0", "7201"),
            (7201.0, "#,##0", "7201"),
            (7201.0, "#,##0;[Red]-#,##0", "7201"),
            (7201.0, "0.00", "7201.00"),
            (7201.5, "General", "7201.5"),
            (7201.5, "0.00", "7201.50"),
            (491_512_345_678.0, "General", "491512345678"),
            (71.0, "000-000", "000-071"),
            (7201.0, "\"Room \"0", "Room 7201"),
            (7201.0, "\\R0", "R7201"),
            (5_551_234.0, "###-####", "555-1234"),
            (7201.0, "_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)", "7201"),
            (7201.0, "[$-409]0", "7201"),
            (7201.0, "[Blue]0000;[Red]-0000", "7201"),
            (-5.0, "General", "-5"),
        ] {
            assert_eq!(shown(value, format).as_deref(), Ok(text), "{value} {format}");
        }
        for (value, format, named) in [
            (1e15, "General", "more digits"),
            (f64::NAN, "General", "no number"),
            (7201.4, "0", "is 7201.4, of which the cell shows 7201"),
            (7201.0, "0.00E+00", "not read"),
            (7201.0, "# ?/?", "not read"),
            (0.5, "0%", "not read"),
            (7201.0, "[<=9999]0;0", "not read"),
            (-5.0, "0000", "negative"),
            (1.0, "\"open", "not read"),
        ] {
            let told = shown(value, format).unwrap_err();
            assert!(told.contains(named), "{told}");
        }
    }
}
