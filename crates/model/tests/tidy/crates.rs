//! Arrows between crates run one way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{assert_none, files};

/// What each crate may name of the workspace. Arrows run one way: cli -> server, client -> store, calling -> model; the command line moves stores without a server;
/// `client` knows `model` alone. The black-box tests know what a client knows.
const IMPORTS: [(&str, &[&str]); 8] = [
    ("jackfield-model", &[]),
    ("jackfield-calling", &["jackfield-model"]),
    ("jackfield-device", &[]),
    ("jackfield-store", &["jackfield-model"]),
    ("jackfield-server", &["jackfield-model", "jackfield-store", "jackfield-calling", "jackfield-device"]),
    ("jackfield-client", &["jackfield-model"]),
    ("jackfield", &["jackfield-model", "jackfield-store", "jackfield-server", "jackfield-client"]),
    ("jackfield-tests", &["jackfield-model", "jackfield-client", "jackfield-device"]),
];

/// Everything that the leaf crate may be built of.
const MODEL_MAY_USE: [&str; 8] = [
    "schemars",
    "serde",
    "serde_json",
    "smol_str",
    "thiserror",
    "unicode-normalization",
    "unicode-properties",
    "uuid",
];

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

fn import_complaints(manifest: &toml::Table) -> Vec<String> {
    let name = manifest["package"]["name"].as_str().expect("a package has a name");
    let Some((_, allowed)) = IMPORTS.iter().find(|(known, _)| *known == name) else {
        return vec![format!("{name} is not in IMPORTS")];
    };
    let refused = |dependency: &str, development: bool| match dependency {
        dependency if dependency == name => false,
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

/// The manifests of all crates, by path.
fn manifests() -> BTreeMap<PathBuf, String> {
    let is_crate = |path: &Path| path.starts_with("crates") || path.starts_with("tests");
    files(|path| is_crate(path) && path.file_name().is_some_and(|name| name == "Cargo.toml"))
        .into_iter()
        .collect()
}
