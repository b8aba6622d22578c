//! Documents name what exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::{assert_none, files, read, root};

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
