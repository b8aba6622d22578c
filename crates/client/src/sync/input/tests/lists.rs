//! Lists as people have them: each kind with its neighbours.

use std::io::Write;

use super::*;

fn profile(suffix: &str) -> String {
    format!("{}{suffix}", AmazonId::PREFIX)
}

/// Writes `did.x` for the profile with this suffix.
fn full(text: &str) -> String {
    text.replace("did.", AmazonId::PREFIX)
}

fn options() -> InputOptions {
    InputOptions::new("r.csv", Format::Csv)
}

fn clean() -> InputOptions {
    InputOptions { clean: true, ..options() }
}

fn read(text: impl AsRef<[u8]>, options: &InputOptions) -> Result<Input, InputError> {
    Input::read(text.as_ref(), options)
}

/// The rows of a list that is read without a problem, as `id=suffix`.
#[track_caller]
fn rows(text: impl AsRef<[u8]>, options: &InputOptions) -> Vec<String> {
    let input = read(text, options).unwrap();
    assert_eq!(told(&input), [""; 0]);
    let row =
        |row: &Row| format!("{}={}", row.association.external_user_id, row.association.amazon_id.suffix());
    input.rows.iter().map(row).collect()
}

/// What is wrong, wherever it is said.
fn wrong(text: impl AsRef<[u8]>, options: &InputOptions) -> Vec<String> {
    match read(text, options) {
        Ok(input) => told(&input),
        Err(error) => vec![error.to_string()],
    }
}

#[track_caller]
fn is(told: &[String], expected: &[&str]) {
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(expected.split('…').all(|part| told.contains(part)), "{told}\n{expected}");
    }
}

#[test]
fn the_delimiter_is_detected_and_said() {
    for (delimiter, named) in [(";", ";"), ("\t", "tab"), ("|", "|"), (",", ",")] {
        let text = full("externalUserId;amazonId\r\n7201;did.a\r\n").replace(';', delimiter);
        assert_eq!(rows(&text, &options()), ["7201=a"]);
        let understood = read(&text, &options()).unwrap().understood;
        assert_eq!(understood.delimiter.as_deref(), Some(named));
        let quoted = full("note;externalUserId;amazonId\n\"a, b | c\";7201;did.a\n").replace(';', delimiter);
        assert_eq!(rows(&quoted, &options()), ["7201=a"]);
        let number = InputOptions { header: false, external_user_id: Some("2".to_owned()), ..options() };
        let number = InputOptions { amazon_id: Some("3".to_owned()), ..number };
        assert_eq!(rows(full("x;7201;did.a\n").replace(';', delimiter), &number), ["7201=a"]);
    }
    let semicolons = full("externalUserId;amazonId\n7201;did.a\n");
    is(&wrong(&semicolons, &InputOptions { delimiter: Some(b','), ..options() }), &["r.csv:1: …no column"]);
    // The name of a file promises a delimiter, what stands in it decides.
    assert_eq!(rows(&semicolons, &InputOptions::new("r.tsv", Format::Tsv)), ["7201=a"]);
    is(
        &wrong("Ext.;Name\n1;2\n", &options()),
        &[
            "r.csv:1: the header has no column \"externalUserId\"; it has \"Ext.\", \"Name\"…--id-column \"Ext.\"…(split at ;)",
        ],
    );
}

#[test]
fn a_first_line_that_names_the_delimiter_is_honoured() {
    for text in [
        "sep=;\r\nexternalUserId;amazonId\r\n7201;did.a\r\n",
        "\u{feff}\"sep=;\"\nexternalUserId;amazonId\n7201;did.a",
    ] {
        let input = read(full(text), &options()).unwrap();
        assert_eq!(ids(&input), [(3, "7201")]);
        assert_eq!(input.understood.header_row, Some(2));
    }
    assert_eq!(rows(full("sep=^\nexternalUserId^amazonId\n72;01^did.a"), &options()), ["72;01=a"]);
}

