use std::collections::BTreeMap;

use proptest::prelude::*;

use super::shard::{IDS_BYTES, SEGMENT_BYTES};
use super::*;
use crate::embedded::codec;

const MIB: u64 = 1024 * 1024;
/// The least that a cache takes.
const LEAST: u64 = (IDS_BYTES + 2 * SEGMENT_BYTES) as u64;

fn key(id: &str) -> Vec<u8> {
    [&1_u32.to_be_bytes(), id.as_bytes()].concat()
}

/// A commit that gives associations of the provider 1 these targets, or none.
fn change(rows: &RowCache, changes: &[(&str, Option<&str>)]) -> ViewNumber {
    let changes: Vec<_> = changes.iter().map(|(id, value)| (key(id), value.map(str::as_bytes))).collect();
    rows.change(changes.iter().map(|(key, value)| (key.as_slice(), *value)))
}

fn get(rows: &RowCache, view: ViewNumber, id: &str) -> Lookup<String> {
    rows.get(view, 1, id, |value, made| {
        let again = codec::decode_target_again(value, made).unwrap();
        assert_eq!(again.suffix().as_bytes(), value, "made of this value");
        again.suffix().to_owned()
    })
}

fn found(value: &str) -> Lookup<String> {
    Lookup::Found(value.to_owned())
}

fn keep(rows: &RowCache, view: ViewNumber, id: &str, value: &str) {
    rows.keep(view, 1, id, value.as_bytes());
}

#[test]
fn a_row_is_shown_to_readers_between_two_of_its_changes() {
    let rows = RowCache::new(MIB);
    let first = change(&rows, &[("7201", Some("a"))]);
    assert_eq!(get(&rows, first, "7201"), found("a"));
    assert_eq!(rows.get(first, 2, "7201", |_, _| ()), Lookup::NotCached, "another provider's");
    let other = change(&rows, &[("7202", Some("x"))]);
    assert_eq!(get(&rows, other, "7201"), found("a"), "a change of another row");

    let second = change(&rows, &[("7201", Some("b"))]);
    assert_eq!(get(&rows, second, "7201"), found("b"));
    // Readers that still have the view before find it in the files, and leave nothing behind.
    assert_eq!(get(&rows, other, "7201"), Lookup::NotCached);
    keep(&rows, other, "7201", "a");
    assert_eq!(get(&rows, second, "7201"), found("b"));

    let third = change(&rows, &[("7201", None)]);
    assert_eq!(get(&rows, third, "7201"), Lookup::NotCached);
    keep(&rows, second, "7201", "b");
    assert_eq!(get(&rows, third, "7201"), Lookup::NotCached);

    let fourth = rows.forget();
    assert_eq!(get(&rows, fourth, "7202"), Lookup::NotCached);
    keep(&rows, third, "7202", "x");
    assert_eq!(get(&rows, fourth, "7202"), Lookup::NotCached);
    keep(&rows, fourth, "7202", "x");
    assert_eq!(get(&rows, fourth, "7202"), found("x"));
    assert_eq!(get(&rows, third, "7202"), Lookup::NotCached);
}

#[test]
fn what_is_not_there_is_known_once_all_rows_are_here() {
    let rows = RowCache::new(MIB);
    assert_eq!(get(&rows, 0, "7201"), Lookup::NotCached);
    assert!(rows.fill(0, &key("7201"), b"a"));
    rows.filled();
    assert_eq!((get(&rows, 0, "7201"), get(&rows, 0, "7202")), (found("a"), Lookup::Absent));
    let removed = change(&rows, &[("7201", None)]);
    assert_eq!(get(&rows, removed, "7201"), Lookup::Absent);
    assert_eq!(get(&rows, 0, "7201"), Lookup::NotCached, "the view before has it");
    let again = change(&rows, &[("7201", Some("b"))]);
    assert_eq!(get(&rows, again, "7201"), found("b"));
    assert_eq!(get(&rows, removed, "7201"), Lookup::NotCached);
    let anew = rows.forget();
    assert_eq!(get(&rows, anew, "7202"), Lookup::NotCached);
}

