//! A TLS scanner, sslyze, finds nothing weak on the public listener: it does the handshakes that no client of ours can.

use std::process::Command;

use jackfield_tests::{Listener, Options, Server, packages};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the scanner is to try.
const CHECKS: [&str; 17] = [
    "--sslv2",
    "--sslv3",
    "--tlsv1",
    "--tlsv1_1",
    "--tlsv1_2",
    "--tlsv1_3",
    "--compression",
    "--reneg",
    "--elliptic_curves",
    "--early_data",
    "--fallback",
    "--ems",
    "--heartbleed",
    "--openssl_ccs",
    "--robot",
    "--certinfo",
    // Its exit status says whether the server is as Mozilla recommends.
    "--mozilla_config=intermediate",
];
const OLD_VERSIONS: [&str; 4] = ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"];
const STRONG_CURVES: [&str; 5] = ["X25519", "X448", "secp256r1", "secp384r1", "secp521r1"];
/// Places in the scanner's report, and what must stand there.
const EXPECTED: [(&str, Value); 9] = [
    ("/tls_compression/result/supports_compression", Value::Bool(false)),
    ("/session_renegotiation/result/supports_secure_renegotiation", Value::Bool(true)),
    ("/session_renegotiation/result/is_vulnerable_to_client_renegotiation_dos", Value::Bool(false)),
    ("/tls_1_3_early_data/result/supports_early_data", Value::Bool(false)),
    ("/tls_fallback_scsv/result/supports_fallback_scsv", Value::Bool(true)),
    ("/tls_extended_master_secret/result/supports_ems_extension", Value::Bool(true)),
    ("/heartbleed/result/is_vulnerable_to_heartbleed", Value::Bool(false)),
    ("/openssl_ccs_injection/result/is_vulnerable_to_ccs_injection", Value::Bool(false)),
    ("/elliptic_curves/result/supports_ecdh_key_exchange", Value::Bool(true)),
];

/// What is wrong according to a report, one complaint each. What the report does not say is wrong too.
fn findings(report: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let at = |path: &str| report.pointer(path).unwrap_or(&Value::Null);
    for (path, expected) in EXPECTED {
        if *at(path) != expected {
            findings.push(format!("{path} is {}", at(path)));
        }
    }
    for (version, wanted) in
        OLD_VERSIONS.map(|old| (old, false)).into_iter().chain([("tls_1_2", true), ("tls_1_3", true)])
    {
        let result = at(&format!("/{version}_cipher_suites/result"));
        if result["is_tls_version_supported"] != wanted {
            findings.push(format!("{version} is supported: {}", result["is_tls_version_supported"]));
        }
        let accepted = result["accepted_cipher_suites"].as_array().map_or(&[][..], Vec::as_slice);
        if accepted.is_empty() == wanted {
            findings.push(format!("{version} has {} cipher suites", accepted.len()));
        }
        let weak = accepted.iter().map(|accepted| &accepted["cipher_suite"]).filter(|suite| !strong(suite));
        findings.extend(weak.map(|suite| format!("{version} takes {}", suite["name"])));
    }
    let curves = at("/elliptic_curves/result/supported_curves").as_array();
    for curve in curves.map_or(&[][..], Vec::as_slice) {
        if !STRONG_CURVES.contains(&curve["name"].as_str().unwrap_or_default()) {
            findings.push(format!("the curve {} is taken", curve["name"]));
        }
    }
    let robot = at("/robot/result/robot_result").as_str().unwrap_or_default();
    if !robot.starts_with("NOT_VULNERABLE") {
        findings.push(format!("ROBOT: {robot:?}"));
    }
    let deployment = at("/certificate_info/result/certificate_deployments/0");
    let trusted = deployment["path_validation_results"].as_array().is_some_and(|paths| {
        paths.iter().any(|path| {
            path["trust_store"]["name"] == "Supplied CA file" && path["was_validation_successful"] == true
        })
    });
    if !trusted {
        findings.push("who trusts the CA does not trust the certificate".to_owned());
    }
    findings
}

/// Forward secret, authenticated encryption, known to both sides who the other is.
fn strong(suite: &Value) -> bool {
    let name = suite["name"].as_str().unwrap_or_default();
    let aead =
        ["_GCM_SHA256", "_GCM_SHA384", "_CHACHA20_POLY1305_SHA256"].iter().any(|end| name.ends_with(end));
    let tls_1_3 = name.starts_with("TLS_AES_") || name.starts_with("TLS_CHACHA20_");
    let secret = tls_1_3 || name.starts_with("TLS_ECDHE_ECDSA_") || name.starts_with("TLS_ECDHE_RSA_");
    aead && secret && suite["is_anonymous"] == false && suite["key_size"].as_u64() >= Some(128)
}

#[test]
fn a_scanner_finds_nothing_weak() {
    let python = packages::python(&packages::suite("python"));
    let home = TempDir::new().unwrap();
    let path = |name: &str| home.path().join(name).display().to_string();
    let server =
        Server::start(Options::with_flags(&["--tls-name", "127.0.0.1", "--tls-self-signed", &path("tls")]));
    let target = server.endpoint().address(Listener::Public).to_string();
    let output = Command::new(python)
        .args(["-m", "sslyze", "--quiet", "--json_out", &path("report.json")])
        .args(CHECKS)
        .args(["--certinfo_ca_file", &path("tls/ca.pem"), &target])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the server is not as Mozilla recommends, or was not scanned:\n{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(path("report.json")).unwrap()).unwrap();
    let scan = &report["server_scan_results"][0];
    assert_eq!(scan["scan_status"], "COMPLETED", "{said}");
    let report = &scan["scan_result"];
    assert_eq!(findings(report), [""; 0]);
    each_weakness_is_found(report);
}

/// The same report with one thing wrong: a check that cannot fail checks nothing.
fn each_weakness_is_found(report: &Value) {
    let mut places: Vec<(String, Value)> = EXPECTED
        .map(|(path, expected)| (path.to_owned(), json!(expected != json!(true))))
        .into_iter()
        .collect();
    for old in OLD_VERSIONS {
        places.push((format!("/{old}_cipher_suites/result/is_tls_version_supported"), json!(true)));
    }
    let suite = "/tls_1_2_cipher_suites/result/accepted_cipher_suites/0/cipher_suite";
    for name in [
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
        "TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_RSA_WITH_NULL_SHA",
    ] {
        places.push((format!("{suite}/name"), json!(name)));
    }
    places.extend([
        (format!("{suite}/is_anonymous"), json!(true)),
        (format!("{suite}/key_size"), json!(56)),
        ("/tls_1_3_cipher_suites/result/accepted_cipher_suites".to_owned(), json!([])),
        ("/elliptic_curves/result/supported_curves/0/name".to_owned(), json!("secp192r1")),
        ("/robot/result/robot_result".to_owned(), json!("VULNERABLE_STRONG_ORACLE")),
        ("/certificate_info/result/certificate_deployments/0/path_validation_results".to_owned(), json!([])),
    ]);
    for (place, value) in places {
        let mut weak = report.clone();
        *weak.pointer_mut(&place).unwrap_or_else(|| panic!("{place} is not in the report")) = value;
        assert_eq!(findings(&weak).len(), 1, "{place}: {:?}", findings(&weak));
    }
}