#[test]
fn values_that_differ_in_what_nobody_sees_are_refused_with_both_lines() {
    let text = full("externalUserId,amazonId\n7301,did.a\n7301\u{200b},did.b\n");
    let told = wrong(&text, &options());
    is(
        &told,
        &[
            "r.csv:2: column 1 (externalUserId): \"7301\" looks like \"7301<U+200B>\" in line 3…--clean",
            "r.csv:3: …holds U+200B, a zero-width character, which nobody sees…--clean…--allow characters",
            "r.csv:3: …\"7301<U+200B>\" looks like \"7301\" in line 2…",
        ],
    );
    is(&wrong(&text, &clean()), &["r.csv:2: …stands in line 3 too", "r.csv:3: …stands in line 2 too"]);
    let both =
        InputOptions { allow: [Doubt::Characters, Doubt::LookAlikes].into_iter().collect(), ..options() };
    assert_eq!(rows(&text, &both), ["7301=a", "7301\u{200b}=b"]);

    let text = full("externalUserId,amazonId\nCafé,did.a\nCafe\u{301},did.b\n");
    is(
        &wrong(&text, &options()),
        &[
            "r.csv:2: …\"Café\" looks like \"Cafe<U+0301>\" in line 3",
            "r.csv:3: …normal form C…--clean",
            "r.csv:3: …in line 2",
        ],
    );
    is(&wrong(&text, &clean()), &["in line 3 too", "in line 2 too"]);
    let alone = full("externalUserId,amazonId\nCafe\u{301},did.b\n");
    let input = read(&alone, &clean()).unwrap();
    assert_eq!(ids(&input), [(2, "Caf\u{e9}")]);
    let changed = &input.understood.changed[0];
    assert_eq!((&*changed.before, &*changed.after, changed.line), ("Cafe<U+0301>", "Café", 2));
}

#[test]
fn values_of_two_scripts_that_look_alike_are_refused() {
    let text = full("externalUserId,amazonId\nBAP,did.a\n\u{412}\u{410}\u{420},did.b\n7,did.c\n");
    is(
        &wrong(&text, &options()),
        &["r.csv:2: …in line 3…another script", "r.csv:3: …in line 2…another script"],
    );
    is(&wrong(&text, &clean()), &["r.csv:2: ", "r.csv:3: "]);
    let text = full("externalUserId,amazonId\n7201,did.a\n７２０１,did.b\n");
    is(
        &wrong(&text, &options()),
        &["r.csv:2: …in line 3…another form", "r.csv:3: …wide characters", "r.csv:3: …in line 2"],
    );
    let text = full("externalUserId,amazonId\nA-101,did.a\nA–101,did.b\n");
    is(&wrong(&text, &options()), &["r.csv:2: …in line 3…another form", "r.csv:3: …in line 2"]);
    // Within one script people tell them apart.
    let text = full("externalUserId,amazonId\nroom 10,did.a\nroom 1O,did.b\nroom lO,did.c\nGrün,did.d\n");
    assert_eq!(rows(&text, &options()).len(), 4);
}

#[test]
fn what_keeps_leading_zeros_is_taken_off_and_said() {
    for text in ["\"=\"\"0071\"\"\"", "=\"0071\"", "\"=\"\"0071\"\"\" ", "\t0071", " 0071"] {
        let input = read(full(&format!("externalUserId,amazonId\n{text},did.a\n")), &options()).unwrap();
        assert_eq!(ids(&input), [(2, "0071")]);
        let said = &input.understood.changed;
        assert_eq!(said.len(), usize::from(text.contains('=')), "{said:?}");
    }
    let both = full("externalUserId;amazonId\n=\"0071\";=\"did.a\"\n");
    assert_eq!(rows(&both, &options()), ["0071=a"]);
    is(&wrong(full("externalUserId,amazonId\n'0071,did.a\n"), &options()), &["r.csv:2: …apostrophe…--clean"]);
    assert_eq!(rows(full("externalUserId,amazonId\n'0071,did.a\n"), &clean()), ["0071=a"]);
    is(
        &wrong(full("externalUserId,amazonId\n=0071,did.a\n"), &options()),
        &["r.csv:2: …formula…--allow formulas"],
    );
}

