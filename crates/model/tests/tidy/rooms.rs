//! Arrows between the rooms of a crate run one way.
//!
//! A room is a module at the top of a crate, a file or a directory with all that is below it. Within a room the same
//! holds for what stands side by side, at every depth: no circle. A module and what is below it are one room: they may
//! name each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::{assert_none, files};

/// The rooms of each crate, from above: one may name itself and those after it. The root of a crate names all of them.
const ROOMS: [(&str, &[&str]); 9] = [
    (
        "crates/server/src",
        &[
            "fuzzing",
            "server",
            "supervisor",
            "startup",
            "openapi",
            "http",
            "console",
            "admin",
            "oauth",
            "operation",
            "probes",
            "calling",
            "webhook",
            "auth",
            "endpoint",
            "state",
            "calls",
            "media",
            "seed",
            "config",
            "imports",
            "feed",
            "sandbox",
            "issuer",
            "skill",
            "credential",
            "body",
            "throttle",
            "notes",
            "validate",
            "request",
            "head",
            "error",
            "response",
            "fault_answer",
            "group",
            "transport",
            "tls",
            "metrics",
            "traces",
            "router",
            "description",
            "config_error",
            "logs",
            "log_throttle",
            "redact",
            "private",
            "outbound",
        ],
    ),
    (
        "crates/store/src",
        &[
            "conformance",
            "faulty",
            "open",
            "postgres",
            "embedded",
            "memory",
            "verify",
            "transfer",
            "retention",
            "contract",
            "content",
            "resource",
            "registry",
            "change",
            "options",
            "error",
            "source",
            "key",
            "step",
        ],
    ),
    (
        "crates/client/src",
        &[
            "testing",
            "sync",
            "paging",
            "directory",
            "property",
            "admin",
            "client",
            "login",
            "transport",
            "token",
            "retry",
            "error",
            "endpoint",
        ],
    ),
    (
        "crates/cli/src",
        &[
            "misuse",
            "command",
            "importer",
            "connection",
            "trace",
            "settings",
            "failure",
            "progress",
            "output",
        ],
    ),
    (
        "crates/calling/src",
        &[
            "description",
            "table",
            "session",
            "transcript",
            "envelope",
            "state",
            "message",
            "sdp",
            "session_id",
            "time",
        ],
    ),
    ("crates/device/src", &["peer", "socket", "crypto", "tone"]),
    (
        "crates/model/src",
        &[
            "admin",
            "inspect",
            "wire",
            "path",
            "note",
            "json",
            "organization",
            "scope",
            "id",
            "unseen",
            "schema",
            "limit",
        ],
    ),
    (
        "tests/src",
        &[
            "terminal",
            "page",
            "tenant",
            "shared",
            "server",
            "seed",
            "raw",
            "proxy",
            "postgres",
            "packages",
            "oauth",
            "namespace",
            "metrics",
            "frames",
            "browser",
            "admin",
            "check",
            "creator",
            "http",
            "endpoint",
            "tls",
            "binary",
            "poll",
        ],
    ),
    (
        "bench/harness/src",
        &[
            "protocol",
            "report",
            "plot",
            "paths",
            "measure",
            "flushes",
            "machine",
            "system",
            "postgres",
            "load",
            "workload",
            "response",
            "latencies",
            "process",
            "usage",
        ],
    ),
];

/// The name of a module from the root of its crate, a word a level; none is the root.
type Module = Vec<String>;

