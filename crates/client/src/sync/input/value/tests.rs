use super::super::options::{Allowed, Format};
use super::*;

fn options() -> InputOptions {
    InputOptions::new("r.csv", Format::Csv)
}

fn doubted(text: &str) -> Option<Doubt> {
    let found = rule(text).map(|(doubt, _)| doubt);
    let told = doubt(text, &options());
    assert_eq!(told.is_some(), found.is_some(), "{text}");
    if let Some(doubt) = found {
        assert!(told.unwrap().contains(&format!("--allow {doubt}")), "{text}");
        let allow = [doubt].into_iter().collect::<Allowed>();
        assert_eq!(super::doubt(text, &InputOptions { allow, ..options() }), None, "{text}");
    }
    found
}

#[test]
fn what_spreadsheets_make_of_values_is_doubted() {
    for (doubt, texts) in [
        (Doubt::Powers, &["4.91512E+11", "4,91512E+11", "1E+05", "1e-7", "4.9e11", "-1.5E+3"][..]),
        (
            Doubt::Formulas,
            &["=1+1", "=A1", "=\"0071", "@SUM(A1)", "+SUM(A1)", "-CALL(1)", "'0071", "=\"a\"&\"b\""],
        ),
        (
            Doubt::Errors,
            &["#N/A", "#REF!", "#DIV/0!", "#NAME?", "#BEZUG!", "#NV", "Err:502", "####", "NaN", "NULL"],
        ),
        (
            Doubt::Dates,
            &[
                "2026-01-05",
                "2026-01-05 00:00:00",
                "2026-01-05T00:00:00",
                "05.01.2026",
                "1/5/26",
                "5-Jan",
                "Jan-26",
                "05. Mai",
                "1-Mar-2026",
            ],
        ),
        (Doubt::Booleans, &["TRUE", "FALSCH"]),
    ] {
        for text in texts {
            assert_eq!(doubted(text), Some(doubt), "{text}");
        }
    }
}

#[test]
fn what_endpoints_are_called_is_not_doubted() {
    for text in [
        "7201",
        "0071",
        "TestUserId@test.com",
        "+4915123456789",
        "-",
        "#",
        "#12",
        "12E3",
        "1E5",
        "room 5",
        "1-5",
        "A-1",
        "10.1.2",
        "101.1",
        "true",
        "Jan",
        "May",
        "Mar 7201",
        "x@y",
        "+49 (30) 123",
        "(1)",
        "E",
        "3/12",
        "2.5",
        "Salon d'été",
        "Zimmer 5.1",
        "192.168.10.12",
        "'s-Hertogenbosch",
        "sip:7201@pbx",
        "1.2.3456.7",
    ] {
        assert_eq!(doubted(text), None, "{text}");
    }
}

#[test]
fn characters_that_nobody_sees_are_doubted_and_can_be_cleaned() {
    let clean = InputOptions { clean: true, ..options() };
    for (text, named, after) in [
        ("7301\u{200b}", "U+200B", "7301"),
        ("\u{feff}7301", "U+FEFF", "7301"),
        ("73\u{ad}01", "U+00AD", "7301"),
        ("73\u{a0}01", "U+00A0", "73 01"),
        ("\u{202a}7301\u{202c}", "U+202A", "7301"),
        ("7301\u{fe0f}", "U+FE0F", "7301"),
        ("a\u{3000}b", "U+3000", "a b"),
        ("a\u{3164}", "U+3164", "a"),
        ("Cafe\u{301}", "normal form C", "Caf\u{e9}"),
        ("\u{200b}=\"0071\"", "U+200B", "0071"),
        ("\u{200b}'0071", "U+200B", "0071"),
        ("\u{ad}\"0071\"", "U+00AD", "0071"),
        ("“0071”", "quotes", "0071"),
        ("„Bar“", "quotes", "Bar"),
    ] {
        let told = character_doubt(&taken(text, &options()), &options()).unwrap();
        assert!(told.contains(named) && told.contains("--clean"), "{told}");
        assert_eq!(taken(text, &clean), after, "{text:?}");
        assert_eq!(character_doubt(after, &options()), None);
    }
    for (text, named) in [
        ("a\u{e000}", "private-use"),
        ("a\u{378}", "unassigned"),
        ("a\u{fffd}", "lost"),
        ("B\u{430}r", "U+0430"),
        ("CafÃ©", "\"Café\""),
        ("７２０１", "\"7201\""),
    ] {
        let told = character_doubt(text, &options()).unwrap();
        assert!(told.contains(named) && !told.contains("--clean"), "{told}");
        assert_eq!(taken(text, &clean), text);
    }
    for text in ["Café", "Зал A", "客室 12", "Ψ", "Straße 5", "フロント", "Zimmer №5", "Ñandú"]
    {
        assert_eq!(character_doubt(text, &options()), None, "{text}");
        assert_eq!(taken(text, &clean), text);
    }
}

#[test]
fn what_keeps_leading_zeros_is_taken_off() {
    for (text, after) in
        [("=\"0071\"", "0071"), ("=\" 0071 \"", "0071"), ("=\"a\"\"b\"", "a\"b"), (" 7 ", "7")]
    {
        assert_eq!(taken(text, &options()), after);
    }
    assert_eq!(taken("'0071", &InputOptions { clean: true, ..options() }), "0071");
}

#[test]
fn windows_1252_that_is_utf_8_by_chance_is_told() {
    let options = InputOptions::new("", Format::Csv);
    let told = character_doubt("Stra\u{7ed}e 0", &options).unwrap();
    assert!(told.contains("is \"Straß<U+00AD>e 0\" in another encoding; --encoding windows-1252"), "{told}");
    for good in ["Straße", "חדר 7201", "7201א", "Room א", "Café", "Žižkov"] {
        assert_eq!(character_doubt(good, &options), None, "{good}");
    }
}
