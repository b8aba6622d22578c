//! The change record.

use std::sync::Arc;
use std::time::Duration;

use jackfield_model::RequestId;
use jackfield_model::admin::Maintenance;

use super::Adapter;
use super::world::{NORTH, World, amazon, changes, client_id, external, origin, profile, write};
use crate::{
    Actor, Backlog, Change, ChangeFilter, ChangePage, CreateOutcome, Operation, Origin, RegistryCommand,
    Retention, Subject, Timestamp, UpdateOutcome, WriteAssociation,
};

fn filter(after: u64, limit: usize) -> ChangeFilter {
    ChangeFilter { provider: None, after, limit }
}

pub(super) async fn a_change_record_tells_everything(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let before = world.last_change().await;
    let provider = world.providers[0];
    let actors = [Actor::Client(Arc::new(client_id("c1"))), Actor::Admin, Actor::Seed];
    let origins: Vec<Origin> = actors
        .into_iter()
        .enumerate()
        .map(|(index, actor)| {
            let time = Timestamp(1_700_000_000_000 + index as u64);
            Origin { actor, request_id: RequestId::random(), time }
        })
        .collect();
    let write = |to: &str, origin: &Origin| WriteAssociation {
        origin: origin.clone(),
        ..write(provider, "é 1", to)
    };
    world.store.create_association(write("one", &origins[0])).await.unwrap();
    world.store.update_association(write("two", &origins[1])).await.unwrap();
    world.store.delete_association(provider, external("é 1"), origins[2].clone()).await.unwrap();
    let expected = [
        (Operation::Create, None, Some("one")),
        (Operation::Update, Some("one"), Some("two")),
        (Operation::Delete, Some("two"), None),
    ];
    let world = world.again(adapter).await;
    let recorded = changes(&*world.store, &filter(before, 10)).await;
    assert_eq!(recorded.len(), 3);
    for (index, (operation, from, to)) in expected.into_iter().enumerate() {
        let Origin { actor, request_id, time } = origins[index].clone();
        let subject = Subject::Association {
            provider,
            external_user_id: external("é 1"),
            before: from.map(amazon),
            after: to.map(amazon),
        };
        // Numbers rise; whether they leave gaps is up to the adapter.
        let sequence = recorded[index].sequence;
        assert!(sequence > index.checked_sub(1).map_or(before, |last| recorded[last].sequence));
        assert_eq!(recorded[index], Change { sequence, time, actor, request_id, operation, subject });
    }
}

pub(super) async fn what_changes_nothing_is_not_recorded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.create("7201", "one").await;
    let (before, recorded) = (world.last_change().await, world.changes().await);
    assert_eq!(world.create("7201", "two").await, CreateOutcome::Exists);
    assert_eq!(world.update("7201", "one").await, UpdateOutcome::Updated);
    assert_eq!(world.update("7202", "one").await, UpdateOutcome::NotFound);
    world.delete("7202").await;
    world.store.create_profile(profile("p1", "nobody", "u1"), origin()).await.unwrap();
    world.registry(RegistryCommand::SetMaintenance(Maintenance::default())).await;
    let world = world.again(adapter).await;
    assert_eq!(world.last_change().await, before);
    assert_eq!(world.changes().await, recorded);
    assert_eq!(world.store.list_changes(&filter(before, 10)).await.unwrap().changes, Vec::new());
}

pub(super) async fn changes_come_in_pages(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for number in 0..20 {
        world.create(&number.to_string(), "one").await;
    }
    let world = world.again(adapter).await;
    let all = world.changes().await;
    let sequences: Vec<u64> = all.iter().map(|change| change.sequence).collect();
    assert!(sequences[0] > 0 && sequences.is_sorted_by(|one, next| one < next), "{sequences:?}");
    for limit in [1, 2, 7, all.len(), all.len() + 1] {
        assert_eq!(changes(&*world.store, &filter(0, limit)).await, all, "pages of {limit}");
    }
    let last = *sequences.last().unwrap();
    let count = all.len();
    for (skipped, limit, more) in
        [(0, count - 1, true), (0, count, false), (5, 3, true), (count - 3, 3, false)]
    {
        let after = skipped.checked_sub(1).map_or(0, |index: usize| sequences[index]);
        let page = world.store.list_changes(&filter(after, limit)).await.unwrap();
        assert_eq!(page.changes, all[skipped..skipped + limit]);
        assert_eq!((page.next_after, page.more), (sequences[skipped + limit - 1], more));
    }
    for after in [last, last + 1, u64::MAX] {
        let page = world.store.list_changes(&filter(after, 3)).await.unwrap();
        assert_eq!(page, ChangePage { changes: Vec::new(), next_after: after, more: false });
    }
    let page = world.store.list_changes(&filter(0, 0)).await.unwrap();
    assert_eq!(page, ChangePage { changes: Vec::new(), next_after: 0, more: true });
}