#[test]
fn memory_is_bounded_and_what_is_read_again_stays() {
    let rows = RowCache::new(2 * MIB);
    let target = "t".repeat(200);
    let often: Vec<String> = (0..500).map(|n| format!("often-{n}")).collect();
    let mut once = 0;
    for round in 0..400 {
        for id in &often {
            if get(&rows, 0, id) == Lookup::NotCached {
                keep(&rows, 0, id, &target);
            }
        }
        for _ in 0..100 {
            once += 1;
            // Read twice, so that it comes in.
            keep(&rows, 0, &format!("once-{once}"), &target);
            keep(&rows, 0, &format!("once-{once}"), &target);
        }
        let memory = rows.memory();
        assert!(memory.bytes <= memory.limit, "{memory:?} after {round} rounds");
    }
    assert!(rows.memory().bytes > MIB && rows.len() > 4_000, "{:?}, {} rows", rows.memory(), rows.len());
    let still = often.iter().filter(|id| get(&rows, 0, id) != Lookup::NotCached).count();
    assert_eq!(still, often.len());
    rows.filled();
    assert_eq!(get(&rows, 0, "nowhere"), Lookup::NotCached, "some went");
}

#[test]
fn a_full_cache_takes_what_is_read_a_second_time() {
    let rows = RowCache::new(SHARD_BYTES - 1);
    let target = "t".repeat(200);
    let mut filled = 0;
    while rows.fill(0, &key(&format!("filled-{filled:05}")), target.as_bytes()) {
        filled += 1;
    }
    for id in (0..100_u32).map(|n| format!("unread-{n:05}")) {
        keep(&rows, 0, &id, &target);
        assert_eq!(get(&rows, 0, &id), Lookup::NotCached);
        keep(&rows, 0, &id, &target);
        assert_eq!(get(&rows, 0, &id), found(&target));
    }
}

#[test]
fn removed_rows_make_room_without_another_one_going() {
    let rows = RowCache::new(LEAST + 8_000);
    let target = "t".repeat(100);
    rows.filled();
    // One in eight stays; without packing the segments were full of removed rows long before.
    let mut stay = Vec::new();
    for n in 0..1_000 {
        let id = format!("{n}");
        let view = change(&rows, &[(&id, Some(&target))]);
        match n % 8 {
            0 if stay.len() < 60 => stay.push((view, id)),
            _ => drop(change(&rows, &[(&id, None)])),
        }
    }
    for (view, id) in &stay {
        assert_eq!(get(&rows, *view, id), found(&target), "{id}");
    }
    let now = change(&rows, &[("last", Some("a"))]);
    assert_eq!(get(&rows, now, "nowhere"), Lookup::Absent, "all are here still");
}

#[test]
fn an_id_that_was_made_of_a_row_is_not_shown_for_another_at_its_place() {
    let target = |number: usize| format!("{number:0>100}");
    // With some of these numbers of changes, the last row stands where the first one stood.
    for changes in 1..=2 * SEGMENT_BYTES / 100 {
        let rows = RowCache::new(LEAST + 8_000);
        let mut view = change(&rows, &[("7201", Some(&target(0)))]);
        assert_eq!(get(&rows, view, "7201"), found(&target(0)));
        for number in 1..=changes {
            view = change(&rows, &[("7201", Some(&target(number)))]);
        }
        assert_eq!(get(&rows, view, "7201"), found(&target(changes)), "after {changes} changes");
    }
}

#[test]
fn a_row_that_is_too_long_or_has_no_room_is_known_to_be_missing() {
    for (limit, rows_before, value) in
        [(MIB, 0, "t".repeat(2_000)), (SEGMENT_BYTES as u64, 500, "t".repeat(200))]
    {
        let rows = RowCache::new(limit);
        rows.filled();
        for n in 0..rows_before {
            change(&rows, &[(&format!("{n}"), Some(&value))]);
        }
        let view = change(&rows, &[("long", Some(&value))]);
        assert_eq!(get(&rows, view, "long"), Lookup::NotCached);
        assert_eq!(get(&rows, view, "nowhere"), Lookup::NotCached);
    }
}

