//! The operator's API: what it makes, lists, changes and refuses.

use http::Method;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Request, Tenant};
use serde_json::{Value, json};

use crate::operation::Op;
use crate::operation::directory::{DirectoryOp, network};

const UNKNOWN_ORGANIZATION: &str = "/admin/v1/organizations/amzn1.alexa.unit.did.unknown";
const UNKNOWN_CLIENT: &str =
    "/admin/v1/clients/amzn1.application-oa2-client.00000000000000000000000000000000";

/// All items of a listing, page by page.
async fn list(tenant: &Tenant, target: &str, limit: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let page = tenant.admin.get(&format!("{target}?limit={limit}{after}")).await;
        let found = page["items"].as_array().unwrap();
        assert!(found.len() <= limit);
        items.extend(found.clone());
        match page["next_after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn an_organization_lives() {
    let tenant = Tenant::fresh().await;
    let id = format!("amzn1.alexa.unit.did.{}", uuid::Uuid::new_v4());
    let body = json!({"id": id, "name": "Grand Hotel", "country": "GB", "vertical": "hospitality"});
    let created = tenant.admin.create("/admin/v1/organizations", &body).await;
    let expected = json!({
        "id": id, "name": "Grand Hotel", "country": "UK", "vertical": "hospitality",
        "webrtc": false, "strict_profiles": false,
        "quotas": {
            "service_providers": 1_000, "clients": 100, "profiles": 100_000,
            "units": 100_000, "address_books": 35_000, "contacts": 2_000,
        },
    });
    assert_eq!(created, expected);
    let target = format!("/admin/v1/organizations/{id}");
    assert_eq!(tenant.admin.get(&target).await, expected);
    tenant.admin.call(&Method::POST, "/admin/v1/organizations", &body).await.is(409);
    let patched = tenant.admin.patch(&target, &json!({"name": "Hotel", "webrtc": true})).await;
    assert_eq!(
        (&patched["name"], &patched["webrtc"], &patched["country"]),
        (&json!("Hotel"), &json!(true), &json!("UK"))
    );
    assert!(list(&tenant, "/admin/v1/organizations", 2).await.contains(&patched));
    tenant.admin.delete(&target).await;
    tenant.admin.call(&Method::GET, &target, &Value::Null).await.is(404);
    tenant.admin.call(&Method::DELETE, &target, &Value::Null).await.is(404);
    tenant.admin.call(&Method::PATCH, &target, &json!({"name": "x"})).await.is(404);
}

#[tokio::test]
async fn units_address_books_and_contacts_live() {
    let tenant = Tenant::fresh().await;
    let admin = &tenant.admin;
    let organization = format!("/admin/v1/organizations/{}", tenant.organization);
    let (units, books) = (format!("{organization}/units"), format!("{organization}/addressBooks"));
    let floor = admin.create(&units, &json!({"name": "Floor"})).await;
    assert_eq!((&floor["level"], &floor["parent"]), (&json!(1), &json!(tenant.organization)));
    let id = format!("amzn1.alexa.unit.did.{}", uuid::Uuid::new_v4());
    let room = admin.create(&units, &json!({"name": "Room", "id": id, "parent": floor["id"]})).await;
    assert_eq!((&room["id"], &room["level"]), (&json!(id), &json!(2)));
    admin.call(&Method::POST, &units, &json!({"name": "Room", "id": id})).await.is(409);
    admin.call(&Method::POST, &units, &json!({"name": ""})).await.is_error(400, "name");
    let renamed = admin.patch(&format!("/admin/v1/units/{id}"), &json!({"name": "Suite"})).await;
    assert_eq!(renamed["name"], "Suite");
    assert_eq!(list(&tenant, &units, 1).await.len(), 2);

    let book = admin.create(&books, &json!({"name": "Guests"})).await;
    assert_eq!((&book["contacts"], &book["units"]), (&json!(0), &json!(0)));
    admin.call(&Method::POST, &books, &json!({"name": "x".repeat(51)})).await.is_error(400, "1 to 50");
    let target = format!("/admin/v1/addressBooks/{}", book["id"].as_str().unwrap());
    let contacts = format!("{target}/contacts");
    let taxi = json!({"name": "Taxi", "phone_numbers": ["+12065550100"]});
    let contact = admin.create(&contacts, &taxi).await;
    for (body, part) in [
        (json!({"name": "x"}), "one of profile, phone_numbers and provider_contact"),
        (json!({"name": "x", "phone_numbers": ["5"]}), "E.164"),
        (json!({"name": "x", "phone_numbers": ["+12065550100"], "provider_contact": "1"}), "one of"),
    ] {
        admin.call(&Method::POST, &contacts, &body).await.is_error(400, part);
    }
    let one = format!("{contacts}/{}", contact["id"].as_str().unwrap());
    let desk = json!({"name": "Desk", "provider_contact": "0"});
    let updated = admin.call(&Method::PUT, &one, &desk).await.expect(200).json();
    assert_eq!((&updated["id"], &updated["provider_contact"]), (&contact["id"], &json!("0")));
    assert_eq!(admin.get(&one).await, updated);
    assert_eq!(list(&tenant, &contacts, 1).await, [updated]);
    for _ in 0..2 {
        admin.call(&Method::PUT, &format!("{target}/units/{id}"), &Value::Null).await.is(204);
    }
    assert_eq!(list(&tenant, &format!("{target}/units"), 1).await.len(), 1);
    assert_eq!(
        (&admin.get(&target).await["contacts"], &admin.get(&target).await["units"]),
        (&json!(1), &json!(1))
    );
    admin
        .call(&Method::DELETE, &format!("/admin/v1/units/{id}"), &Value::Null)
        .await
        .is_error(400, "Address books");
    admin.call(&Method::DELETE, &organization, &Value::Null).await.is_error(409, "address books");
    admin.delete(&format!("{target}/units/{id}")).await;
    admin.delete(&one).await;
    admin.delete(&target).await;
    for gone in [&target, &contacts, &one] {
        admin.call(&Method::GET, gone, &Value::Null).await.is(404);
    }
    admin.delete(&format!("/admin/v1/units/{id}")).await;
}

#[tokio::test]
async fn an_organization_with_a_provider_is_not_deleted() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.admin.call(&Method::DELETE, &target, &Value::Null).await.is(409);
    tenant.create("7201", "1234").await.is(201);
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_name_of_the_property() {
    let tenant = Tenant::fresh().await;
    let good = json!({"name": "n", "country": "US", "vertical": "core"});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let long = "n".repeat(257);
    for (body, part) in [
        (json!({}), "name"),
        (json!([]), ""),
        (with("country", json!("XX")), "XX"),
        (with("country", json!(7)), ""),
        (with("vertical", json!("casino")), "casino"),
        (with("webrtc", json!("yes")), ""),
        (with("name", json!("")), "name"),
        (with("name", json!(long)), "name"),
        (with("id", json!("nonsense")), "amzn1.alexa.unit.did."),
        (with("id", Value::Null), "id is null"),
        (with("name", Value::Null), ""),
    ] {
        tenant.admin.call(&Method::POST, "/admin/v1/organizations", &body).await.is_error(400, part);
    }
    let clients = format!("/admin/v1/organizations/{}/clients", tenant.organization);
    for (body, part) in [
        (json!({"secret": "short"}), "secret"),
        (json!({"secret": "s".repeat(2_049)}), "secret"),
        (json!({"scopes": ["a b"]}), "scope"),
        (json!({"rate_limit": -1}), ""),
        (json!({"rate_limit": 1_000_001}), "rate_limit"),
        (json!({"id": "nonsense"}), "amzn1.application-oa2-client."),
        (json!({"scope": "a"}), "scope"),
    ] {
        tenant.admin.call(&Method::POST, &clients, &body).await.is_error(400, part);
    }
    let tokens = format!("/admin/v1/clients/{}/tokens", tenant.client_id);
    for body in
        [json!({"expires_in": -1}), json!({"expires_in": 86_401}), json!({"scopes": ["é"]}), json!({"x": 1})]
    {
        tenant.admin.call(&Method::POST, &tokens, &body).await.is(400);
    }
    let maintenance = json!({"enabled": "on"});
    tenant.admin.call(&Method::PUT, "/admin/v1/maintenance", &maintenance).await.is(400);
    // An array is no object, though its items may stand in the order of the properties.
    let organization = format!("/admin/v1/organizations/{}", tenant.organization);
    for (method, target) in [
        (Method::POST, clients.as_str()),
        (Method::POST, tokens.as_str()),
        (Method::PATCH, organization.as_str()),
        (Method::PATCH, &format!("/admin/v1/clients/{}", tenant.client_id)),
        (Method::PUT, "/admin/v1/maintenance"),
    ] {
        let answer = tenant.admin.call(&method, target, &json!([null, null])).await;
        answer.is_error(400, "The body is an array");
    }
    let not_json =
        Request::new(&Method::POST, "/admin/v1/organizations").bearer(tenant.endpoint().admin_token());
    tenant.admin.send(&not_json.body("nonsense")).await.is(400);
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let tenant = Tenant::fresh().await;
    for (method, target) in [
        (Method::GET, UNKNOWN_ORGANIZATION.to_owned()),
        (Method::GET, format!("{UNKNOWN_ORGANIZATION}/clients")),
        (Method::POST, format!("{UNKNOWN_ORGANIZATION}/clients")),
        (Method::GET, format!("{UNKNOWN_ORGANIZATION}/serviceProviders")),
        (Method::GET, format!("{UNKNOWN_ORGANIZATION}/profiles")),
        (Method::PATCH, UNKNOWN_CLIENT.to_owned()),
        (Method::DELETE, UNKNOWN_CLIENT.to_owned()),
        (Method::POST, format!("{UNKNOWN_CLIENT}/rotate-secret")),
        (Method::POST, format!("{UNKNOWN_CLIENT}/revoke-tokens")),
        (Method::POST, format!("{UNKNOWN_CLIENT}/tokens")),
        (Method::GET, "/admin/v1/serviceProviders/amzn1.comms.csp.id.nonsense/associations".to_owned()),
        (Method::GET, "/admin/v1/nothing".to_owned()),
    ] {
        let response = tenant.admin.call(&method, &target, &json!({})).await;
        assert_eq!(response.status, 404, "{method} {target}: {response:?}");
    }
    tenant.admin.call(&Method::DELETE, "/admin/v1/organizations", &Value::Null).await.is(405);
}

#[tokio::test]
async fn a_client_lives_and_its_secret_is_answered_once() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/organizations/{}/clients", tenant.organization);
    let secret = format!("chosen-{}", uuid::Uuid::new_v4());
    let id = format!("amzn1.application-oa2-client.{}", uuid::Uuid::new_v4().simple());
    let body = json!({
        "id": id, "secret": secret, "scopes": ["b", "a"], "rate_limit": 7, "redirect_uris": ["https://example.org/back"],
    });
    let created = tenant.admin.create(&target, &body).await;
    assert_eq!(created["secret"], secret);
    tenant.endpoint().keep_secret(&secret);
    tenant.admin.call(&Method::POST, &target, &body).await.is(409);
    let listed = list(&tenant, &target, 1).await;
    assert_eq!(listed.len(), 2);
    let found = listed.iter().find(|client| client["id"] == id).unwrap();
    let mut expected = created.clone();
    expected.as_object_mut().unwrap().remove("secret");
    assert_eq!(found, &expected);
    assert_eq!(expected["scopes"], json!(["a", "b"]));
    assert_eq!((&expected["rate_limit"], &expected["enabled"]), (&json!(7), &json!(true)));
    let client = format!("/admin/v1/clients/{id}");
    let patched =
        tenant.admin.patch(&client, &json!({"rate_limit": 0, "scopes": ["c"], "enabled": false})).await;
    assert_eq!(
        (&patched["rate_limit"], &patched["scopes"], &patched["enabled"]),
        (&json!(0), &json!(["c"]), &json!(false))
    );
    tenant.admin.delete(&client).await;
    tenant.admin.call(&Method::DELETE, &client, &Value::Null).await.is(404);
    assert_eq!(list(&tenant, &target, 100).await.len(), 1);
}