#[test]
fn arrows_between_rooms_run_one_way() {
    for (directory, rooms) in ROOMS {
        let sources =
            files(|path| path.starts_with(directory) && path.extension().is_some_and(|end| end == "rs"));
        assert!(sources.len() > rooms.len() / 2, "the walk finds {directory}: {}", sources.len());
        let relative = |(path, text): (PathBuf, String)| {
            (path.strip_prefix(directory).expect("it was found there").to_owned(), text)
        };
        let complaints = room_complaints(rooms, &sources.into_iter().map(relative).collect::<Vec<_>>());
        assert_none(complaints.into_iter().map(|complaint| format!("{directory}: {complaint}")));
    }
    let complaints = |sources: &[(&str, &str)]| {
        let owned = |(path, text): &(&str, &str)| (PathBuf::from(path), (*text).to_owned());
        room_complaints(&["upper", "lower"], &sources.iter().map(owned).collect::<Vec<_>>())
    };
    let root = ("lib.rs", "mod lower;\nmod upper;\npub use upper::{Up, deep::Down as Under};\n");
    assert_eq!(complaints(&[root, ("upper.rs", "use crate::lower::Low;\n"), ("lower.rs", "")]), [""; 0]);
    for back in [
        "use crate::upper::Up;",
        "use crate::{\n    Other,\n    upper::{self, Up},\n};",
        "use super::upper;",
        "use crate::Up;",
        "use crate::Under;",
        "fn f() -> crate::upper::Up {}",
    ] {
        let sources = [root, ("upper/mod.rs", ""), ("upper/deep.rs", ""), ("lower.rs", back)];
        assert_eq!(complaints(&sources), ["lower names upper, which is above it"], "{back}");
    }
    for forward in ["// use crate::upper::Up;", "#[cfg(test)]\nmod tests {\n    use crate::upper::Up;\n}"] {
        assert_eq!(complaints(&[root, ("upper.rs", ""), ("lower.rs", forward)]), [""; 0], "{forward}");
    }
    assert_eq!(
        complaints(&[root, ("upper.rs", ""), ("lower.rs", ""), ("third.rs", "")]),
        ["third is not in ROOMS"]
    );
    assert_eq!(complaints(&[root, ("upper.rs", "")]), ["lower is in ROOMS and not there"]);
    let circle = [
        root,
        ("upper.rs", ""),
        ("lower.rs", "mod one;\nmod other;\npub use one::One;\n"),
        ("lower/one.rs", "use super::other::Other;"),
        ("lower/other.rs", "use super::One;"),
    ];
    assert_eq!(complaints(&circle), ["lower: one and other name each other"]);
}

fn room_complaints(rooms: &[&str], sources: &[(PathBuf, String)]) -> Vec<String> {
    let modules: BTreeMap<Module, String> = sources
        .iter()
        .filter(|(path, _)| !path.iter().any(|part| part == "bin" || part == "tests" || part == "tests.rs"))
        .map(|(path, text)| (module(path), code(text)))
        .collect();
    let mut complaints = Vec::new();
    let there: BTreeSet<&str> = modules.keys().filter_map(|name| name.first()).map(String::as_str).collect();
    let listed: BTreeSet<&str> = rooms.iter().copied().collect();
    complaints.extend(there.difference(&listed).map(|room| format!("{room} is not in ROOMS")));
    complaints.extend(listed.difference(&there).map(|room| format!("{room} is in ROOMS and not there")));
    let arrows = arrows(&modules);
    let place = |room: &String| rooms.iter().position(|listed| listed == room);
    let back = arrows.iter().filter_map(|(from, to)| {
        let (from, to) = (from.first()?, to.first()?);
        (place(to)? < place(from)?).then(|| format!("{from} names {to}, which is above it"))
    });
    complaints.extend(back.collect::<BTreeSet<_>>());
    complaints.extend(circles(&arrows));
    complaints
}

