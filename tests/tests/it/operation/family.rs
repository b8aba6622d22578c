//! Units, address books, contacts and what ties them together, as a script that onboards a property uses them.

use http::Method;
use jackfield_model::path;
use jackfield_tests::{Response, Tenant};
use serde_json::{Value, json};

use super::directory::{add_profile, fresh};
use super::resource::{Prepared, created, named, number};

/// Calls in the name of a tenant.
struct Api<'t>(&'t Tenant);

impl Api<'_> {
    async fn call(&self, method: &Method, target: &str, body: &Value) -> Response {
        let request = self.0.request(method, target.to_owned());
        let request = if body.is_null() { request } else { request.json(body) };
        self.0.send(&request).await
    }

    async fn get(&self, target: &str) -> Response {
        self.call(&Method::GET, target, &Value::Null).await
    }

    async fn post(&self, target: &str, body: &Value) -> Response {
        self.call(&Method::POST, target, body).await
    }

    async fn put(&self, target: &str, body: &Value) -> Response {
        self.call(&Method::PUT, target, body).await
    }

    async fn delete(&self, target: &str) -> Response {
        self.call(&Method::DELETE, target, &Value::Null).await
    }

    async fn unit(&self, name: &str, parent: &str) -> String {
        let mut body = named(name);
        body["parentId"] = parent.into();
        created(self.0, path::UNITS, &body, "id").await
    }

    async fn book(&self, name: &str) -> String {
        created(self.0, path::ADDRESS_BOOKS, &json!({ "name": name }), "addressBookId").await
    }

    /// What every page of a list has, as a client reads it that appends the token as it came.
    async fn pages(&self, target: &str, most: usize) -> Vec<Value> {
        let mark = if target.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(&format!("{target}{mark}maxResults={most}{next}")).await.expect(200).json();
            let results = page["results"].as_array().unwrap();
            assert!(results.len() <= most);
            all.extend(results.iter().cloned());
            match page["paginationContext"].get("nextToken") {
                Some(token) => next = format!("&nextToken={}", token.as_str().unwrap()),
                None => return all,
            }
        }
    }
}

