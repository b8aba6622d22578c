//! POST /v1/communications/profiles/batch

use jackfield_tests::{Response, Tenant};
use serde_json::{Value, json};

use super::super::directory::{DirectoryOp, fresh, recorded, refuses};
use super::super::{bad_names, good_names, no_objects};
use super::{bad_entities, entity, get, profile_id};

const OP: DirectoryOp = DirectoryOp::CreateProfiles;

async fn batch(tenant: &Tenant, items: &Value) -> Response {
    tenant.send(&tenant.request(&OP.method(), OP.target("")).json(&json!({"items": items}))).await
}

fn item(id: &str, unit: &str) -> Value {
    json!({"itemId": id, "entity": entity(unit), "name": id})
}

#[tokio::test]
async fn every_item_gets_its_profile_in_order() {
    let tenant = Tenant::fresh().await;
    for count in [1, 99, 100] {
        let units: Vec<String> = (0..count).map(|_| fresh()).collect();
        let items: Vec<Value> =
            units.iter().enumerate().map(|(n, unit)| item(&format!("item {n}"), unit)).collect();
        let response = batch(&tenant, &json!(items)).await.expect(200);
        let answer = response.json();
        let answers = answer["items"].as_array().unwrap();
        assert_eq!(answers.len(), count);
        for (n, answered) in answers.iter().enumerate() {
            let id = profile_id(&answered["result"]);
            let result = json!({"entity": entity(&units[n]), "profileId": {"profileId": id}, "name": format!("item {n}")});
            assert_eq!(*answered, json!({"itemId": format!("item {n}"), "status": 201, "result": result}));
        }
        let last = profile_id(&answers[count - 1]["result"]);
        assert_eq!(get(&tenant, &last).await.expect(200).json(), answers[count - 1]["result"]);
        let changes = recorded(&tenant, &last).await;
        assert_eq!((changes.len(), changes[0].3.as_str()), (1, response.request_id()));
    }
}

