//! What people see: the help of every command, pinned.

use std::collections::BTreeMap;

use clap::CommandFactory;

use super::Cli;

/// Every command with its full name, the root first.
fn all() -> Vec<(String, clap::Command)> {
    fn walk(name: &str, command: &clap::Command, into: &mut Vec<(String, clap::Command)>) {
        into.push((name.to_owned(), command.clone()));
        for sub in command.get_subcommands() {
            walk(&format!("{name} {}", sub.get_name()), sub, into);
        }
    }
    let mut root = Cli::command().term_width(80);
    root.build();
    let mut commands = Vec::new();
    walk("jackfield", &root, &mut commands);
    commands
}

#[test]
fn the_parser_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_help_is_as_pinned_and_fits_80_columns() {
    let commands = all();
    assert!(commands.len() > 50, "the walk found only {} commands", commands.len());
    // One snapshot a group, so that a review reads it as a page.
    let mut groups: BTreeMap<String, String> = BTreeMap::new();
    for (name, command) in commands {
        let help = command.term_width(80).render_long_help().to_string();
        let page = groups.entry(name.split(' ').nth(1).unwrap_or("jackfield").to_owned()).or_default();
        page.push_str(&format!("$ {name} --help\n"));
        for line in help.lines().map(str::trim_end) {
            assert!(line.chars().count() <= 80, "{name}: {line}");
            page.push_str(line);
            page.push('\n');
        }
        page.push('\n');
    }
    for (group, page) in groups {
        // The server's commands are pinned by the tests of the server.
        if !matches!(group.as_str(), "serve" | "dev") {
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("help-{group}"), page);
            });
        }
    }
}
