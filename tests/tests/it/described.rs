//! What the running binary answers is what `openapi.json` describes: requests generated from the document by
//! schemathesis, valid and invalid ones, alone and in sequences along its links.

use std::path::{Path, PathBuf};
use std::process::Command;

use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions, packages};

/// How many requests are generated for each operation and phase.
const VARIABLE: &str = "JACKFIELD_OPENAPI_EXAMPLES";
const EXAMPLES: &str = "6";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi")
}

/// Runs it on the operations whose path begins like that; prints its report.
async fn check(listener: Listener, paths: &str) {
    // The report is long enough without a line for each request.
    let environment = Options::quiet().environment;
    let server = Server::start(Options { environment, ..Options::with_flags(&["--rate-limit", "0"]) });
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let address = format!("http://{}", server.endpoint().address(listener));
    let seed = fastrand::u32(..).to_string();
    let examples = std::env::var(VARIABLE).unwrap_or_else(|_| EXAMPLES.to_owned());
    let report = server.home().join("report.json");
    let run = Command::new(packages::python(&directory()).with_file_name("schemathesis"))
        .arg("--config-file")
        .arg(directory().join("schemathesis.toml"))
        .args(["run", &format!("{address}/openapi.json"), "--url", &address])
        .args(["--include-path-regex", paths, "--max-examples", &examples, "--seed", &seed])
        .args(["--continue-on-failure", "--warnings", "off", "--report-json-path"])
        .arg(&report)
        .env("JACKFIELD_ACCESS_TOKEN", &tenant.token)
        .env("JACKFIELD_CLIENT_ID", &tenant.client_id)
        .env("JACKFIELD_CLIENT_SECRET", &tenant.client_secret)
        .env("JACKFIELD_ADMIN_TOKEN", server.endpoint().admin_token())
        .env("JACKFIELD_PROVIDER", &tenant.provider)
        .current_dir(server.home())
        .output()
        .expect("schemathesis starts");
    let text = String::from_utf8_lossy(&run.stdout);
    eprintln!("{text}\n{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "seed {seed}: the report is above");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report).expect("a report was written")).unwrap();
    let generated = report["test_cases"]["generated"].as_u64().unwrap();
    assert!(generated > 100, "{generated} requests were generated");
    assert_eq!(report["operations"]["tested"], report["operations"]["selected"], "{report}");
    eprintln!("{generated} requests, every answer as described");
}

#[tokio::test]
async fn the_public_api_answers_as_described() {
    check(Listener::Public, "^/(v1|auth|ap|user|healthz|readyz)").await;
}

#[tokio::test]
async fn the_admin_api_answers_as_described() {
    check(Listener::Admin, "^/(admin|metrics|healthz|readyz)").await;
}