#[test]
fn cells_at_the_end_matter_where_they_hold_something() {
    let text = "externalUserId,amazonId,,\n7305,did.a,,\n7306,did.b\n7307,did.c,,,,\n7308,did.d, ,\u{a0}\n";
    assert_eq!(rows(full(text), &options()), ["7305=a", "7306=b", "7307=c", "7308=d"]);
    let noted = "externalUserId,amazonId,note\n7305,did.a\n7306,did.b,n\n";
    assert_eq!(rows(full(noted), &options()), ["7305=a", "7306=b"]);
    let more = "externalUserId,amazonId\n7305,did.a,x\n7306,did.b\n";
    is(&wrong(full(more), &options()), &["r.csv:2: the row has 3 fields, the header has 2"]);
    let fewer = "note,externalUserId,amazonId\n7305,did.a\n";
    is(&wrong(full(fewer), &options()), &["r.csv:2: the row has 2 fields, the header has 3"]);
}

#[test]
fn what_stands_above_the_header_is_skipped_and_said() {
    let text = full("\n\nRoom list, 29.11.2026\n\nexternalUserId,amazonId\n7312,did.a\n");
    let input = read(&text, &options()).unwrap();
    assert_eq!(ids(&input), [(6, "7312")]);
    assert_eq!(input.understood.header_row, Some(5));
    assert_eq!(
        input.understood.remarks,
        ["what stands above the header in line 5 is not read: \"Room list 29.11.2026\""]
    );
    let at = |line| InputOptions { header_row: Some(line), ..options() };
    assert_eq!(rows(&text, &at(5)), ["7312=a"]);
    is(&wrong(&text, &at(3)), &["r.csv:3: the header has no column"]);
    is(&wrong(&text, &at(4)), &["r.csv:4: there is no row that can be the header"]);
    let far = |count| "title\n".repeat(count) + &full("externalUserId;amazonId\n7312;did.a\n");
    assert_eq!(rows(far(19), &options()), ["7312=a"]);
    is(&wrong(far(20), &options()), &["no column"]);
    assert_eq!(rows(far(20), &at(21)), ["7312=a"]);
    assert_eq!(rows(far(900), &at(901)), ["7312=a"]);
    // The row that looks most like a header is the one that is told.
    is(
        &wrong(full("Hotel Lac\n\nZimmer;Profil\n7;did.a\n"), &options()),
        &[
            "r.csv:3: …it has \"Zimmer\", \"Profil\"; perhaps --id-column \"Zimmer\" --amazon-id-column \"Profil\"",
        ],
    );
}

#[test]
fn what_stands_below_the_table_is_named() {
    let until = InputOptions { until_blank_row: true, ..options() };
    for (text, named) in [
        (
            "7311,did.a\n\nTotal: 1 room\n",
            "r.csv:4: the row has 1 field…seems to be a total…--until-blank-row…line 3",
        ),
        (
            "7311,did.a\n,\n\nTotal,1\n",
            "r.csv:5: …must begin with…seems to be a total…--until-blank-row…line 3",
        ),
        (
            "7311,did.a\n\nby the night porter,\n",
            "r.csv:4: …is empty…seems to be a total…--until-blank-row…line 3",
        ),
        ("7311,did.a\n\n\u{1a}", "r.csv:4: is a Ctrl-Z…--until-blank-row"),
        ("7311,did.a\n\u{1a}\n", "r.csv:3: is a Ctrl-Z…--until-blank-row"),
        ("7311,did.a\n\u{1a}\0\0\0", "r.csv:3: is a Ctrl-Z…--until-blank-row"),
        ("7311,did.a\u{1a}", "r.csv:2: …ends with a Ctrl-Z…--until-blank-row"),
    ] {
        let text = full(&format!("externalUserId,amazonId\n{text}"));
        is(&wrong(&text, &options()), &[named]);
        assert_eq!(rows(&text, &until), ["7311=a"], "{text:?}");
    }
    let below = full("externalUserId,amazonId\n7311,did.a\n\nTotal: 1 room\nbye\n");
    let said = read(below, &until).unwrap().understood.remarks;
    assert_eq!(said, ["2 rows are not read below line 3: \"Total: 1 room\""]);
    let text = full("externalUserId,amazonId\n7311,did.a\nSumme 1\n");
    is(&wrong(text, &options()), &["r.csv:3: …seems to be a total…--skip-invalid"]);
    // The option does not cut a list that has a hole.
    let hole = full("externalUserId,amazonId\n\n7311,did.a\n\n7312,did.b\n");
    is(&wrong(&hole, &until), &["r.csv:5: is a row of the list below the blank line 4…--until-blank-row"]);
    assert_eq!(rows(&hole, &options()), ["7311=a", "7312=b"]);
}

