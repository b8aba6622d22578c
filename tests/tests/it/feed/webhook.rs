//! Webhooks: how they are made and shown, what they are sent, and what becomes of those that do not take it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use jackfield_tests::{Options, Request, Server, Tenant, TenantOptions, poll};
use serde_json::{Value, json};

use super::receiver::{Mood, Receiver, SECRET};
use crate::calls::certificates::{ca, skill};

pub(super) const WEBHOOKS: &str = "/admin/v1/webhooks";

pub(super) async fn started(flags: &[&str]) -> (Server, Tenant) {
    let server = Server::start(Options::with_flags(flags));
    server.endpoint().keep_secret(SECRET);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    (server, tenant)
}

/// Makes a webhook to a receiver; answers its path.
pub(crate) async fn add(tenant: &Tenant, receiver: &Receiver, more: Value) -> String {
    let mut body = json!({"url": receiver.url(), "secret": SECRET});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let made = tenant.admin.create(WEBHOOKS, &body).await;
    assert!(!made.to_string().contains(SECRET), "{made}");
    format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap())
}

/// Waits until a webhook shows this.
pub(super) async fn until(tenant: &Tenant, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    poll::until_async(what, 3 * poll::PATIENCE, async || {
        Some(tenant.admin.get(path).await).filter(|webhook| is_so(webhook))
    })
    .await
}

async fn post(tenant: &Tenant, target: &str) -> Value {
    tenant.admin.call(&Method::POST, target, &Value::Null).await.expect(200).json()
}

async fn changes(tenant: &Tenant, query: &str) -> Vec<Value> {
    tenant.admin.get(&format!("/admin/v1/changes?limit=1000&{query}")).await["changes"]
        .as_array()
        .unwrap()
        .clone()
}

fn data(events: &[Value]) -> Vec<Value> {
    events.iter().map(|event| event["data"].clone()).collect()
}

