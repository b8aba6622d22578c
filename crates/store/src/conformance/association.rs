//! Associations: outcomes, tenancy, order, counts, concurrency.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Adapter;
use super::dump::walk;
use super::world::{
    NORTH, NORTHERN, World, amazon, external, organization_id, origin, profile, provider_id, write,
};
use crate::{
    AssociationRange, CreateOutcome, CreateProfileOutcome, DeleteOutcome, DeleteProfileOutcome,
    UpdateOutcome, WriteAssociation,
};

/// Ids that sort differently by bytes, by characters, by case or by length; in the order of their bytes.
fn odd_ids() -> Vec<String> {
    let mut ids: Vec<String> = [
        "!",
        "0",
        "00",
        "1",
        "10",
        "2",
        "A",
        "Z",
        "a",
        "a b",
        "a!",
        "a.b",
        "a0",
        "aa",
        "aaa",
        "ab",
        "b",
        "z",
        "~",
        "é",
        "éa",
        "ÿ",
        "Ā",
        "中",
        "\u{fffd}",
        "😀",
        "😀a",
        "\u{10ffff}",
    ]
    .map(str::to_owned)
    .to_vec();
    ids.extend(["a".repeat(256), "é".repeat(256), "\u{10ffff}".repeat(256), "中".repeat(255)]);
    ids.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
    ids
}

fn range(prefix: &str, after: Option<&str>, limit: usize) -> AssociationRange {
    AssociationRange { prefix: prefix.to_owned(), after: after.map(external), limit }
}

pub(super) async fn create_stores_once(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    assert_eq!(world.get("7201").await, None);
    assert_eq!(world.create("7201", "one").await, CreateOutcome::Created);
    assert_eq!(world.create("7201", "one").await, CreateOutcome::Exists);
    assert_eq!(world.create("7201", "two").await, CreateOutcome::Exists);
    let world = world.again(adapter).await;
    assert_eq!(world.get("7201").await.as_deref(), Some("one"));
    assert_eq!(world.create("7201", "two").await, CreateOutcome::Exists);
    assert_eq!(world.count(world.providers[0]).await, 1);
    assert_eq!(world.list(&range("", None, 10)).await, (vec!["7201".to_owned()], false));
}

pub(super) async fn create_and_update_need_the_provider(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let before = world.last_change().await;
    let nobody = provider_id(1);
    assert_eq!(world.create_for(nobody, "7201", "one").await, CreateOutcome::NoSuchProvider);
    let updated = world.store.update_association(write(nobody, "7201", "one")).await.unwrap();
    assert_eq!(updated, UpdateOutcome::NoSuchProvider);
    assert_eq!(world.delete_for(nobody, "7201").await, DeleteOutcome::NoSuchProvider);
    assert_eq!(world.get_for(nobody, "7201").await, None);
    assert_eq!(world.count(nobody).await, 0);
    let page = world.store.list_associations(nobody, &range("", None, 10)).await.unwrap();
    assert_eq!((page.associations.len(), page.more), (0, false));
    assert_eq!(world.last_change().await, before);
}

pub(super) async fn update_changes_what_is_there(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    assert_eq!(world.update("7201", "one").await, UpdateOutcome::NotFound);
    assert_eq!(world.get("7201").await, None);
    assert_eq!(world.create("7201", "one").await, CreateOutcome::Created);
    assert_eq!(world.update("7201", "two").await, UpdateOutcome::Updated);
    assert_eq!(world.update("7201", "two").await, UpdateOutcome::Updated);
    let world = world.again(adapter).await;
    assert_eq!(world.get("7201").await.as_deref(), Some("two"));
    assert_eq!(world.count(world.providers[0]).await, 1);
}

