//! What an earlier version left opens with this one and holds everything. The fixtures are described in their README.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use http::Method;
use jackfield_tests::admin::Admin;
use jackfield_tests::http::Client;
use jackfield_tests::postgres::{Database, program};
use jackfield_tests::tenant::{SCOPE, association, profile};
use jackfield_tests::{Listener, Options, Request, Server, Version};
use serde_json::{Value, json};
use tempfile::TempDir;

const PROVIDER: &str = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";
const USERS: &str = "/v1/communications/serviceProviders/\
                     amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10/externalUsers";
/// The schema of the dump.
const DUMPED_SCHEMA: &str = "fixture";

/// An unpacked fixture, and what the server that made it answered.
struct Fixture {
    home: TempDir,
    expected: Value,
}

impl Fixture {
    fn unpack(name: &str) -> Self {
        let home = TempDir::with_prefix("jackfield-upgrade-").unwrap();
        let packed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/format-2").join(name);
        let tar = zstd::decode_all(std::fs::File::open(packed).unwrap()).unwrap();
        let mut unpacking =
            Command::new("tar").arg("-xC").arg(home.path()).stdin(Stdio::piped()).spawn().unwrap();
        unpacking.stdin.take().unwrap().write_all(&tar).unwrap();
        assert!(unpacking.wait().unwrap().success());
        let expected = std::fs::read(home.path().join("expected.json")).unwrap();
        Self { home, expected: serde_json::from_slice(&expected).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn text(&self, key: &str) -> &str {
        self.expected[key].as_str().unwrap()
    }

    /// Options of a server on the store, for which it is as early as when the fixture was made: tokens expire.
    fn options(&self, store: String) -> Options {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let ago = now - self.expected["made"].as_u64().unwrap();
        Options { store: Some(store), ..Options::with_flags(&[&format!("--clock=-{ago}s")]) }
    }
}

/// Whether a value has what is expected, and maybe properties that there were not then.
fn holds(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| holds(found.get(key).unwrap_or(&Value::Null), value))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| holds(a, b))
        }
        _ => found == expected,
    }
}

/// Everything that the admin API showed is shown.
async fn shows_everything(admin: &Admin, fixture: &Fixture) {
    for (path, expected) in fixture.expected["shown"].as_object().unwrap() {
        let mut found = admin.get(&format!("/admin/v1{path}")).await;
        let mut expected = expected.clone();
        if path.starts_with("/changes") {
            // The record goes on behind what is expected.
            expected = expected["changes"].take();
            found = found["changes"].take();
            found.as_array_mut().unwrap().truncate(expected.as_array().unwrap().len());
        }
        assert!(holds(&found, &expected), "{path}\nfound    {found}\nexpected {expected}");
    }
}

struct Public {
    client: Client,
}

impl Public {
    async fn query(&self, token: &str, body: &Value) -> jackfield_tests::Response {
        let request = Request::new(&Method::POST, format!("{USERS}/query")).bearer(token).json(body);
        self.client.send(&request).await.unwrap()
    }

    async fn login(&self, form: String) -> Value {
        self.client
            .send(&Request::new(&Method::POST, "/auth/o2/token").body(form))
            .await
            .unwrap()
            .expect(200)
            .json()
    }
}

/// Tokens and secrets that were given out work, what was revoked does not.
async fn credentials_work(public: &Public, server: &Server, fixture: &Fixture) {
    let (id, secret) = (fixture.text("client_id"), fixture.text("client_secret"));
    let everything = json!({"filters": {}});
    let page = public.query(fixture.text("access_token"), &everything).await.expect(200).json();
    assert_eq!(page["accountAssociations"], fixture.expected["first_page"]);
    public.query(fixture.text("revoked_access_token"), &everything).await.is(401);
    let forms = [
        format!("grant_type=client_credentials&scope={SCOPE}&client_id={id}&client_secret={secret}"),
        format!(
            "grant_type=refresh_token&refresh_token={}&client_id={id}&client_secret={secret}",
            fixture.text("refresh_token")
        ),
        format!(
            "grant_type=refresh_token&refresh_token=Atzr|a-made-up-refresh-token-of-a-fixture&client_id={id}&client_secret={secret}"
        ),
    ];
    for form in forms {
        let answer = public.login(form).await;
        let token = answer["access_token"].as_str().unwrap();
        server.endpoint().keep_secret(token);
        public.query(token, &everything).await.is(200);
    }
}

