use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

use super::super::*;

const PROFILE: &str = "amzn1.alexa.communications.profile.did.a";

/// A zip archive of these parts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook with the sheets `Notes` and `Rooms`. Styles: 0 general, 1 `0000`, 2 a date, 3 a text.
fn workbook(rooms: &str) -> Vec<u8> {
    let sheet = |data: &str| {
        format!(
            "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{data}\
             </sheetData></worksheet>"
        )
    };
    let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    archive(&[
        (
            "_rels/.rels",
            &format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"r1\" Type=\"{relation}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{relation}\">\
                 <sheets><sheet name=\"Notes\" sheetId=\"1\" r:id=\"r1\"/><sheet name=\"Rooms\" sheetId=\"2\" \
                 r:id=\"r2\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"r1\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
                 <Relationship Id=\"r2\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet2.xml\"/>\
                 <Relationship Id=\"r3\" Type=\"{relation}/styles\" Target=\"styles.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml",
            "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><numFmts count=\"1\">\
             <numFmt numFmtId=\"164\" formatCode=\"0000\"/></numFmts><fonts count=\"1\"><font/></fonts><fills \
             count=\"1\"><fill/></fills><borders count=\"1\"><border/></borders><cellXfs count=\"4\"><xf \
             numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"14\"/><xf numFmtId=\"49\"/></cellXfs></styleSheet>",
        ),
        ("xl/worksheets/sheet1.xml", &sheet(&text_row(1, &["nothing", "here"]))),
        ("xl/worksheets/sheet2.xml", &sheet(rooms)),
    ])
}

fn text(cell: &str, text: &str) -> String {
    format!("<c r=\"{cell}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn text_row(row: u32, texts: &[&str]) -> String {
    let cells = texts.iter().zip('A'..).map(|(value, column)| text(&format!("{column}{row}"), value));
    format!("<row r=\"{row}\">{}</row>", cells.collect::<String>())
}

/// A row whose id is this cell.
fn row(row: u32, attributes: &str, id: &str) -> String {
    format!("<row r=\"{row}\"{attributes}>{id}{}</row>", text(&format!("B{row}"), PROFILE))
}

fn header(row: u32) -> String {
    text_row(row, &["externalUserId", "amazonId"])
}

fn read(bytes: &[u8], change: impl FnOnce(&mut InputOptions)) -> Result<Input, InputError> {
    let mut options = InputOptions::new("rooms.xlsx", Format::Csv);
    change(&mut options);
    Input::read(bytes, &options)
}

#[test]
fn cells_are_what_the_sheet_shows() {
    let rooms = header(3)
        + &row(4, "", "<c r=\"A4\"><v>7201</v></c>")
        + &row(5, " hidden=\"1\"", "<c r=\"A5\" s=\"1\"><v>71</v></c>")
        + &row(6, "", &text("A6", "0072"))
        + &row(7, "", "<c r=\"A7\"><f>A4+1</f><v>7202</v></c>");
    let input = read(&workbook(&rooms), |_| {}).unwrap();
    let ids: Vec<_> =
        input.rows.iter().map(|row| (row.line, row.association.external_user_id.as_str())).collect();
    assert_eq!(ids, [(4, "7201"), (5, "0071"), (6, "0072"), (7, "7202")]);
    let understood = &input.understood;
    assert_eq!(understood.format, "workbook (.xlsx)");
    assert_eq!((understood.sheet.as_deref(), understood.header_row), (Some("Rooms"), Some(3)));
    assert_eq!(understood.remarks, ["rows that are hidden are read all the same: 5"]);
}

#[test]
fn problems_name_sheet_and_cell() {
    let rooms = header(1)
        + &row(2, "", "<c r=\"A2\" s=\"2\"><v>46000</v></c>")
        + &row(3, "", "<c r=\"A3\" t=\"e\"><v>#N/A</v></c>")
        + &row(4, "", "<c r=\"A4\" t=\"b\"><v>1</v></c>")
        + &row(5, "", "<c r=\"A5\"><v>7201.5</v></c>")
        + &row(6, "", "<c r=\"A6\"><v>1234567890123456789</v></c>")
        + &format!("<row r=\"17\">{}{}</row>", text("A17", "9"), text("B17", "p"));
    let input = read(&workbook(&rooms), |_| {}).unwrap();
    let told: Vec<String> = input.problems().map(ToString::to_string).collect();
    for (told, expected) in told.iter().zip([
        "rooms.xlsx: Rooms!A2 (externalUserId): is a date or a time",
        "rooms.xlsx: Rooms!A3 (externalUserId): \"#N/A\" is what programs write",
        "rooms.xlsx: Rooms!A4 (externalUserId): \"TRUE\" is a truth value",
        "rooms.xlsx: Rooms!A6 (externalUserId): is a number of more digits than a cell keeps",
        "rooms.xlsx: Rooms!B17 (amazonId): must begin with",
    ]) {
        assert!(told.starts_with(expected), "{told}\n{expected}");
    }
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(input.rows.len(), 1, "the sheet shows 7201.5");
    // What is left out can be corrected as text.
    let mut rejects = Vec::new();
    input.write_rejects(&mut rejects).unwrap();
    let rejects = String::from_utf8(rejects).unwrap();
    assert!(rejects.starts_with("problem,externalUserId,amazonId\n"), "{rejects}");
    let corrected = Input::read(
        rejects.replace(",9,p", ",9,PROFILE").replace("PROFILE", PROFILE).as_bytes(),
        &InputOptions::new("r.csv", Format::Csv),
    )
    .unwrap();
    assert_eq!(corrected.rows.last().unwrap().association.external_user_id.as_str(), "9");
}

#[test]
fn a_sheet_can_be_named_or_numbered() {
    let bytes = workbook(&(header(1) + &row(2, "", "<c r=\"A2\"><v>7201</v></c>")));
    for sheet in ["Rooms", "2"] {
        assert_eq!(read(&bytes, |options| options.sheet = Some(sheet.to_owned())).unwrap().rows.len(), 1);
    }
    let refusal =
        |sheet: &str| read(&bytes, |options| options.sheet = Some(sheet.to_owned())).unwrap_err().to_string();
    assert_eq!(refusal("3"), "rooms.xlsx has no sheet \"3\"; it has \"Notes\", \"Rooms\"");
    assert!(
        refusal("Notes").starts_with("rooms.xlsx: Notes, row 1: the header has no column"),
        "{}",
        refusal("Notes")
    );
    let empty = read(&workbook(""), |_| {}).unwrap_err().to_string();
    assert!(empty.starts_with("rooms.xlsx: Notes, row 1: the header has no column"), "{empty}");
}

#[test]
fn a_workbook_is_recognised_whatever_it_is_called() {
    let bytes = workbook(&(header(1) + &row(2, "", "<c r=\"A2\"><v>7201</v></c>")));
    let options = InputOptions::new("rooms.csv", Format::Csv);
    assert_eq!(Input::read(&bytes[..], &options).unwrap().rows.len(), 1);
    for (bytes, told) in [
        (archive(&[("rooms.csv", "a,b")]), "rooms.csv is a .zip archive; unpack it"),
        (archive(&[("word/document.xml", "<a/>")]), "rooms.csv is a text document (.docx)"),
        (bytes[..bytes.len() / 2].to_vec(), "rooms.csv is a damaged archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest".to_vec(), "rooms.csv is a damaged compound file"),
    ] {
        let refusal = Input::read(&bytes[..], &options).unwrap_err().to_string();
        assert!(refusal.starts_with(told), "{refusal}");
    }
}

#[test]
fn what_becomes_too_large_is_refused_before_it_is_read() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default()).unwrap();
    let blank = vec![b' '; 1 << 20];
    for _ in 0..=jackfield_model::limit::LIST_BYTES >> 20 {
        writer.write_all(&blank).unwrap();
    }
    let bomb = writer.finish().unwrap().into_inner();
    let told = "rooms.xlsx is a workbook of more than 134217728 bytes when unpacked";
    assert_eq!(read(&bomb, |_| {}).unwrap_err().to_string(), told);
    // A directory that says that it is small is not believed. The size stands in it twice.
    let size = u32::try_from(((jackfield_model::limit::LIST_BYTES >> 20) + 1) << 20).unwrap().to_le_bytes();
    let mut lying = bomb;
    let places: Vec<usize> = (0..lying.len() - 4).filter(|&at| lying[at..at + 4] == size).collect();
    assert!(!places.is_empty());
    for at in places {
        lying[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    }
    let refusal = read(&lying, |_| {}).unwrap_err().to_string();
    assert!(refusal == told || refusal.contains("damaged archive"), "{refusal}");
}