pub(super) async fn delete_removes_what_is_there(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    assert_eq!(world.delete("7201").await, DeleteOutcome::NotFound);
    assert_eq!(world.create("7201", "one").await, CreateOutcome::Created);
    assert_eq!(world.create("7202", "one").await, CreateOutcome::Created);
    assert_eq!(world.delete("7201").await, DeleteOutcome::Deleted);
    assert_eq!(world.delete("7201").await, DeleteOutcome::NotFound);
    let world = world.again(adapter).await;
    assert_eq!(world.get("7201").await, None);
    assert_eq!(world.update("7201", "two").await, UpdateOutcome::NotFound);
    assert_eq!(world.list(&range("", None, 10)).await, (vec!["7202".to_owned()], false));
    assert_eq!(world.count(world.providers[0]).await, 1);
    assert_eq!(world.create("7201", "three").await, CreateOutcome::Created);
    assert_eq!(world.get("7201").await.as_deref(), Some("three"));
}

pub(super) async fn strict_profiles_want_a_profile_of_the_owner(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for (id, owner) in [("mine", NORTH), ("other", NORTHERN)] {
        let created = world.store.create_profile(profile(id, owner, id), origin()).await.unwrap();
        assert_eq!(created, CreateProfileOutcome::Created);
    }
    let strict = |id: &str, amazon_id: &str| WriteAssociation {
        profile_owner: Some(organization_id(NORTH)),
        ..write(world.providers[0], id, amazon_id)
    };
    let create = |id, amazon_id| world.store.create_association(strict(id, amazon_id));
    let update = |id, amazon_id| world.store.update_association(strict(id, amazon_id));
    assert_eq!(create("7201", "nobody").await.unwrap(), CreateOutcome::NoSuchProfile);
    assert_eq!(create("7201", "other").await.unwrap(), CreateOutcome::NoSuchProfile);
    assert_eq!(world.get("7201").await, None);
    assert_eq!(update("7201", "nobody").await.unwrap(), UpdateOutcome::NotFound);
    assert_eq!(create("7201", "mine").await.unwrap(), CreateOutcome::Created);
    assert_eq!(create("7201", "other").await.unwrap(), CreateOutcome::NoSuchProfile);
    assert_eq!(create("7201", "mine").await.unwrap(), CreateOutcome::Exists);
    assert_eq!(update("7201", "other").await.unwrap(), UpdateOutcome::NoSuchProfile);
    assert_eq!(update("7201", "mine").await.unwrap(), UpdateOutcome::Updated);
    // Without the rule any profile goes, also one that is gone by now.
    assert_eq!(world.update("7201", "nobody").await, UpdateOutcome::Updated);
    let gone = world.store.delete_profile(&organization_id(NORTH), &amazon("mine"), origin()).await.unwrap();
    assert_eq!(gone, DeleteProfileOutcome::Deleted);
    assert_eq!(update("7201", "mine").await.unwrap(), UpdateOutcome::NoSuchProfile);
    assert_eq!(world.get("7201").await.as_deref(), Some("nobody"));
}

pub(super) async fn providers_do_not_see_each_other(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let ids = odd_ids();
    for (index, provider) in world.all_providers().into_iter().enumerate() {
        for id in &ids {
            let created = world.create_for(provider, id, &format!("of-{index}")).await;
            assert_eq!(created, CreateOutcome::Created, "{id}");
        }
    }
    assert_eq!(world.delete("a").await, DeleteOutcome::Deleted);
    assert_eq!(world.update("b", "changed").await, UpdateOutcome::Updated);
    let world = world.again(adapter).await;
    for (index, provider) in world.all_providers().into_iter().enumerate() {
        let found = walk(&*world.store, provider, 7).await;
        let expected: Vec<(String, String)> = ids
            .iter()
            .filter(|id| index > 0 || *id != "a")
            .map(|id| match (index, id.as_str()) {
                (0, "b") => (id.clone(), "changed".to_owned()),
                _ => (id.clone(), format!("of-{index}")),
            })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(world.count(provider).await, expected.len() as u64);
        assert_eq!(world.get_for(provider, "a").await.is_some(), index > 0);
    }
}