/// One step of a store and its readers.
#[derive(Clone, Debug)]
enum Step {
    /// A commit of these changes.
    Commit(Vec<(u8, Option<u16>)>),
    /// A commit of these changes that fails, and the store opened again.
    Fail(Vec<(u8, Option<u16>)>),
    /// A reader of the view before the last so many looks up a row.
    Read(u8, u8),
    /// A part of the walk through the files.
    Walk(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let changes = || prop::collection::vec((any::<u8>(), prop::option::of(any::<u16>())), 1..6);
    let step = prop_oneof![
        4 => changes().prop_map(Step::Commit),
        1 => changes().prop_map(Step::Fail),
        12 => (any::<u8>(), 0_u8..4).prop_map(|(id, back)| Step::Read(id, back)),
        6 => (1_u8..40).prop_map(Step::Walk),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    #[test]
    fn every_reader_sees_his_view(steps in steps(), room in prop_oneof![Just(0_u64), Just(MIB)], pad in 1_usize..250) {
        let rows = RowCache::new(room);
        let value = |value: u16| format!("{value:0>pad$}");
        // The views with their rows, the newest last.
        let mut views: Vec<(ViewNumber, BTreeMap<Vec<u8>, String>)> = vec![(0, BTreeMap::new())];
        let mut walk: Option<Vec<u8>> = Some(Vec::new());
        for step in steps {
            match step {
                Step::Commit(changes) => {
                    let mut after = views.last().unwrap().1.clone();
                    let changes: BTreeMap<Vec<u8>, Option<String>> =
                        changes.into_iter().map(|(id, to)| (key(&id.to_string()), to.map(value))).collect();
                    for (key, value) in &changes {
                        match value {
                            Some(value) => drop(after.insert(key.clone(), value.clone())),
                            None => drop(after.remove(key)),
                        }
                    }
                    let changes = changes.iter();
                    let number = rows.change(
                        changes.map(|(key, value)| (key.as_slice(), value.as_deref().map(str::as_bytes))),
                    );
                    views.push((number, after));
                }
                Step::Fail(changes) => {
                    let changes: Vec<_> =
                        changes.into_iter().map(|(id, to)| (key(&id.to_string()), to.map(value))).collect();
                    let changes = changes.iter();
                    rows.change(changes.map(|(key, value)| (key.as_slice(), value.as_deref().map(str::as_bytes))));
                    let same = views.last().unwrap().1.clone();
                    views.push((rows.forget(), same));
                    walk = Some(Vec::new());
                }
                Step::Read(id, back) => {
                    let at = views.len().saturating_sub(1 + usize::from(back));
                    let (number, view) = &views[at];
                    let id = id.to_string();
                    let truth = view.get(&key(&id)).cloned();
                    match get(&rows, *number, &id) {
                        Lookup::Found(value) => {
                            prop_assert_eq!(Some(value), truth);
                        }
                        Lookup::Absent => {
                            prop_assert_eq!(None, truth);
                        }
                        Lookup::NotCached => {
                            if let Some(value) = &truth {
                                keep(&rows, *number, &id, value);
                            }
                        }
                    }
                }
                Step::Walk(many) => {
                    let Some(after) = walk.take() else { continue };
                    let (number, view) = views.last().unwrap();
                    let page: Vec<_> =
                        view.iter().filter(|(key, _)| **key > after).take(many.into()).collect();
                    if !page.iter().all(|(key, value)| rows.fill(*number, key, value.as_bytes())) {
                        continue;
                    }
                    match page.last() {
                        Some((key, _)) if page.len() == usize::from(many) => walk = Some((*key).clone()),
                        _ => rows.filled(),
                    }
                }
            }
            let memory = rows.memory();
            prop_assert!(memory.bytes <= memory.limit.max(LEAST));
        }
    }
}
