use std::collections::BTreeMap;

use jackfield_model::{AddressBookId, AmazonId, ContactId};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};

use super::actual::{KnownContact, KnownProfile};
use super::*;
use crate::sync::input::{Format, Input, InputOptions};

const ALL: Parts = Parts { units: true, profiles: true, contacts: true };

fn read(list: &str, parts: Parts) -> Input {
    let options = InputOptions { parts, ..InputOptions::new("rooms.csv", Format::Csv) };
    Input::read(list.as_bytes(), &options).unwrap()
}

fn problems(list: &str, parts: Parts) -> Vec<String> {
    read(list, parts).problems().map(ToString::to_string).collect()
}

#[test]
fn columns_are_found_by_their_names_and_read_where_they_are_asked_for() {
    let list = "Contact name,external-user-id,Unit Name,Profile_Name\nMia,7201,201,Room 201\n,7202,202,\n";
    let input = read(list, ALL);
    assert!(input.rows.is_empty() && input.rejects.is_empty(), "{:?}", input.rejects);
    let [first, second] = &input.property_rows[..] else { panic!("two rows") };
    assert_eq!(first.unit.as_deref(), Some("201"));
    assert_eq!(first.profile_name.as_deref(), Some("Room 201"));
    assert_eq!(first.contact_name.as_deref(), Some("Mia"));
    assert_eq!((second.profile_name.as_deref(), second.contact_name.as_deref()), (None, None));
    let understood = input.understood;
    assert_eq!(understood.unit.unwrap().column, 3);
    assert!(understood.amazon_id.is_none());

    let profile = "amzn1.alexa.communications.profile.did.p";
    let own = format!("externalUserId,amazonId,unit,contactName\n1,{profile},U,Bar\n");
    let contacts = Parts { contacts: true, ..Parts::default() };
    let input = read(&own, contacts);
    let row = &input.property_rows[0];
    assert_eq!(
        (row.unit.as_deref(), row.contact_name.as_deref()),
        (None, Some("Bar")),
        "no unit is asked for"
    );
    assert_eq!(read(&own, Parts::default()).rows.len(), 1);
}

#[test]
fn json_lines_say_the_same() {
    let options = InputOptions { parts: ALL, ..InputOptions::new("rooms.jsonl", Format::JsonLines) };
    let lines = "{\"externalUserId\":\"1\",\"unit\":\"101\",\"profileName\":null,\"contactName\":\"\"}\n\
                 {\"externalUserId\":\"2\",\"unit\":7}\n";
    let input = Input::read(lines.as_bytes(), &options).unwrap();
    assert_eq!(input.property_rows.len(), 1);
    assert_eq!(input.property_rows[0].unit.as_deref(), Some("101"));
    let told: Vec<String> = input.problems().map(ToString::to_string).collect();
    assert_eq!(told, ["rooms.jsonl:2: unit: is a number; a string is expected"]);
}

#[test]
fn a_missing_column_is_named_unless_a_name_takes_its_place() {
    let refused = |list: &str, parts| {
        let options = InputOptions { parts, ..InputOptions::new("rooms.csv", Format::Csv) };
        Input::read(list.as_bytes(), &options).unwrap_err().to_string()
    };
    assert!(refused("externalUserId,room\n1,2\n", ALL).contains("no column \"unit\""));
    let contacts = Parts { contacts: true, ..Parts::default() };
    let profile = "amzn1.alexa.communications.profile.did.p";
    assert!(
        refused(&format!("externalUserId,amazonId\n1,{profile}\n"), contacts)
            .contains("no column \"contactName\"")
    );
    let units = Parts { units: true, ..Parts::default() };
    assert!(refused("externalUserId,unit\n1,2\n", units).contains("no column \"amazonId\""));
    assert!(problems("externalUserId,unit\n1,2\n", ALL).is_empty());
}

#[test]
fn a_unit_is_named_by_its_id_or_its_name() {
    let list = format!("externalUserId,unit\n1,{0}a\n2,{0}\n3,#REF!\n4,a\u{200b}b\n", UnitId::PREFIX);
    let told = problems(&list, ALL);
    // The id itself is no name, so that its contact needs one.
    assert!(told[0].contains("contactName"), "{told:?}");
    assert!(told[1].contains("must continue after"), "{told:?}");
    assert!(told[2].contains("no value"), "{told:?}");
    assert!(told[3].contains("U+200B"), "{told:?}");
}

#[test]
fn the_address_books_of_a_series_are_known_by_their_names() {
    let options = PropertyOptions { address_book: "Rooms".to_owned(), ..PropertyOptions::default() };
    let names: Vec<String> = (0..3).map(|at| options.book_name(at)).collect();
    assert_eq!(names, ["Rooms", "Rooms 2", "Rooms 3"]);
    assert!(names.iter().all(|name| options.is_of_series(name)));
    for other in ["Room", "Rooms 1", "Rooms 02", "Rooms +2", "Rooms x", "Rooms2", "Rooms 2 "] {
        assert!(!options.is_of_series(other), "{other}");
    }
}

