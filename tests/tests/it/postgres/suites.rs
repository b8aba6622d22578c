//! The suites of the embedded store, run again by this very binary with every server that does not say otherwise on a
//! schema of its own.

use std::process::{Command, Stdio};

use jackfield_tests::server::STORE_VARIABLE;

/// Runs the tests whose names contain one of these texts.
fn run(names: &[&str], variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(names).arg("--test-threads=4").env(STORE_VARIABLE, "postgres");
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // What failed stands last as well: reports may show the end alone.
    assert!(output.status.success(), "{names:?} on PostgreSQL:\n{err}\n{out}\n{}", panics(&out));
    let ran: usize = out
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<usize>().ok())
        .sum();
    assert!(ran >= names.len(), "{names:?} are tests:\n{out}");
    eprintln!("{ran} tests of {names:?} on PostgreSQL");
}

/// Where tests panicked, each with what it said there.
fn panics(out: &str) -> String {
    let lines: Vec<&str> = out.lines().collect();
    let panicked = |pair: &&[&str]| pair[0].contains("' panicked at ") || pair[0].contains(") panicked at ");
    lines.windows(2).filter(panicked).flatten().copied().collect::<Vec<_>>().join("\n")
}

#[test]
fn operations_answer_the_same() {
    run(&["operation::", "order::"], &[]);
}

#[test]
fn pages_and_walks_are_the_same() {
    // As many as the embedded store gets would take a debug build minutes.
    run(&["pages::", "walk::", "--skip=console::"], &[("JACKFIELD_WALK_ASSOCIATIONS", "10000")]);
}

#[test]
fn what_a_restart_finds_is_the_same() {
    run(&["restart::", "seeding::", "refresh::", "reset::"], &[]);
}

#[test]
fn what_the_console_uses_is_the_same() {
    run(
        &[
            "imports::a_list_is_looked_at_planned_and_applied",
            "imports::a_cancelled_import_goes_on_where_it_was",
            "console::pages::the_admin_api_writes_and_searches_associations",
            "console::pages::a_tried_request_passes_the_checks_of_a_client",
        ],
        &[],
    );
}

#[test]
fn histories_are_linearizable() {
    run(&["linearizability::histories_of_concurrent_clients"], &[]);
}