#[test]
fn a_mark_inside_a_joined_list_is_refused() {
    let text = full("\u{feff}externalUserId,amazonId\r\n7319,did.a\r\n101,did.b\n\u{feff}7320,did.c\r\n");
    is(&wrong(&text, &options()), &["r.csv:4: begins with a byte-order mark (U+FEFF)…--clean"]);
    assert_eq!(rows(&text, &clean()), ["7319=a", "101=b", "7320=c"]);
    let quoted = text.replace("\u{feff}7320", "\u{feff}\"7320\"");
    assert_eq!(rows(&quoted, &clean()), ["7319=a", "101=b", "7320=c"]);
    let inside = text.replace("\u{feff}7320", "73\u{feff}20");
    is(&wrong(&inside, &options()), &["r.csv:4: …holds U+FEFF, a byte-order mark"]);
    assert_eq!(rows(&inside, &clean()), ["7319=a", "101=b", "7320=c"]);
    let twice =
        full("\u{feff}\u{feff}externalUserId,amazonId\n1,did.a\n\u{feff}externalUserId,amazonId\n2,did.b\n");
    let input = read(twice, &options()).unwrap();
    assert_eq!(ids(&input), [(2, "1"), (4, "2")]);
    assert!(input.understood.remarks[0].contains("line 3 repeats the header"), "{:?}", input.understood);
    let lines = format!(
        "{{\"externalUserId\":\"1\",\"amazonId\":\"{0}\"}}\n\u{feff}{{\"externalUserId\":\"2\",\"amazonId\":\"{0}\"}}\n",
        profile("a")
    );
    let jsonl = InputOptions::new("r.jsonl", Format::JsonLines);
    is(&wrong(&lines, &jsonl), &["r.jsonl:2: begins with a byte-order mark"]);
    assert_eq!(rows(&lines, &InputOptions { clean: true, ..jsonl }), ["1=a", "2=a"]);
}

#[test]
fn the_same_row_twice_counts_once() {
    let text = full("externalUserId,amazonId,n\n1,did.a,x\n2,did.b,\n1,did.a,y\n\"1\",did.a,\n");
    let input = read(&text, &options()).unwrap();
    assert_eq!(ids(&input), [(2, "1"), (3, "2")]);
    assert_eq!(
        input.understood.remarks,
        ["2 rows say the same as an earlier one and counts once: line 4 as 2, 5 as 2"
            .replace("counts", "count")]
    );
    assert_eq!(input.understood.rows, 4);
    is(&wrong(text + &full("1,did.c,\n"), &options()), &["r.csv:2", "r.csv:4", "r.csv:5", "r.csv:6"]);
}

