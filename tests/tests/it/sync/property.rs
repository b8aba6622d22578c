//! `jackfield sync --with`: one list becomes units, profiles, associations and an address book.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Stdio;

use http::Method;
use jackfield_tests::{Options, Response, Server, Tenant, TenantOptions, poll};
use serde_json::{Value, json};

use super::fault::{counter, requests, spoil};
use super::{Desk, State, state};

const ALL: &str = "units,profiles,contacts";

/// What a property has: its units by name, the name of each profile, each contact by the name of its unit.
#[derive(Debug, Default, PartialEq, Eq)]
struct Property {
    /// The profile of each unit, and its name.
    units: BTreeMap<String, Option<String>>,
    /// The unit that answers for an endpoint.
    endpoints: BTreeMap<String, String>,
    /// The name of each contact and the unit that it calls, by address book.
    contacts: BTreeMap<String, BTreeMap<String, String>>,
}

async fn get(tenant: &Tenant, target: String) -> Response {
    tenant.send(&tenant.request(&Method::GET, target)).await
}

/// All pages of a list of the public API.
async fn all(tenant: &Tenant, path: &str) -> Vec<Value> {
    let (mut results, mut token) = (Vec::new(), String::new());
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let next = if token.is_empty() { String::new() } else { format!("&nextToken={token}") };
        let page = get(tenant, format!("{path}{sign}maxResults=100{next}")).await.expect(200).json();
        results.extend(page["results"].as_array().unwrap().iter().cloned());
        match page["paginationContext"]["nextToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => return results,
        }
    }
}

/// Reads a property by the public API. Every name stands once in these tests.
async fn property(tenant: &Tenant) -> Property {
    let mut property = Property::default();
    let mut unit_of_profile = BTreeMap::new();
    for unit in all(tenant, "/v2/units?expand=all&queryDepth=all").await {
        let name = unit["name"]["value"]["text"].as_str().unwrap().to_owned();
        let id = unit["id"].as_str().unwrap();
        let path = format!("/v1/communications/profile?entity.type=UNIT&entity.id={id}");
        let profile = get(tenant, path).await;
        let mut named = None;
        if profile.status == 200 {
            let profile = profile.json();
            named = profile["name"].as_str().map(str::to_owned);
            let id = profile["profileId"]["profileId"].as_str().unwrap().to_owned();
            unit_of_profile.insert(id, name.clone());
        }
        assert!(property.units.insert(name.clone(), named).is_none(), "{name} is there twice");
    }
    for (endpoint, profile) in state(tenant).await {
        let unit = unit_of_profile.get(&profile).cloned().unwrap_or(profile);
        property.endpoints.insert(endpoint, unit);
    }
    for book in all(tenant, "/v1/addressBooks").await {
        let path = format!("/v1/addressBooks/{}/contacts", book["addressBookId"].as_str().unwrap());
        let mut contacts = BTreeMap::new();
        for contact in all(tenant, &path).await {
            let contact = &contact["contact"];
            let profile = contact["alexaCommunicationProfileId"].as_str().unwrap();
            let unit = unit_of_profile.get(profile).cloned().unwrap_or_else(|| profile.to_owned());
            let name = contact["name"].as_str().unwrap().to_owned();
            assert!(contacts.insert(name.clone(), unit).is_none(), "{name} is there twice");
        }
        let name = book["name"].as_str().unwrap().to_owned();
        assert!(property.contacts.insert(name.clone(), contacts).is_none(), "{name} is there twice");
    }
    property
}

/// A list of so many rooms, each with a unit, a profile and a contact, and what it becomes.
fn rooms(count: usize, book: impl Fn(usize) -> String) -> (String, Property) {
    let mut list = "externalUserId;unit;profileName;contactName\n".to_owned();
    let mut property = Property::default();
    for n in 0..count {
        let (unit, profile, contact) = (format!("Unit {n}"), format!("Room {n}"), format!("Guest of {n}"));
        writeln!(list, "7{n:05};{unit};{profile};{contact}").unwrap();
        property.units.insert(unit.clone(), Some(profile));
        property.endpoints.insert(format!("7{n:05}"), unit.clone());
        property.contacts.entry(book(n)).or_default().insert(contact, unit);
    }
    (list, property)
}

async fn scene(options: Options) -> (Server, Tenant, Desk) {
    let server = Server::start(options);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let desk = Desk::of(&tenant);
    (server, tenant, desk)
}

