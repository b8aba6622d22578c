//! The alerts and the dashboard of `packaging/` ask for metrics that there are.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use jackfield_tests::packages;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn queries(alerts: &Path) -> Output {
    let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("monitoring");
    let mut command = Command::new(packages::python(&checks));
    command.arg(checks.join("queries.py")).arg(alerts).arg(root().join("packaging/grafana/jackfield.json"));
    command.output().unwrap()
}

/// Every metric that the operators' documentation names.
fn documented() -> BTreeSet<String> {
    metrics_in(&std::fs::read_to_string(root().join("docs/operations.md")).unwrap())
}

/// Every metric that a file of the server's source names, as a text of its own.
fn made(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let texts = text.split('"').map(str::to_owned);
    texts.filter(|text| text.starts_with("jackfield_") && metrics_in(text).contains(text)).collect()
}

fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
    words.filter(|word| word.starts_with("jackfield_")).map(str::to_owned).collect()
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_there_are() {
    let output = queries(&root().join("packaging/prometheus/jackfield.rules.yaml"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let documented = documented();
    let asked = String::from_utf8(output.stdout).unwrap();
    let asked: BTreeSet<&str> = asked.lines().collect();
    assert!(asked.len() > 15, "{asked:?}");
    let is_known = |name: &str| {
        let parts = ["_bucket", "_sum", "_count"];
        let family = parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        name == "up" || documented.contains(family)
    };
    let unknown: Vec<_> = asked.iter().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_metric_is_documented_and_there() {
    let source = root().join("crates/server/src");
    let files = std::fs::read_dir(source.join("metrics")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| !file.ends_with("tests.rs")).chain([source.join("metrics.rs")]);
    let there: BTreeSet<String> = files.flat_map(|file| made(&file)).collect();
    assert_eq!(there, documented());
}

#[test]
fn a_query_that_is_none_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(root().join("packaging/prometheus/jackfield.rules.yaml")).unwrap();
    let bad = folder.path().join("bad.yaml");
    std::fs::write(&bad, text.replace("jackfield_store_up == 0", "jackfield_store_up = 0")).unwrap();
    assert!(!queries(&bad).status.success());
}