pub(super) async fn ids_are_sorted_by_their_bytes(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let ids = odd_ids();
    for id in ids.iter().rev() {
        assert_eq!(world.create(id, "one").await, CreateOutcome::Created, "{id}");
    }
    let world = world.again(adapter).await;
    assert_eq!(world.list(&range("", None, 1_000)).await, (ids.clone(), false));
    for id in &ids {
        assert_eq!(world.get(id).await.as_deref(), Some("one"), "{id}");
    }
}

pub(super) async fn pages_join_to_the_whole(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let ids = odd_ids();
    for provider in world.all_providers() {
        for id in &ids {
            assert_eq!(world.create_for(provider, id, "one").await, CreateOutcome::Created);
        }
    }
    for limit in [1, 2, 3, ids.len() - 1, ids.len(), ids.len() + 1] {
        let walked: Vec<String> =
            walk(&*world.store, world.providers[0], limit).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(walked, ids, "pages of {limit}");
    }
    for (limit, more) in [(0, true), (ids.len() - 1, true), (ids.len(), false)] {
        let (page, says_more) = world.list(&range("", None, limit)).await;
        assert_eq!((page.as_slice(), says_more), (&ids[..limit], more));
    }
}

pub(super) async fn a_prefix_and_a_start_narrow_the_list(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let ids = odd_ids();
    for id in &ids {
        assert_eq!(world.create(id, "one").await, CreateOutcome::Created);
    }
    let starts = ["!", "Z", "a", "a0", "a b", "aa", "b", "not there", "é", "éa", "\u{10ffff}"];
    for prefix in ["", "a", "aa", "a b", "nothing", "é", "\u{10ffff}"] {
        for after in std::iter::once(None).chain(starts.map(Some)) {
            let expected: Vec<String> = ids
                .iter()
                .filter(|id| id.starts_with(prefix) && after.is_none_or(|after| id.as_str() > after))
                .cloned()
                .collect();
            for limit in [0, 1, 2, 100] {
                let (page, more) = world.list(&range(prefix, after, limit)).await;
                let cut = expected.len().min(limit);
                assert_eq!(page, expected[..cut], "prefix {prefix:?}, after {after:?}, limit {limit}");
                assert_eq!(more, expected.len() > limit, "prefix {prefix:?}, after {after:?}, limit {limit}");
            }
        }
    }
}

pub(super) async fn find_answers_what_is_there(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for number in (0..40).step_by(2) {
        world.create(&format!("{number:02}"), &format!("p{number}")).await;
    }
    let asked: Vec<_> = (5..35).map(|number| external(&format!("{number:02}"))).collect();
    let world = world.again(adapter).await;
    let found = world.store.find_associations(world.providers[0], &asked).await.unwrap();
    let found: Vec<(String, &str)> = found
        .iter()
        .map(|association| (association.external_user_id.to_string(), association.amazon_id.suffix()))
        .collect();
    let expected: Vec<(String, String)> =
        (6..35).step_by(2).map(|number| (format!("{number:02}"), format!("p{number}"))).collect();
    assert!(
        found.iter().map(|(id, to)| (id.as_str(), *to)).eq(expected.iter().map(|(id, to)| (&**id, &**to)))
    );
    assert_eq!(world.store.find_associations(world.providers[0], &[]).await.unwrap(), Vec::new());
}

pub(super) async fn one_of_many_concurrent_creates_wins(adapter: &dyn Adapter) {
    let world = Arc::new(World::new(adapter).await);
    let before = world.last_change().await;
    for round in 0..5 {
        let id = format!("room {round}");
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let (world, id) = (Arc::clone(&world), id.clone());
                tokio::spawn(async move { (number, world.create(&id, &format!("p{number}")).await) })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                (number, CreateOutcome::Created) => winners.push(number),
                (_, outcome) => assert_eq!(outcome, CreateOutcome::Exists),
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(world.get(&id).await, Some(format!("p{}", winners[0])));
        assert_eq!(world.count(world.providers[0]).await, round + 1);
        assert_eq!(world.changes_after(before).await as u64, round + 1);
    }
}