#[tokio::test]
async fn a_list_becomes_a_property_and_changes_with_it() {
    let (_server, tenant, desk) = scene(Options::default()).await;
    let (list, wanted) = rooms(130, |_| "Rooms".to_owned());
    desk.write("rooms.csv", &list);
    let planned = desk.json(&["sync", "rooms.csv", "--with", ALL, "--dry-run"], 3);
    assert_eq!(planned["plan"]["counts"]["units"], json!({"create": 130, "update": 0, "delete": 0}));
    assert_eq!(planned["plan"]["counts"]["addressBooks"]["create"], 1);
    assert_eq!(property(&tenant).await, Property::default(), "a look changes nothing");

    let told = desk.json(&["sync", "rooms.csv", "--with", ALL, "--yes"], 0);
    assert_eq!(told["verified"], true);
    assert_eq!(told["applied"]["counts"]["contacts"]["create"], 130);
    assert_eq!(property(&tenant).await, wanted);
    desk.run(&["sync", "rooms.csv", "--with", ALL, "--dry-run"]).is(0);

    // A guest, a profile and a room's telephone change; two rooms are new, one of them with two telephones.
    let list = list
        .replace("Room 7;Guest of 7\n", "Suite 7;Guest of 7\n")
        .replace("Room 8;Guest of 8\n", "Room 8;Mia\n")
        .replace("700009;Unit 9;", "700009;Unit 10;")
        .replace("Room 9;Guest of 9\n", "Room 10;\n")
        + "7200;Unit 200;;\n7201;Unit 200;Suite 200;\n7202;Unit 201;;\n";
    desk.write("rooms.csv", &list);
    let told = desk.json(&["sync", "rooms.csv", "--with", ALL, "--yes"], 0);
    let counts = |subject: &str| {
        let counts = &told["applied"]["counts"][subject];
        [&counts["create"], &counts["update"], &counts["delete"]].map(|count| count.as_u64().unwrap())
    };
    assert_eq!(counts("units"), [2, 0, 0], "{told}");
    assert_eq!(counts("profiles"), [2, 1, 0], "{told}");
    assert_eq!(counts("associations"), [3, 1, 0], "{told}");
    assert_eq!(counts("contacts"), [2, 1, 0], "{told}");
    let now = property(&tenant).await;
    assert_eq!(now.units["Unit 7"].as_deref(), Some("Suite 7"));
    assert_eq!(now.units["Unit 200"].as_deref(), Some("Suite 200"));
    assert_eq!(
        now.units["Unit 201"].as_deref(),
        Some("Unit 201"),
        "a profile without a name is called like its unit"
    );
    assert_eq!(now.endpoints["700009"], "Unit 10");
    assert_eq!(now.contacts["Rooms"]["Mia"], "Unit 8");
    assert_eq!(now.contacts["Rooms"]["Suite 200"], "Unit 200");
    assert_eq!(now.contacts["Rooms"]["Unit 201"], "Unit 201");

    // What the list no longer names loses its association, and nothing else.
    let shorter: String =
        list.lines().filter(|line| !line.starts_with("7202")).map(|line| format!("{line}\n")).collect();
    desk.write("rooms.csv", shorter);
    let refused =
        desk.run(&["sync", "rooms.csv", "--with", ALL, "--delete-missing", "--max-delete", "0", "--yes"]);
    refused.is(2);
    desk.run(&["sync", "rooms.csv", "--with", ALL, "--delete-missing", "--max-delete", "1", "--yes"]).is(0);
    let last = property(&tenant).await;
    assert!(!last.endpoints.contains_key("7202"));
    assert_eq!(last.units, now.units);
    assert_eq!(last.contacts, now.contacts);
}

