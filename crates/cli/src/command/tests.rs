//! What people see: the help of every command, pinned.

use std::collections::BTreeMap;

use clap::{Arg, CommandFactory};

use super::Cli;
use crate::misuse::is_secret;

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

/// Arguments that sound like secrets and are none: files, ids, and names of who vouches for tokens.
const HARMLESS: [&str; 7] = [
    "store_cache",
    "token_issuer",
    "token_audience",
    "token_recheck",
    "token_issuer_client_id",
    "token_issuer_ca",
    "tls_key",
];

#[test]
fn what_sounds_like_a_secret_is_marked_as_one() {
    for (name, command) in all() {
        for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
            let id = argument.get_id().as_str();
            let value =
                argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
            let sounds =
                ["secret", "password", "_token", "store", "key"].iter().any(|word| id.contains(word))
                    || id == "token"
                    || (value == "URL" && ["from", "to", "store"].contains(&id));
            // A page token opens nothing by itself.
            let harmless = HARMLESS.contains(&id) || value == "FILE" || value == "DIR" || id == "next_token";
            assert!(is_secret(argument) || harmless || !sounds, "{name} --{id} is not marked as a secret");
        }
    }
}

/// The list that `tests/commands/secrets.rs` walks: each option of each command that takes a secret, in words that
/// are complete otherwise.
#[test]
fn secret_options_are_listed() {
    let mut list = String::new();
    for (name, command) in all().iter().filter(|(_, command)| !command.has_subcommands()) {
        for argument in command.get_arguments().filter(|argument| is_secret(argument)) {
            let option = argument.get_long().expect("a secret is an option");
            let variable = match argument.get_env() {
                Some(variable) => variable.to_str().unwrap().to_owned(),
                // Settings of a connection are read from the environment by the command.
                None if argument.is_global_set() => {
                    format!("JACKFIELD_{}", option.replace('-', "_").to_uppercase())
                }
                None => "-".to_owned(),
            };
            let mut words: Vec<String> =
                needed(command, argument).iter().flat_map(|needed| sample(needed)).collect();
            // Nobody is there to be asked.
            words.extend(
                command
                    .get_arguments()
                    .any(|argument| argument.get_id() == "yes")
                    .then(|| "--yes".to_owned()),
            );
            let name = name.strip_prefix("jackfield ").unwrap();
            list.push_str(&format!("{option} {variable} {name} {}\n", words.join(" ")));
        }
    }
    assert!(list.lines().count() > 80, "{list}");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("secrets", list);
    });
}

/// What a command cannot do without, besides one argument.
fn needed<'c>(command: &'c clap::Command, besides: &Arg) -> Vec<&'c Arg> {
    let of_groups = command.get_groups().filter(|group| group.is_required_set());
    let of_groups: Vec<_> = of_groups.filter_map(|group| group.get_args().next().cloned()).collect();
    // `sync` wants its list unless it goes on with a journal, `fault add` a status unless it has another effect.
    let is_list = |argument: &Arg| {
        (argument.is_positional() && argument.get_id() == "file")
            || (command.get_name() == "add" && argument.get_id() == "status")
    };
    let is_needed = |argument: &&Arg| {
        argument.is_required_set() || of_groups.contains(argument.get_id()) || is_list(argument)
    };
    command
        .get_arguments()
        .filter(is_needed)
        .filter(|argument| argument.get_id() != besides.get_id())
        .collect()
}

/// Words that give an argument a value that it takes.
fn sample(argument: &Arg) -> Vec<String> {
    let names = argument.get_value_names();
    let possible = argument.get_possible_values().first().map(|value| value.get_name().to_owned());
    let value = match names.and_then(|names| names.first()).map_or("", |name| name.as_str()) {
        _ if possible.is_some() => possible.unwrap(),
        "ORG_ID" | "UNIT_ID" => "amzn1.alexa.unit.did.o1".to_owned(),
        "CLIENT_ID" => "amzn1.application-oa2-client.c1".to_owned(),
        "PROVIDER_ID" => "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".to_owned(),
        "AMAZON_ID" | "PROFILE_ID" => "amzn1.alexa.communications.profile.did.p1".to_owned(),
        "ADDRESS_BOOK_ID" => "amzn1.alexa.addressbook.did.b1".to_owned(),
        "CONTACT_ID" => "amzn1.alexa.contacts.did.c1".to_owned(),
        "SKILL_ID" => "amzn1.ask.skill.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".to_owned(),
        "IMPORT_ID" | "WEBHOOK_ID" => "6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".to_owned(),
        "LOCALE=NAME" => "en-US=x".to_owned(),
        "OFFSET" => "+1h".to_owned(),
        "STATUS" => "503".to_owned(),
        "URL" => "embedded:there".to_owned(),
        _ => "1".to_owned(),
    };
    match argument.get_long() {
        Some(option) => vec![format!("--{option}"), value],
        None => vec![value],
    }
}
