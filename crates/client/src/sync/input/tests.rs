use jackfield_model::AmazonId;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, proptest};
use proptest::sample::Index;
use proptest::{prop_assert, prop_assert_eq, prop_oneof};

use super::*;

mod damage;
mod lists;

const PROFILE: &str = "amzn1.alexa.communications.profile.did.p1";

fn csv(text: &str) -> Result<Input, InputError> {
    Input::read(text.as_bytes(), &InputOptions::new("r.csv", Format::Csv))
}

fn lines(text: &str) -> Result<Input, InputError> {
    Input::read(text.as_bytes(), &InputOptions::new("r.jsonl", Format::JsonLines))
}

fn ids(input: &Input) -> Vec<(u64, &str)> {
    input.rows.iter().map(|row| (row.line, row.association.external_user_id.as_str())).collect()
}

fn told(input: &Input) -> Vec<String> {
    input.problems().map(ToString::to_string).collect()
}

#[test]
fn what_spreadsheets_write_is_read() {
    for text in [
        format!("externalUserId,amazonId\n7201,{PROFILE}\n7202,{PROFILE}\n"),
        format!("\u{feff}External User ID,Amazon ID\r\n 7201 , {PROFILE}\r\n\"7202\",\"{PROFILE}\"\r\n,\r\n"),
        format!("note,amazon_id,external-user-id\r\"a, \"\"b\"\"\",{PROFILE},7201\rc,{PROFILE},\u{a0}7202"),
        format!(
            "problem,externalUserId,amazonId,amazonIdType\nx,7201,{PROFILE},\ny,7202,{PROFILE},communication-profile"
        ),
    ] {
        let input = csv(&text).unwrap();
        assert_eq!(told(&input), [""; 0], "{text}");
        assert_eq!(ids(&input), [(2, "7201"), (3, "7202")], "{text}");
    }
    let tabs = format!("externalUserId\tamazonId\n7201\t{PROFILE}\n");
    let input = Input::read(tabs.as_bytes(), &InputOptions::new("r.tsv", Format::Tsv)).unwrap();
    assert_eq!(ids(&input), [(2, "7201")]);
    let options = InputOptions {
        delimiter: Some(b';'),
        header: false,
        external_user_id: Some("3".to_owned()),
        ..InputOptions::new("r.csv", Format::Csv)
    };
    let input = Input::read(format!("x;{PROFILE};7201\n").as_bytes(), &options).unwrap();
    assert_eq!(ids(&input), [(1, "7201")]);
}

#[test]
fn json_lines_are_read() {
    let input = lines(&format!(
        "{{\"externalUserId\":\"7201\",\"amazonId\":\"{PROFILE}\",\"floor\":7}}\r\n\n{{\"amazonIdType\":\"communication-profile\",\"externalUserId\":\" 7202\",\"amazonId\":\"{PROFILE}\"}}"
    ))
    .unwrap();
    assert_eq!(ids(&input), [(1, "7201"), (3, "7202")]);
    let input = lines("{\"externalUserId\":7201}\n[]\n{\"externalUserId\" \"x\"}\n").unwrap();
    assert_eq!(
        told(&input),
        [
            "r.jsonl:1: externalUserId: is a number; a string is expected",
            "r.jsonl:1: amazonId: is missing; it is required",
            "r.jsonl:2: the line is an array; a JSON object is expected",
            "r.jsonl:3: the line is not valid JSON (at byte 19)",
        ]
    );
    let cut = lines(&format!("{{\"externalUserId\":\"7201\",\"amazonId\":\"{PROFILE}\"}}\n{{\"externalU"));
    assert!(cut.unwrap_err().to_string().starts_with("r.jsonl:2: the last line ends in the middle"));
}

