use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::btree_map;
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::{prop_assert, prop_assert_eq};

use super::*;

fn association(id: &str, profile: u8) -> Association {
    let amazon_id = AmazonId::new(&format!("{}{profile}", AmazonId::PREFIX)).unwrap();
    Association::new(ExternalUserId::new(id).unwrap(), amazon_id)
}

fn desired(rows: &BTreeMap<String, u8>) -> Desired {
    let row = |(line, (id, profile)): (usize, (&String, &u8))| Row {
        association: association(id, *profile),
        line: line as u64 + 2,
    };
    Desired::from_rows(rows.iter().enumerate().map(row))
}

fn compare(
    wanted: &BTreeMap<String, u8>,
    actual: &BTreeMap<String, u8>,
    only: Only,
    delete_missing: bool,
) -> Plan {
    let desired = desired(wanted);
    let mut comparison = Comparison::new(&desired, only, delete_missing);
    actual.iter().for_each(|(id, profile)| comparison.actual(association(id, *profile)));
    comparison.finish(Some(actual.len() as u64))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_plan_leads_from_what_is_to_what_is_to_be(
        wanted in btree_map("[ab]{1,3}", 0_u8..3, 0..10),
        actual in btree_map("[ab]{1,3}", 0_u8..3, 0..10),
        delete_missing in any::<bool>(),
    ) {
        let plan = compare(&wanted, &actual, Only::ALL, delete_missing);
        let mut state = actual.clone();
        for change in &*plan.changes {
            let id = change.external_user_id.as_str();
            let number = |id: &AmazonId| id.suffix().parse::<u8>().unwrap();
            prop_assert_eq!(state.get(id).copied(), change.before.as_ref().map(number));
            match &change.after {
                Some(after) => { state.insert(id.to_owned(), number(after)); }
                None => { state.remove(id); }
            }
        }
        let mut expected = if delete_missing { BTreeMap::new() } else { actual.clone() };
        expected.extend(wanted.clone());
        prop_assert_eq!(&state, &expected);
        let numbers: Vec<usize> = plan.changes.iter().map(|change| change.number).collect();
        prop_assert_eq!(numbers, (0..plan.changes.len()).collect::<Vec<_>>());
        prop_assert!(plan.changes.is_sorted_by_key(Change::kind), "deletes last");
        let touched: BTreeSet<&str> = plan.changes.iter().map(|change| change.external_user_id.as_str()).collect();
        prop_assert_eq!(touched.len(), plan.changes.len(), "an id is changed once");
        // What may not be changed is counted instead, and the second plan is empty.
        let some = Only { create: false, update: true, delete: false };
        let part = compare(&wanted, &actual, some, delete_missing);
        prop_assert!(part.changes.iter().all(|change| change.kind() == Kind::Update));
        prop_assert_eq!(part.excluded.total() + part.changes.len() as u64, plan.changes.len() as u64);
        prop_assert!(compare(&wanted, &state, Only::ALL, delete_missing).changes.is_empty());
    }
}

#[test]
fn deletes_are_bounded_by_count_or_share() {
    let actual: BTreeMap<String, u8> = (0..200).map(|n| (format!("room {n}"), 0)).collect();
    let wanted = actual.iter().skip(11).map(|(id, profile)| (id.clone(), *profile)).collect();
    let plan = compare(&wanted, &actual, Only::ALL, true);
    for (bound, allowed) in
        [("11", true), ("10", false), ("0", false), ("5.5%", true), ("5%", false), ("0%", false)]
    {
        let checked = plan.check_deletes(bound.parse().unwrap());
        assert_eq!(checked.is_ok(), allowed, "{bound}");
    }
    assert_eq!(
        plan.check_deletes(MaxDelete::Percent(5.0)).unwrap_err().to_string(),
        "the plan deletes 11 of 200 associations; 10 may be deleted"
    );
    for bad in ["", "-1", "5 %%", "101%", "x", "%", "NaN%"] {
        assert_eq!(bad.parse::<MaxDelete>(), Err(InvalidMaxDelete), "{bad}");
    }
}
