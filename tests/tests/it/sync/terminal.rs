//! What a person sees in a terminal of 80 and of 120 columns: help, plan, question, progress, errors.

use jackfield_tests::tenant::profile;
use jackfield_tests::terminal::Terminal;
use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions};
use serde_json::json;

use super::{Desk, State, rooms};

const WIDTHS: [u16; 2] = [80, 120];

/// The screen with the parts that differ from run to run made alike.
fn normal(text: &str, tenant: &Tenant) -> String {
    let address = tenant.endpoint().address(Listener::Public).to_string();
    let port = address.rsplit(':').next().unwrap();
    let uuid = tenant.provider.rsplit('.').next().unwrap();
    let text = text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:PORT");
    let text = text.replace(uuid, "00000000-0000-0000-0000-000000000000");
    let figures = |line: &str| match line.starts_with("  in ") {
        true => "  in S s, with R requests, C changes a second\n".to_owned(),
        false => format!("{line}\n"),
    };
    text.lines().map(figures).collect()
}

fn pin(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

#[track_caller]
fn fits(terminal: &Terminal) {
    for (line, goes_on) in terminal.lines() {
        assert!(!goes_on, "does not fit: {line}");
    }
}

#[tokio::test]
async fn help_fits() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    for columns in WIDTHS {
        for (name, words) in [
            ("sync", ["sync", "--help"].as_slice()),
            ("diff", &["diff", "--help"]),
            ("export", &["association", "export", "--help"]),
        ] {
            let mut terminal = Terminal::start(desk.command(words), columns);
            assert_eq!(terminal.wait().code(), Some(0));
            fits(&terminal);
            pin(&format!("terminal-{columns}-help-{name}"), &terminal.text());
        }
    }
}

#[tokio::test]
async fn a_plan_is_shown_and_asked_about() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    desk.list("rooms.csv", &rooms(4, ""));
    desk.run(&["sync", "rooms.csv", "--yes"]).is(0);
    let mut wanted: State = rooms(3, "");
    wanted.insert("room 0001".to_owned(), profile("a-profile-with-a-name-that-takes-half-of-a-line"));
    wanted.insert("room 0002".to_owned(), profile("another"));
    let long = "a name of a suite that is so long that no table of eighty columns can show it in one line";
    wanted.insert(long.to_owned(), profile(&"long-".repeat(20)));
    desk.list("rooms.csv", &wanted);
    let words = ["sync", "rooms.csv", "--delete-missing"];
    for columns in WIDTHS {
        let mut terminal = Terminal::start(desk.command(&words), columns);
        terminal.await_text("[y/N]");
        terminal.type_in("n\n");
        assert_eq!(terminal.wait().code(), Some(3), "{}", terminal.text());
        fits(&terminal);
        pin(&format!("terminal-{columns}-plan"), &normal(&terminal.text(), &tenant));
    }
    assert_eq!(super::state(&tenant).await, rooms(4, ""), "a no changes nothing");
    let mut terminal = Terminal::start(desk.command(&words), 80);
    terminal.await_text("[y/N]");
    terminal.type_in("yes\n");
    assert_eq!(terminal.wait().code(), Some(0), "{}", terminal.text());
    fits(&terminal);
    assert_eq!(super::state(&tenant).await, wanted);
    pin("terminal-80-done", &normal(&terminal.text(), &tenant));
    let mut terminal = Terminal::start(desk.command(&words), 80);
    assert_eq!(terminal.wait().code(), Some(0), "in sync nothing is asked: {}", terminal.text());
    pin("terminal-80-in-sync", &normal(&terminal.text(), &tenant));
}

#[tokio::test]
async fn progress_is_a_bar_on_a_terminal_and_lines_elsewhere() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.admin.create("/admin/v1/faults", &json!({"operation": "create", "latency_ms": 40})).await;
    let desk = Desk::of(&tenant);
    desk.list("rooms.csv", &rooms(3_000, ""));
    for columns in WIDTHS {
        let words = ["sync", "rooms.csv", "--yes", "--show", "0", "--connections", "2"];
        let terminal = Terminal::start(desk.command(&words), columns);
        terminal.await_text("/s  ");
        terminal.await_text("=>");
        let lines = terminal.lines();
        let (bar, goes_on) = lines.iter().find(|(line, _)| line.starts_with("applying")).unwrap();
        assert!(!goes_on && bar.chars().count() <= usize::from(columns), "{bar}");
        assert!(bar.chars().count() + 8 >= usize::from(columns), "it takes the width: {bar}");
        pin(&format!("terminal-{columns}-progress"), &shape(bar));
    }
    let mut child = desk
        .command(&["sync", "rooms.csv", "--yes", "--connections", "2"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let line = lines.next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    pin("no-terminal-progress", &shape(&line));
}

/// A line of progress without its figures: the bar is as full as it is, a number is `N`, a time `T`.
fn shape(line: &str) -> String {
    let line = match (line.find('['), line.find(']')) {
        (Some(begin), Some(end)) => format!("{}[=>  ]{}", &line[..begin], &line[end + 1..]),
        _ => line.to_owned(),
    };
    let word = |word: &str| {
        let time = word.trim_end_matches(['s', 'm']);
        if time.len() < word.len() && !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit()) {
            return "T".to_owned();
        }
        let figures: Vec<&str> = word.split(|c: char| c.is_ascii_digit()).collect();
        let mut shape = String::new();
        for (at, part) in figures.iter().enumerate() {
            // Digits side by side leave empty parts between them.
            if at > 0 && !shape.ends_with('N') {
                shape.push('N');
            }
            shape.push_str(part);
        }
        shape
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn errors_are_readable() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    desk.write("rooms.csv", format!("room;profile\n7201;{}\n", profile("1")));
    desk.write(
        "broken.csv",
        format!("externalUserId,amazonId\n7201,{}\n7201,p2\n ,{}\n7204\n", profile("1"), profile("2")),
    );
    desk.write("cut.csv", "externalUserId,amazonId\n7201,\"amzn1");
    desk.list("two.csv", &rooms(2, ""));
    desk.list("one.csv", &rooms(1, ""));
    desk.run(&["sync", "two.csv", "--yes"]).is(0);
    for columns in WIDTHS {
        let mut page = String::new();
        for (words, code) in [
            (["sync", "none.csv"].as_slice(), 2),
            (&["sync", "rooms.csv"], 2),
            (&["sync", "broken.csv"], 2),
            (&["sync", "cut.csv"], 2),
            (&["sync", "one.csv", "--delete-missing", "--max-delete", "10%"], 2),
            (&["sync", "two.csv", "--max-delete", "many", "--delete-missing"], 2),
            (&["sync", "--resume"], 2),
            (&["sync", "two.csv", "--token", "wrong"], 1),
        ] {
            let mut terminal = Terminal::start(desk.command(words), columns);
            let status = terminal.wait();
            page += &format!("$ jackfield {}\n{}\n", words.join(" "), normal(&terminal.text(), &tenant));
            assert_eq!(status.code(), Some(code), "{page}");
        }
        // Ids of requests differ.
        let known = |line: &str| match line.split_once("request id: ") {
            Some((before, _)) => format!("{before}request id: REQUEST-ID\n"),
            None => format!("{line}\n"),
        };
        pin(&format!("terminal-{columns}-errors"), &page.lines().map(known).collect::<String>());
    }
}