#[test]
fn problems_name_line_column_and_rule() {
    let text = format!(
        "externalUserId,amazonId\n7201,{PROFILE}\n,p1\n7201,{PROFILE}2\n7204\n\"7205\"x,{PROFILE}\n7201,{PROFILE}\n"
    );
    let input = csv(&text).unwrap();
    assert_eq!(
        told(&input),
        [
            "r.csv:2: column 1 (externalUserId): stands in line 4 too; an externalUserId may stand once",
            "r.csv:3: column 1 (externalUserId): is empty",
            "r.csv:3: column 2 (amazonId): must begin with \"amzn1.alexa.communications.profile.did.\"",
            "r.csv:4: column 1 (externalUserId): stands in line 2 too; an externalUserId may stand once",
            "r.csv:5: the row has 1 field, the header has 2",
            "r.csv:6: column 1: has text after its closing quote; a quote inside a quoted field is written twice",
            "r.csv:7: column 1 (externalUserId): stands in line 2 too; an externalUserId may stand once",
        ]
    );
    assert_eq!(ids(&input), []);
}

#[test]
fn a_doubtful_input_is_refused_as_a_whole() {
    let refusal = |text: &str| csv(text).unwrap_err().to_string();
    assert_eq!(
        refusal("room,amazonId\n"),
        "r.csv:1: the header has no column \"externalUserId\"; it has \"room\", \"amazonId\"; perhaps --id-column \"room\""
    );
    assert_eq!(
        refusal("amazonId,externalUserId,Amazon Id\n"),
        "r.csv:1: the header has the column \"amazonId\" twice, as column 1 and 3"
    );
    assert_eq!(refusal("\n \n"), "r.csv:1: the input is empty; a header is expected");
    assert!(
        refusal("externalUserId,amazonId\na,b\nc,\"d")
            .starts_with("r.csv:3: column 2: a quoted field begins")
    );
    let mut options = InputOptions::new("r.csv", Format::Csv);
    options.expect_rows = Some(2);
    let short = format!("externalUserId,amazonId\n7201,{PROFILE}\n");
    assert_eq!(
        Input::read(short.as_bytes(), &options).unwrap_err().to_string(),
        "r.csv has 1 rows, at least 2 are expected; it may have been cut off on its way here"
    );
}

#[test]
fn rejects_can_be_corrected_and_fed_back() {
    let text = format!(
        "room;externalUserId;amazonId\n\"a\"\"b\";7201;{PROFILE}\n\"c;d\";7202;wrong\ne;;{PROFILE}\n"
    );
    let options = InputOptions { delimiter: Some(b';'), ..InputOptions::new("r.csv", Format::Csv) };
    let mut text = text.into_bytes();
    // Rejected again, the file does not grow by a column each time.
    for _ in 0..3 {
        let input = Input::read(&text[..], &options).unwrap();
        assert_eq!(input.rejects.len(), 2);
        text.clear();
        input.write_rejects(&mut text).unwrap();
    }
    let rejects = String::from_utf8(text).unwrap();
    assert!(rejects.starts_with("problem;room;externalUserId;amazonId\n\"r.csv:"), "{rejects}");
    let corrected = rejects.replace(";wrong\n", &format!(";{PROFILE}\n")).replace(";e;;", ";e;7203;");
    let input = Input::read(corrected.as_bytes(), &options).unwrap();
    assert_eq!(ids(&input), [(2, "7202"), (3, "7203")]);

    let input = lines("{\"externalUserId\":\"7201\",\"amazonId\":\"wrong\"}\n{}\nnothing\n").unwrap();
    let mut rejects = Vec::new();
    input.write_rejects(&mut rejects).unwrap();
    let rejects = String::from_utf8(rejects).unwrap();
    let corrected = rejects.replace("\"wrong\"", &format!("\"{PROFILE}\""));
    let input = lines(&corrected).unwrap();
    assert_eq!(ids(&input), [(1, "7201")], "{corrected}");
    assert_eq!(input.rejects.len(), 2);
}