pub(super) async fn changes_are_filtered_by_provider(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for number in 0..5 {
        for provider in world.all_providers() {
            world.create_for(provider, &number.to_string(), "one").await;
        }
    }
    let world = world.again(adapter).await;
    for provider in world.all_providers() {
        let filter = ChangeFilter { provider: Some(provider), after: 0, limit: 2 };
        let changes = changes(&*world.store, &filter).await;
        assert_eq!(changes.len(), 6, "the provider itself and its associations");
        assert!(changes.iter().all(|change| change.provider() == Some(provider)));
        assert!(changes.is_sorted_by_key(|change| change.sequence));
    }
}

pub(super) async fn a_page_looks_at_a_bounded_number(adapter: &dyn Adapter) {
    let world = Arc::new(World::new(adapter).await);
    let first = world.last_change().await;
    let count = ChangePage::EXAMINED_MAX + 50;
    let writes = (0..count).map(|number| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.create(&number.to_string(), "one").await })
    });
    for write in writes.collect::<Vec<_>>() {
        assert_eq!(write.await.unwrap(), CreateOutcome::Created);
    }
    world.create_for(world.stranger, "7201", "one").await;
    let filter = ChangeFilter { provider: Some(world.stranger), after: first, limit: 10 };
    let page = world.store.list_changes(&filter).await.unwrap();
    if page.changes.is_empty() {
        // An adapter that looks at each record stops in between.
        let end = first + ChangePage::EXAMINED_MAX as u64;
        assert_eq!(page, ChangePage { changes: Vec::new(), next_after: end, more: true });
        let page = world.store.list_changes(&ChangeFilter { after: end, ..filter }).await.unwrap();
        assert_eq!((page.changes.len(), page.more), (1, false));
    } else {
        assert_eq!((page.changes.len(), page.more), (1, false));
    }
    assert_eq!(world.count(world.providers[0]).await, count as u64);
}

/// Ten changes of the times 100, 101 …; answers their sequence numbers.
async fn timed_changes(world: &World) -> Vec<u64> {
    let before = world.last_change().await;
    for number in 0..10 {
        let origin = Origin { time: Timestamp(100 + number), ..origin() };
        let write = WriteAssociation { origin, ..write(world.providers[0], &number.to_string(), "one") };
        world.store.create_association(write).await.unwrap();
    }
    let made = changes(&*world.store, &filter(before, 20)).await;
    assert_eq!(made.len(), 10);
    made.into_iter().map(|change| change.sequence).collect()
}

pub(super) async fn old_changes_are_trimmed(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    assert_eq!(world.store.trim_changes(0, 100).await.unwrap(), 0);
    let accounts = world.changes().await.len();
    assert_eq!(world.store.trim_changes(u64::MAX, 2).await.unwrap(), 2);
    assert_eq!(world.store.trim_changes(u64::MAX, 100).await.unwrap(), accounts - 2);
    let made = timed_changes(&world).await;
    assert_eq!(world.store.trim_changes(made[0] - 1, 100).await.unwrap(), 0, "up to it, and not beyond");
    assert_eq!(world.store.trim_changes(made[3], 3).await.unwrap(), 3);
    assert_eq!(world.changes().await.first().map(|change| change.sequence), Some(made[3]));
    let world = world.again(adapter).await;
    assert_eq!(world.store.trim_changes(made[3], 100).await.unwrap(), 1);
    assert_eq!(world.store.trim_changes(made[3], 100).await.unwrap(), 0);
    assert_eq!(world.store.trim_changes(u64::MAX, 0).await.unwrap(), 0);
    let world = world.again(adapter).await;
    let left: Vec<u64> = world.changes().await.iter().map(|change| change.sequence).collect();
    assert_eq!(left, made[4..]);
    let page = world.store.list_changes(&filter(made[1], 2)).await.unwrap();
    assert_eq!((page.changes.len(), page.next_after, page.more), (2, made[5], true));
    assert_eq!(world.count(world.providers[0]).await, 10, "what was changed stays");
}

