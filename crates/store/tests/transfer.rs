//! Exports: what goes out comes in again, on every adapter; what was cut off, changed or is not an export is refused
//! with its line; an export of the first version can be read for ever.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use std::sync::Arc;

use jackfield_model::wire::Association;
use jackfield_store::conformance::dump::{Dump, assert_whole};
use jackfield_store::conformance::property::furnish;
use jackfield_store::conformance::world::{
    NORTH, NORTHERN, World, amazon, client, external, organization_id, origin, profile, write,
};
use jackfield_store::conformance::{Adapter, Embedded, Memory};
use jackfield_store::embedded::EmbeddedStore;
use jackfield_store::transfer::{Export, FormatError, Import, MoveError, Moved};
use jackfield_store::{
    Content, LoadOutcome, MemoryStore, RegistryCommand, RegistryStore as _, Store, StoreOptions,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

async fn export(store: &dyn Store) -> Vec<u8> {
    let mut export = Export::new(store.snapshot().await.unwrap());
    let mut bytes = Vec::new();
    while let Some(next) = export.next().await.unwrap() {
        bytes.extend(next);
    }
    bytes
}

/// Imports in pieces of this many bytes.
async fn import(store: Arc<dyn Store>, bytes: &[u8], piece: usize) -> Result<Moved, MoveError> {
    let mut import = Import::new(store);
    for piece in bytes.chunks(piece) {
        if let Err(error) = import.push(piece).await {
            import.abandon().await.unwrap();
            return Err(error);
        }
    }
    import.finish().await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(bytes).unwrap()).unwrap()
}

fn compress(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

async fn world(adapter: &dyn Adapter) -> World {
    let world = World::new(adapter).await;
    world.store.create_profile(profile("p1", NORTH, "one"), origin()).await.unwrap();
    furnish(&*world.store, NORTH, "p1").await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[1]))).await;
    for id in ["7201", "7202", "é\"\\"] {
        world.create(id, "p1").await;
        world.create_for(world.stranger, id, "p1").await;
    }
    world
}

async fn look(store: &dyn Store, world: &World) -> Dump {
    Dump::of(store, &world.all_providers(), &[NORTH, NORTHERN].map(organization_id), 100).await
}

/// A write that a store can be brought about by: where, endpoint, profile, or nothing to delete.
type Write = (usize, String, Option<String>);

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let id = "[a-z0-9é!\u{10ffff}\"\\\\]{1,6}";
    proptest::collection::vec((0_usize..3, id, proptest::option::weighted(0.8, "p[0-9]")), 0..60)
}

