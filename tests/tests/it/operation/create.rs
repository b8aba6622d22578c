//! POST …/externalUsers

use http::Method;
use jackfield_model::limit;
use jackfield_tests::page;
use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Request, Tenant};
use serde_json::json;

use super::{Op, bad_ids, good_ids, no_objects, raw_association, refuses};

const TYPE: &str = "\"communication-profile\"";

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[tokio::test]
async fn an_association_is_stored() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1234"));
}

#[tokio::test]
async fn a_taken_id_is_a_conflict_identical_or_not() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    for suffix in ["1234", "other"] {
        let refusal = tenant.create("7201", suffix).await.expect(409);
        assert!(
            refusal.message().contains("7201") || refusal.message().contains("externalUserId"),
            "{refusal:?}"
        );
    }
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1234"), "a conflict changes nothing");
    tenant.delete("7201").await.is(200);
    tenant.create("7201", "other").await.is(201);
    assert_eq!(tenant.find("7201").await.as_deref(), Some("other"), "a deleted id is free again");
}

#[tokio::test]
async fn ids_are_case_sensitive_and_one_profile_may_answer_for_many() {
    let tenant = Tenant::fresh().await;
    // The last two look the same: composed and decomposed.
    for id in ["room", "Room", "ROOM", "caf\u{e9}", "cafe\u{301}"] {
        tenant.create(id, "1234").await.is(201);
    }
    assert_eq!(page::walk(&tenant, &json!({}), 100).await.total_count, 5);
}

#[tokio::test]
async fn every_allowed_id_is_stored_as_it_is() {
    let tenant = Tenant::fresh().await;
    for id in good_ids() {
        tenant.create(&id, "1234").await.is(201);
        assert_eq!(tenant.find(&id).await.as_deref(), Some("1234"), "{id}");
    }
    let escaped = raw_association("\"\\u0037\\u0032\\/\\ud83d\\ude00\"", &quoted(&profile("1")), TYPE);
    tenant.send(&tenant.request(&Method::POST, tenant.path()).body(escaped)).await.is(201);
    assert_eq!(tenant.find("72/😀").await.as_deref(), Some("1"), "escapes of JSON are not part of the id");
}

#[tokio::test]
async fn refusals_name_the_property_and_store_nothing() {
    let tenant = Tenant::fresh().await;
    let good = quoted(&profile("1234"));
    let mut bodies = no_objects();
    for (id, part) in bad_ids() {
        bodies.push((raw_association(&id, &good, TYPE), part));
        bodies.push((raw_association(&id, &good, TYPE), "externalUserId"));
    }
    bodies.extend([
        ("{}".to_owned(), "externalUserId"),
        (format!("{{\"amazonId\":{good},\"amazonIdType\":{TYPE}}}"), "externalUserId is missing"),
        (format!("{{\"externalUserId\":\"7201\",\"amazonIdType\":{TYPE}}}"), "amazonId is missing"),
        (format!("{{\"externalUserId\":\"7201\",\"amazonId\":{good}}}"), "amazonIdType is missing"),
        (raw_association("\"7201\",\"externalUserId\":\"7201\"", &good, TYPE), "externalUserId"),
        (raw_association("\"7201\",\"external\\u0055serId\":\"7202\"", &good, TYPE), "externalUserId"),
        (raw_association("\"7201\"", &format!("{good},\"amazonId\":{good}"), TYPE), "amazonId"),
        (raw_association("\"7201\"", &good, &format!("{TYPE},\"amazonIdType\":{TYPE}")), "amazonIdType"),
    ]);
    for (amazon_id, part) in bad_amazon_ids() {
        bodies.push((raw_association("\"7201\"", &amazon_id, TYPE), part));
        bodies.push((raw_association("\"7201\"", &amazon_id, TYPE), "amazonId"));
    }
    for bad in ["null", "7", "\"\"", "\"Communication-Profile\"", "\"communication-profile \"", "[]"] {
        bodies.push((raw_association("\"7201\"", &good, bad), "amazonIdType"));
    }
    refuses(&tenant, Op::Create, &bodies).await;
    assert_eq!(page::walk(&tenant, &json!({}), 100).await.total_count, 0, "nothing was stored");
}

/// `amazonId` values, as raw JSON, that are refused.
pub(super) fn bad_amazon_ids() -> Vec<(String, &'static str)> {
    let mut bad = vec![
        ("null".to_owned(), "null"),
        ("7".to_owned(), "number"),
        ("\"\"".to_owned(), "begin"),
        ("\"1234\"".to_owned(), "begin"),
        (quoted(&profile("1").to_uppercase()), "begin"),
    ];
    for suffix in ["", "a b", "a/b", "é", "a\\u0000", &"a".repeat(limit::ID_SUFFIX_CHARS + 1)] {
        bad.push((quoted(&profile(suffix)), "1 to 255"));
    }
    bad
}