/// What a server makes of a plan, but for what `refuse` says.
fn make(actual: &mut Actual, plan: &PropertyPlan, next: &mut u32) {
    let mut id = || {
        *next += 1;
        *next
    };
    for change in &plan.units {
        let unit = UnitId::from_suffix(&format!("u{}", id())).unwrap();
        actual.units.entry(change.name.as_str().into()).or_default().push(unit);
    }
    for change in &plan.profiles {
        let Some(unit) = &change.unit_id else { continue };
        let before = actual.profiles.get(unit).cloned().flatten();
        let profile = before.map_or_else(
            || AmazonId::new(&format!("{}p{}", AmazonId::PREFIX, id())).unwrap(),
            |profile| profile.id,
        );
        actual.profiles.insert(unit.clone(), Some(KnownProfile { id: profile, name: change.name.clone() }));
    }
    for change in &plan.associations {
        match (&change.after, &change.after_of_unit) {
            (Some(after), _) => {
                actual.associations.insert(change.external_user_id.clone(), after.clone());
            }
            (None, None) => {
                actual.associations.remove(&change.external_user_id);
            }
            (None, Some(_)) => {}
        }
    }
    for change in &plan.contacts {
        let Some(profile) = &change.amazon_id else { continue };
        if let Some(known) = actual.contacts.get_mut(profile) {
            known.name.clone_from(&change.name);
        } else if let Some(book) = actual.books.get(&change.address_book).map(|ids| ids[0].clone()) {
            let contact = ContactId::from_suffix(&format!("c{}", id())).unwrap();
            *actual.filled.entry(book.clone()).or_default() += 1;
            let known = KnownContact { book, id: contact, name: change.name.clone() };
            actual.contacts.insert(profile.clone(), known);
        }
    }
    for name in &plan.address_books {
        let book = AddressBookId::from_suffix(&format!("b{}", id())).unwrap();
        actual.books.entry(name.clone()).or_default().push(book);
    }
}

/// A list: for each endpoint its unit, or a profile of its own, and what a unit is called.
fn lists() -> impl Strategy<Value = (BTreeMap<u8, Option<u8>>, Vec<Option<u8>>)> {
    let unit = prop_oneof![4 => (0..8_u8).prop_map(Some), 1 => Just(None)];
    (btree_map(0..30_u8, unit, 0..25), vec(any::<Option<u8>>(), 8))
}

fn rows((endpoints, names): &(BTreeMap<u8, Option<u8>>, Vec<Option<u8>>)) -> Vec<PropertyRow> {
    let row = |(endpoint, unit): (&u8, &Option<u8>)| {
        let name = unit.and_then(|unit| names[usize::from(unit)]);
        PropertyRow {
            external_user_id: format!("{endpoint}").parse().unwrap(),
            amazon_id: unit
                .is_none()
                .then(|| AmazonId::new(&format!("{}own{endpoint}", AmazonId::PREFIX)).unwrap()),
            unit: unit.map(|unit| format!("unit {unit}").into()),
            profile_name: name.map(|name| format!("profile {name}").into()),
            contact_name: name
                .map(|name| format!("guest {name}"))
                .or_else(|| unit.is_none().then(|| format!("own {endpoint}")))
                .map(Into::into),
            line: u64::from(*endpoint),
        }
    };
    endpoints.iter().map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lists_one_after_the_other_lead_to_their_states(lists in vec(lists(), 1..4), delete_missing: bool) {
        let options = PropertyOptions {
            parts: ALL,
            contacts_per_book: 3,
            delete_missing,
            ..PropertyOptions::default()
        };
        let (mut actual, mut next) = (Actual::default(), 0);
        for list in &lists {
            let desired = Desired::new(rows(list), ALL);
            let mut rounds = 0;
            loop {
                let plan = plan::plan(&desired, &actual, &options).unwrap();
                if plan.is_empty() {
                    prop_assert_eq!(plan.unchanged.associations, list.0.len() as u64);
                    break;
                }
                rounds += 1;
                // Units, profiles, and what names these.
                prop_assert!(rounds <= 4, "{:?}", plan);
                make(&mut actual, &plan, &mut next);
            }
            prop_assert!(actual.units.values().all(|ids| ids.len() == 1));
            prop_assert!(actual.books.values().all(|ids| ids.len() == 1));
            prop_assert!(actual.filled.values().all(|&count| count <= 3));
            if delete_missing {
                prop_assert_eq!(actual.associations.len(), list.0.len());
            }
        }
    }
}