#[tokio::test]
async fn a_webhook_is_made_shown_and_removed() {
    let (server, tenant) = started(&[]).await;
    let receiver = Receiver::start().await;
    let body = json!({
        "url": receiver.url(), "secret": SECRET, "operation": "nothing.", "batch": 7, "timeout": 3, "park_after": 9,
        "service_provider_id": tenant.provider,
    });
    let made = tenant.admin.create(WEBHOOKS, &body).await;
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    for (name, value) in [
        ("url", json!(receiver.url())),
        ("operation", json!("nothing.")),
        ("batch", json!(7)),
        ("timeout", json!("3s")),
        ("park_after", json!(9)),
        ("service_provider_id", json!(tenant.provider)),
        ("state", json!("active")),
        ("failures", json!(0)),
    ] {
        assert_eq!(made[name], value, "{name}: {made}");
    }
    // One that the server makes a secret for shows it once.
    let own = tenant.admin.create(WEBHOOKS, &json!({"url": "https://hooks.example.com/a", "after": 0})).await;
    let secret = own["secret"].as_str().unwrap();
    server.endpoint().keep_secret(secret);
    assert!(secret.starts_with("whsec_") && own["after"] == 0 && own["lag_seconds"].is_u64(), "{own}");
    let listed = tenant.admin.get(WEBHOOKS).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let record = changes(&tenant, "operation=webhook.").await;
    assert_eq!((record.len(), &record[0]["operation"]), (2, &json!("webhook.create")));
    for hidden in [SECRET, secret] {
        assert!(!listed.to_string().contains(hidden));
        assert!(!json!(record).to_string().contains(hidden));
    }
    assert_eq!(post(&tenant, &format!("{path}/pause")).await["state"], "paused");
    assert_eq!(post(&tenant, &format!("{path}/resume")).await["state"], "active");
    for (name, value, said) in [
        ("url", json!("ftp://there"), "url must be a URL with http or https"),
        ("url", json!("http://user:password@there/"), "without a user"),
        ("url", json!(format!("http://there/{}", "a".repeat(2_048))), "2048 bytes"),
        ("secret", json!("whsec_c2hvcnQ="), "secret must be whsec_"),
        ("secret", json!("bm9ib2R5LWtub3dzLXRoaXMta2V5LWF0LWFsbC0xMjM0"), "secret must be whsec_"),
        ("batch", json!(0), "batch must be 1 to 100"),
        ("batch", json!(101), "batch must be 1 to 100"),
        ("park_after", json!(0), "park_after must be 1 to 10000"),
        ("timeout", json!("61s"), "timeout must be a span of time"),
        ("operation", json!(""), "operation is 0 characters"),
        ("ca", json!("hush"), "ca: it holds no certificate"),
        ("after", json!(-1), "invalid value"),
        ("more", json!(1), "unknown field"),
    ] {
        let mut wrong = body.clone();
        wrong[name] = value;
        tenant.admin.call(&Method::POST, WEBHOOKS, &wrong).await.is_error(400, said);
    }
    let mut nowhere = body.clone();
    nowhere["service_provider_id"] = json!("amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10");
    tenant.admin.call(&Method::POST, WEBHOOKS, &nowhere).await.is_error(404, "service provider");
    let nobody = json!({"url": "http://there/", "organization_id": "amzn1.alexa.unit.did.nobody"});
    tenant.admin.call(&Method::POST, WEBHOOKS, &nobody).await.is_error(404, "organization");
    for _ in 2..jackfield_model::limit::WEBHOOKS {
        let made = tenant.admin.create(WEBHOOKS, &json!({"url": "http://127.0.0.1:1/"})).await;
        server.endpoint().keep_secret(made["secret"].as_str().unwrap());
    }
    tenant.admin.call(&Method::POST, WEBHOOKS, &body).await.is_error(409, "16 webhooks");
    tenant.admin.delete(&path).await;
    for (method, rest) in
        [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/pause"), (Method::POST, "/resume")]
    {
        let target = format!("{path}{rest}");
        tenant.admin.call(&method, &target, &Value::Null).await.is_error(404, "no such webhook");
    }
}

#[tokio::test]
async fn changes_come_as_signed_events_in_order() {
    let (_server, tenant) = started(&[]).await;
    let (single, batches) = (Receiver::start().await, Receiver::start().await);
    tenant.create("before", "1").await.is(201);
    add(&tenant, &single, json!({"operation": "association."})).await;
    let whole = add(&tenant, &batches, json!({"batch": 100, "after": 0})).await;
    for n in 0..20 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    tenant.update("3", "2").await.is(200);
    tenant.delete("3").await.is(200);
    single.await_count(22).await;
    let expected = changes(&tenant, "operation=association.").await.split_off(1);
    assert_eq!(data(&single.taken()), expected, "what came after it was made, in order");
    let first = &single.got()[0];
    let event = &first.events()[0];
    let sequence = expected[0]["sequence"].as_u64().unwrap();
    assert_eq!(first.header("content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!(
        (first.path.as_str(), first.header("webhook-id")),
        ("/changes", format!("change_{sequence}").as_str())
    );
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(first.header("webhook-timestamp").parse().unwrap()) < 60);
    let source = event["source"].as_str().unwrap();
    assert!(source.starts_with("urn:jackfield:") && source.len() == 30, "{source}");
    assert_eq!(
        *event,
        json!({
            "specversion": "1.0", "id": sequence.to_string(), "source": source, "type": "jackfield.association.create",
            "subject": "0", "time": expected[0]["time"], "datacontenttype": "application/json",
            "sequence": format!("{sequence:020}"), "partitionkey": tenant.provider, "data": expected[0],
        })
    );
    // Several at a time: everything from the beginning.
    let last = expected.last().unwrap()["sequence"].clone();
    until(&tenant, &whole, "it has all", |webhook| webhook["after"].as_u64() >= last.as_u64()).await;
    assert_eq!(data(&batches.taken()), changes(&tenant, "").await);
    let delivery = &batches.got()[0];
    assert_eq!(delivery.header("content-type"), "application/cloudevents-batch+json; charset=utf-8");
    assert!(delivery.events().len() > 3, "{}", delivery.events().len());
}

#[tokio::test]
async fn a_webhook_gets_what_it_wants() {
    let (_server, tenant) = started(&[]).await;
    let stranger = Tenant::on(tenant.endpoint(), TenantOptions::default()).await;
    let [of_provider, of_organization, of_operation] =
        [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    let other = tenant.new_provider("other").await;
    let start = changes(&tenant, "").await.last().unwrap()["sequence"].clone();
    let more = json!({"service_provider_id": other, "after": start});
    add(&tenant, &of_provider, more).await;
    let organization =
        add(&tenant, &of_organization, json!({"organization_id": tenant.organization, "after": start})).await;
    add(&tenant, &of_operation, json!({"operation": "association.delete", "after": start})).await;
    tenant.create("1", "1").await.is(201);
    stranger.create("2", "1").await.is(201);
    // Gone before it is delivered: whose the association was is in the record alone.
    post(&tenant, &format!("{organization}/pause")).await;
    let mut at_other = tenant.again(jackfield_tests::Version::Http1);
    at_other.provider.clone_from(&other);
    at_other.create("3", "1").await.is(201);
    tenant.admin.delete(&format!("/admin/v1/serviceProviders/{other}?cascade=true")).await;
    post(&tenant, &format!("{organization}/resume")).await;
    stranger.delete("2").await.is(200);
    of_provider.await_count(3).await;
    of_organization.await_count(4).await;
    of_operation.await_count(2).await;
    let what = |receiver: &Receiver| -> Vec<String> {
        let said = |event: &Value| {
            let short = event["type"].as_str().unwrap().strip_prefix("jackfield.").unwrap().to_owned();
            format!("{short} {}", event["data"]["external_user_id"].as_str().unwrap_or("-"))
        };
        receiver.taken().iter().map(said).collect()
    };
    let gone = ["association.create 3", "association.delete 3", "service_provider.delete -"];
    assert_eq!(what(&of_provider), gone);
    assert_eq!(what(&of_organization), [&["association.create 1"], &gone[..]].concat());
    assert_eq!(what(&of_operation), ["association.delete 3", "association.delete 2"]);
}

#[tokio::test]
async fn a_webhook_of_an_organization_gets_what_belongs_to_it() {
    let (_server, tenant) = started(&[]).await;
    let stranger = Tenant::on(tenant.endpoint(), TenantOptions::default()).await;
    let receiver = Receiver::start().await;
    let start = changes(&tenant, "").await.last().unwrap()["sequence"].clone();
    let webhook = add(
        &tenant,
        &receiver,
        json!({"organization_id": tenant.organization, "after": start, "batch": 100}),
    )
    .await;
    // What is gone when it is delivered is still known to be the organization's.
    post(&tenant, &format!("{webhook}/pause")).await;
    for tenant in [&stranger, &tenant, &stranger] {
        let made = async |target: String, body: Value| {
            let made = tenant.admin.create(&format!("/admin/v1/{target}"), &body).await;
            made["id"].as_str().unwrap().to_owned()
        };
        let organization = &tenant.organization;
        let unit = made(format!("organizations/{organization}/units"), json!({"name": "Tower"})).await;
        let book = made(format!("organizations/{organization}/addressBooks"), json!({"name": "Staff"})).await;
        let number = json!({"name": "Desk", "phone_numbers": ["+12065550100"]});
        made(format!("addressBooks/{book}/contacts"), number).await;
        let together = format!("/admin/v1/addressBooks/{book}/units/{unit}");
        tenant.admin.call(&Method::PUT, &together, &Value::Null).await;
        let skill = format!("/admin/v1/skills/amzn1.ask.skill.{}", uuid::Uuid::new_v4());
        let body = json!({"organizationId": organization, "endpoint": "http://127.0.0.1:1/"});
        tenant.admin.call(&Method::PUT, &skill, &body).await.is(200);
        tenant.admin.delete(&skill).await;
        tenant.admin.delete(&format!("/admin/v1/addressBooks/{book}")).await;
        tenant.admin.delete(&format!("/admin/v1/units/{unit}")).await;
    }
    post(&tenant, &format!("{webhook}/resume")).await;
    until(&tenant, &webhook, "it has all", |webhook| webhook["lag_changes"] == 0).await;
    let taken = data(&receiver.taken());
    let mut operations: Vec<&str> =
        taken.iter().map(|change| change["operation"].as_str().unwrap()).collect();
    operations.sort_unstable();
    let kinds = ["address_book", "contact", "skill", "unit", "unit_association"];
    assert_eq!(operations, kinds.map(|kind| [format!("{kind}.create"), format!("{kind}.delete")]).concat());
    for change in &taken {
        let said = if change["after"].is_null() { &change["before"] } else { &change["after"] };
        assert_eq!(said["organization"], tenant.organization, "{change}");
    }
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_then_parked_and_resumed() {
    let (mut server, tenant) = started(&[]).await;
    let mut receiver = Receiver::start().await;
    let path =
        add(&tenant, &receiver, json!({"operation": "association.", "park_after": 3, "timeout": "300ms"}))
            .await;
    tenant.create("1", "1").await.is(201);
    receiver.await_count(1).await;
    for (mood, said) in [
        (Mood::Refuses(500), "it answered 500"),
        (Mood::Refuses(302), "it answered 302, and redirects are not followed"),
        (Mood::IsSlow(Duration::from_secs(30)), "it did not answer within 300ms"),
        (Mood::Takes, "Connection refused"),
    ] {
        receiver.set(mood);
        let is_gone = mood == Mood::Takes;
        if is_gone {
            receiver.die().await;
        }
        receiver.forget();
        tenant.update("1", "2").await.is(200);
        tenant.update("1", "1").await.is(200);
        let parked = until(&tenant, &path, "it is parked", |webhook| webhook["state"] == "parked").await;
        assert!(parked["last_error"].as_str().unwrap().starts_with(said), "{parked}");
        assert_eq!((&parked["failures"], &parked["lag_changes"]), (&json!(3), &json!(2)), "{parked}");
        assert!(parked["parked_since"].is_string() && parked["lag_seconds"].is_u64(), "{parked}");
        let tried = receiver.got();
        assert_eq!(tried.len(), if is_gone { 0 } else { 3 });
        for again in tried.iter().skip(1) {
            assert_eq!(
                (&again.body, &again.headers["webhook-id"]),
                (&tried[0].body, &tried[0].headers["webhook-id"])
            );
            assert_eq!(again.path, "/changes", "nowhere else");
        }
        let metrics = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
        let id = path.rsplit('/').next().unwrap();
        for line in [
            format!("jackfield_webhook_state{{state=\"parked\",webhook=\"{id}\"}} 1\n"),
            format!("jackfield_webhook_lag_changes{{webhook=\"{id}\"}} 2\n"),
        ] {
            assert!(metrics.text().contains(&line), "{line}{}", metrics.text());
        }
        // It is parked after a restart, too.
        server.terminate();
        server.restart();
        assert_eq!(tenant.admin.get(&path).await["state"], "parked");
        receiver.set(Mood::Takes);
        if is_gone {
            receiver.come_back().await;
        }
        receiver.forget();
        assert_eq!(post(&tenant, &format!("{path}/resume")).await["state"], "active");
        receiver.await_count(2).await;
        let updated = |event: &Value| event["data"]["after"].as_str().unwrap().chars().last().unwrap();
        assert_eq!(receiver.taken().iter().map(updated).collect::<String>(), "21", "in order");
        until(&tenant, &path, "nothing is left", |webhook| webhook["lag_changes"] == 0).await;
    }
    let record = changes(&tenant, "operation=webhook.update").await;
    let states = |change: &Value| (change["before"]["state"].clone(), change["after"]["state"].clone());
    assert_eq!(record.iter().map(states).collect::<Vec<_>>(), vec![(json!("parked"), json!("active")); 4]);
}

#[tokio::test]
async fn what_was_forgotten_before_it_was_delivered_is_said() {
    let (mut server, tenant) = started(&[]).await;
    let receiver = Receiver::start().await;
    let path = add(&tenant, &receiver, json!({"after": 3})).await;
    post(&tenant, &format!("{path}/pause")).await;
    receiver.forget();
    for n in 0..10 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    let after = tenant.admin.get(&path).await["after"].clone();
    let last = changes(&tenant, "").await.last().unwrap()["sequence"].clone();
    server.terminate();
    server.options().flags = vec!["--change-retention".to_owned(), "1ms".to_owned()];
    // All that was made before is too old for the look that a server takes at its start. The next one is a while off.
    server.restart();
    poll::until_async("the old changes are gone", poll::PATIENCE, async || {
        changes(&tenant, "").await.is_empty().then_some(())
    })
    .await;
    tenant.create("new", "1").await.is(201);
    post(&tenant, &format!("{path}/resume")).await;
    receiver.await_count(2).await;
    let taken = receiver.taken();
    assert_eq!(
        (&taken[0]["type"], &taken[0]["data"]),
        (&json!("jackfield.changes.lost"), &json!({"after": after, "through": last}))
    );
    assert_eq!(taken[1]["data"]["external_user_id"], "new");
    let metrics = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    assert!(metrics.text().contains("jackfield_webhook_losses_total"), "{}", metrics.text());
}

/// The function of docs/operations.md takes what is delivered, and nothing else.
#[tokio::test]
async fn a_delivery_is_verified_as_documented() {
    let (_server, tenant) = started(&[]).await;
    let receiver = Receiver::start().await;
    add(&tenant, &receiver, json!({"operation": "association."})).await;
    tenant.create("é", "1").await.is(201);
    receiver.await_count(1).await;
    let got = &receiver.got()[0];
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let function = docs.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let headers = json!({
        "webhook-id": got.header("webhook-id"), "webhook-timestamp": got.header("webhook-timestamp"),
        "webhook-signature": got.header("webhook-signature"),
    });
    let verified = |secret: &str, body: &[u8]| {
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        let call = format!("print(verify({secret:?}, {headers}, bytes.fromhex({hex:?})))");
        let run = std::process::Command::new("python3")
            .arg("-c")
            .arg(format!("{function}\n{call}"))
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(verified(SECRET, &got.body), "True");
    assert_eq!(verified(SECRET, b"{}"), "False");
    assert_eq!(verified("whsec_bm9ib2R5LWtub3dzLXRoYXQta2V5LWF0LWFsbC0xMjM0", &got.body), "False");
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let (_server, tenant) = started(&[]).await;
    let receiver = Receiver::start().await;
    receiver.set(Mood::Babbles);
    let path = add(&tenant, &receiver, json!({"operation": "association."})).await;
    for n in 0..5 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    let webhook = until(&tenant, &path, "all is taken", |webhook| webhook["lag_changes"] == 0).await;
    assert_eq!((&webhook["failures"], &webhook["state"]), (&json!(0), &json!("active")));
    assert_eq!(data(&receiver.taken()), changes(&tenant, "operation=association.").await);
}

#[tokio::test]
async fn a_webhook_with_tls_is_trusted_by_its_ca_alone() {
    let (server, tenant) = started(&[]).await;
    let trusted = ca("trusted");
    let port = skill(&trusted, "localhost", 2040).await;
    let add = async |more: Value| {
        let mut body = json!({"url": format!("https://localhost:{port}/"), "park_after": 1, "after": 0});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let made = tenant.admin.create(WEBHOOKS, &body).await;
        server.endpoint().keep_secret(made["secret"].as_str().unwrap());
        format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap())
    };
    for more in [json!({}), json!({"ca": ca("other").pem()})] {
        let parked =
            until(&tenant, &add(more).await, "it is parked", |webhook| webhook["state"] == "parked").await;
        assert!(parked["last_error"].as_str().unwrap().contains("UnknownIssuer"), "{parked}");
    }
    let path = add(json!({"ca": trusted.pem(), "operation": "organization."})).await;
    let webhook = until(&tenant, &path, "it has all", |webhook| webhook["lag_changes"] == 0).await;
    assert_eq!((&webhook["state"], &webhook["failures"]), (&json!("active"), &json!(0)));
}