#[test]
fn encodings_are_believed_recognised_and_guessed() {
    let text = full("externalUserId;amazonId\r\nCafé;did.a\r\n7201;did.b\r\n");
    let expected = ["Café=a", "7201=b"];
    let units =
        |order: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let wide = |order: fn(u32) -> [u8; 4], text: &str| {
        text.chars().map(u32::from).flat_map(order).collect::<Vec<u8>>()
    };
    let marked = format!("\u{feff}{text}");
    for (bytes, name) in [
        (text.clone().into_bytes(), "UTF-8"),
        (marked.clone().into_bytes(), "UTF-8 (byte-order mark)"),
        (units(u16::to_le_bytes, &marked), "UTF-16LE (byte-order mark)"),
        (units(u16::to_be_bytes, &marked), "UTF-16BE (byte-order mark)"),
        (wide(u32::to_le_bytes, &marked), "UTF-32LE (byte-order mark)"),
        (wide(u32::to_be_bytes, &marked), "UTF-32BE (byte-order mark)"),
        (units(u16::to_le_bytes, &text), "UTF-16LE (recognised)"),
        (units(u16::to_be_bytes, &text), "UTF-16BE (recognised)"),
    ] {
        assert_eq!(rows(&bytes, &options()), expected, "{name}");
        assert_eq!(read(&bytes, &options()).unwrap().understood.encoding.as_deref(), Some(name));
    }
    let in_encoding = |name: &str| InputOptions { encoding: Some(name.parse().unwrap()), ..options() };
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    is(
        &wrong(&bytes, &options()),
        &[
            "r.csv:2: column 1 (externalUserId): is not UTF-8; it seems to be windows-1252, \"Café;…--encoding windows-1252 reads it",
        ],
    );
    assert_eq!(rows(&bytes, &in_encoding("windows-1252")), expected);
    let japanese = b"externalUserId,amazonId\n\x8bq\x8e\xba\x82P\x82O\x82P,".iter().copied();
    let japanese: Vec<u8> = japanese.chain(profile("a").bytes()).chain(*b"\n").collect();
    is(&wrong(&japanese, &options()), &["--encoding Shift_JIS reads it"]);
    let read_wrong = in_encoding("utf-16le");
    assert!(read(&bytes, &read_wrong).is_err());
    // Read as what it is not, a list is named for it.
    is(&wrong(&text, &in_encoding("windows-1252")), &["r.csv:2: …wrong encoding: \"CafÃ©\" was \"Café\""]);
    // What is written for correction says that it is UTF-8.
    let mut bad = bytes;
    bad.extend_from_slice(b"Hof \xfc;nothing\r\n");
    let mut rejects = Vec::new();
    read(&bad, &in_encoding("windows-1252")).unwrap().write_rejects(&mut rejects).unwrap();
    let corrected = String::from_utf8(rejects).unwrap().replace("nothing", &profile("c"));
    assert_eq!(rows(corrected, &in_encoding("windows-1252")), ["Hof ü=c"]);
}

#[test]
fn what_is_compressed_is_read() {
    let gzip = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    let packed = gzip(full("externalUserId,amazonId\n1,did.a\n").as_bytes());
    assert_eq!(rows(&packed, &options()), ["1=a"]);
    let twice = [packed.clone(), gzip(full("2,did.b\n").as_bytes())].concat();
    assert_eq!(rows(&twice, &options()), ["1=a", "2=b"]);
    is(&wrong(gzip(&packed), &options()), &["r.csv is compressed twice; unpack it"]);
    is(&wrong(&packed[..packed.len() - 9], &options()), &["r.csv cannot be read"]);
}

#[test]
fn what_is_no_list_is_named() {
    for (bytes, named) in [
        (&b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"[..], "r.csv is a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "r.csv is a picture"),
        (b"<html><table><tr><td>externalUserId", "r.csv is a web page"),
        (b"[{\"externalUserId\":\"1\"}]", "r.csv is a JSON array…--format jsonl"),
        (b"{\n  \"a\": 1\n}", "r.csv:1: an object of JSON over several lines"),
        (b"\0\x01\x02\x03\xff\xfe", "r.csv is a binary file"),
    ] {
        is(&wrong(bytes, &options()), &[named]);
    }
    let lines = format!("{{\"externalUserId\":\"1\",\"amazonId\":\"{}\"}}\n", profile("a"));
    let input = read(&lines, &options()).unwrap();
    assert_eq!(ids(&input), [(1, "1")]);
    assert!(input.understood.remarks[0].contains("JSON Lines"));
}