#[test]
fn what_goes_out_comes_in_again() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { cases: 12, ..ProptestConfig::default() };
    let round = |(writes, profiles, piece): (Vec<Write>, u8, usize)| {
        runtime.block_on(async {
            let (first, second) = (Embedded::in_memory(), Embedded::in_memory());
            let world = World::new(&first).await;
            for number in 0..profiles {
                let new = profile(&format!("p{number}"), [NORTH, NORTHERN][usize::from(number % 2)], "u");
                let unit = profile("x", NORTH, &format!("u{number}")).unit;
                world.store.create_profile(jackfield_store::Profile { unit, ..new }, origin()).await.unwrap();
            }
            if profiles > 0 {
                furnish(&*world.store, NORTH, "p0").await;
            }
            for (provider, id, to) in &writes {
                let provider = world.all_providers()[*provider];
                match to {
                    Some(to) => drop(world.create_for(provider, id, to).await),
                    None => drop(world.delete_for(provider, id).await),
                }
            }
            let wanted = look(&*world.store, &world).await;
            let bytes = export(&*world.store).await;
            let memory: Arc<dyn Store> = Arc::new(MemoryStore::default());
            import(Arc::clone(&memory), &bytes, piece).await.unwrap();
            assert_eq!(look(&*memory, &world).await.difference(&wanted), None);
            let again = export(&*memory).await;
            let embedded = second.open().await;
            import(Arc::clone(&embedded), &again, piece).await.unwrap();
            embedded.close().await;
            let embedded = second.open().await;
            assert_eq!(look(&*embedded, &world).await.difference(&wanted), None);
            assert_whole(&*embedded).await;
            // The same but for id and time in the first line, and the checksum in the last.
            let body = |bytes: &[u8]| {
                let text = text(bytes);
                let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines[1..lines.len() - 1].to_vec()
            };
            assert_eq!(body(&export(&*embedded).await), body(&bytes));
        });
        Ok(())
    };
    TestRunner::new(config).run(&(writes(), 0_u8..10, 1_usize..2_000), round).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_was_cut_off_is_refused() {
    let world = world(&Memory).await;
    let bytes = export(&*world.store).await;
    let lines: Vec<String> = text(&bytes).lines().map(|line| format!("{line}\n")).collect();
    for kept in 0..lines.len() {
        let cut = compress(&lines[..kept].concat());
        let store = Arc::new(MemoryStore::default());
        let error = import(Arc::clone(&store) as Arc<dyn Store>, &cut, 64).await.unwrap_err().to_string();
        let expected = format!(
            "the export cannot be read, line {}: it ends here, without its last line: it was cut off",
            kept + 1
        );
        assert_eq!(error, expected);
        assert!(store.registry().organizations.is_empty());
    }
    for length in (0..bytes.len()).step_by(7) {
        let error = import(Arc::new(MemoryStore::default()), &bytes[..length], 100).await.unwrap_err();
        assert!(error.to_string().contains("it was cut off"), "{length}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_was_changed_is_refused_with_its_line() {
    let world = world(&Memory).await;
    let original = text(&export(&*world.store).await);
    let lines: Vec<&str> = original.lines().collect();
    let find = |part: &str| lines.iter().position(|line| line.contains(part)).unwrap();
    let refused = async |text: String| {
        let error = import(Arc::new(MemoryStore::default()), &compress(&text), 100).await.unwrap_err();
        let MoveError::Format(FormatError { line, reason }) = error else { panic!("{error}") };
        (line, reason)
    };
    let with = |at: usize, line: &str| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        line.clone_into(&mut lines[at]);
        lines.join("\n") + "\n"
    };
    let first = find("\"association\"");
    let total = find("provider_total");
    for (at, line, wrong, reason) in [
        (0, "{}".to_owned(), 0, "it does not begin like an export"),
        (0, lines[0].replace("jackfield export", "other"), 0, "it does not begin like an export"),
        (
            0,
            lines[0].replace("\"version\":4", "\"version\":5"),
            0,
            "the export has format version 5; this version of jackfield reads up to 4",
        ),
        (first, "{\"association\":".to_owned(), first, "its JSON ends too early (column 15)"),
        (first, "nonsense".to_owned(), first, "it is not JSON (column 1)"),
        (
            first,
            lines[first + 1].to_owned(),
            first + 1,
            "it is not in its place: lines are in the order of their ids",
        ),
        (
            first,
            lines[first].replace(",\"counted\":true", ""),
            total,
            "the associations before it are not those that were exported",
        ),
        (
            find("\"client\""),
            lines[find("\"client\"")].replace("\"enabled\":true", "\"enabled\":false"),
            lines.len() - 1,
            "the lines before it are not those that were exported",
        ),
        (
            find("\"profile\""),
            lines[find("\"profile\"")].replace("unit.did.north", "unit.did.south"),
            find("\"profile\""),
            "its organization is not there",
        ),
        (
            find("\"unit\""),
            lines[find("\"unit\"")].replace("unit.did.north\",\"unit", "unit.did.south\",\"unit"),
            find("\"unit\""),
            "its organization is not there",
        ),
        (
            find("\"contact\""),
            lines[find("\"contact\"") - 1].to_owned(),
            find("\"contact\""),
            "it is not in its place: lines are in the order of their ids",
        ),
        (
            find("\"contact_setting\""),
            lines[find("\"contact_setting\"")].replace("ENABLED", "DISABLED"),
            lines.len() - 1,
            "the lines before it are not those that were exported",
        ),
    ] {
        assert_ne!(lines[at], line, "the example changes something");
        assert_eq!(refused(with(at, &line)).await, (wrong as u64 + 1, reason.to_owned()));
    }
    let contact = find("\"contact\"");
    let (line, reason) = refused(with(contact, &lines[contact].replace("contactId", "id"))).await;
    assert_eq!(line, contact as u64 + 1);
    assert!(reason.starts_with("it is not a line of an export, or a value in it is not valid"), "{reason}");
    let (line, reason) = refused(format!("{original}{{}}\n")).await;
    assert_eq!((line, reason.as_str()), (lines.len() as u64 + 1, "there is something after the last line"));
    let mut damaged = export(&*world.store).await;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    assert!(import(Arc::new(MemoryStore::default()), &damaged, 100).await.is_err());
    let error =
        import(Arc::new(MemoryStore::default()), b"plain text, not an export", 100).await.unwrap_err();
    assert!(error.to_string().contains("line 1: its compression is damaged, or it is no export"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_import_goes_on_with_the_same_file() {
    let (world, other) = (many(40_000).await, world(&Memory).await);
    let (bytes, foreign) = (export(&*world.store).await, export(&*other.store).await);
    let wanted = look(&*world.store, &world).await;
    let adapter = Embedded::in_memory();
    let store = adapter.open().await;
    let mut import = Import::new(Arc::clone(&store));
    import.push(&bytes[..bytes.len() * 19 / 20]).await.unwrap();
    drop(import);
    store.close().await;
    // What was handed over last may still be on its way to the files.
    let mut tries = 0;
    let error = loop {
        let refused = EmbeddedStore::open(adapter.dir(), StoreOptions::default()).await;
        let error = refused.err().unwrap().to_string();
        tries += 1;
        if !error.contains("Locked") || tries > 1_000 {
            break error;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert!(error.contains("holds a part of the export"), "{error}");
    assert!(error.contains("go on with jackfield store import --store embedded:"), "{error}");
    let store = adapter.open_unfinished().await;
    let refused = self::import(Arc::clone(&store), &foreign, 1_000).await.unwrap_err();
    assert!(matches!(refused, MoveError::Another(_)), "{refused}");
    let moved = self::import(Arc::clone(&store), &bytes, 10_000).await.unwrap();
    assert!(moved.skipped > 0 && moved.associations > 0, "{moved:?}");
    assert_eq!(moved.skipped + moved.associations + moved.changes, 40_000 + wanted.changes.len() as u64);
    store.close().await;
    assert_eq!(look(&*adapter.open().await, &world).await.difference(&wanted), None);
}

/// A world whose first provider has many associations, stored by one reset.
async fn many(count: usize) -> World {
    let world = World::new(&Memory).await;
    let associations =
        (0..count).map(|n| Association::new(external(&format!("{n:07}")), amazon("p1"))).collect();
    let registry = world.store.registry().as_ref().clone();
    let content = Content {
        registry,
        profiles: Vec::new(),
        associations: [(world.providers[0], associations)].into(),
        ..Content::default()
    };
    world.store.reset(content, origin()).await.unwrap();
    world.store.trim_changes(u64::MAX, count).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_an_engine_that_is_closed_ends_with_an_error() {
    let adapter = Embedded::in_memory();
    let world = world(&adapter).await;
    let mut snapshot = world.store.snapshot().await.unwrap();
    assert_eq!(snapshot.associations(world.providers[0], None, 10).await.unwrap().len(), 3);
    let closing = tokio::time::timeout(std::time::Duration::from_secs(4), world.store.close());
    closing.await.expect("the store does not wait for who reads everything");
    let error = snapshot.associations(world.providers[0], None, 10).await.unwrap_err();
    assert!(error.to_string().contains("cannot be read any more"), "{error}");
    drop(adapter.open().await);
}

/// That an export is read, and is the same when it is written again: names and order of fields are part of the format.
async fn is_read_for_ever(golden: &str) -> (Arc<dyn Store>, Moved) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let moved = import(Arc::clone(&store), &compress(golden), 100).await.unwrap();
    let again = text(&export(&*store).await);
    let body = |text: &str| text.lines().skip(1).take_while(|line| !line.contains("\"end\"")).count();
    assert_eq!(body(&again), body(golden));
    for (now, then) in again.lines().zip(golden.lines()).skip(1).take(body(golden)) {
        assert_eq!(now, then);
    }
    (store, moved)
}

/// `tests/data/export-1.jsonl` was written by the first version that had exports.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_version_of_the_format_is_read_for_ever() {
    let (store, moved) = is_read_for_ever(include_str!("data/export-1.jsonl")).await;
    assert_eq!((moved.accounts, moved.profiles, moved.associations, moved.changes), (6, 1, 6, 13));
    let write =
        write("amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6fff".parse().unwrap(), "new", "p1");
    store.create_association(write).await.unwrap();
}

/// `tests/data/export-3.jsonl` was written by the first version that had resources.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_version_with_resources_is_read_for_ever() {
    let (store, moved) = is_read_for_ever(include_str!("data/export-3.jsonl")).await;
    assert_eq!((moved.profiles, moved.resources, moved.associations), (1, 15, 6));
    assert_whole(&*store).await;
}

/// `tests/data/export-4.jsonl` is the same with a webhook, as the first version wrote it that had them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_version_with_webhooks_is_read_for_ever() {
    let (store, moved) = is_read_for_ever(include_str!("data/export-4.jsonl")).await;
    assert_eq!((moved.profiles, moved.resources, moved.associations), (1, 15, 6));
    let registry = store.registry();
    let webhook = registry.webhooks.values().next().unwrap();
    assert_eq!((webhook.paused, webhook.batch, webhook.organization.is_some()), (true, 100, true));
    let delivery = &registry.deliveries[&webhook.id];
    assert_eq!((delivery.after, delivery.parked.as_ref().unwrap().failures), (5, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_an_export_stay_out_of_debug_output() {
    let world = world(&Memory).await;
    let snapshot = world.store.snapshot().await.unwrap();
    let hex: String = snapshot.root_key().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = export(&*world.store).await;
    assert!(text(&bytes).contains(&hex), "the key moves");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let mut import = Import::new(Arc::clone(&store));
    import.push(&bytes).await.unwrap();
    let shown = format!("{snapshot:?} {import:?} {:?}", Export::new(world.store.snapshot().await.unwrap()));
    assert!(
        !shown.contains(&hex) && !shown.contains(&format!("{:?}", snapshot.root_key().as_bytes())),
        "{shown}"
    );
    let outcome = MemoryStore::default().load(start(&*world.store).await).await.unwrap();
    let LoadOutcome::Ready(load) = outcome else { panic!("{outcome:?}") };
    assert!(!format!("{load:?}").contains(&hex));
    assert_eq!(*load.position(), jackfield_store::Position::Start);
}

async fn start(store: &dyn Store) -> jackfield_store::LoadStart {
    let snapshot = store.snapshot().await.unwrap();
    jackfield_store::LoadStart {
        source: jackfield_store::Source::store(snapshot.root_key()),
        root_key: snapshot.root_key().clone(),
        registry: Arc::clone(snapshot.registry()),
        last_change: snapshot.totals().last_change,
    }
}