#[tokio::test]
async fn a_property_is_onboarded() {
    let tenant = Tenant::fresh().await;
    let api = Api(&tenant);
    let tower = api.unit("Tower", &tenant.organization).await;
    let floor = api.unit("Floor 1", &tower).await;
    let room = api.unit("Room 101", &floor).await;
    let answer = api.get(&format!("/v2/units/{room}")).await.expect(200).json();
    let expected = json!({"id": room, "parentId": floor, "level": 3,
        "name": {"type": "PLAIN", "value": {"text": "Room 101"}}});
    assert_eq!(answer, expected);
    let root = api.get(&format!("/v2/units/{}", tenant.organization)).await.expect(200).json();
    assert_eq!(
        (&root["level"], &root["id"], root.get("parentId")),
        (&json!(0), &json!(tenant.organization), None)
    );

    let profile = api
        .post("/v1/communications/profile", &json!({"entity": {"type": "UNIT", "id": room}, "name": "101"}))
        .await
        .expect(201)
        .json();
    let profile = profile["profileId"]["profileId"].as_str().unwrap().to_owned();
    let other = add_profile(&tenant, &fresh()).await;
    tenant.create("101", profile.rsplit('.').next().unwrap()).await.is(201);

    let book = api.book("Guests").await;
    let contacts = format!("/v1/addressBooks/{book}/contacts");
    let to_profile = json!({"contact": {"name": "Room 102", "alexaCommunicationProfileId": other,
        "phoneNumbers": null, "providerContact": null}});
    let contact = created(&tenant, &contacts, &to_profile, "contactId").await;
    let to_endpoint = json!({"contact": {"name": "Front desk", "providerContact": {"id": "0"}}});
    created(&tenant, &contacts, &to_endpoint, "contactId").await;
    created(&tenant, &contacts, &number("Taxi"), "contactId").await;
    let found = api.get(&format!("{contacts}/{contact}")).await.expect(200).json();
    assert_eq!(
        found,
        json!({"contactId": contact,
        "contact": {"name": "Room 102", "alexaCommunicationProfileId": other}})
    );
    assert_eq!(api.pages(&contacts, 2).await.len(), 3);

    let units = format!("/v1/addressBooks/{book}/unitAssociations");
    for _ in 0..2 {
        api.post(&units, &json!({"unitId": room})).await.is(201);
    }
    assert_eq!(api.pages(&units, 10).await, [json!({"addressBookId": book, "unitId": room})]);
    let books = api.pages(&format!("/v1/addressBooks/unitAssociations?unitId={room}"), 10).await;
    assert_eq!(books, [json!({"addressBookId": book, "unitId": room})]);

    let reciprocal = format!("/v1/communications/profile/{profile}/reciprocalAssociations");
    let status = async || api.get(&format!("{reciprocal}?contactId={contact}")).await.expect(200).json();
    assert_eq!(status().await, json!({"status": "NOT_ASSOCIATED"}));
    for _ in 0..2 {
        api.post(&reciprocal, &json!({"contact": {"id": contact}})).await.is(201);
    }
    assert_eq!(status().await, json!({"status": "ASSOCIATED"}));
    api.delete(&format!("{reciprocal}?contactId={contact}")).await.is(200);
    assert_eq!(status().await, json!({"status": "NOT_ASSOCIATED"}));

    // A profile takes the contacts along that name it.
    api.delete(&format!("/v1/communications/profile/{other}")).await.is(200);
    api.get(&format!("{contacts}/{contact}")).await.is(404);
    assert_eq!(api.pages(&contacts, 10).await.len(), 2);
    // A unit stays while something hangs on it.
    let unit = |id: &str| format!("/v2/units/{id}");
    api.delete(&unit(&floor)).await.is_error(400, "units below it");
    api.delete(&unit(&room)).await.is_error(400, "Address books");
    api.delete(&format!("/v1/addressBooks/{book}")).await.is(200);
    api.get(&contacts).await.is(404);
    api.delete(&unit(&room)).await.is_error(409, "communication profile");
    api.delete(&format!("/v1/communications/profile/{profile}")).await.is(200);
    for id in [&room, &floor, &tower] {
        api.delete(&unit(id)).await.is(200);
        api.get(&unit(id)).await.is(404);
    }
}

#[tokio::test]
async fn units_are_listed_down_to_a_depth() {
    let tenant = Tenant::fresh().await;
    let api = Api(&tenant);
    let mut tree = Vec::new();
    for tower in 0..2 {
        let parent = api.unit(&format!("Tower {tower}"), &tenant.organization).await;
        for floor in 0..3 {
            let child = api.unit(&format!("Floor {floor}"), &parent).await;
            tree.push((parent.clone(), child));
        }
    }
    let list = async |query: &str, most: usize| api.pages(&format!("/v2/units{query}"), most).await;
    assert_eq!(list("", 1).await.len(), 2);
    assert_eq!(list("?parentId=undefined&queryDepth=1", 100).await.len(), 2);
    let all = list("?expand=all&queryDepth=all", 3).await;
    assert_eq!(all.len(), 8);
    for unit in &all {
        let level = unit["level"].as_u64().unwrap();
        assert!((1..=2).contains(&level) && unit["name"]["value"]["text"].is_string(), "{unit}");
    }
    let below = list(&format!("?parentId={}&queryDepth=2", tree[0].0), 2).await;
    assert_eq!(below.len(), 3);
    assert!(below.iter().all(|unit| unit.as_object().unwrap().len() == 1 && unit["id"].is_string()));
    assert_eq!(list(&format!("?parentId={}", tree[0].1), 2).await, [Value::Null; 0]);
    for (query, part) in [
        ("?queryDepth=0", "queryDepth"),
        ("?queryDepth=deep", "queryDepth"),
        ("?expand=some", "expand"),
        ("?maxResults=0", "maxResults"),
        ("?maxResults=101", "maxResults"),
        ("?nextToken=nonsense", "nextToken"),
    ] {
        api.get(&format!("/v2/units{query}")).await.is_error(400, part);
    }
    api.get("/v2/units?parentId=amzn1.alexa.unit.did.nowhere").await.is(404);
    // A token is of its own list.
    let page = api.get("/v2/units?maxResults=1").await.expect(200).json();
    let token = page["paginationContext"]["nextToken"].as_str().unwrap();
    api.get(&format!("/v2/units?queryDepth=2&maxResults=1&nextToken={token}"))
        .await
        .is_error(400, "nextToken");
    let other = Tenant::fresh().await;
    Api(&other).get(&format!("/v2/units?maxResults=1&nextToken={token}")).await.is_error(400, "nextToken");
}