/// What is done to one line of a good file, and the word that the problem must hold.
#[derive(Clone, Debug)]
enum Damage {
    /// Another text in the column of the id or of the profile.
    Id(String, &'static str),
    Profile(String, &'static str),
    /// The line itself becomes something else.
    Line(Vec<u8>, &'static str),
    /// The id of another line.
    Repeat,
    /// From here on nothing can be trusted.
    Open(String),
}

fn damage() -> impl Strategy<Value = Damage> {
    let id = |text: String, word| Damage::Id(text, word);
    let profile = |text: String, word| Damage::Profile(text, word);
    prop_oneof![
        "[ \t]{0,3}".prop_map(move |text| id(text, "empty")),
        "[a-z]{0,9}[\u{1}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{7f}][a-z]{1,9}"
            .prop_map(move |text| id(text, "control character")),
        "\"[a-z]{1,9}[\r\n][a-z]{1,9}\"".prop_map(move |text| id(text, "control character")),
        "[a-zé]{257,400}".prop_map(move |text| id(text, "at most 256")),
        "[a-z]{1,9},[a-z]{0,9}".prop_map(move |text| id(text, "fields")),
        "\"[a-z]{1,9}\" ?[a-z]{1,9}".prop_map(move |text| id(text, "closing quote")),
        "[ ]{0,3}".prop_map(move |text| profile(text, "empty")),
        "[A-Za-z0-9.]{1,60}".prop_map(move |text| profile(text, "must begin with")),
        // One character of the prefix is another.
        (0..AmazonId::PREFIX.len(), "[A-Z#]").prop_map(move |(at, other)| {
            let mut text = PROFILE.to_owned();
            text.replace_range(at..=at, &other);
            profile(text, "must begin with")
        }),
        "[a-z]{0,9}[#!/:é@][a-z]{0,9}"
            .prop_map(move |text| profile(PROFILE.to_owned() + &text, "must continue")),
        "[a-z]{256,300}".prop_map(move |text| profile(AmazonId::PREFIX.to_owned() + &text, "must continue")),
        Just(profile(AmazonId::PREFIX.to_owned(), "must continue")),
        ("[a-z]{0,5}", 0x80_u8..0xff, "[a-z]{0,5}").prop_map(|(before, byte, after)| {
            let line = [before.as_bytes(), &[byte], after.as_bytes(), b",", PROFILE.as_bytes()].concat();
            Damage::Line(line, "UTF-8")
        }),
        "[a-z]{1,30}".prop_map(|text| Damage::Line(text.into_bytes(), "1 field")),
        "[a-z]{1,9}(,[a-z]{1,9}){2,9}".prop_map(|text| Damage::Line(text.into_bytes(), "fields")),
        Just(Damage::Repeat),
        "\"[a-z]{0,9}".prop_map(Damage::Open),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_damage_is_named_with_line_and_rule(
        count in 2_usize..12, place in any::<Index>(), damage in damage(), end in prop_oneof![Just("\n"), Just("\r\n")]
    ) {
        let at = place.index(count);
        let mut rows: Vec<Vec<u8>> =
            (0..count).map(|n| format!("room {n},{PROFILE}").into_bytes()).collect();
        let mut expected = vec![at as u64 + 2];
        let word = match &damage {
            Damage::Id(text, word) => { rows[at] = format!("{text},{PROFILE}").into_bytes(); word }
            Damage::Profile(text, word) => { rows[at] = format!("room {at},{text}").into_bytes(); word }
            Damage::Line(bytes, word) => { rows[at].clone_from(bytes); word }
            Damage::Repeat => {
                let other = (at + 1) % count;
                rows[at] = format!("room {other},{PROFILE}2").into_bytes();
                expected.push(other as u64 + 2);
                expected.sort_unstable();
                "too"
            }
            Damage::Open(text) => { rows[at] = format!("{text},{PROFILE}").into_bytes(); "never closed" }
        };
        rows.insert(0, b"externalUserId,amazonId".to_vec());
        let text = rows.join(end.as_bytes());
        let read = Input::read(&text[..], &InputOptions::new("r.csv", Format::Csv));
        match read {
            Err(InputError::Refused(problem)) => {
                prop_assert!(matches!(damage, Damage::Open(_)), "{problem}");
                prop_assert_eq!(problem.line, expected[0]);
                prop_assert!(problem.rule.contains(word));
            }
            Err(other) => prop_assert!(false, "{other}"),
            Ok(input) => {
                let named: Vec<u64> = input.problems().map(|problem| problem.line).collect();
                prop_assert_eq!(&named, &expected, "{:?}", told(&input));
                prop_assert!(input.problems().all(|problem| problem.rule.contains(word)), "{:?}", told(&input));
                prop_assert_eq!(input.rows.len() + expected.len(), count, "the others are as they were");
            }
        }
    }
}

#[test]
fn the_beginning_is_shown_whatever_becomes_of_it() {
    let show = |text: &str, options: &InputOptions| Input::read_and_show(text.as_bytes(), options);
    let options = InputOptions::new("r.csv", Format::Csv);
    let (beginning, refused) = show("Rooms;\n\nExt.;Who\n7201;Mia\n7202;Ada\n", &options);
    assert!(refused.unwrap_err().to_string().contains("no column"));
    assert_eq!((beginning.delimiter.as_deref(), beginning.header_row), (Some(";"), Some(3)));
    assert_eq!(beginning.columns, ["Ext.", "Who"]);
    assert_eq!((beginning.suggested_external_user_id, beginning.suggested_amazon_id), (Some(1), None));
    let rows: Vec<_> = beginning.rows.iter().map(|row| (row.line, row.cells.join("|"))).collect();
    assert_eq!(
        rows,
        [
            (1, "Rooms|".to_owned()),
            (3, "Ext.|Who".to_owned()),
            (4, "7201|Mia".to_owned()),
            (5, "7202|Ada".to_owned()),
        ]
    );
    let named = InputOptions {
        external_user_id: Some("Ext.".to_owned()),
        amazon_id: Some("Who".to_owned()),
        ..options.clone()
    };
    let (beginning, read) = show("Rooms;\n\nExt.;Who\n7201;Mia\n7202;Ada\n", &named);
    assert_eq!((beginning.header_row, read.unwrap().rejects.len()), (Some(3), 2));
    let numbered = InputOptions { header: false, ..options };
    let (beginning, read) = show(&format!("7201,{PROFILE},{}\n", "x".repeat(100)), &numbered);
    assert_eq!((beginning.columns, read.unwrap().rows.len()), (["1", "2", "3"].map(str::to_owned).into(), 1));
    assert_eq!(beginning.rows[0].cells[2].len(), 80);
    let lines = InputOptions::new("r.jsonl", Format::JsonLines);
    let (beginning, _) = show("{\"room\":7,\"who\":\"Mia\"}\nnothing\n{\"who\":\"Ada\"}\n", &lines);
    assert_eq!(beginning.columns, ["room", "who"]);
    assert_eq!(beginning.rows[1], ShownRow { line: 3, cells: vec![String::new(), "Ada".to_owned()] });
}

#[test]
fn rows_have_a_bound() {
    let text = |rows: usize| {
        let rows: String = (0..rows).map(|n| format!("{n},{PROFILE}\n")).collect();
        format!("externalUserId,amazonId\n{rows}")
    };
    let options = InputOptions { most_rows: Some(3), ..InputOptions::new("r.csv", Format::Csv) };
    assert_eq!(Input::read(text(3).as_bytes(), &options).unwrap().rows.len(), 3);
    let refused = Input::read(text(4).as_bytes(), &options).unwrap_err();
    assert_eq!(refused.to_string(), "r.csv has more than 3 rows, which is the most allowed here");
}