#[tokio::test]
async fn killed_at_any_moment_and_resumed() {
    let (server, _, _) = scene(Options::default()).await;
    let mut in_the_middle = 0;
    for seed in 0..12 {
        let mut random = fastrand::Rng::with_seed(seed);
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        let desk = Desk::of(&tenant);
        let (list, wanted) = rooms(120, |n| if n < 70 { "Rooms".to_owned() } else { "Rooms 2".to_owned() });
        desk.write("rooms.csv", &list);
        let target = random.u64(3..260);
        let count = counter(&tenant.admin).await;
        tenant.admin.create("/admin/v1/faults", &json!({"latency_ms": 8})).await;
        let words =
            ["sync", "rooms.csv", "--with", ALL, "--yes", "--connections", "4", "--contacts-per-book", "70"];
        let mut child = desk.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        poll::until_async("the run has come so far, or to its end", poll::PATIENCE, async || {
            let ended = child.try_wait().unwrap().is_some();
            (ended || requests(&tenant.admin, count).await >= target).then_some(())
        })
        .await;
        child.kill().unwrap();
        child.wait().unwrap();
        tenant.admin.delete("/admin/v1/faults").await;
        let run = desk.run(&["sync", "--resume", "--yes"]);
        if run.code == Some(2) {
            // Killed before its journal was whole, or after it was removed.
            desk.run(&["sync", "rooms.csv", "--with", ALL, "--yes", "--contacts-per-book", "70"]).is(0);
        } else {
            in_the_middle += 1;
            run.is(0);
            assert!(run.out.contains("verified"), "{}", run.out);
        }
        // That no unit, contact or address book is there twice, `property` sees to.
        assert_eq!(property(&tenant).await, wanted, "seed {seed}");
        desk.run(&["sync", "rooms.csv", "--with", ALL, "--dry-run", "--contacts-per-book", "70"]).is(0);
    }
    assert!(in_the_middle >= 6, "only {in_the_middle} runs were killed in the middle");
}