/// The name of the module that a file holds.
fn module(path: &Path) -> Module {
    let mut parts: Module =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// A source without its comments and its tests.
fn code(text: &str) -> String {
    let text = text.find("#[cfg(test)]\nmod ").map_or(text, |tests| &text[..tests]);
    let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// Which module names which other one.
fn arrows(modules: &BTreeMap<Module, String>) -> BTreeSet<(Module, Module)> {
    let mut arrows = BTreeSet::new();
    for (from, code) in modules {
        for path in paths(code) {
            if let Some(to) = resolve(modules, from, &path, 0)
                && to != *from
            {
                arrows.insert((from.clone(), to));
            }
        }
    }
    arrows
}

/// The module in which a path ends that begins in another. A name that a module hands on from below leads there.
fn resolve(modules: &BTreeMap<Module, String>, from: &Module, path: &str, depth: usize) -> Option<Module> {
    let words: Vec<&str> = path.split("::").collect();
    let (mut at, rest) = match *words.first()? {
        "crate" => (Module::new(), &words[1..]),
        "self" | "super" => (from.clone(), &words[..]),
        first => {
            // A child; or another crate, which is none of ours.
            let child = [from.as_slice(), &[first.to_owned()]].concat();
            modules.contains_key(&child).then_some((child, &words[1..]))?
        }
    };
    for word in rest {
        match *word {
            "self" => continue,
            "super" => {
                at.pop();
                continue;
            }
            word => at.push(word.to_owned()),
        }
        if !modules.contains_key(&at) {
            at.pop();
            let handed_on = (depth < 4).then(|| handed_on(modules.get(&at)?, word)).flatten();
            let there = handed_on.and_then(|path| resolve(modules, &at, &path, depth + 1));
            return Some(there.unwrap_or(at));
        }
    }
    Some(at)
}

/// The path under which a module has what it hands on under this name.
fn handed_on(code: &str, name: &str) -> Option<String> {
    let hands_on = code.split(';').filter(|statement| statement.trim_start().starts_with("pub"));
    let uses =
        hands_on.filter_map(|statement| statement.split_once("use ")).flat_map(|(_, tree)| leaves(tree));
    uses.into_iter().find(|(_, last)| last == name).map(|(path, _)| path)
}

/// Every path in the code that may lead to another module of the crate.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let trimmed = statement.trim_start();
        match trimmed.split_once("use ") {
            Some((before, tree))
                if before.is_empty() || before.starts_with("pub") && !before.contains('{') =>
            {
                paths.extend(leaves(tree).into_iter().map(|(path, _)| path));
            }
            _ => {
                let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                let words = statement.split(|c| !is_path(c));
                let inner =
                    words.filter(|word| ["crate::", "super::"].iter().any(|start| word.starts_with(start)));
                paths.extend(inner.map(str::to_owned));
            }
        }
    }
    paths
}

/// The paths of a tree of imports, each with the name that it gets.
fn leaves(tree: &str) -> Vec<(String, String)> {
    let tree = tree.trim();
    let Some((before, rest)) = tree.split_once('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, tree));
        let last = name.rsplit("::").next().unwrap_or_default();
        return vec![(path.trim().trim_end_matches("::self").to_owned(), last.trim().to_owned())];
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let mut depth = 0;
    let parts = inner.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    parts.flat_map(|part| leaves(&format!("{}{part}", before.trim()))).collect()
}

/// Modules side by side that lead to each other, at every level.
fn circles(arrows: &BTreeSet<(Module, Module)>) -> BTreeSet<String> {
    let mut levels: BTreeMap<&[String], BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (from, to) in arrows {
        let shared = from.iter().zip(to).take_while(|(one, other)| one == other).count();
        if let (Some(from_part), Some(to_part)) = (from.get(shared), to.get(shared)) {
            levels.entry(&from[..shared]).or_default().entry(from_part).or_default().insert(to_part);
        }
    }
    let mut circles = BTreeSet::new();
    for (level, arrows) in levels {
        for one in arrows.keys() {
            let reached = reached(&arrows, one);
            let back =
                reached.iter().filter(|other| *other > one && self::reached(&arrows, other).contains(one));
            let place = if level.is_empty() { String::new() } else { format!("{}: ", level.join("::")) };
            circles.extend(back.map(|other| format!("{place}{one} and {other} name each other")));
        }
    }
    circles
}

/// All that is named from here, and by those.
fn reached<'a>(arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(next) = waiting.pop() {
        for to in arrows.get(next).into_iter().flatten() {
            if reached.insert(*to) {
                waiting.push(to);
            }
        }
    }
    reached
}
