//! What is said of a command line that cannot be understood. The parser quotes the words that it does not like, and
//! one of them may be a secret, or a part of one that a shell broke at its spaces: such words are not repeated.

use std::any::TypeId;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use jackfield_server::SecretSetting;

use crate::command::Cli;
use crate::output;

/// Stands for a word that is not repeated.
const HIDDEN: &str = "…";
/// The places of an error in which the parser repeats words of the command line.
const QUOTED: [ContextKind; 6] = [
    ContextKind::InvalidArg,
    ContextKind::InvalidValue,
    ContextKind::InvalidSubcommand,
    ContextKind::Suggested,
    ContextKind::TrailingArg,
    ContextKind::ActualNumValues,
];

/// Says what is wrong on standard error, or shows the help that was asked for.
pub(crate) fn report(error: clap::Error, words: impl Iterator<Item = OsString>) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let error = hide(error, &perhaps_secret(words));
    // A value that is wrong is one line; only wrong words deserve the usage under it.
    if error.kind() == ErrorKind::ValueValidation {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        eprintln!("{}", output::wrapped(line, output::columns(&std::io::stderr()), "  "));
        return ExitCode::from(2);
    }
    error.exit()
}

/// The error without words that may be a secret, and without URLs, in which a password may stand.
fn hide(mut error: clap::Error, secret: &[String]) -> clap::Error {
    let url = |text: &str| text.contains("://") || text.contains('@');
    let close =
        |text: &str, word: &String| !text.is_empty() && (word.contains(text) || text.contains(word.as_str()));
    let hush = |text: &str| url(text) || secret.iter().any(|word| close(text, word));
    for kind in QUOTED {
        let found = match error.get(kind) {
            Some(ContextValue::String(text)) => hush(text),
            Some(ContextValue::Strings(texts)) => texts.iter().any(|text| hush(text)),
            Some(ContextValue::StyledStrs(texts)) => {
                texts.iter().any(|text| !secret.is_empty() && !text.to_string().is_empty())
            }
            _ => false,
        };
        if found {
            // What is suggested repeats the word within a sentence: the whole of it goes.
            match kind {
                ContextKind::Suggested => drop(error.remove(kind)),
                _ => drop(error.insert(kind, ContextValue::String(HIDDEN.to_owned()))),
            }
        }
    }
    error
}

/// The words behind an option that takes a secret: the next one, and those after it up to the next option.
fn perhaps_secret(words: impl Iterator<Item = OsString>) -> Vec<String> {
    let options = secret_options();
    let mut found = Vec::new();
    // How many words were seen since the option.
    let mut behind: Option<usize> = None;
    for word in words.skip(1) {
        let word = word.to_string_lossy().into_owned();
        let (name, value) =
            word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        if options.contains(name) {
            found.extend(value.map(str::to_owned));
            behind = Some(usize::from(value.is_some()));
        } else if let Some(count) = behind.filter(|count| *count == 0 || !word.starts_with('-')) {
            behind = Some(count + 1);
            found.push(word);
        } else {
            behind = None;
        }
    }
    found.retain(|word| !word.is_empty());
    found
}

/// The options of any command that take a secret, as they are written.
fn secret_options() -> BTreeSet<String> {
    fn collect(command: &clap::Command, into: &mut BTreeSet<String>) {
        let options = command.get_arguments().filter(|argument| is_secret(argument));
        into.extend(options.filter_map(|argument| Some(format!("--{}", argument.get_long()?))));
        command.get_subcommands().for_each(|sub| collect(sub, into));
    }
    let mut options = BTreeSet::new();
    collect(&Cli::command(), &mut options);
    options
}

/// Whether an argument takes a secret, or a text that may hold one.
pub(crate) fn is_secret(argument: &clap::Arg) -> bool {
    argument.get_value_parser().type_id() == TypeId::of::<SecretSetting>()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn said(words: &[&str]) -> String {
        let words: Vec<&str> = ["jackfield"].iter().chain(words).copied().collect();
        match Cli::try_parse_from(&words) {
            Err(error) => hide(error, &perhaps_secret(words.iter().map(Into::into))).to_string(),
            Ok(_) => panic!("{words:?} is understood"),
        }
    }

    #[test]
    fn words_behind_a_secret_option_are_not_repeated() {
        for words in [
            ["status", "--admin-token", "one", "hush"].as_slice(),
            &["status", "--admin-token=one", "hush"],
            &["client", "--admin-token", "one", "hush", "list"],
            &["client", "--admin-token", "one", "hushlist"],
            &["client", "get", "--admin-token", "one", "hush"],
            &["status", "--admin-token", "-hush"],
            &["status", "--admin-token", "--hush"],
            &["token", "get", "--client-secret", "one", "hush", "two-hush"],
            &["serve", "--store", "one", "hush"],
            &["serve", "--store", "one", "--listen", "postgres:/u:hush@h"],
        ] {
            let said = said(words);
            assert!(said.starts_with("error: ") && !said.contains("hush"), "{words:?}: {said}");
        }
    }

    #[test]
    fn other_words_are() {
        assert!(said(&["status", "--admin-tokn", "x"]).contains("'--admin-tokn'"));
        assert!(said(&["status", "--admin-token", "x", "--lisen"]).contains("'--lisen'"));
        assert!(said(&["sttus"]).contains("'sttus'"));
        assert!(said(&["serve", "--rate-limit", "many"]).contains("'many'"));
    }
}
