//! The reset to the seed, and ids that a seed decides.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::Method;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Admin, Client, Listener, Options, Request, Server, Version};
use serde_json::{Value, json};
use tempfile::TempDir;

const SECRET: &str = "kX4v9QmT2bYw7RfNc8HsL1pZ6dJg3VaE";
/// Associations of the seed: so many that a reset of them takes a while.
const SEEDED: usize = 40;

/// A seed without a single id of its own.
fn seed(directory: &Path, id_seed: Option<u64>) -> PathBuf {
    let mut text = id_seed.map(|seed| format!("id_seed = {seed}\n")).unwrap_or_default();
    text.push_str(&format!(
        r#"
[[organization]]
name = "Harbour"
country = "US"
vertical = "hospitality"
webrtc = true

[[organization.client]]
secret = "{SECRET}"
rate_limit = 0

[[organization.profile]]
unit = "amzn1.alexa.unit.did.room"

[[organization.service_provider]]
logical_id = "front-desk"
"#
    ));
    for n in 0..SEEDED {
        let amazon_id = profile("seeded");
        text.push_str(&format!(
            "[[organization.service_provider.association]]\nexternal_user_id = \"seed {n:04}\"\namazon_id = \"{amazon_id}\"\n"
        ));
    }
    let path = directory.join("seed.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// A server with a seed and what the seed made.
struct Seeded {
    server: Server,
    admin: Admin,
    client: Client,
    organization: String,
    client_id: String,
    provider: String,
    token: String,
    _directory: TempDir,
}

impl Seeded {
    async fn start(flags: &[&str], id_seed: Option<u64>) -> Self {
        Self::on(None, flags, id_seed).await
    }

    async fn on(store: Option<&str>, flags: &[&str], id_seed: Option<u64>) -> Self {
        let directory = TempDir::new().unwrap();
        let seed = Some(seed(directory.path(), id_seed));
        let server =
            Server::start(Options { seed, store: store.map(str::to_owned), ..Options::with_flags(flags) });
        server.endpoint().keep_secret(SECRET);
        let admin = Admin::new(server.endpoint());
        let id = |list: &Value| list["items"][0]["id"].as_str().unwrap().to_owned();
        let organization = id(&admin.get("/admin/v1/organizations").await);
        let of = format!("/admin/v1/organizations/{organization}");
        let client_id = id(&admin.get(&format!("{of}/clients")).await);
        let provider = id(&admin.get(&format!("{of}/serviceProviders")).await);
        let token = admin.token(&client_id, &json!({})).await;
        let client = Client::new(server.endpoint(), Listener::Public, Version::Http1);
        Self { admin, client, organization, client_id, provider, token, server, _directory: directory }
    }

    fn request(&self, method: &Method, end: &str, body: &Value) -> Request {
        let target = format!("/v1/communications/serviceProviders/{}/externalUsers{end}", self.provider);
        Request::new(method, target).bearer(&self.token).json(body)
    }

    async fn create(&self, id: &str) -> u16 {
        let body = jackfield_tests::tenant::association(id, &profile("late"));
        self.client.send(&self.request(&Method::POST, "", &body)).await.unwrap().status
    }

    /// What a query of everything answers: how many there are, and the ids of the first page.
    async fn query(&self) -> (u64, Vec<String>) {
        let body = json!({"filters": {}, "paginationContext": {"maxResults": 100}});
        let answer =
            self.client.send(&self.request(&Method::POST, "/query", &body)).await.unwrap().expect(200).json();
        let ids = answer["accountAssociations"].as_array().unwrap().iter();
        let ids = ids.map(|association| association["externalUserId"].as_str().unwrap().to_owned()).collect();
        (answer["paginationContext"]["totalCount"].as_u64().unwrap(), ids)
    }

    async fn reset(&self) -> Value {
        self.admin.call(&Method::POST, "/admin/v1/reset", &Value::Null).await.expect(200).json()
    }

    /// Everything that an operator sees of the accounts.
    async fn accounts(&self) -> Value {
        let organizations = self.admin.get("/admin/v1/organizations").await;
        let mut all = vec![organizations.clone()];
        for organization in organizations["items"].as_array().unwrap() {
            for kind in ["clients", "serviceProviders", "profiles"] {
                let id = organization["id"].as_str().unwrap();
                all.push(self.admin.get(&format!("/admin/v1/organizations/{id}/{kind}")).await);
            }
        }
        all.into()
    }
}

fn seeded_ids() -> Vec<String> {
    (0..SEEDED).map(|n| format!("seed {n:04}")).collect()
}

#[tokio::test]
async fn everything_is_as_the_seed_says_again() {
    for store in [None, Some("memory:")] {
        let seeded = Seeded::on(store, &["--allow-reset", "--clock", "+1h"], None).await;
        let before = seeded.accounts().await;
        assert_eq!(seeded.query().await, (SEEDED as u64, seeded_ids()));
        // Much happens.
        assert_eq!(seeded.create("by a client").await, 201);
        let gone = json!({"externalUserId": "seed 0003"});
        seeded.client.send(&seeded.request(&Method::DELETE, "", &gone)).await.unwrap().is(200);
        let of = format!("/admin/v1/organizations/{}", seeded.organization);
        seeded.admin.patch(&of, &json!({"name": "Renamed", "strict_profiles": true})).await;
        let more = json!({"name": "More", "country": "US", "vertical": "core"});
        seeded.admin.create("/admin/v1/organizations", &more).await;
        seeded.admin.create(&format!("{of}/serviceProviders"), &json!({"logical_id": "spa"})).await;
        seeded.admin.create(&format!("{of}/profiles"), &json!({"unit": "amzn1.alexa.unit.did.x"})).await;
        seeded.admin.maintenance(true, 5).await;
        seeded.admin.create("/admin/v1/faults", &json!({"status": 503})).await;
        seeded.admin.call(&Method::PUT, "/admin/v1/clock", &json!({"offset": 0})).await.is(200);
        assert_eq!(seeded.create("refused").await, 503);
        let last = seeded.admin.get("/admin/v1/status").await["last_change"].as_u64().unwrap();

        let done = seeded.reset().await;
        let count = |name: &str| done[name].as_u64().unwrap();
        assert_eq!(
            (count("organizations"), count("clients"), count("service_providers"), count("profiles")),
            (1, 1, 1, 1)
        );
        assert_eq!(count("associations"), SEEDED as u64);
        assert!(count("last_change") > last);
        assert_eq!(seeded.accounts().await, before);
        // The token that was issued before holds.
        assert_eq!(seeded.query().await, (SEEDED as u64, seeded_ids()));
        assert_eq!(seeded.admin.get("/admin/v1/faults").await, json!({"faults": []}));
        assert_eq!(seeded.admin.get("/admin/v1/journal").await["entries"], json!([]));
        assert_eq!(seeded.admin.get("/admin/v1/clock").await["offset_seconds"], 3_600, "as it was started");
        assert_eq!(seeded.admin.get("/admin/v1/maintenance").await["enabled"], false);
        let changes = seeded.admin.get(&format!("/admin/v1/changes?after={last}&limit=1000")).await;
        // What the operator of this test did besides is there, too.
        let is_act = |change: &Value| change["operation"].as_str().unwrap().starts_with("admin.");
        let changes: Vec<&Value> =
            changes["changes"].as_array().unwrap().iter().filter(|change| !is_act(change)).collect();
        assert_eq!(
            (&changes[0]["operation"], &changes[0]["actor"]),
            (&"directory.reset".into(), &"admin".into())
        );
        assert!(changes[1..].iter().all(|change| change["actor"] == "seed"));
        assert_eq!(changes.len(), 1 + 4 + SEEDED);
        // A store may leave numbers out.
        assert!(changes[0]["sequence"].as_u64() > Some(last));
    }
}

#[tokio::test]
async fn a_durable_store_keeps_the_reset() {
    let mut seeded = Seeded::start(&["--allow-reset"], None).await;
    assert_eq!(seeded.create("late").await, 201);
    seeded.reset().await;
    let before = seeded.accounts().await;
    assert_eq!(seeded.create("after").await, 201);
    seeded.server.kill9();
    seeded.server.restart();
    assert_eq!(
        seeded.accounts().await.to_string().replace("\"associations\":41", "\"associations\":40"),
        before.to_string()
    );
    let (total, ids) = seeded.query().await;
    assert_eq!(total, SEEDED as u64 + 1);
    assert!(ids.contains(&"after".to_owned()) && !ids.contains(&"late".to_owned()), "{ids:?}");
}

#[tokio::test]
async fn it_wants_permission_and_a_seed() {
    let seeded = Seeded::start(&[], None).await;
    let refused = seeded.admin.call(&Method::POST, "/admin/v1/reset", &Value::Null).await;
    refused.is_error(403, "--allow-reset");
    assert_eq!(seeded.query().await.0, SEEDED as u64);
    let server = Server::start(Options::with_flags(&["--allow-reset"]));
    let refused = Admin::new(server.endpoint()).call(&Method::POST, "/admin/v1/reset", &Value::Null).await;
    refused.is_error(409, "--seed");
}

/// Clients read and write while the directory is reset again and again: no answer mixes before and after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_sees_a_part_of_a_reset() {
    let seeded = Arc::new(Seeded::start(&["--allow-reset"], None).await);
    let stop = Arc::new(AtomicBool::new(false));
    let reader = {
        let (seeded, stop) = (Arc::clone(&seeded), Arc::clone(&stop));
        tokio::spawn(async move {
            let client = Client::new(seeded.server.endpoint(), Listener::Public, Version::Http2);
            let body = json!({"filters": {}, "paginationContext": {"maxResults": 100}});
            let mut totals = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                let answer = client.send(&seeded.request(&Method::POST, "/query", &body)).await.unwrap();
                let answer = answer.expect(200).json();
                let total = answer["paginationContext"]["totalCount"].as_u64().unwrap();
                let ids = answer["accountAssociations"].as_array().unwrap();
                // A create may come between page and count, a reset may not.
                assert!(ids.len() as u64 <= total, "a page from before and a count from after");
                let seeds = ids
                    .iter()
                    .filter(|association| association["externalUserId"].as_str().unwrap().starts_with("seed"))
                    .count();
                assert!(seeds == SEEDED, "{seeds} of the seed's {SEEDED}");
                totals.insert(total);
            }
            totals
        })
    };
    for _ in 0..15 {
        for n in 0..3 {
            // All of them at once, so that a reader meets between 0 and 3 of them.
            assert_eq!(seeded.create(&format!("late {n}")).await, 201, "they went with the reset before");
        }
        seeded.reset().await;
        assert_eq!(seeded.query().await.0, SEEDED as u64);
    }
    stop.store(true, Ordering::Relaxed);
    let totals = reader.await.unwrap();
    assert!(totals.iter().all(|total| (SEEDED as u64..=SEEDED as u64 + 3).contains(total)), "{totals:?}");
}

