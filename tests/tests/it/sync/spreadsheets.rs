//! Lists that real programs write: one table, by LibreOffice, openpyxl and pandas, gives one plan.

use std::path::Path;
use std::process::Command;

use jackfield_tests::tenant::profile;
use jackfield_tests::{Tenant, packages};
use serde_json::Value;

use super::{Desk, State};

/// Ids that programs like to change.
fn table() -> State {
    ["0071", "7201", "491512345678", "Café", "Straße 5", "a, b; \"c\"", "TestUserId@test.com", "1-5"]
        .into_iter()
        .enumerate()
        .map(|(at, id)| (id.to_owned(), profile(&format!("p{at}"))))
        .collect()
}

/// The plan of a list, without the lines in which its rows stand.
fn plan(desk: &Desk, words: &[&str]) -> Value {
    let mut told = desk.json(&[&["sync"], words, &["--dry-run"]].concat(), 3);
    for change in told["plan"]["changes"].as_array_mut().unwrap() {
        change.as_object_mut().unwrap().remove("line");
    }
    told["plan"].take()
}

/// Converts the list of the desk, all of whose columns are text, to a file of this name.
fn convert(desk: &Desk, profile_of_user: &Path, filter: &str, name: &str) {
    let out = desk.path("out");
    let output = Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", profile_of_user.display()))
        .args(["--headless", "--norestore", "--infilter=CSV:44,34,UTF8,1,1/2/2/2", "--convert-to", filter])
        .arg("--outdir")
        .arg(&out)
        .arg(desk.path("clean.csv"))
        .env("HOME", desk.home.path())
        .output()
        .unwrap();
    let extension = filter.split(':').next().unwrap();
    let written = out.join(format!("clean.{extension}"));
    assert!(written.exists(), "{filter}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(written, desk.path(name)).unwrap();
}

#[tokio::test]
async fn what_libreoffice_writes_is_one_list() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let rows =
        table().into_iter().map(|(id, profile)| format!("\"{}\",{profile}\n", id.replace('"', "\"\"")));
    desk.write("clean.csv", "externalUserId,amazonId\n".to_owned() + &rows.collect::<String>());
    let clean = plan(&desk, &["clean.csv"]);
    assert_eq!(clean["counts"]["create"], table().len());
    let user = desk.path("user");
    for extension in ["xlsx", "ods", "xls"] {
        let name = format!("rooms.{extension}");
        convert(&desk, &user, extension, &name);
        assert_eq!(plan(&desk, &[&name]), clean, "{name}");
        // What it is, it is by any name.
        std::fs::rename(desk.path(&name), desk.path("renamed.csv")).unwrap();
        assert_eq!(plan(&desk, &["renamed.csv"]), clean, "{name}");
    }
    for (number, encoding) in
        [(76, None), (1, Some("windows-1252")), (22, Some("iso-8859-15")), (65_535, None)]
    {
        for (delimiter, code) in [("comma", 44), ("semicolon", 59), ("tab", 9)] {
            let name = format!("{delimiter}-{number}.csv");
            convert(&desk, &user, &format!("csv:Text - txt - csv (StarCalc):{code},34,{number},1"), &name);
            let mut words = vec![name.as_str()];
            if let Some(encoding) = encoding {
                let run = desk.run(&["sync", &name, "--dry-run"]);
                run.is(2);
                assert!(run.err.contains("is not UTF-8; it seems to be"), "{}", run.err);
                words.extend(["--encoding", encoding]);
            }
            assert_eq!(plan(&desk, &words), clean, "{name}");
        }
    }
}

#[tokio::test]
async fn what_python_writes_is_one_list() {
    let python = packages::python(&Path::new(env!("CARGO_MANIFEST_DIR")).join("spreadsheets"));
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let mut rooms = table();
    // As numbers, with and without a number format.
    rooms.remove("491512345678");
    desk.write("rooms.json", serde_json::to_vec(&rooms).unwrap());
    let rows = rooms.iter().map(|(id, profile)| format!("\"{}\",{profile}\n", id.replace('"', "\"\"")));
    desk.write("clean.csv", "externalUserId,amazonId\n".to_owned() + &rows.collect::<String>());
    let script = "
import json, openpyxl, pandas
rooms = json.load(open('rooms.json'))
book = openpyxl.Workbook()
book.active.title = 'Notes'
book.active.append(['Rooms of the house'])
sheet = book.create_sheet('Rooms')
sheet.append(['externalUserId', 'amazonId'])
for id, profile in rooms.items():
    sheet.append([id, profile])
    cell = sheet.cell(sheet.max_row, 1)
    if id == '7201':
        cell.value = 7201
    if id == '0071':
        cell.value, cell.number_format = 71, '0000'
book.save('openpyxl.xlsx')
frame = pandas.DataFrame(list(rooms.items()), columns=['externalUserId', 'amazonId'])
frame.to_excel('pandas.xlsx', index=False)
frame.to_csv('pandas.csv')
frame.to_csv('pandas-16.csv', encoding='utf-16', sep=';', index=False)
frame.to_csv('pandas.csv.gz', index=False)
frame.to_json('pandas.jsonl', orient='records', lines=True)
";
    let output = Command::new(python).args(["-c", script]).current_dir(desk.home.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let clean = plan(&desk, &["clean.csv"]);
    assert_eq!(clean["counts"]["create"], rooms.len());
    for name in
        ["openpyxl.xlsx", "pandas.xlsx", "pandas.csv", "pandas-16.csv", "pandas.csv.gz", "pandas.jsonl"]
    {
        assert_eq!(plan(&desk, &[name]), clean, "{name}");
    }
}
