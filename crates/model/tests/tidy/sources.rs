//! Source files: their header and length, the length of their functions, and what must not stay in them.

use std::path::Path;

use crate::{assert_none, files};

/// Most lines of a source file. The goal is 400.
const LINES_MAX: usize = 450;
/// Most lines of a function, from its `fn` to the closing brace. The goal is 50.
const FUNCTION_MAX: usize = 70;

#[test]
fn sources_are_tidy() {
    let sources = files(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(sources.len() > 15, "the walk finds the sources: {}", sources.len());
    assert_none(sources.iter().flat_map(|(path, text)| source_complaints(path, text)));

    let bad = |text: &str| source_complaints(Path::new("src/bad.rs"), text).len();
    assert_eq!(bad("//! Purpose.\n\n/// A to-do list, debugging and unsafe habits are words.\n"), 0);
    assert_eq!(bad("fn main() {}\n"), 1, "no header");
    assert_eq!(bad(&format!("//! Purpose.\n{}", "\n".repeat(LINES_MAX))), 1, "too long");
    for word in LEFTOVERS {
        assert_eq!(bad(&format!("//! Purpose.\nfn f() {{}} {word}")), 1, "{word}");
    }
    let tests = format!("//! Purpose.\n{}", "\n".repeat(LINES_MAX));
    for path in ["tests/long.rs", "src/long/tests.rs", "src/long/tests/more.rs"] {
        assert_eq!(source_complaints(Path::new(path), &tests), [""; 0], "tests may be longer");
    }
}

#[test]
fn functions_are_short() {
    let sources = files(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let sources = sources.iter().filter(|(path, _)| !holds_tests(path));
    assert_none(sources.flat_map(|(path, text)| function_complaints(path, text)));

    let function = |lines: usize| {
        format!("    pub(crate) async fn f(\n        self,\n    ) {{\n{}    }}\n", "\n".repeat(lines - 4))
    };
    let bad = |text: &str| function_complaints(Path::new("src/bad.rs"), text);
    assert_eq!(bad(&function(FUNCTION_MAX)), [""; 0]);
    assert_eq!(bad(&function(FUNCTION_MAX + 1)), ["src/bad.rs:1: f has 71 lines; at most 70 are allowed"]);
    let many = "fn declared(\n    &self,\n);\nfn short() {}\n".repeat(FUNCTION_MAX);
    assert_eq!(bad(&many), [""; 0], "what has no body, and what has one on its line");
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(FUNCTION_MAX + 1));
    assert_eq!(bad(&tests), [""; 0], "tests tell a story");
}

/// What must not stay in a source file. In two halves, so that this file does not hold them.
const LEFTOVERS: [&str; 10] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("dbg", "!("),
    concat!("to", "do!("),
    concat!("#[ig", "nore"),
    concat!("unsafe", " {"),
    concat!("unsafe", " fn"),
    concat!("unsafe", " impl"),
    concat!("allow(unsafe", "_code"),
];

/// Tests tell stories, which may be long.
fn holds_tests(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs")
}

fn source_complaints(path: &Path, text: &str) -> Vec<String> {
    let path_text = path.display();
    let mut complaints = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX && !holds_tests(path) {
        complaints.push(format!("{path_text} has {lines} lines; at most {LINES_MAX} are allowed"));
    }
    // `tests.rs` beside a module belongs to that module's header.
    let needs_header = path.file_name().is_none_or(|name| name != "tests.rs");
    if needs_header && !text.starts_with("//! ") {
        complaints.push(format!("{path_text} does not begin with a header (//!) that says its purpose"));
    }
    for (index, line) in text.lines().enumerate() {
        let found = LEFTOVERS.iter().filter(|word| line.contains(*word));
        complaints.extend(found.map(|word| format!("{path_text}:{}: {word}", index + 1)));
    }
    complaints
}

fn function_complaints(path: &Path, text: &str) -> Vec<String> {
    let long = functions(text).filter(|(.., lines)| *lines > FUNCTION_MAX);
    let complaint = |(line, name, lines)| {
        format!("{}:{line}: {name} has {lines} lines; at most {FUNCTION_MAX} are allowed", path.display())
    };
    long.map(complaint).collect()
}

/// The functions of a file outside of its tests, each with its first line and the number of its lines. rustfmt closes a
/// body at the indentation of its `fn`.
fn functions(text: &str) -> impl Iterator<Item = (usize, &str, usize)> {
    let text = text.find("#[cfg(test)]\nmod ").map_or(text, |tests| &text[..tests]);
    let lines: Vec<&str> = text.lines().collect();
    (0..lines.len()).filter_map(move |start| {
        let line = lines[start];
        let indent = &line[..line.len() - line.trim_start().len()];
        let name = function_name(line.trim_start())?;
        let ends = |line: &&str| {
            line.strip_prefix(indent)
                .is_some_and(|rest| rest == "}" || (!rest.starts_with(' ') && rest.ends_with(';')))
        };
        let more = match line.ends_with(['}', ';']) {
            true => 0,
            false => lines[start + 1..].iter().position(ends)? + 1,
        };
        Some((start + 1, name, more + 1))
    })
}

/// The name of the function that a line begins to define, if it does.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_qualifier = |word: &str| matches!(word, "pub" | "const" | "async") || word.starts_with("pub(");
    let qualified = before.split_whitespace().all(|word| is_qualifier(word) || word.ends_with(')'));
    qualified.then(|| after.split(['(', '<']).next()).flatten()
}