#[tokio::test]
async fn ten_thousand_rows_killed_and_resumed_take_few_requests_more_than_they_need() {
    const ROWS: usize = 10_000;
    let (_server, tenant, desk) = scene(Options::with_flags(&["--rate-limit", "0"])).await;
    let book = |n: usize| if n < 2_000 { "Rooms".to_owned() } else { format!("Rooms {}", n / 2_000 + 1) };
    let (list, wanted) = rooms(ROWS, book);
    desk.write("rooms.csv", &list);
    let count = counter(&tenant.admin).await;
    for target in [4_000, 10_070, 16_000] {
        let words: &[&str] = if target == 4_000 {
            &["sync", "rooms.csv", "--with", ALL, "--yes"]
        } else {
            &["sync", "--resume", "--yes"]
        };
        let mut child = desk.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        poll::until_async("the run has come so far", poll::PATIENCE * 4, async || {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before it was killed");
            (requests(&tenant.admin, count).await >= target).then_some(())
        })
        .await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut last = desk.command(&["sync", "--resume", "--yes"]).stdout(Stdio::null()).spawn().unwrap();
    // Connections stay in use meanwhile: a server closes idle ones.
    let ended = poll::until_async("the run has come to its end", poll::PATIENCE * 8, async || {
        let _ = requests(&tenant.admin, count).await;
        last.try_wait().unwrap()
    });
    assert!(ended.await.success());
    let took = requests(&tenant.admin, count).await;
    // A create for each unit and association, batches of profiles and contacts, five address books; a page in a hundred
    // to verify. A plan of what is not there needs one page of each.
    let ideal = (2 * ROWS + 2 * ROWS / 100 + 5 + 3 * ROWS / 100) as u64;
    assert!(took <= ideal * 12 / 10, "{took} requests, where {ideal} would do");
    eprintln!("{took} requests, where {ideal} would do");
    let units: BTreeSet<String> = all(&tenant, "/v2/units?expand=all&queryDepth=all")
        .await
        .iter()
        .map(|unit| unit["name"]["value"]["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(units.len(), ROWS);
    assert_eq!(units, wanted.units.into_keys().collect());
    let endpoints: State = state(&tenant).await;
    assert_eq!(endpoints.len(), ROWS);
    assert_eq!(endpoints.into_keys().collect::<BTreeSet<_>>(), wanted.endpoints.into_keys().collect());
    desk.run(&["sync", "rooms.csv", "--with", ALL, "--dry-run"]).is(0);
}

#[tokio::test]
async fn one_request_in_five_goes_wrong_and_nothing_is_made_twice() {
    let (_server, tenant, desk) = scene(Options::default()).await;
    let (list, wanted) = rooms(100, |_| "Rooms".to_owned());
    desk.write("rooms.csv", &list);
    let count = spoil(&tenant.admin, 300).await;
    desk.run(&["sync", "rooms.csv", "--with", ALL, "--yes"]).is(0);
    let took = requests(&tenant.admin, count).await;
    tenant.admin.delete("/admin/v1/faults").await;
    assert_eq!(property(&tenant).await, wanted);
    // A page of each kind to plan and to verify, two writes a row, two batches, an address book; a page after each round
    // in which an answer was lost.
    let ideal = 3 + 200 + 3 + 4;
    assert!(took < ideal * 3 / 2, "{took} requests, where {ideal} would do");
}

#[tokio::test]
async fn a_list_that_contradicts_itself_is_refused_row_by_row() {
    let (_server, tenant, desk) = scene(Options::default()).await;
    let profile = jackfield_tests::tenant::profile("own");
    desk.write(
        "rooms.csv",
        format!(
            "externalUserId,amazonId,unit,profileName,contactName\n\
             1,,101,Room 101,\n2,,101,Room 102,\n3,,,,\n4,{profile},104,,\n5,{profile},,,\n6,{profile},,,Bar\n7,,1-5,,{}\n",
            "x".repeat(51)
        ),
    );
    let run = desk.run(&["sync", "rooms.csv", "--with", ALL, "--yes"]);
    run.is(2);
    insta::assert_snapshot!(run.err);
    // Names and ids that nobody but a person can tell apart.
    for _ in 0..2 {
        let unit = json!({"name": {"type": "PLAIN", "value": {"text": "101"}}});
        tenant.send(&tenant.request(&Method::POST, "/v2/units").json(&unit)).await.is(201);
    }
    desk.write("rooms.csv", "externalUserId,unit\n1,101\n");
    let run = desk.run(&["sync", "rooms.csv", "--with", "units,profiles", "--yes"]);
    run.is(2);
    assert!(run.err.contains("line 2: 2 units are called \"101\""), "{}", run.err);
    let units = all(&tenant, "/v2/units").await;
    let id = units[0]["id"].as_str().unwrap();
    desk.write("rooms.csv", format!("externalUserId,unit\n1,{id}\n"));
    desk.run(&["sync", "rooms.csv", "--with", "units,profiles", "--yes"]).is(0);
    desk.run(&["sync", "rooms.csv", "--with", "profiles", "--yes"]).is(2);
    desk.write("rooms.csv", "externalUserId,room\n1,101\n");
    let run = desk.run(&["sync", "rooms.csv", "--with", ALL, "--yes"]);
    run.is(2);
    assert!(run.err.contains("no column \"unit\""), "{}", run.err);
    desk.run(&["sync", "rooms.csv", "--with", ALL, "--unit-column", "room", "--dry-run"]).is(2);
}

#[tokio::test]
async fn a_bound_of_the_organization_ends_the_run_with_its_name() {
    let (_server, tenant, desk) = scene(Options::default()).await;
    let path = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.admin.patch(&path, &json!({"quotas": {"units": 30}})).await;
    let (list, _) = rooms(40, |_| "Rooms".to_owned());
    desk.write("rooms.csv", &list);
    let run = desk.run(&["sync", "rooms.csv", "--with", ALL, "--yes"]);
    run.is(1);
    assert!(run.err.contains("30"), "{}", run.err);
    tenant.admin.patch(&path, &json!({"quotas": {"units": 40}})).await;
    desk.run(&["sync", "--resume", "--yes"]).is(0);
}

#[tokio::test]
async fn a_run_that_goes_on_is_held_to_its_bound_of_deletes() {
    let (_server, tenant, desk) = scene(Options::default()).await;
    let path = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.admin.patch(&path, &json!({"quotas": {"units": 1}})).await;
    tenant.create("old", "1").await.is(201);
    let (list, _) = rooms(3, |_| "Rooms".to_owned());
    desk.write("rooms.csv", &list);
    let words = ["sync", "rooms.csv", "--with", ALL, "--delete-missing", "--max-delete", "1", "--yes"];
    desk.run(&words).is(1);
    tenant.admin.patch(&path, &json!({"quotas": {"units": 9}})).await;
    // Somebody else adds one meanwhile, which the list does not have either.
    tenant.create("new", "1").await.is(201);
    let run = desk.run(&["sync", "--resume", "--yes"]);
    run.is(2);
    assert!(run.err.contains("1 may be deleted"), "{}", run.err);
    tenant.delete("new").await.is(200);
    desk.run(&["sync", "--resume", "--yes"]).is(0);
    assert_eq!(state(&tenant).await.len(), 3);
}