/// The page token that was given out goes on where that page ended.
async fn walk_goes_on(public: &Public, fixture: &Fixture) {
    let mut found = fixture.expected["first_page"].as_array().unwrap().clone();
    let mut next = fixture.expected["next_token"].clone();
    while next != "0" {
        let body = json!({"filters": {}, "paginationContext": {"nextToken": next}});
        let mut page = public.query(fixture.text("access_token"), &body).await.expect(200).json();
        found.extend(page["accountAssociations"].as_array().unwrap().iter().cloned());
        next = page["paginationContext"]["nextPageToken"].take();
    }
    let shown = &fixture.expected["shown"];
    let path = format!("/serviceProviders/{PROVIDER}/associations?limit=1000");
    assert_eq!(Value::Array(found), shown[&path]["associations"]);
}

/// Writes work, what they rest on is counted right, and the change record goes on.
async fn writes_work(public: &Public, admin: &Admin, fixture: &Fixture) {
    let token = fixture.text("access_token");
    let send = async |method: &Method, body: &Value| {
        let request = Request::new(method, USERS).bearer(token).json(body);
        public.client.send(&request).await.unwrap().status
    };
    let last = fixture.expected["shown"]["/changes?limit=1000"]["next_after"].as_u64().unwrap();
    assert_eq!(send(&Method::POST, &association("7201", &profile("1234"))).await, 409);
    assert_eq!(send(&Method::POST, &association("new", &profile("1234"))).await, 201);
    assert_eq!(send(&Method::PUT, &association("new", &profile("5678"))).await, 200);
    assert_eq!(send(&Method::DELETE, &json!({"externalUserId": "new"})).await, 200);
    let changes = admin.changes(PROVIDER, last).await;
    let operations: Vec<&Value> = changes.iter().map(|change| &change["operation"]).collect();
    assert_eq!(operations, ["association.create", "association.update", "association.delete"]);
    // Uses were counted as associations were written: the profile of the room is in use, that of another is not.
    let strict = json!({"strict_profiles": true});
    admin.patch("/admin/v1/organizations/amzn1.alexa.unit.did.harbour", &strict).await;
    let used = format!("/admin/v1/profiles/{}", profile("1234"));
    admin.call(&Method::DELETE, &used, &Value::Null).await.is(409);
    let loose = json!({"strict_profiles": false});
    admin.patch("/admin/v1/organizations/amzn1.alexa.unit.did.harbour", &loose).await;
}

async fn everything_is_held(store: String, fixture: &Fixture) {
    let mut server = Server::start(fixture.options(store));
    for round in 0..3 {
        let admin = Admin::new(server.endpoint());
        let public = Public { client: Client::new(server.endpoint(), Listener::Public, Version::Http1) };
        for secret in ["access_token", "refresh_token", "client_secret"] {
            server.endpoint().keep_secret(fixture.text(secret));
        }
        shows_everything(&admin, fixture).await;
        credentials_work(&public, &server, fixture).await;
        walk_goes_on(&public, fixture).await;
        if round == 0 {
            writes_work(&public, &admin, fixture).await;
        }
        if round == 1 {
            server.kill9();
        } else {
            server.terminate();
        }
        server.restart();
    }
}

#[tokio::test]
async fn a_directory_of_format_2_holds_everything() {
    let fixture = Fixture::unpack("embedded.tar.zst");
    let directory: &Path = &fixture.path("store");
    everything_is_held(format!("embedded:{}", directory.display()), &fixture).await;
}

#[tokio::test]
async fn a_database_of_schema_1_holds_everything() {
    let fixture = Fixture::unpack("postgres.tar.zst");
    let database = Database::fresh();
    let dump = std::fs::read_to_string(fixture.path("postgres.sql")).unwrap();
    let dump = dump.replace(&format!("{DUMPED_SCHEMA}."), &format!("{}.", database.schema()));
    let file = fixture.path("own.sql");
    std::fs::write(&file, dump).unwrap();
    let mut loading = Command::new(program("psql"));
    loading.args(["--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--file"]);
    assert!(loading.arg(&file).arg(database.url()).status().unwrap().success());
    everything_is_held(database.url(), &fixture).await;
}