#[test]
fn what_a_program_did_to_a_column_is_seen_in_the_whole_list() {
    let list = |ids: &[&str]| {
        let row = |id: &&str| full(&format!("{id};did.x\n"));
        "externalUserId;amazonId\n".to_owned() + &ids.iter().map(row).collect::<String>()
    };
    is(
        &wrong(list(&["7201", "7202.0", "bar"]), &options()),
        &["r.csv:3: …\"7202.0\" is 7202…--allow decimals"],
    );
    is(&wrong(list(&["7201.0", "7202,0"]), &options()), &["r.csv:2: ", "r.csv:3: "]);
    assert_eq!(rows(list(&["1.0", "1.5"]), &options()), ["1.0=x", "1.5=x"]);
    let decimals = InputOptions { allow: [Doubt::Decimals].into_iter().collect(), ..options() };
    assert_eq!(rows(list(&["7201", "7202.0"]), &decimals), ["7201=x", "7202.0=x"]);

    let remarks = |ids: &[&str]| read(list(ids), &options()).unwrap().understood.remarks;
    is(&remarks(&["0071", "0072", "73", "bar"]), &["have 4 digits, but not 73 in line 4: zeros…lost"]);
    is(&remarks(&["7201", "7202", "7203", "71"]), &["71 in line 5"]);
    let building: Vec<String> = (1..=120).map(|room| room.to_string()).collect();
    let building: Vec<&str> = building.iter().map(String::as_str).collect();
    is(&remarks(&building), &[]);
    is(&remarks(&["0071", "0072"]), &[]);
}

#[test]
fn columns_are_found_by_values_and_proposed_by_name() {
    let text = full("externalUserId;Anything\n7201;did.a\n7202;did.b\n");
    let input = read(&text, &options()).unwrap();
    assert_eq!(ids(&input), [(2, "7201"), (3, "7202")]);
    assert_eq!(input.understood.amazon_id.unwrap().because, "because its values are profiles");
    is(
        &wrong(full("externalUserId;a;b\n7201;did.a;did.b\n"), &options()),
        &["r.csv:1: …column 2 and 3 both hold profiles; --amazon-id-column"],
    );
    is(&wrong(full("7201;did.a\n7202;did.b\n"), &options()), &["r.csv:1: the first row is data…--no-header"]);
    for (header, proposed) in [
        ("Ext.,Name,profile id", "--id-column \"Ext.\" --amazon-id-column \"profile id\""),
        ("Name,Extension,x", "--id-column \"Extension\" --amazon-id-column \"x\""),
        ("Name,Nebenstelle,x", "--id-column \"Nebenstelle\""),
        ("Name,ROOM NO.,x", "--id-column \"ROOM NO.\""),
        ("Name,Zimmer-Nr.,x", "--id-column \"Zimmer-Nr.\""),
        ("Name,部屋番号,x", "--id-column \"部屋番号\""),
        ("Anschluss,x", "--id-column \"Anschluss\" --amazon-id-column \"x\""),
        ("Name,External User ID,x,amazonIdType", ""),
    ] {
        let fields = header.split(',').count();
        let row = if fields == 2 { "7,did.a" } else { "n,7,did.a" };
        let row = if header.starts_with("Ext") { "7,n,did.a" } else { row };
        let text = full(&format!("{header}\n{row}\n"));
        if proposed.is_empty() {
            assert_eq!(rows(&text, &options()), ["7=a"]);
        } else {
            is(&wrong(&text, &options()), &[&format!("r.csv:1: …perhaps …{proposed}")]);
        }
    }
}