/// A process that is killed in the middle of a reset leaves the state before it, or the one after.
#[tokio::test]
async fn a_kill_leaves_before_or_after() {
    const ROUNDS: u32 = 12;
    let mut seeded = Seeded::start(&["--allow-reset"], None).await;
    // How long one takes depends on the store and on what else the machine does.
    let begun = Instant::now();
    seeded.reset().await;
    let whole = begun.elapsed();
    for round in 0..=ROUNDS {
        for n in 0..20 {
            assert!(matches!(seeded.create(&format!("late {n}")).await, 201 | 409));
        }
        let organization = format!("/admin/v1/organizations/{}", seeded.organization);
        seeded.admin.patch(&organization, &json!({"name": "Renamed"})).await;
        let target =
            Request::new(&Method::POST, "/admin/v1/reset").bearer(seeded.server.endpoint().admin_token());
        let client = Client::new(seeded.server.endpoint(), Listener::Admin, Version::Http1);
        let asked =
            tokio::spawn(async move { client.send(&target).await.is_ok_and(|answer| answer.status == 200) });
        // From before it is asked until about when it is done, and in the last round when it is answered.
        let answered = if round == ROUNDS {
            let answered = asked.await.unwrap();
            assert!(answered, "nothing is in its way");
            seeded.server.kill9();
            answered
        } else {
            tokio::time::sleep(whole * round / (ROUNDS - 2)).await;
            seeded.server.kill9();
            asked.await.unwrap()
        };
        // Without the seed, which would put its part back by itself.
        let seed = seeded.server.options().seed.take();
        seeded.server.restart();
        let (total, ids) = seeded.query().await;
        let name = seeded.admin.get("/admin/v1/organizations").await["items"][0]["name"].clone();
        let after = (total, &name) == (SEEDED as u64, &json!("Harbour"));
        let before = (total, &name) == (SEEDED as u64 + 20, &json!("Renamed"));
        assert!(before || after, "{total} {name}");
        assert!(after || !answered, "a reset that was answered is there");
        assert_eq!(ids.len() as u64, total);
        seeded.server.options().seed = seed;
        seeded.server.terminate();
        seeded.server.restart();
    }
}

