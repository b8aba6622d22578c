//! The rules of the house that no compiler checks: which way imports run, how long files get, what must not be
//! left behind, and that the documents name things that exist.
//!
//! Each rule is a function from text to complaints. It is run over the repository, and over a bad example, so
//! that a rule that no longer finds anything fails too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a source file. The goal is 400.
const LINES_MAX: usize = 600;

/// What each crate may name of the workspace. Arrows run one way: cli -> server, client -> store -> model; the command line moves stores without a server;
/// `client` knows `model` alone. The black-box tests know what a client knows.
const IMPORTS: [(&str, &[&str]); 6] = [
    ("jackfield-model", &[]),
    ("jackfield-store", &["jackfield-model"]),
    ("jackfield-server", &["jackfield-model", "jackfield-store"]),
    ("jackfield-client", &["jackfield-model"]),
    ("jackfield", &["jackfield-model", "jackfield-store", "jackfield-server", "jackfield-client"]),
    ("jackfield-tests", &["jackfield-model", "jackfield-client"]),
];

/// Everything that the leaf crate may be built of.
const MODEL_MAY_USE: [&str; 6] =
    ["serde", "serde_json", "thiserror", "unicode-normalization", "unicode-properties", "uuid"];

/// Core errors know no HTTP: these stay out of the store.
const STORE_MAY_NOT_USE: [&str; 4] = ["http", "hyper", "axum", "reqwest"];

#[test]
fn imports_run_one_way() {
    let complaints = |manifest: &str| import_complaints(&manifest.parse().expect("a manifest is TOML"));
    let all = manifests();
    assert_eq!(all.len(), IMPORTS.len(), "a crate is missing in IMPORTS: {:?}", all.keys());
    assert_none(all.values().flat_map(|text| complaints(text)));

    assert_eq!(
        complaints(
            "[package]\nname = 'jackfield-store'\n[dependencies]\njackfield-server.workspace = true\nhttp = '1'"
        ),
        ["jackfield-store must not use jackfield-server", "jackfield-store must not use http"]
    );
    assert_eq!(
        complaints("[package]\nname = 'jackfield-model'\n[target.'cfg(unix)'.dependencies]\ntokio = '1'"),
        ["jackfield-model must not use tokio"]
    );
    assert_eq!(complaints("[package]\nname = 'other'"), ["other is not in IMPORTS"]);
}

#[test]
fn every_crate_takes_the_shared_lints() {
    let takes = |manifest: &str| {
        let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
        manifest.get("lints").and_then(|lints| lints.get("workspace")) == Some(&toml::Value::Boolean(true))
    };
    assert_none(
        manifests().into_iter().filter(|(_, text)| !takes(text)).map(|(path, _)| format!("{path:?}")),
    );
    assert!(!takes("[lints.rust]\nunsafe_code = 'allow'"));
}

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
}

#[test]
fn documents_name_what_exists() {
    let documents = files(|path| path.extension().is_some_and(|extension| extension == "md"));
    assert!(documents.len() > 8, "the walk finds the documents: {}", documents.len());
    let targets = make_targets(&read(&root().join("Makefile")));
    assert_none(documents.iter().flat_map(|(path, text)| document_complaints(path, text, &targets)));

    let readme = Path::new("README.md");
    let bad = |text: &str| document_complaints(readme, text, &BTreeSet::from(["test".to_owned()]));
    assert_eq!(
        bad("[a](LICENSE), [b](docs/architecture.md#state-and-durability), [c](https://example.com/x)"),
        [""; 0]
    );
    assert_eq!(bad("Run `make test`, see `crates/model/src/id.rs` and `crates/store/`."), [""; 0]);
    assert_eq!(bad("[a](gone.md)").len(), 1, "no such file");
    assert_eq!(bad("[a](LICENSE#no-such-heading)").len(), 1, "no such heading");
    assert_eq!(bad("`crates/model/src/gone.rs`").len(), 1, "no such path");
    assert_eq!(bad("`make gone`").len(), 1, "no such command");
    assert_eq!(bad("```sh\nmake gone X=1\n```").len(), 1, "no such command in a block");
}

#[test]
fn every_make_target_has_a_line_of_help() {
    let unhelped = |makefile: &str| -> Vec<String> {
        let target =
            |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase()) && line.contains(':');
        let without_help = |line: &&str| !line.contains("## ");
        makefile.lines().filter(target).filter(without_help).map(str::to_owned).collect()
    };
    let makefile = read(&root().join("Makefile"));
    assert!(make_targets(&makefile).is_superset(&["dev", "test", "lint"].map(str::to_owned).into()));
    assert_none(unhelped(&makefile));
    assert_eq!(unhelped("test: ## Run.\nbuild:\n\tcargo build"), ["build:"]);
}

#[test]
fn decisions_are_numbered_and_whole() {
    let decisions: Vec<(PathBuf, String)> = files(|path| {
        path.starts_with("docs/adr") && path.file_name().is_some_and(|name| name != "README.md")
    });
    assert!(decisions.len() >= 5);
    assert_none(decision_complaints(&decisions));
    let index = read(&root().join("docs/adr/README.md"));
    assert_none(decisions.iter().filter_map(|(path, _)| {
        let name = path.file_name()?.to_str()?;
        (!index.contains(&format!("({name})"))).then(|| format!("docs/adr/README.md does not list {name}"))
    }));

    let whole = "# 1. A\n## Context\n## Decision\n## Why\n## Consequences\n";
    let bad = |names: &[(&str, &str)]| {
        let list: Vec<_> =
            names.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect();
        decision_complaints(&list)
    };
    assert_eq!(bad(&[("0001-a.md", whole), ("0002-b.md", whole)]), [""; 0]);
    assert_eq!(bad(&[("0001-a.md", whole), ("0003-b.md", whole)]), ["0003-b.md should begin with 0002-"]);
    assert_eq!(
        bad(&[("0001-a.md", "# 1. A\n## Context\n## Decision\n## Why\n")]).len(),
        1,
        "no consequences"
    );
}