/// Changes of these times; answers the sequence number of the last.
async fn changes_at(world: &World, times: impl IntoIterator<Item = u64>) -> u64 {
    for time in times {
        let origin = Origin { time: Timestamp(time), ..origin() };
        let new = external(&RequestId::random().to_string());
        let write = WriteAssociation { origin, ..write(world.providers[0], new.as_str(), "one") };
        world.store.create_association(write).await.unwrap();
    }
    world.last_change().await
}

pub(super) async fn a_clock_that_was_wrong_does_not_stop_retention(adapter: &dyn Adapter) {
    const NOW: u64 = 1_000_000;
    const FUTURE: u64 = 9_000_000;
    let world = World::new(adapter).await;
    // The changes that made the accounts are of today, which is the future here, and more than one batch follows.
    changes_at(&world, (0..1_200).map(|n| FUTURE + n)).await;
    let mut retention = Retention::new(Duration::from_millis(100));
    let apply =
        async |retention: &mut Retention, now| retention.apply(&*world.store, Timestamp(now)).await.unwrap();
    assert_eq!(apply(&mut retention, NOW).await, 0, "nobody knows how old they are");
    // The clock is right again. What it said before does not keep what follows from growing old.
    let last_before = changes_at(&world, [NOW, NOW + 1]).await;
    let all = world.changes().await.len();
    assert_eq!(apply(&mut retention, NOW + 50).await, 0, "what follows is not old");
    let left = changes_at(&world, [FUTURE, NOW + 60, 5, NOW + 61, FUTURE]).await;
    assert_eq!(apply(&mut Retention::new(Duration::from_millis(100)), NOW + 102).await, all);
    let sequences: Vec<u64> = world.changes().await.iter().map(|change| change.sequence).collect();
    assert!(sequences.len() == 5 && sequences[0] > last_before, "{sequences:?}");
    assert_eq!(apply(&mut retention, NOW + 103).await, 0, "a clock that was behind makes nothing old");
    let world = world.again(adapter).await;
    assert_eq!(retention.apply(&*world.store, Timestamp(NOW + 162)).await.unwrap(), 4);
    let sequences: Vec<u64> = world.changes().await.iter().map(|change| change.sequence).collect();
    assert_eq!(sequences, [left], "the last one is still ahead of its time");
    // It goes with the first one behind it that is old.
    changes_at(&world, [FUTURE + 1]).await;
    assert_eq!(retention.apply(&*world.store, Timestamp(FUTURE + 102)).await.unwrap(), 2);
}

pub(super) async fn sequence_numbers_go_on_after_a_trim(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let made = timed_changes(&world).await;
    world.store.trim_changes(u64::MAX, 1_000).await.unwrap();
    assert_eq!(world.changes().await, Vec::new());
    let world = world.again(adapter).await;
    assert_eq!(world.changes().await, Vec::new());
    assert_eq!(world.last_change().await, made[9]);
    world.create("new", "one").await;
    let world = world.again(adapter).await;
    let left: Vec<u64> = world.changes().await.iter().map(|change| change.sequence).collect();
    assert!(left.len() == 1 && left[0] > made[9], "{left:?} after {made:?}");
    world.store.create_profile(profile("p1", NORTH, "u1"), origin()).await.unwrap();
    assert!(world.last_change().await > left[0]);
}

pub(super) async fn what_follows_a_place_is_counted(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let accounts = world.changes().await.len() as u64;
    let made = timed_changes(&world).await;
    let backlog = async |world: &World, after| {
        let Backlog { changes, oldest, complete } = world.store.backlog(after).await.unwrap();
        assert!(complete >= made[9], "all that was acknowledged is there: {complete}");
        (changes, oldest)
    };
    assert_eq!(backlog(&world, 0).await.0, accounts + 10);
    assert_eq!(backlog(&world, made[3]).await, (6, Some(Timestamp(104))));
    for after in [made[9], u64::MAX] {
        assert_eq!(backlog(&world, after).await, (0, None));
    }
    let span = world.store.change_span().await.unwrap();
    assert!(span.newest >= made[9] && span.forgotten < made[0], "{span:?}");
    let count = usize::try_from(accounts).unwrap() + 5;
    assert_eq!(world.store.trim_changes(made[4], 1_000).await.unwrap(), count);
    let world = world.again(adapter).await;
    assert_eq!(world.store.change_span().await.unwrap().forgotten, made[4]);
    assert_eq!(backlog(&world, 0).await, (5, Some(Timestamp(105))));
    world.create("later", "one").await;
    let later = world.store.change_span().await.unwrap();
    assert!(later.newest > span.newest, "{later:?}");
}