/// The ids of objects that are made without one.
async fn made(admin: &Admin, name: &str) -> Vec<String> {
    let id = |value: Value| value["id"].as_str().unwrap().to_owned();
    let organization = json!({"name": name, "country": "US", "vertical": "core"});
    let organization = id(admin.create("/admin/v1/organizations", &organization).await);
    let of = format!("/admin/v1/organizations/{organization}");
    let client = id(admin.create(&format!("{of}/clients"), &json!({})).await);
    let provider = id(admin.create(&format!("{of}/serviceProviders"), &json!({"logical_id": name})).await);
    let unit = format!("amzn1.alexa.unit.did.{name}");
    let profile = id(admin.create(&format!("{of}/profiles"), &json!({ "unit": unit })).await);
    vec![organization, client, provider, profile]
}

#[tokio::test]
async fn a_seed_decides_every_id() {
    let mut servers = [
        Seeded::start(&["--allow-reset"], Some(42)).await,
        Seeded::start(&["--allow-reset"], Some(42)).await,
    ];
    let other = Seeded::start(&[], Some(43)).await;
    let chance = Seeded::start(&[], None).await;
    let [one, two] = &servers;
    for seeded in [two, &other, &chance] {
        assert_eq!(
            (&one.organization, &one.client_id, &one.provider),
            (&seeded.organization, &seeded.client_id, &seeded.provider),
            "ids of the seed's own objects follow from their names"
        );
    }
    assert_eq!(one.accounts().await, two.accounts().await);
    let first = made(&one.admin, "a").await;
    assert_eq!(made(&two.admin, "a").await, first);
    let second = made(&one.admin, "b").await;
    assert!(second.iter().all(|id| !first.contains(id)));
    for seeded in [&other, &chance] {
        assert!(made(&seeded.admin, "a").await.iter().all(|id| !first.contains(id)));
    }
    one.reset().await;
    assert_eq!(made(&one.admin, "c").await, first, "a reset begins anew");
    // A restart does not give out what is taken.
    let [one, _] = &mut servers;
    one.server.restart();
    assert_eq!(made(&one.admin, "d").await, second);
}

#[tokio::test]
async fn two_organizations_of_one_name_want_ids() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("seed.toml");
    let one = "[[organization]]\nname = \"Twin\"\ncountry = \"US\"\nvertical = \"core\"\n";
    std::fs::write(&path, [one, one].concat()).unwrap();
    let ended = Server::try_start(Options { seed: Some(path), ..Options::default() }).unwrap_err();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("same name"), "{}", ended.stderr);
}