#[tokio::test]
async fn a_bad_item_spoils_itself_alone() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let theirs = fresh();
    super::create(&other, &json!({"entity": entity(&theirs)})).await.is(201);
    let good = [fresh(), fresh()];
    let mut items = vec![item("first", &good[0]), item("theirs", &theirs), json!({"itemId": "bare"})];
    items.push(json!({"itemId": "organization", "entity": {"type": "UNIT", "id": other.organization}}));
    items.push(item("last", &good[1]));
    let answer = batch(&tenant, &json!(items)).await.expect(207).json();
    let answers = answer["items"].as_array().unwrap();
    let shown: Vec<_> = answers
        .iter()
        .map(|answered| (answered["itemId"].as_str().unwrap(), answered["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(shown, [("first", 201), ("theirs", 401), ("bare", 400), ("organization", 401), ("last", 201)]);
    for (index, kind) in [(1, "UNAUTHORIZED"), (2, "BAD_REQUEST"), (3, "UNAUTHORIZED")] {
        assert_eq!((&answers[index]["error"]["type"], answers[index].get("result")), (&json!(kind), None));
        assert!(!answers[index]["error"]["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(answers[2]["error"]["message"], "entity is missing; it is required.");
    for (index, unit) in [(0, &good[0]), (4, &good[1])] {
        assert_eq!(answers[index].get("error"), None);
        assert_eq!(answers[index]["result"]["entity"], entity(unit));
        get(&tenant, &profile_id(&answers[index]["result"])).await.is(200);
    }
}

#[tokio::test]
async fn every_way_to_be_bad_has_its_error() {
    let tenant = Tenant::fresh().await;
    let good = entity(&fresh());
    let mut bodies: Vec<(String, &str)> =
        bad_entities().into_iter().map(|(bad, part)| (format!(r#""entity":{bad}"#), part)).collect();
    bodies.extend(
        bad_names().into_iter().map(|(bad, part)| (format!(r#""entity":{good},"name":{bad}"#), part)),
    );
    for (body, part) in bodies {
        let body = format!(r#"{{"items":[{{"itemId":"a",{body}}}]}}"#);
        let response = tenant.send(&tenant.request(&OP.method(), OP.target("")).body(body)).await.expect(207);
        let answer = response.json();
        assert_eq!(answer["items"][0]["status"], 400);
        let message = answer["items"][0]["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[tokio::test]
async fn items_of_one_unit_are_decided_in_their_order() {
    let tenant = Tenant::fresh().await;
    let lobby = fresh();
    let answer = batch(&tenant, &json!([item("one", &lobby), item("two", &lobby)])).await.expect(200).json();
    let id = profile_id(&answer["items"][0]["result"]);
    assert_eq!(profile_id(&answer["items"][1]["result"]), id);
    assert_eq!(get(&tenant, &id).await.expect(200).json()["name"], "two");
    let again = batch(&tenant, &json!([item("three", &lobby)])).await.expect(200).json();
    assert_eq!(profile_id(&again["items"][0]["result"]), id);
}

#[tokio::test]
async fn an_item_id_that_comes_again_spoils_the_later_item() {
    let tenant = Tenant::fresh().await;
    let (lobby, bar) = (fresh(), fresh());
    let items = json!([item("a", &lobby), item("a", &bar), item("A", &bar)]);
    let answer = batch(&tenant, &items).await.expect(207).json();
    let statuses: Vec<_> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answered| (&answered["itemId"], &answered["status"]))
        .collect();
    assert_eq!(
        statuses,
        [(&json!("a"), &json!(201)), (&json!("a"), &json!(400)), (&json!("A"), &json!(201))]
    );
    let message = answer["items"][1]["error"]["message"].as_str().unwrap();
    assert!(message.contains("itemId stands in an earlier item"), "{message}");
    assert_eq!(answer["items"][2]["result"]["name"], "A");
}

#[tokio::test]
async fn an_item_id_is_answered_as_it_came() {
    let tenant = Tenant::fresh().await;
    let mut items = Vec::new();
    for id in
        [json!(1), json!("1"), json!(1), json!(0), json!(-7), json!(i64::MAX), json!("uniqueRequestItemId1")]
    {
        let mut item = item("x", &fresh());
        item["itemId"] = id;
        items.push(item);
    }
    let answer = batch(&tenant, &json!(items)).await.expect(207).json();
    for (place, (sent, answered)) in items.iter().zip(answer["items"].as_array().unwrap()).enumerate() {
        assert_eq!(answered["itemId"], sent["itemId"]);
        // A number is another name than its text; the same number again is not.
        assert_eq!(answered["status"], if place == 2 { 400 } else { 201 }, "{answered}");
    }
    for bad in ["1.5", "18446744073709551616", "true"] {
        let body = format!(r#"{{"items":[{{"itemId":{bad}}}]}}"#);
        let request = tenant.request(&OP.method(), OP.target("")).body(body);
        tenant.send(&request).await.is_error(400, "items[0].itemId is");
    }
}

#[tokio::test]
async fn item_ids_are_bounded() {
    let tenant = Tenant::fresh().await;
    for id in good_names() {
        let answer = batch(&tenant, &json!([item(&id, &fresh())])).await.expect(200).json();
        assert_eq!(answer["items"][0]["itemId"], json!(id));
    }
}

#[tokio::test]
async fn a_batch_whose_items_cannot_be_named_is_refused_whole() {
    let tenant = Tenant::fresh().await;
    let good = item("good", &fresh()).to_string();
    let many = vec![good.clone(); 101].join(",");
    let mut bodies = no_objects();
    bodies.push(("{}".to_owned(), "items is missing"));
    bodies.push((r#"{"items":{}}"#.to_owned(), "items is an object"));
    for (items, part) in [
        (String::new(), "items holds 0 items; 1 to 100"),
        (many, "items holds 101 items; 1 to 100"),
        (format!("{good},7"), "items[1] is a number"),
        (format!("{good},{{}}"), "items[1].itemId is missing"),
    ] {
        bodies.push((format!(r#"{{"items":[{items}]}}"#), part));
    }
    for (bad, part) in bad_names() {
        bodies.push((format!(r#"{{"items":[{good},{{"itemId":{bad}}}]}}"#), part));
    }
    refuses(&tenant, OP, "", &bodies).await;
    let target = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
    assert_eq!(tenant.admin.get(&target).await["items"], json!([]), "nothing was stored");
}
