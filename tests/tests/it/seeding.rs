//! The seed file.

use std::path::{Path, PathBuf};

use http::Method;
use jackfield_tests::page::walk;
use jackfield_tests::tenant::{SCOPE, profile};
use jackfield_tests::{Admin, Options, Request, Server, Tenant, TenantOptions};
use serde_json::json;
use tempfile::TempDir;

const ORGANIZATION: &str = "amzn1.alexa.unit.did.harbour";
const CLIENT: &str = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef";
const SECRET: &str = "kX4v9QmT2bYw7RfNc8HsL1pZ6dJg3VaE";
const REFRESH_TOKEN: &str = "Atzr|Wq5tB0nUe7yXo2MiCz9rKl4DhSf8GjPv";
const PROVIDER: &str = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";

/// Every property that a seed file can have.
fn seed(directory: &Path, name: &str) -> PathBuf {
    let text = format!(
        r#"
[[organization]]
id = "{ORGANIZATION}"
name = "{name}"
country = "GB"
vertical = "hospitality"
webrtc = true
strict_profiles = true

[[organization.client]]
id = "{CLIENT}"
secret = "{SECRET}"
scopes = ["{SCOPE}", "profile"]
refresh_token = "{REFRESH_TOKEN}"
rate_limit = 0
redirect_uris = ["https://example.org/back"]

[[organization.service_provider]]
id = "{PROVIDER}"
logical_id = "front-desk"
display_name = "Front desk"

[[organization.service_provider.association]]
external_user_id = "7201"
amazon_id = "{profile}"

[[organization.service_provider.association]]
external_user_id = "7202"
amazon_id = "{profile}"

[[organization.profile]]
id = "{profile}"
unit = "amzn1.alexa.unit.did.room"
name = "Room"
"#,
        profile = profile("seeded")
    );
    let path = directory.join("seed.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// The tenant of the seed file, with a token that it gets by itself.
async fn tenant(server: &Server) -> Tenant {
    let mut tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for secret in [SECRET, REFRESH_TOKEN] {
        server.endpoint().keep_secret(secret);
    }
    tenant.provider = PROVIDER.to_owned();
    tenant.client_id = CLIENT.to_owned();
    tenant.organization = ORGANIZATION.to_owned();
    let login = |grant: String| {
        let form = format!("client_id={CLIENT}&client_secret={SECRET}&{grant}");
        Request::new(&Method::POST, "/auth/o2/token").body(form)
    };
    let refresh = login(format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}"));
    tenant.send(&refresh).await.is(200);
    let answer =
        tenant.send(&login(format!("grant_type=client_credentials&scope={SCOPE}"))).await.expect(200).json();
    tenant.token = answer["access_token"].as_str().unwrap().to_owned();
    tenant
}

#[tokio::test]
async fn a_seed_is_applied_once_however_often_it_is_given() {
    let home = TempDir::new().unwrap();
    let file = seed(home.path(), "Harbour Hotels");
    let mut server = Server::start(Options { seed: Some(file), ..Options::default() });
    let tenant = tenant(&server).await;
    let associations = walk(&tenant, &json!({}), 100).await;
    assert_eq!(associations.found, ["7201", "7202"].map(|id| (id.to_owned(), profile("seeded"))));
    let organization = tenant.admin.get(&format!("/admin/v1/organizations/{ORGANIZATION}")).await;
    assert_eq!((&organization["country"], &organization["strict_profiles"]), (&json!("UK"), &json!(true)));
    let changes = tenant.admin.get("/admin/v1/changes?limit=1000").await;
    let seeded: Vec<_> =
        changes["changes"].as_array().unwrap().iter().filter(|c| c["actor"] == "seed").collect();
    assert!(seeded.len() >= 6, "each object is a change of the seed: {changes}");
    server.terminate();
    server.restart();
    assert_eq!(
        tenant.admin.get("/admin/v1/changes?limit=1000").await,
        changes,
        "the second time changes nothing"
    );
    tenant.create("7201", "seeded").await.is(409);
    server.terminate();
}

#[tokio::test]
async fn what_clients_made_of_it_stays_and_accounts_follow_the_file() {
    let home = TempDir::new().unwrap();
    let file = seed(home.path(), "Harbour Hotels");
    let mut server = Server::start(Options { seed: Some(file), ..Options::default() });
    let tenant = tenant(&server).await;
    let target = format!("/admin/v1/organizations/{ORGANIZATION}");
    let other = json!({"id": profile("other"), "unit": "amzn1.alexa.unit.did.other"});
    tenant.admin.create(&format!("{target}/profiles"), &other).await;
    tenant.update("7201", "other").await.is(200);
    tenant.create("7203", "other").await.is(201);
    server.terminate();
    seed(home.path(), "Harbour & Sons");
    server.restart();
    assert_eq!(tenant.find("7201").await.as_deref(), Some("other"));
    assert_eq!(tenant.find("7203").await.as_deref(), Some("other"));
    assert_eq!(tenant.admin.get(&target).await["name"], "Harbour & Sons");
    // Without the file everything is still there.
    server.terminate();
    server.options().seed = None;
    server.restart();
    assert_eq!(tenant.find("7202").await.as_deref(), Some("seeded"));
    Admin::new(server.endpoint()).get(&target).await;
}

#[test]
fn a_wrong_seed_is_named_and_nothing_is_served() {
    let home = TempDir::new().unwrap();
    let good = std::fs::read_to_string(seed(home.path(), "Harbour Hotels")).unwrap();
    for (from, to, part) in [
        ("country = \"GB\"", "country = \"Atlantis\"", "Atlantis"),
        ("webrtc = true", "webrtc = \"yes\"", "line 7"),
        ("webrtc = true", "web_rtc = true", "web_rtc"),
        (ORGANIZATION, "harbour", "amzn1.alexa.unit.did."),
        ("\"7202\"", "\" 7202\"", "white space"),
        (SECRET, "short", "secret"),
        (PROVIDER, "amzn1.comms.csp.id.7", "UUID"),
    ] {
        assert!(good.contains(from));
        let path = home.path().join("wrong.toml");
        std::fs::write(&path, good.replace(from, to)).unwrap();
        let ended = Server::try_start(Options { seed: Some(path), ..Options::default() }).unwrap_err();
        assert_eq!(ended.status.code(), Some(2), "{to}: {}", ended.stderr);
        let last = ended.stderr.lines().last().unwrap_or_default();
        assert!(last.contains("wrong.toml") && last.contains(part), "{to}: {}", ended.stderr);
        assert!(!ended.stderr.contains(SECRET), "a seed holds secrets, which are not repeated");
    }
}