#[tokio::test]
async fn levels_of_units_are_bounded() {
    let tenant = Tenant::fresh().await;
    let api = Api(&tenant);
    let mut parent = tenant.organization.clone();
    for level in 1..=15 {
        parent = api.unit(&format!("Level {level}"), &parent).await;
    }
    let mut below = named("Level 16");
    below["parentId"] = parent.into();
    api.post(path::UNITS, &below).await.is_error(400, "at most 15 levels");
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named() {
    let tenant = Tenant::fresh().await;
    let api = Api(&tenant);
    let made = Prepared::new(&tenant).await;
    let contacts = format!("/v1/addressBooks/{}/contacts", made.book);
    let with = |kinds: Value| {
        let mut contact = json!({"name": "Desk"});
        contact.as_object_mut().unwrap().extend(kinds.as_object().unwrap().clone());
        json!({ "contact": contact })
    };
    for (target, body, part) in [
        (path::UNITS, json!({}), "name is missing"),
        (path::UNITS, json!({"name": {"type": "SSML", "value": {"text": "x"}}}), "name.type"),
        (path::UNITS, json!({"name": {"type": "PLAIN", "value": {"text": ""}}}), "name.value.text"),
        (path::ADDRESS_BOOKS, json!({"name": "x".repeat(51)}), "1 to 50"),
        (&contacts, json!({}), "contact is missing"),
        (&contacts, with(json!({})), "one of them is required"),
        (&contacts, with(json!({"phoneNumbers": []})), "1 to 3"),
        (&contacts, with(json!({"phoneNumbers": [{"number": "5550100"}]})), "phoneNumbers[0].number"),
        (&contacts, with(json!({"phoneNumbers": [{"number": "+4915112345678"}]})), "E.164"),
        (
            &contacts,
            with(json!({"alexaCommunicationProfileId": made.profile, "providerContact": {"id": "1"}})),
            "a contact has one of them",
        ),
    ] {
        api.post(target, &body).await.is_error(400, part);
    }
    // Names that look like numbers come as numbers.
    api.post(path::UNITS, &json!({"name": {"type": "PLAIN", "value": {"text": 101}}})).await.is(201);
    api.post(&contacts, &with(json!({"providerContact": {"id": 7201}}))).await.is(201);
    let missing = with(json!({"alexaCommunicationProfileId": "amzn1.alexa.communications.profile.did.none"}));
    api.post(&contacts, &missing).await.is_error(404, "communication profile");
    let nobody = json!({"contact": {"id": "amzn1.alexa.contacts.did.none"}});
    let reciprocal = format!("/v1/communications/profile/{}/reciprocalAssociations", made.profile);
    api.post(&reciprocal, &nobody).await.is_error(404, "contact");
    api.get(&reciprocal).await.is_error(400, "contactId");
    let settings = format!("/v1/communications/profile/{}/contacts/settings", made.profile);
    let about = format!("?alexaCommunicationProfileId={}", made.other);
    api.put(&format!("{settings}/DropIn"), &json!({"value": "ENABLED"}))
        .await
        .is_error(400, "alexaCommunicationProfileId");
    api.put(&format!("{settings}/DropIn{about}"), &json!({"value": "ON"})).await.is_error(400, "ENABLED");
    let organization = format!("/v2/units/{}", tenant.organization);
    api.put(&organization, &named("Root")).await.is_error(409, "operator");
    api.delete(&organization).await.is_error(409, "operator");
}

#[tokio::test]
async fn operators_list_every_kind() {
    let tenant = Tenant::fresh().await;
    let api = Api(&tenant);
    let made = Prepared::new(&tenant).await;
    let contacts = format!("/v1/addressBooks/{}/contacts", made.book);
    let card = json!({"contact": {"name": "Suite", "alexaCommunicationProfileId": made.other}});
    let contact = created(&tenant, &contacts, &card, "contactId").await;
    let reciprocal = format!("/v1/communications/profile/{}/reciprocalAssociations", made.profile);
    api.post(&reciprocal, &json!({"contact": {"id": contact}})).await.is(201);
    let about = format!("?alexaCommunicationProfileId={}", made.other);
    let settings = format!("/v1/communications/profile/{}/contacts/settings", made.profile);
    api.put(&format!("{settings}/Block{about}"), &json!({"value": "ENABLED"})).await.is(200);

    let list = format!("/admin/v1/organizations/{}/resources", tenant.organization);
    for (kind, of, property, expected) in [
        ("address_book", None, "addressBookId", &made.book),
        ("contact", Some(&made.book), "contactId", &contact),
        ("reciprocal_association", Some(&made.profile), "contactId", &contact),
        ("contact_setting", Some(&made.profile), "alexaCommunicationProfileId", &made.other),
    ] {
        let of = of.map(|id| format!("&of={id}")).unwrap_or_default();
        let page = tenant.admin.get(&format!("{list}?kind={kind}{of}")).await;
        let found = page["items"].as_array().unwrap().iter().any(|item| item[property] == **expected);
        assert!(found, "{kind}: {page}");
    }
    // Page by page.
    let (mut after, mut units) = (String::new(), 0);
    loop {
        let page = tenant.admin.get(&format!("{list}?kind=unit&limit=1{after}")).await;
        units += page["items"].as_array().unwrap().len();
        let Some(next) = page["next_after"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(
        units,
        tenant.admin.get(&format!("{list}?kind=unit")).await["items"].as_array().unwrap().len()
    );
    for (query, part) in [
        ("", "kind must be one of unit, address_book, contact"),
        ("?kind=room", "kind must be one of"),
        ("?kind=contact", "contact is listed by address book"),
        ("?kind=unit&of=x", "unit is listed by organization"),
        ("?kind=unit&limit=0", "limit is 0"),
    ] {
        tenant.admin.call(&Method::GET, &format!("{list}{query}"), &Value::Null).await.is_error(400, part);
    }
}

#[tokio::test]
async fn a_batch_answers_for_each_item() {
    let tenant = Tenant::fresh().await;
    let api = Api(&tenant);
    let made = Prepared::new(&tenant).await;
    let target = format!("/v1/addressBooks/{}/contacts/batch", made.book);
    let before = tenant.admin.get("/admin/v1/status").await;
    let items = json!({"items": [
        {"itemId": "uniqueRequestItemId1", "contact": {"name": "A", "providerContact": {"id": "1"}}},
        {"itemId": 2, "contact": {"name": "B"}},
        {"itemId": "3", "contact": {"name": "C", "alexaCommunicationProfileId": made.profile}},
        {"itemId": "3", "contact": {"name": "D", "providerContact": {"id": "4"}}},
    ]});
    let answer = api.post(&target, &items).await.expect(207).json();
    let results = answer["items"].as_array().unwrap();
    let statuses: Vec<u64> = results.iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 400, 201, 400]);
    assert_eq!(results[0]["itemId"], "uniqueRequestItemId1");
    assert!(results[0]["result"]["contactId"].as_str().unwrap().starts_with("amzn1.alexa.contacts.did."));
    assert!(results[1]["error"]["message"].as_str().unwrap().contains("one of them is required"));
    assert!(before["last_change"] != tenant.admin.get("/admin/v1/status").await["last_change"]);
    for (count, status) in [(0, 400), (100, 200), (101, 400)] {
        let items: Vec<Value> = (0..count)
            .map(|at| json!({"itemId": at, "contact": {"name": "x", "providerContact": {"id": at.to_string()}}}))
            .collect();
        api.post(&target, &json!({ "items": items })).await.is(status);
    }
    let units = format!("/v1/addressBooks/{}/unitAssociations/batch", made.book);
    let items = json!({"items": [
        {"itemId": "1", "unitId": made.unit},
        {"itemId": "2", "unitId": "amzn1.alexa.unit.did.nowhere"},
        {"itemId": "3", "unitId": made.unit},
    ]});
    let answer = api.post(&units, &items).await.expect(207).json();
    let statuses: Vec<&Value> =
        answer["items"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(statuses, [201, 404, 201]);
}

#[tokio::test]
async fn bounds_are_named_with_their_number() {
    let tenant = Tenant::fresh().await;
    let api = Api(&tenant);
    let organization = format!("/admin/v1/organizations/{}", tenant.organization);
    let quotas = json!({"quotas": {"units": 1, "address_books": 11, "contacts": 2}});
    tenant.admin.patch(&organization, &quotas).await;
    let unit = api.unit("Room", &tenant.organization).await;
    api.post(path::UNITS, &named("Another")).await.is_error(403, "units of an organization is reached: 1.");
    let mut books = Vec::new();
    for at in 0..11 {
        books.push(api.book(&format!("Book {at}")).await);
    }
    api.post(path::ADDRESS_BOOKS, &json!({"name": "x"})).await.is_error(403, "reached: 11.");
    let contacts = format!("/v1/addressBooks/{}/contacts", books[0]);
    for _ in 0..2 {
        api.post(&contacts, &number("Taxi")).await.is(201);
    }
    api.post(&contacts, &number("Taxi")).await.is_error(403, "contacts of an address book is reached: 2.");
    for (at, book) in books.iter().enumerate() {
        let answer =
            api.post(&format!("/v1/addressBooks/{book}/unitAssociations"), &json!({"unitId": unit})).await;
        if at < 10 { answer.is(201) } else { answer.is_error(403, "address books of a unit is reached: 10.") }
    }
}

#[tokio::test]
async fn a_profile_decides_who_drops_in_and_whose_calls_are_blocked() {
    let tenant = Tenant::fresh().await;
    let api = Api(&tenant);
    let made = Prepared::new(&tenant).await;
    let settings = format!("/v1/communications/profile/{}/contacts/settings", made.profile);
    let about = format!("?alexaCommunicationProfileId={}", made.other);
    let drop_in = async || api.get(&format!("{settings}/DropIn{about}")).await.expect(200).json();
    assert_eq!(drop_in().await, json!({"value": "DISABLED"}));
    for value in ["ENABLED", "ENABLED", "DISABLED", "DISABLED", "ENABLED"] {
        api.put(&format!("{settings}/DropIn{about}"), &json!({ "value": value })).await.is(200);
        assert_eq!(drop_in().await, json!({ "value": value }));
    }
    let blocked = format!("{settings}/Block?value=ENABLED");
    assert_eq!(api.pages(&blocked, 1).await, [Value::Null; 0]);
    api.put(&format!("{settings}/Block{about}"), &json!({"value": "ENABLED"})).await.is(200);
    let expected = json!({"alexaCommunicationProfileId": made.other, "value": "ENABLED"});
    assert_eq!(api.pages(&blocked, 1).await, [expected]);
    api.put(&format!("{settings}/Block{about}"), &json!({"value": "DISABLED"})).await.is(200);
    assert_eq!(api.pages(&blocked, 1).await, [Value::Null; 0]);
}

#[tokio::test]
async fn what_is_not_emulated_is_said_by_name() {
    let tenant = Tenant::fresh().await;
    for (target, what) in [
        ("/v1/communications/sipTrunks", "SIP trunks"),
        ("/v1/skills/amzn1.ask.skill.1/enablements", "skills"),
        ("/v2/endpoints", "devices"),
    ] {
        Api(&tenant).get(target).await.is_error(404, what);
    }
}
