//! `jackfield sync`, `diff` and `association export` against a real server: lists, plans, bounds, exit codes.

mod crash;
mod fault;
mod lists;
mod page;
mod property;
mod spreadsheets;
mod terminal;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use jackfield_tests::server::clean_environment;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Listener, Tenant, TenantOptions, Version, binary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A person with a list, at the shell.
struct Desk {
    home: TempDir,
    environment: Vec<(&'static str, String)>,
}

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    fn of(tenant: &Tenant) -> Self {
        let endpoint = format!("http://{}", tenant.endpoint().address(Listener::Public));
        let environment = vec![
            ("JACKFIELD_ENDPOINT", endpoint),
            ("JACKFIELD_TOKEN", tenant.token.clone()),
            ("JACKFIELD_PROVIDER", tenant.provider.clone()),
        ];
        Self { home: TempDir::new().unwrap(), environment }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary::path());
        clean_environment(&mut command);
        command
            .args(words)
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&self, words: &[&str]) -> Run {
        let output = self.command(words).output().unwrap();
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs with `--output json`; what it prints.
    #[track_caller]
    fn json(&self, words: &[&str], code: i32) -> Value {
        let run = self.run(&[words, &["--output", "json"]].concat());
        run.is(code);
        serde_json::from_str(&run.out).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes the list of this state.
    fn list(&self, name: &str, state: &State) {
        let rows = state.iter().map(|(id, profile)| format!("{id},{profile}\n"));
        self.write(name, "externalUserId,amazonId\n".to_owned() + &rows.collect::<String>());
    }
}

impl Run {
    #[track_caller]
    fn is(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
    }
}

type State = BTreeMap<String, String>;

/// So many rooms.
fn rooms(count: usize, suffix: &str) -> State {
    (0..count).map(|n| (format!("room {n:04}"), profile(&format!("{n}{suffix}")))).collect()
}

/// What the provider has.
async fn state(tenant: &Tenant) -> State {
    let mut state = State::new();
    let mut token = Value::Null;
    loop {
        let mut context = json!({"maxResults": 100});
        if !token.is_null() {
            context["nextToken"] = token;
        }
        let mut page =
            tenant.query(&json!({"filters": {}, "paginationContext": context})).await.expect(200).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for one in page["accountAssociations"].as_array().unwrap() {
            assert!(state.insert(text(&one["externalUserId"]), text(&one["amazonId"])).is_none());
        }
        token = page["paginationContext"]["nextPageToken"].take();
        if token == "0" {
            return state;
        }
    }
}

/// How many changes were made about the provider's associations.
async fn changed(tenant: &Tenant) -> usize {
    let changes = tenant.admin.changes(&tenant.provider, 0).await;
    changes.iter().filter(|change| change["external_user_id"].is_string()).count()
}

#[tokio::test]
async fn a_list_becomes_associations_and_the_second_run_has_nothing_to_do() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let first = rooms(250, "");
    desk.list("rooms.csv", &first);
    let told = desk.json(&["sync", "rooms.csv", "--dry-run"], 3);
    assert_eq!((&told["plan"]["counts"]["create"], &told["applied"]), (&json!(250), &Value::Null));
    assert_eq!(changed(&tenant).await, 0, "a dry run changes nothing");

    let told = desk.json(&["sync", "rooms.csv", "--yes"], 0);
    assert_eq!(told["applied"]["counts"], json!({"create": 250, "update": 0, "delete": 0}));
    assert_eq!((&told["applied"]["requests"], &told["verified"]), (&json!(250), &json!(true)));
    assert_eq!(state(&tenant).await, first);
    let told = desk.json(&["sync", "rooms.csv", "--yes"], 0);
    assert_eq!((&told["plan"]["unchanged"], &told["applied"]), (&json!(250), &Value::Null));
    assert_eq!(changed(&tenant).await, 250);

    // Some stay, some change, some are new; what the list does not name stays unless it is asked for.
    let mut second: State = first.clone().into_iter().take(240).collect();
    second.extend(rooms(20, "new"));
    second.extend((0..5).map(|n| (format!("suite {n}"), profile("s"))));
    desk.list("rooms.csv", &second);
    let told = desk.json(&["sync", "rooms.csv", "--dry-run"], 3);
    assert_eq!(told["plan"]["counts"], json!({"create": 5, "update": 20, "delete": 0}));
    assert_eq!((&told["plan"]["kept"], &told["plan"]["unchanged"]), (&json!(10), &json!(220)));
    let told = desk.json(&["sync", "rooms.csv", "--yes", "--only", "create", "--delete-missing"], 0);
    assert_eq!(told["applied"]["counts"], json!({"create": 5, "update": 0, "delete": 0}));
    assert_eq!(told["plan"]["excluded"], json!({"create": 0, "update": 20, "delete": 10}));
    let told = desk.json(&["sync", "rooms.csv", "--yes", "--delete-missing", "--max-delete", "4%"], 0);
    assert_eq!(told["applied"]["counts"], json!({"create": 0, "update": 20, "delete": 10}));
    assert_eq!(state(&tenant).await, second);
    assert_eq!(changed(&tenant).await, 285);
    assert!(std::fs::read_dir(desk.home.path()).unwrap().count() == 1, "no journal is left");
}