pub(super) async fn concurrent_writes_are_all_there(adapter: &dyn Adapter) {
    let world = Arc::new(World::new(adapter).await);
    let before = world.last_change().await;
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let id = format!("{number:03}");
                assert_eq!(world.create(&id, "one").await, CreateOutcome::Created);
                assert_eq!(world.update(&id, "two").await, UpdateOutcome::Updated);
                if number % 2 == 1 {
                    assert_eq!(world.delete(&id).await, DeleteOutcome::Deleted);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let world = Arc::into_inner(world).expect("the tasks have ended").again(adapter).await;
    let expected: Vec<(String, String)> =
        (0..200).step_by(2).map(|number| (format!("{number:03}"), "two".to_owned())).collect();
    assert_eq!(walk(&*world.store, world.providers[0], 30).await, expected);
    assert_eq!(world.count(world.providers[0]).await, 100);
    assert_eq!(world.store.stats().await.unwrap().associations, 100);
    let changes = world.changes().await;
    let sequences: BTreeSet<u64> = changes.iter().map(|change| change.sequence).collect();
    assert_eq!(sequences.len(), changes.len(), "no sequence number twice");
    assert_eq!(sequences.range(before + 1..).count(), 500);
}

pub(super) async fn a_write_is_read_back_at_once(adapter: &dyn Adapter) {
    let world = Arc::new(World::new(adapter).await);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for round in 0..25 {
                    let id = format!("{task}-{round}");
                    world.create(&id, "one").await;
                    assert_eq!(world.get(&id).await.as_deref(), Some("one"));
                    world.update(&id, "two").await;
                    assert_eq!(world.get(&id).await.as_deref(), Some("two"));
                    assert_eq!(world.list(&range(&id, None, 1)).await.0.first(), Some(&id));
                    world.delete(&id).await;
                    assert_eq!(world.get(&id).await, None);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(world.count(world.providers[0]).await, 0);
}

pub(super) async fn no_reader_goes_back_behind_a_write(adapter: &dyn Adapter) {
    const LAST: u32 = 300;
    let world = Arc::new(World::new(adapter).await);
    let acknowledged = Arc::new(AtomicU32::new(0));
    world.create("7201", "0").await;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (world, acknowledged) = (Arc::clone(&world), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut seen = 0;
                while seen < LAST {
                    let least = acknowledged.load(Ordering::SeqCst).max(seen);
                    let found = world.get("7201").await.expect("it is never removed");
                    seen = found.parse().expect("a number");
                    assert!(seen >= least, "{seen} was read after {least}");
                }
            })
        })
        .collect();
    for number in 1..=LAST {
        world.update("7201", &number.to_string()).await;
        acknowledged.store(number, Ordering::SeqCst);
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

pub(super) async fn a_walk_meets_what_stays_exactly_once(adapter: &dyn Adapter) {
    let world = Arc::new(World::new(adapter).await);
    let stays: Vec<String> = (0..60).map(|number| format!("{number:02}")).collect();
    for id in &stays {
        world.create(id, "one").await;
    }
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let writer = tokio::spawn({
        let world = Arc::clone(&world);
        async move {
            let mut number = 0;
            while !*stopped.borrow_and_update() {
                let id = format!("{:02}-{number}", number * 7 % 60);
                world.create(&id, "new").await;
                world.update(&format!("{:02}", number * 11 % 60), &format!("p{number}")).await;
                if number % 2 == 0 {
                    world.delete(&id).await;
                }
                number += 1;
            }
        }
    });
    for _ in 0..20 {
        let walked = walk(&*world.store, world.providers[0], 4).await;
        let met: Vec<&String> = walked.iter().map(|(id, _)| id).filter(|id| id.len() == 2).collect();
        assert_eq!(met, stays.iter().collect::<Vec<_>>());
        assert!(walked.is_sorted_by(|one, other| one.0 < other.0), "sorted, nothing twice");
    }
    stop.send_replace(true);
    writer.await.unwrap();
}