#[tokio::test]
async fn the_profile_is_bounded() {
    let tenant = Tenant::fresh().await;
    for suffix in
        ["a", "A.b_c-9", &"a".repeat(limit::ID_SUFFIX_CHARS - 1), &"z".repeat(limit::ID_SUFFIX_CHARS)]
    {
        tenant.create(&format!("id {}", suffix.len()), suffix).await.is(201);
    }
    tenant.create("long", &"a".repeat(limit::ID_SUFFIX_CHARS + 1)).await.is_error(400, "amazonId");
}

#[tokio::test]
async fn the_body_is_bounded() {
    let tenant = Tenant::fresh().await;
    let bare = association("7201", &profile("1234")).to_string();
    let padded = |bytes: usize| {
        // An unknown property is ignored, however long.
        let filler = "x".repeat(bytes - bare.len() - ",\"more\":\"\"".len());
        format!("{},\"more\":\"{filler}\"}}", &bare[..bare.len() - 1])
    };
    for (bytes, status) in [
        (limit::BODY_BYTES + 1, 400),
        (limit::BODY_BYTES * 4, 400),
        (limit::BODY_BYTES, 201),
        (limit::BODY_BYTES - 1, 409),
    ] {
        let body = padded(bytes);
        assert_eq!(body.len(), bytes);
        let response = tenant.send(&tenant.request(&Method::POST, tenant.path()).body(body)).await;
        response.is(status);
        if status == 400 {
            assert!(
                response.message().contains("65536") || response.message().contains("64 KiB"),
                "{response:?}"
            );
        }
    }
}

#[tokio::test]
async fn unknown_properties_are_ignored_and_the_order_is_free() {
    let tenant = Tenant::fresh().await;
    let body = format!(
        r#" {{"amazonIdType":"communication-profile","x":{{"externalUserId":7}},"amazonId":"{}","":null,
            "externalUserId":"7201","x":[1,2],"ExternalUserId":"other","filters":{{}}}} "#,
        profile("1234")
    );
    tenant.send(&tenant.request(&Method::POST, tenant.path()).body(body)).await.is(201);
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1234"));
}

#[tokio::test]
async fn a_query_sent_here_gets_a_hint() {
    let tenant = Tenant::fresh().await;
    let request = tenant.create_request(&json!({"filters": {"externalUserIds": ["7201"]}}));
    tenant.send(&request).await.is_error(400, "externalUsers/query");
}

#[tokio::test]
async fn two_tenants_do_not_see_each_other() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    mine.create("7201", "mine").await.is(201);
    other.create("7201", "theirs").await.is(201);
    let intruder = Request::new(&Method::POST, mine.path())
        .bearer(&other.token)
        .json(&association("7202", &profile("intruder")));
    other.send(&intruder).await.is(401);
    assert_eq!(mine.find("7202").await, None, "a refused create stores nothing");
    assert_eq!(mine.find("7201").await.as_deref(), Some("mine"));
    assert_eq!(other.find("7201").await.as_deref(), Some("theirs"));
}

#[tokio::test]
async fn two_providers_of_one_organization_are_apart() {
    let mut tenant = Tenant::fresh().await;
    tenant.create("7201", "first").await.is(201);
    let first = std::mem::take(&mut tenant.provider);
    tenant.provider = tenant.new_provider("second").await;
    assert_eq!(tenant.find("7201").await, None);
    tenant.create("7201", "second").await.is(201);
    tenant.provider = first;
    assert_eq!(tenant.find("7201").await.as_deref(), Some("first"));
}

#[tokio::test]
async fn of_many_creates_of_one_id_one_succeeds() {
    let tenant = Tenant::fresh().await;
    let racers: Vec<Tenant> = (0..16).map(|_| tenant.again(tenant.client.version())).collect();
    let suffixes: Vec<String> = (0..racers.len()).map(|n| format!("p{n}")).collect();
    let creates = racers.iter().zip(&suffixes).map(|(racer, suffix)| racer.create("7201", suffix));
    let responses = futures_util::future::join_all(creates).await;
    let winners: Vec<usize> = (0..responses.len()).filter(|&n| responses[n].status == 201).collect();
    assert_eq!(winners.len(), 1, "{responses:?}");
    assert!(responses.iter().all(|response| matches!(response.status, 201 | 409)));
    assert_eq!(tenant.find("7201").await, Some(suffixes[winners[0]].clone()));
}