#[tokio::test]
async fn a_small_part_of_a_large_provider_is_asked_for_by_id() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let all = rooms(420, "");
    desk.list("all.csv", &all);
    desk.run(&["sync", "all.csv", "--yes"]).is(0);
    let mut part: State = all.clone().into_iter().skip(300).take(40).collect();
    part.extend(rooms(1, "other"));
    desk.list("part.csv", &part);
    let told = desk.json(&["sync", "part.csv", "--yes"], 0);
    assert_eq!(told["plan"]["unchanged"], 40);
    assert_eq!(told["plan"]["kept"], 0, "what is not in the list was not looked at");
    assert_eq!(told["applied"]["counts"]["update"], 1);
    let expected: State = all.into_iter().chain(part).collect();
    assert_eq!(state(&tenant).await, expected);
}

#[tokio::test]
async fn deletes_are_refused_before_the_first_write() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    desk.list("all.csv", &rooms(40, ""));
    desk.run(&["sync", "all.csv", "--yes"]).is(0);
    let mut part = rooms(37, "");
    part.insert("a new one".to_owned(), profile("n"));
    desk.list("part.csv", &part);
    for bound in ["2", "0", "7%"] {
        let run = desk.run(&["sync", "part.csv", "--yes", "--delete-missing", "--max-delete", bound]);
        run.is(2);
        assert!(run.err.contains("deletes 3 of 40 associations"), "{}", run.err);
    }
    assert_eq!(state(&tenant).await, rooms(40, ""), "not even the create was made");
    assert_eq!(changed(&tenant).await, 40);
    // A list without rows is more often an accident than a wish.
    desk.list("none.csv", &State::new());
    desk.run(&["sync", "none.csv", "--yes", "--delete-missing"]).is(2);
    desk.run(&["sync", "part.csv", "--yes", "--delete-missing", "--max-delete", "3"]).is(0);
    assert_eq!(state(&tenant).await, part);
    desk.run(&["sync", "none.csv", "--yes", "--delete-missing", "--max-delete", "100%"]).is(0);
    assert_eq!(state(&tenant).await, State::new());
}