fn import_complaints(manifest: &toml::Table) -> Vec<String> {
    let name = manifest["package"]["name"].as_str().expect("a package has a name");
    let Some((_, allowed)) = IMPORTS.iter().find(|(known, _)| *known == name) else {
        return vec![format!("{name} is not in IMPORTS")];
    };
    let refused = |dependency: &str, development: bool| match dependency {
        own if own == name => false,
        ours if ours.starts_with("jackfield") => !allowed.contains(&ours),
        other if name == "jackfield-model" && !development => !MODEL_MAY_USE.contains(&other),
        other if name == "jackfield-store" => STORE_MAY_NOT_USE.contains(&other),
        _ => false,
    };
    let mut complaints = Vec::new();
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let per_target = targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    for table in std::iter::once(manifest).chain(per_target) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let names =
                table.get(kind).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
            let refused = names.filter(|dependency| refused(dependency, kind == "dev-dependencies"));
            complaints.extend(refused.map(|dependency| format!("{name} must not use {dependency}")));
        }
    }
    // The tables sort by name; ours first reads better.
    complaints.sort_by_key(|complaint| !complaint.contains("use jackfield"));
    complaints
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

fn source_complaints(path: &Path, text: &str) -> Vec<String> {
    let path_text = path.display();
    let mut complaints = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
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

fn document_complaints(path: &Path, text: &str, make_targets: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain = |what: String| complaints.push(format!("{}: {what}", path.display()));
    for link in between(text, "](", ")") {
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let (file, heading) =
            link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
        let target = match file {
            "" => root().join(path),
            file => root().join(path).parent().expect("a file stands in a directory").join(file),
        };
        if !target.exists() {
            complain(format!("link to {link}, which is not there"));
        } else if heading.is_some_and(|wanted| !headings(&read(&target)).any(|heading| heading == wanted)) {
            complain(format!("link to {link}: no such heading"));
        }
    }
    for quoted in between(text, "`", "`") {
        let is_path = ["bench/", "crates/", "docs/", "tests/", "script/", "fuzz/", ".ci/"]
            .iter()
            .any(|top| quoted.starts_with(top));
        let is_pattern = quoted.contains(['<', '*', '…', '{', ' ', '\n']) || quoted.contains("NNNN");
        if is_path && !is_pattern && !root().join(quoted).exists() {
            complain(format!("{quoted} is not there"));
        }
    }
    let commands =
        between(text, "`make ", "`").chain(text.lines().filter_map(|line| line.strip_prefix("make ")));
    for command in commands {
        let target = command.split_whitespace().next().unwrap_or_default();
        if !make_targets.contains(target) {
            complain(format!("make {target}: no such command"));
        }
    }
    complaints
}

fn decision_complaints(decisions: &[(PathBuf, String)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (index, (path, text)) in decisions.iter().enumerate() {
        let name = path.file_name().expect("a file has a name").to_string_lossy();
        let number = format!("{:04}-", index + 1);
        if !name.starts_with(&number) {
            complaints.push(format!("{name} should begin with {number}"));
        }
        for part in ["Context", "Decision", "Why", "Consequences"] {
            if !text.lines().any(|line| line == format!("## {part}")) {
                complaints.push(format!("{name} has no part \"{part}\""));
            }
        }
    }
    complaints
}

/// Every text between an opening and the next closing mark.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = &rest[rest.find(open)? + open.len()..];
        let end = rest.find(close)?;
        let found = &rest[..end];
        rest = &rest[end + close.len()..];
        Some(found)
    })
}

/// The headings of a document in the form that links use: lower case, hyphens for spaces.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

fn make_targets(makefile: &str) -> BTreeSet<String> {
    let names = makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name);
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    names.filter(is_name).map(str::to_owned).collect()
}

/// The manifests of all crates, by path.
fn manifests() -> BTreeMap<PathBuf, String> {
    let is_crate = |path: &Path| path.starts_with("crates") || path.starts_with("tests");
    files(|path| is_crate(path) && path.file_name().is_some_and(|name| name == "Cargo.toml"))
        .into_iter()
        .collect()
}

/// The files of the repository that are wanted, sorted by path, with paths from the root.
fn files(wanted: impl Fn(&Path) -> bool) -> Vec<(PathBuf, String)> {
    const NOT_OURS: [&str; 6] =
        ["target", "corpus", "artifacts", "jackfield-data", "node_modules", "proptest-regressions"];
    let mut found = Vec::new();
    let mut directories = vec![root()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("the repository can be read") {
            let entry = entry.expect("the repository can be read");
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !name.starts_with('.') && !NOT_OURS.contains(&&*name) {
                    directories.push(path);
                }
            } else if let Ok(relative) = path.strip_prefix(root())
                && wanted(relative)
            {
                found.push((relative.to_owned(), read(&path)));
            }
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).expect("this crate stands two levels below the root").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn assert_none(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
