//! Lists as people have them, at the command line: what is understood, what is refused, and what the page says of it.

use std::fmt::Write;

use jackfield_tests::Tenant;
use jackfield_tests::tenant::profile;
use serde_json::json;

use super::{Desk, State, changed, state};

const PAGE: &str = include_str!("../../../../docs/sync.md");

/// The blocks of the page in this language, each as the rest of its first line and its text.
fn blocks(language: &str) -> Vec<(&'static str, &'static str)> {
    let fence = format!("```{language}");
    let block = |rest: &'static str| {
        let (first, text) = rest.split("```").next().unwrap().split_once('\n').unwrap();
        (first.trim(), text)
    };
    PAGE.split(&*fence).skip(1).map(block).collect()
}

/// A text in which what nobody sees is written out, like `\u{200b}`.
fn meant(text: &str) -> String {
    let mut meant = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u{") {
        let (code, after) = after.split_once('}').unwrap();
        let code = u32::from_str_radix(code, 16).unwrap();
        write!(meant, "{before}{}", char::from_u32(code).unwrap()).unwrap();
        rest = after;
    }
    meant + rest
}

#[tokio::test]
async fn the_page_has_the_messages_as_they_are() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let mut lists = blocks("list").into_iter();
    let mut run = 0;
    for (_, shown) in blocks("shown --inspect") {
        let (name, text) = lists.next().unwrap();
        desk.write(name, meant(text));
        let (command, expected) = shown.split_once('\n').unwrap();
        let words: Vec<&str> = command.strip_prefix("$ jackfield ").unwrap().split(' ').collect();
        assert_eq!(words[..2], ["sync", "--inspect"]);
        assert_eq!(words[2], name);
        let run_of = desk.run(&words);
        assert_eq!(format!("{}{}", run_of.out, run_of.err).trim_end(), expected.trim_end(), "{command}");
        run += 1;
    }
    assert!(lists.next().is_none() && run > 8, "only {run} examples were found");
}

#[tokio::test]
async fn a_mark_inside_a_joined_list_deletes_no_room() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let rooms = ["7319", "101", "102", "reception", "7320"];
    let before: State = rooms.map(|room| (room.to_owned(), profile(&format!("of-{room}")))).into();
    desk.list("rooms.csv", &before);
    desk.run(&["sync", "rooms.csv", "--yes"]).is(0);
    let line = |room: &str| format!("{room},{}\r\n", profile(&format!("of-{room}")));
    let nightly = format!(
        "\u{feff}externalUserId,amazonId\r\n{}{}{}{}\u{feff}{}",
        line("7319"),
        line("101"),
        line("102"),
        line("reception"),
        line("7320")
    );
    desk.write("nightly.csv", &nightly);
    let words = ["sync", "nightly.csv", "--yes", "--delete-missing", "--output", "json"];
    let run = desk.run(&words);
    run.is(2);
    assert!(run.err.contains("nightly.csv:6: begins with a byte-order mark (U+FEFF)"), "{}", run.err);
    assert_eq!(changed(&tenant).await, rooms.len(), "nothing was changed");
    let told = desk.json(&[&words[..4], &["--clean"]].concat(), 0);
    assert_eq!(told["plan"]["counts"], json!({"create": 0, "update": 0, "delete": 0}));
    assert_eq!(state(&tenant).await, before);
}

#[tokio::test]
async fn the_plan_says_what_was_understood() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let head = "Rooms of the house\r\n\r\nexternalUserId;profile\r\n";
    desk.write("rooms.csv", format!("{head}=\"0071\";{0}\r\n7202;{0}\r\n7202;{0}\r\n", profile("a")));
    let run = desk.run(&["sync", "rooms.csv", "--dry-run"]);
    run.is(3);
    for part in [
        "list      CSV, UTF-8, columns separated by \";\", header in line 3",
        "externalUserId from column 1 \"externalUserId\" (by its name)",
        "amazonId from column 2 \"profile\" (because its values are profiles)",
        "rows      3: 0071 …a (line 4), 7202 …a (line 5)",
        "what stands above the header in line 3 is not read: \"Rooms of the house\"",
        "1 row says the same as an earlier one and counts once: line 6 as 5",
        "line 4, externalUserId: \"=\"0071\"\" is read as \"0071\"",
        "create           2",
    ] {
        assert!(run.out.contains(part), "{part}\n{}", run.out);
    }
    let told = desk.json(&["sync", "rooms.csv", "--dry-run"], 3);
    assert_eq!(told["list"]["delimiter"], ";");
    assert_eq!(told["list"]["headerRow"], 3);
    assert_eq!(told["list"]["amazonId"]["column"], 2);
    assert_eq!(told["plan"]["counts"]["create"], 2);
    // It needs no server and no credentials.
    let mut command = desk.command(&["sync", "--inspect", "rooms.csv", "--output", "json"]);
    for (name, _) in &desk.environment {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let inspected: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(inspected, json!({"list": told["list"], "invalid": []}));
    desk.run(&["diff", "rooms.csv"]).is(3);
}

#[tokio::test]
async fn an_export_that_reads_like_mistakes_says_how_it_is_read() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    for id in ["7201", "=1+1", "x\u{a0}y"] {
        tenant.create(id, "p").await.is(201);
    }
    let run = desk.run(&["association", "export", "--to", "now.csv"]);
    run.is(0);
    assert!(run.err.contains("--allow formulas,characters"), "{}", run.err);
    desk.run(&["diff", "now.csv"]).is(2);
    desk.run(&["diff", "now.csv", "--allow", "formulas,characters"]).is(0);
}