#[tokio::test]
async fn service_providers_have_logical_ids_and_counts() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/organizations/{}/serviceProviders", tenant.organization);
    let names = json!([{"locale": "en-US", "value": "Front desk"}]);
    let created = tenant.admin.create(&target, &json!({"logical_id": "desk", "display_name": names})).await;
    assert_eq!((&created["logical_id"], &created["display_name"]), (&json!("desk"), &names));
    let again = tenant.admin.call(&Method::POST, &target, &json!({"logical_id": "desk"})).await;
    again.is_error(409, "logical_id");
    tenant.admin.call(&Method::POST, &target, &json!({})).await.is(400);
    for n in 0..3 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    let listed = list(&tenant, &target, 1).await;
    assert_eq!(listed.len(), 2);
    let mine = listed.iter().find(|provider| provider["id"] == json!(tenant.provider)).unwrap();
    assert_eq!(mine["associations"], 3);
}

#[tokio::test]
async fn operators_and_clients_see_the_same_network() {
    let tenant = Tenant::fresh().await;
    let provider = format!("/admin/v1/serviceProviders/{}", tenant.provider);
    let target = format!("{provider}/network");
    let call = async |method: Method, body: Value| tenant.admin.call(&method, &target, &body).await;
    call(Method::GET, Value::Null).await.is_error(404, "network mapping");
    call(Method::DELETE, Value::Null).await.is_error(404, "network mapping");
    assert_eq!(tenant.admin.get(&provider).await.get("network"), None);
    for skill in ["one", "one", "two"] {
        assert_eq!(call(Method::PUT, network(skill)).await.expect(200).json(), network(skill));
        assert_eq!(call(Method::GET, Value::Null).await.expect(200).json(), network(skill));
        assert_eq!(tenant.admin.get(&provider).await["network"], network(skill));
        let seen = tenant.send(&DirectoryOp::GetNetwork.request(&tenant, &tenant.provider)).await.expect(200);
        assert_eq!(seen.json(), network(skill));
    }
    for bad in [json!({}), json!({"networkType": "SIP"}), json!({"networkType": "SKILL"})] {
        call(Method::PUT, bad).await.is(400);
    }
    tenant.send(&DirectoryOp::DeleteNetwork.request(&tenant, &tenant.provider)).await.is(200);
    call(Method::GET, Value::Null).await.is(404);
    call(Method::PUT, network("three")).await.is(200);
    call(Method::DELETE, Value::Null).await.is(204);
    let recorded = tenant.admin.changes(&tenant.provider, 0).await;
    let updates = recorded.iter().filter(|change| change["operation"] == "service_provider.update").count();
    assert_eq!(updates, 5, "one, two, none, three, none: {recorded:#?}");
    let organization = format!("/admin/v1/organizations/{}/serviceProviders", tenant.organization);
    let made =
        tenant.admin.create(&organization, &json!({"logical_id": "mapped", "network": network("a")})).await;
    assert_eq!(made["network"], network("a"));
    let unknown = "/admin/v1/serviceProviders/amzn1.comms.csp.id.nonsense/network";
    tenant.admin.call(&Method::PUT, unknown, &network("a")).await.is(404);
}

