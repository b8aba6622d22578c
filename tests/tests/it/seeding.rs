//! The seed file.

use std::path::{Path, PathBuf};

use http::Method;
use jackfield_tests::page::walk;
use jackfield_tests::tenant::{SCOPE, profile};
use jackfield_tests::{Admin, Options, Request, Server, Tenant, TenantOptions};
use serde_json::{Value, json};
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

[[organization.unit]]
name = "First floor"

[[organization.unit]]
id = "amzn1.alexa.unit.did.room"
name = "Room 7201"
parent = "First floor"

[[organization.address_book]]
name = "Front desk"
units = ["First floor", "amzn1.alexa.unit.did.room"]

[[organization.address_book.contact]]
id = "amzn1.alexa.contacts.did.room"
name = "Room 7201"
profile = "{profile}"

[[organization.address_book.contact]]
name = "Taxi"
phone_numbers = ["+12065550100", "+442079460000"]

[[organization.address_book.contact]]
name = "Kitchen"
provider_contact = "7203"
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

/// What a list of the public API holds.
async fn listed(tenant: &Tenant, target: &str) -> Vec<Value> {
    let answer = tenant.send(&tenant.request(&Method::GET, target)).await.expect(200).json();
    answer["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn units_address_books_and_contacts_follow_the_file() {
    let home = TempDir::new().unwrap();
    let file = seed(home.path(), "Harbour Hotels");
    let options = Options { seed: Some(file.clone()), ..Options::with_flags(&["--allow-reset"]) };
    let mut server = Server::start(options);
    let tenant = tenant(&server).await;
    let directory = async || {
        let units = format!("/v2/units?parentId={ORGANIZATION}&expand=all&queryDepth=all");
        let books = listed(&tenant, "/v1/addressBooks").await;
        let book = format!("/v1/addressBooks/{}", books[0]["addressBookId"].as_str().unwrap());
        let contacts = listed(&tenant, &format!("{book}/contacts")).await;
        let associations = listed(&tenant, &format!("{book}/unitAssociations")).await;
        json!([listed(&tenant, &units).await, books, contacts, associations])
    };
    let first = directory().await;
    let room = first[0].as_array().unwrap().iter().find(|unit| unit["level"] == 2).unwrap();
    assert_eq!(room["id"], "amzn1.alexa.unit.did.room");
    assert_eq!(room["name"]["value"]["text"], "Room 7201");
    assert_eq!(first[1][0]["name"], "Front desk");
    let mut cards: Vec<_> = first[2].as_array().unwrap().iter().map(|found| &found["contact"]).collect();
    cards.sort_by_key(|card| card["name"].as_str());
    let numbers = json!([{"number": "+12065550100"}, {"number": "+442079460000"}]);
    assert_eq!(cards[0], &json!({"name": "Kitchen", "providerContact": {"id": "7203"}}));
    assert_eq!(cards[1], &json!({"name": "Room 7201", "alexaCommunicationProfileId": profile("seeded")}));
    assert_eq!(cards[2], &json!({"name": "Taxi", "phoneNumbers": numbers}));
    assert_eq!(first[3].as_array().unwrap().len(), 2);
    // A client's change lasts until the file is applied again; a reset leads there, too.
    let contact = format!(
        "/v1/addressBooks/{}/contacts/amzn1.alexa.contacts.did.room",
        first[1][0]["addressBookId"].as_str().unwrap()
    );
    tenant.send(&tenant.request(&Method::DELETE, &contact)).await.is(200);
    assert_ne!(directory().await, first);
    tenant.admin.call(&Method::POST, "/admin/v1/reset", &Value::Null).await.is(200);
    assert_eq!(directory().await, first);
    tenant.send(&tenant.request(&Method::DELETE, &contact)).await.is(200);
    server.terminate();
    server.restart();
    assert_eq!(directory().await, first);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("\"Kitchen\"", "\"Bar\"").replace("name = \"Room 7201\"", "name = \"Suite\""),
    )
    .unwrap();
    server.terminate();
    server.restart();
    let after = directory().await;
    let contacts = after[2].to_string();
    assert!(contacts.contains("Suite") && after[0].to_string().contains("Suite"), "{after}");
    assert!(contacts.contains("Bar") && contacts.contains("Kitchen"), "what the file does not name stays");
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
    let long = format!("name = \"{}\"", "x".repeat(51));
    let named_profile = format!("profile = \"{}\"", profile("seeded"));
    for (from, to, part) in [
        ("country = \"GB\"", "country = \"Atlantis\"", "Atlantis"),
        ("webrtc = true", "webrtc = \"yes\"", "line 7"),
        ("webrtc = true", "web_rtc = true", "web_rtc"),
        (ORGANIZATION, "harbour", "amzn1.alexa.unit.did."),
        ("\"7202\"", "\" 7202\"", "white space"),
        (SECRET, "short", "secret"),
        (PROVIDER, "amzn1.comms.csp.id.7", "UUID"),
        (
            "parent = \"First floor\"",
            "parent = \"Cellar\"",
            "unit \"Room 7201\": parent \"Cellar\" is neither an id nor",
        ),
        ("units = [\"First floor\"", "units = [\"amzn1.alexa.unit.did.cellar\"", "its unit is not there"),
        (
            "units = [\"First floor\"",
            "units = [\"Cellar\"",
            "address_book \"Front desk\": units: \"Cellar\" is neither",
        ),
        ("name = \"Taxi\"", &long, "name is 51 characters long; 1 to 50 are allowed"),
        (
            "\"+442079460000\"",
            "\"+4915112345678\"",
            "contact \"Taxi\": phone_numbers: \"+4915112345678\" must be a number of",
        ),
        ("[\"+12065550100\", \"+442079460000\"]", "[]", "phone_numbers holds 0 numbers; 1 to 3 are allowed"),
        ("provider_contact = \"7203\"", "", "exactly one of profile, phone_numbers and provider_contact"),
        (
            "provider_contact = \"7203\"",
            "provider_contact = \"7203\"\nphone_numbers = [\"+12065550100\"]",
            "exactly one of",
        ),
        ("name = \"Kitchen\"", "name = \"Taxi\"", "it needs an id of its own"),
        (
            &named_profile,
            "profile = \"amzn1.alexa.communications.profile.did.nobody\"",
            "its communication profile is not there",
        ),
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