#[tokio::test]
async fn a_list_that_may_be_cut_off_is_refused() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    desk.list("rooms.csv", &rooms(5, ""));
    let whole = desk.read("rooms.csv");
    desk.write("cut.csv", whole.replace("room 0004,", "\"room 0004,"));
    let run = desk.run(&["sync", "cut.csv", "--yes", "--skip-invalid"]);
    run.is(2);
    assert!(
        run.err.contains("cut.csv:6: column 1: a quoted field begins here and is never closed"),
        "{}",
        run.err
    );
    let run = desk.run(&["sync", "rooms.csv", "--yes", "--expect-rows", "6"]);
    run.is(2);
    assert!(run.err.contains("rooms.csv has 5 rows, at least 6 are expected"), "{}", run.err);
    desk.write("cut.jsonl", "{\"externalUserId\":\"7201\",\"amazon");
    desk.run(&["sync", "cut.jsonl", "--yes", "--skip-invalid"]).is(2);
    assert_eq!(changed(&tenant).await, 0);
    desk.run(&["sync", "rooms.csv", "--yes", "--expect-rows", "5"]).is(0);
    assert_eq!(changed(&tenant).await, 5);
}

#[tokio::test]
async fn one_invalid_row_stops_all_and_can_be_left_out_and_fed_back() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let good = format!("room,profile\n7201,{}\n", profile("1"));
    let columns = ["--id-column", "room", "--amazon-id-column", "profile"];
    for (line, part) in [
        ("7201,x".to_owned(), "column 2 (profile): must begin with"),
        (format!("7201,{}", profile("2")), "column 1 (room): stands in line 2 too"),
        (format!("\u{7},{}", profile("2")), "column 1 (room): holds a control character"),
        ("7202".to_owned(), "the row has 1 field, the header has 2"),
    ] {
        desk.write("rooms.csv", good.clone() + &line + "\n");
        let run = desk.run(&[&["sync", "rooms.csv", "--yes"], &columns[..]].concat());
        run.is(2);
        assert!(run.err.contains("rooms.csv:3: ") && run.err.contains(part), "{}", run.err);
        assert!(run.err.contains("nothing was changed"), "{}", run.err);
    }
    assert_eq!(changed(&tenant).await, 0);

    desk.write("rooms.csv", format!("{good}7202,wrong\n7203,{}\n", profile("3")));
    let run = desk.run(&[&["sync", "rooms.csv", "--yes", "--skip-invalid"], &columns[..]].concat());
    run.is(1);
    assert!(run.err.contains("rooms.csv:3: column 2 (profile)"), "{}", run.err);
    assert_eq!(state(&tenant).await.len(), 2);
    let rejects = desk.read("rooms.rejects.csv");
    desk.write("rooms.rejects.csv", rejects.replace(",wrong", &format!(",{}", profile("2"))));
    desk.run(&[&["sync", "rooms.rejects.csv", "--yes"], &columns[..]].concat()).is(0);
    let expected = [("7201", "1"), ("7202", "2"), ("7203", "3")];
    let expected: State = expected.map(|(id, suffix)| (id.to_owned(), profile(suffix))).into();
    assert_eq!(state(&tenant).await, expected);
}

#[tokio::test]
async fn damaged_lists_are_named_and_nothing_is_applied() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let mut random = fastrand::Rng::with_seed(5);
    for round in 0..100 {
        let mut lines: Vec<String> = std::iter::once("externalUserId,amazonId".to_owned())
            .chain(rooms(20, "").iter().map(|(id, profile)| format!("{id},{profile}")))
            .collect();
        let at = random.usize(1..lines.len());
        let line = &mut lines[at];
        let place = random.usize(0..line.len());
        let comma = line.find(',').unwrap();
        match random.u8(0..7) {
            0 => line.insert(random.usize(1..comma), char::from(random.u8(1..9))),
            1 => line.insert(place, ','),
            2 => line.truncate(comma),
            3 => line.replace_range(..comma, ""),
            4 => line.replace_range(comma + 1..=comma + 1 + random.usize(0..30), "#"),
            5 => line.insert_str(0, "\"x\" "),
            _ => line.push_str(&"x".repeat(256)),
        }
        desk.write("rooms.csv", lines.join("\n"));
        let run = desk.run(&["sync", "rooms.csv", "--yes"]);
        run.is(2);
        let named = format!("rooms.csv:{}: ", at + 1);
        assert!(run.err.starts_with(&named), "round {round}, {:?}: {}", lines[at], run.err);
        assert!(run.err.contains("1 of 20 rows is invalid; nothing was changed"), "{}", run.err);
    }
    assert_eq!(changed(&tenant).await, 0);
}