#[tokio::test]
async fn a_provider_goes_with_its_associations_when_asked() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1").await.is(201);
    let target = format!("/admin/v1/serviceProviders/{}", tenant.provider);
    let delete = async |query: &str| {
        tenant.admin.call(&Method::DELETE, &format!("{target}{query}"), &Value::Null).await
    };
    delete("").await.is_error(409, "cascade=true");
    delete("?cascade=false").await.is(409);
    delete("?cascade=yes").await.is_error(400, "cascade");
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1"));
    delete("?cascade=true").await.is(204);
    delete("?cascade=true").await.is(404);
    let recorded = tenant.admin.changes(&tenant.provider, 0).await;
    let last: Vec<&Value> = recorded.iter().rev().take(2).map(|change| &change["operation"]).collect();
    assert_eq!(last, ["service_provider.delete", "association.delete"]);
}

#[tokio::test]
async fn profiles_belong_to_an_organization_and_a_unit() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
    let unit = |n: &str| format!("amzn1.alexa.unit.did.{n}-{}", tenant.provider);
    let created = tenant.admin.create(&target, &json!({"unit": unit("1"), "name": "Room 1"})).await;
    assert!(created["id"].as_str().unwrap().starts_with(&profile("")));
    assert_eq!((&created["unit"], &created["name"]), (&json!(unit("1")), &json!("Room 1")));
    let taken = json!({"id": created["id"], "unit": unit("2")});
    tenant.admin.call(&Method::POST, &target, &taken).await.is(409);
    tenant.admin.call(&Method::POST, &target, &json!({"unit": "nonsense"})).await.is(400);
    tenant.admin.create(&target, &json!({"unit": unit("2")})).await;
    assert_eq!(list(&tenant, &target, 1).await.len(), 2);
}

