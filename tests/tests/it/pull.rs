//! `jackfield pull`: from one service into a seed file, and from the file into another server.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use http::Method;
use jackfield_model::AmazonId;
use jackfield_tests::server::clean_environment;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Admin, Listener, Options, Server, Tenant, TenantOptions, binary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An endpoint that a file has to escape.
const NAME: &str = "Zimmer 12 \"Süd\" \\ 🛎";

/// A hotel with profiles and associations, and a folder to pull it to.
struct Hotel {
    tenant: Tenant,
    folder: TempDir,
    /// The profile of a unit, which two endpoints share.
    shared: String,
}

impl Hotel {
    async fn open() -> Self {
        let tenant = Tenant::with(TenantOptions::default()).await;
        let profiles = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
        let made = json!({ "unit": "amzn1.alexa.unit.did.penthouse", "name": "Penthouse of Mrs Baker" });
        let shared = tenant.admin.create(&profiles, &made).await["id"].as_str().unwrap().to_owned();
        let suffix = shared.trim_start_matches(AmazonId::PREFIX);
        for (endpoint, suffix) in [("Penthouse", suffix), ("penthouse", suffix), (NAME, "unknown")] {
            tenant.create(endpoint, suffix).await.is(201);
        }
        Self { tenant, folder: TempDir::new().unwrap(), shared }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("pulled.toml")
    }

    /// `jackfield pull --to pulled.toml` with the credentials of the hotel's client.
    fn pull(&self, more: &[&str]) -> Output {
        let endpoint = self.tenant.endpoint();
        let mut command = Command::new(binary::path());
        clean_environment(&mut command);
        command
            .args(["pull", "--output", "json", "--provider", &self.tenant.provider, "--to"])
            .arg(self.file())
            .args(more)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("JACKFIELD_ENDPOINT", format!("http://{}", endpoint.address(Listener::Public)))
            .env("JACKFIELD_CLIENT_ID", &self.tenant.client_id)
            .env("JACKFIELD_CLIENT_SECRET", &self.tenant.client_secret);
        command.output().unwrap()
    }

    fn pulled(&self, more: &[&str]) -> Value {
        let output = self.pull(more);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// What a server that is started with the file has under the provider: pairs of endpoint and profile.
async fn served(file: &Path, provider: &str) -> (Server, BTreeSet<(String, String)>) {
    let server = Server::start(Options::with_flags(&["--seed", file.to_str().unwrap()]));
    let admin = Admin::new(server.endpoint());
    let list = admin.get(&format!("/admin/v1/serviceProviders/{provider}/associations")).await;
    let pairs = list["associations"].as_array().expect("it is a list").iter().map(|one| {
        let text = |name: &str| one[name].as_str().expect("it is text").to_owned();
        (text("externalUserId"), text("amazonId"))
    });
    let pairs = pairs.collect();
    (server, pairs)
}

#[tokio::test]
async fn a_provider_is_served_again_from_the_file() {
    let hotel = Hotel::open().await;
    let said = hotel.pulled(&[]);
    assert_eq!((&said["associations"], &said["profiles"]), (&json!(3), &json!(1)), "{said}");
    assert_eq!(said["serviceProviderId"], hotel.tenant.provider);
    let mode = std::fs::metadata(hotel.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the file holds a secret");
    let text = std::fs::read_to_string(hotel.file()).unwrap();
    assert!(!text.contains(&hotel.tenant.client_secret), "no credential of the other service is in it");
    let (server, pairs) = served(&hotel.file(), &hotel.tenant.provider).await;
    let expected = [
        ("Penthouse", hotel.shared.clone()),
        ("penthouse", hotel.shared.clone()),
        (NAME, profile("unknown")),
    ];
    assert_eq!(pairs, expected.map(|(endpoint, profile)| (endpoint.to_owned(), profile)).into());
    let admin = Admin::new(server.endpoint());
    let read = admin.get(&format!("/admin/v1/profiles/{}", hotel.shared)).await;
    assert_eq!(read["unit"], "amzn1.alexa.unit.did.penthouse");
    assert_eq!(read["name"], "Penthouse of Mrs Baker");
    let client = admin.get(&format!("/admin/v1/clients/{}", said["clientId"].as_str().unwrap())).await;
    assert_eq!(client["enabled"], true);
}

#[tokio::test]
async fn an_anonymous_file_has_the_same_shape_and_none_of_the_names() {
    let hotel = Hotel::open().await;
    let said = hotel.pulled(&["--anonymize"]);
    let text = std::fs::read_to_string(hotel.file()).unwrap();
    let shared = hotel.shared.trim_start_matches(AmazonId::PREFIX);
    for original in ["enthouse", "Baker", "Zimmer", "unknown", shared, &hotel.tenant.provider] {
        assert!(!text.contains(original), "{original} is in {text}");
    }
    let provider = said["serviceProviderId"].as_str().unwrap();
    let (_server, pairs) = served(&hotel.file(), provider).await;
    // The server lists by the bytes of the ids: Penthouse, Zimmer 12, penthouse.
    let expected = [
        ("endpoint-000001", "profile-000001"),
        ("endpoint-000002", "profile-000002"),
        ("endpoint-000003", "profile-000001"),
    ];
    assert_eq!(pairs, expected.map(|(endpoint, alias)| (endpoint.to_owned(), profile(alias))).into());
}

#[tokio::test]
async fn a_file_that_is_there_stays_as_it_is() {
    let hotel = Hotel::open().await;
    std::fs::write(hotel.file(), "mine").unwrap();
    let output = hotel.pull(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("pulled.toml is there already"), "{said}");
    assert_eq!(std::fs::read_to_string(hotel.file()).unwrap(), "mine");
}

#[tokio::test]
async fn what_cannot_be_read_leaves_no_file() {
    let hotel = Hotel::open().await;
    let client = format!("/admin/v1/clients/{}", hotel.tenant.client_id);
    hotel.tenant.admin.call(&Method::DELETE, &client, &Value::Null).await.is(204);
    let output = hotel.pull(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!hotel.file().exists());
}