#[tokio::test]
async fn an_export_is_a_list() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let ids =
        ["7201", "a \"b\", c", "é; 'x'", "=1+1", "-", "#", "problem", "x\u{a0}y", "TestUserId@test.com"];
    for id in ids {
        tenant.create(id, "p").await.is(201);
    }
    let before = state(&tenant).await;
    for (name, form) in [("a.csv", "csv"), ("b.tsv", "tsv"), ("c.jsonl", "jsonl")] {
        desk.run(&["association", "export", "--to", name]).is(0);
        let standard = desk.run(&["association", "export", "--format", form]);
        assert_eq!(standard.out, desk.read(name));
        // Some of these ids look like mistakes in a list.
        let diff = desk.run(&["diff", name, "--allow", "formulas,characters"]);
        diff.is(0);
        assert_eq!(diff.out, "");
        let mut other = tenant.again(Version::Http1);
        other.provider = tenant.new_provider(form).await;
        let list = desk.path(name);
        let words = ["sync", list.to_str().unwrap(), "--yes", "--allow", "formulas,characters"];
        Desk::of(&other).run(&words).is(0);
        assert_eq!(state(&other).await, before, "{name}");
    }
    let left: Vec<_> = std::fs::read_dir(desk.home.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "no part of a file is left: {left:?}");
}

#[tokio::test]
async fn diff_shows_both_sides() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    for (id, suffix) in [("1", "a"), ("2", "b"), ("3", "c")] {
        tenant.create(id, suffix).await.is(201);
    }
    let lines = [("4", "d"), ("2", "b"), ("3", "x")]
        .map(|(id, suffix)| json!({"externalUserId": id, "amazonId": profile(suffix)}).to_string());
    desk.write("rooms.jsonl", lines.join("\n"));
    let run = desk.run(&["diff", "rooms.jsonl"]);
    run.is(3);
    let [a, c, d, x] = ["a", "c", "d", "x"].map(profile);
    assert_eq!(run.out, format!("- 1  {a}\n~ 3  {c} -> {x}\n+ 4  {d}\n"));
    let told = desk.json(&["diff", "rooms.jsonl"], 3);
    assert_eq!(told[0], json!({"change": "delete", "externalUserId": "1", "before": a}));
    assert_eq!(changed(&tenant).await, 3);
}

#[tokio::test]
async fn refusals_of_the_server_are_reported_and_stop_what_cannot_succeed() {
    let tenant = Tenant::with(TenantOptions { strict: true, ..Default::default() }).await;
    let desk = Desk::of(&tenant);
    desk.list("rooms.csv", &rooms(3, ""));
    let told = desk.json(&["sync", "rooms.csv", "--yes"], 1);
    let failed = told["applied"]["failed"].as_array().unwrap();
    assert_eq!((failed.len(), &told["verified"]), (3, &json!(false)));
    assert!(uuid::Uuid::try_parse(failed[0]["requestId"].as_str().unwrap()).is_ok());
    assert_eq!(failed[0]["line"], 2);
    assert!(failed[0]["reason"].as_str().unwrap().contains("profile"), "{told}");

    let mut stranger = tenant.again(Version::Http1);
    stranger.token = "Atza|nobody".to_owned();
    let run = Desk::of(&stranger).run(&["sync", desk.path("rooms.csv").to_str().unwrap(), "--yes"]);
    run.is(1);
    assert!(run.err.contains("(401 UNAUTHORIZED)"), "{}", run.err);
    let run = desk.run(&["sync", "rooms.csv"]);
    run.is(2);
    assert!(run.err.contains("nobody can be asked"), "{}", run.err);
}