#[tokio::test]
async fn associations_are_listed_by_prefix() {
    let tenant = Tenant::fresh().await;
    for id in ["a%1", "a%2", "a%3", "b"] {
        tenant.create(id, "1").await.is(201);
    }
    let target = format!("/admin/v1/serviceProviders/{}/associations", tenant.provider);
    let first = tenant.admin.get(&format!("{target}?prefix=a%25&limit=2")).await;
    let ids = |page: &Value| -> Vec<String> {
        let associations = page["associations"].as_array().unwrap();
        associations.iter().map(|one| one["externalUserId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&first), ["a%1", "a%2"]);
    assert_eq!((&first["total_count"], &first["next_after"]), (&json!(4), &json!("a%2")));
    let second = tenant.admin.get(&format!("{target}?prefix=a%25&limit=2&after=a%252")).await;
    assert_eq!(ids(&second), ["a%3"]);
    assert_eq!(second.get("next_after"), None);
    assert_eq!(ids(&tenant.admin.get(&target).await), ["a%1", "a%2", "a%3", "b"]);
    for bad in ["limit=0", "limit=1001", "limit=x", "after=%20"] {
        tenant.admin.call(&Method::GET, &format!("{target}?{bad}"), &Value::Null).await.is(400);
    }
}

#[tokio::test]
async fn every_change_is_recorded_with_who_when_and_what() {
    let tenant = Tenant::fresh().await;
    let create = tenant.create("7201", "1").await.expect(201);
    tenant.create("7201", "2").await.is(409);
    let update = tenant.update("7201", "2").await.expect(200);
    let delete = tenant.delete("7201").await.expect(200);
    tenant.delete("7201").await.is(404);
    let changes = tenant.admin.changes(&tenant.provider, 0).await;
    let expected = [
        ("association.create", Value::Null, json!(profile("1")), &create),
        ("association.update", json!(profile("1")), json!(profile("2")), &update),
        ("association.delete", json!(profile("2")), Value::Null, &delete),
    ];
    let about_it: Vec<&Value> =
        changes.iter().filter(|change| change["external_user_id"] == "7201").collect();
    assert_eq!(about_it.len(), expected.len(), "{changes:#?}");
    for (change, (operation, before, after, response)) in about_it.iter().zip(expected) {
        assert_eq!(change["operation"], operation);
        assert_eq!((&change["before"], &change["after"]), (&before, &after));
        assert_eq!(change["actor"], tenant.client_id);
        assert_eq!(change["request_id"], response.request_id());
        assert_eq!(change["service_provider_id"], tenant.provider);
        let time = change["time"].as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    }
    let sequences: Vec<u64> = changes.iter().map(|change| change["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]), "{sequences:?}");
    let later = tenant.admin.changes(&tenant.provider, sequences[sequences.len() - 2]).await;
    assert_eq!(later.len(), 1);
    let text = tenant.admin.get("/admin/v1/changes?limit=1000").await.to_string();
    assert!(!text.contains("secret_hash"), "hashes are not part of the change record");
    for bad in ["limit=0", "limit=1001", "after=-1", "serviceProviderId=x"] {
        tenant.admin.call(&Method::GET, &format!("/admin/v1/changes?{bad}"), &Value::Null).await.is(400);
    }
}

#[tokio::test]
async fn the_status_counts() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1").await.is(201);
    let status = tenant.admin.get("/admin/v1/status").await;
    assert_eq!((&status["store"], &status["ready"]), (&json!("embedded"), &json!(true)));
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    for name in ["organizations", "clients", "service_providers", "associations", "last_change", "disk_bytes"]
    {
        assert!(status[name].as_u64().is_some_and(|count| count >= 1), "{name}: {status}");
    }
}

#[tokio::test]
async fn a_trailing_slash_makes_no_difference_here_either() {
    let tenant = Tenant::fresh().await;
    tenant.admin.get("/admin/v1/organizations/").await;
    tenant.admin.get(&format!("/admin/v1/organizations/{}/clients/?limit=1", tenant.organization)).await;
    tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
}

#[tokio::test]
async fn health_is_on_both_listeners_and_open() {
    let tenant = Tenant::fresh().await;
    for path in ["/healthz", "/readyz"] {
        let request = Request::new(&Method::GET, path);
        tenant.send(&request).await.is(200);
        tenant.admin.send(&request).await.is(200);
    }
}