/// A file of the fuzz seeds, which real programs and hands wrote.
fn seed(name: &str) -> Vec<u8> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/list_workbook");
    std::fs::read(directory.join(name)).unwrap()
}

#[test]
fn binary_workbooks_are_read_by_their_records() {
    let input = read(&seed("rooms.xlsb"), |_| {}).unwrap();
    let ids: Vec<_> =
        input.rows.iter().map(|row| (row.line, row.association.external_user_id.as_str())).collect();
    assert_eq!(ids, [(2, "7201"), (3, "0071")]);
    let told: Vec<String> = input.problems().map(ToString::to_string).collect();
    assert!(told[0].starts_with("rooms.xlsx: Rooms!A4 (externalUserId): is a date"), "{told:?}");
    assert!(told[1].starts_with("rooms.xlsx: Rooms!A5 (externalUserId): \"#N/A\""), "{told:?}");
    assert_eq!(
        input.understood.remarks,
        [
            "rows that are hidden are read all the same: 3",
            "of merged cells only the first has a value: B2:B3"
        ]
    );
    assert_eq!(input.understood.format, "workbook (.xlsb)");
}

#[test]
fn open_documents_are_read_as_they_show_themselves() {
    let input = read(&seed("rooms.ods"), |_| {}).unwrap();
    let ids: Vec<_> =
        input.rows.iter().map(|row| (row.line, row.association.external_user_id.as_str())).collect();
    assert_eq!(ids, [(2, "0071")]);
    assert_eq!(input.understood.rows, 2);
    assert_eq!(
        input.understood.remarks,
        [
            "rows that are hidden are read all the same: 2, 3",
            "1 row says the same as an earlier one and counts once: row 3 as 2"
        ]
    );
    let input = read(&seed("rooms.xls"), |_| {}).unwrap();
    assert_eq!(input.understood.format, "workbook (.xls)");
    assert_eq!(input.rows.len(), 2);
}

/// A size of a few bytes must not make a reader ask for hundreds of gigabytes, which ends the process.
#[test]
fn an_impossible_size_of_an_xls_sheet_is_refused() {
    let good = seed("rooms.xls");
    let place = good.windows(4).position(|window| window == [0x00, 0x02, 0x0e, 0x00]).unwrap() + 4;
    for (at, size) in
        [(4, 0x1fff_ffff_u32.to_le_bytes()), (0, 0xffff_fff0_u32.to_le_bytes()), (10, [0xff, 0xff, 0, 0])]
    {
        let mut damaged = good.clone();
        damaged[place + at..place + at + 4].copy_from_slice(&size);
        let refusal = read(&damaged, |_| {}).unwrap_err();
        let refusal = refusal.to_string();
        assert!(refusal.contains("the size of a sheet"), "{at}: {refusal}");
    }
}
