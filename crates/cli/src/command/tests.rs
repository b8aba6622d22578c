//! What people see: the help of every command, pinned.

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
    for (name, command) in commands {
        let help = command.term_width(80).render_long_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        // The server's commands are pinned where they are made.
        if !matches!(name.as_str(), "jackfield serve" | "jackfield dev") {
            insta::assert_snapshot!(name.replace(' ', "-"), help);
        }
    }
}
