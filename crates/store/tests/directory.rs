//! The directory of an embedded store: one process at a time, one format, nothing else in it.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use std::fs;
use std::path::Path;

use jackfield_model::wire::Network;
use jackfield_store::conformance::dump::Dump;
use jackfield_store::conformance::world::{
    NORTH, World, organization, organization_id, origin, profile, skill,
};
use jackfield_store::conformance::{Embedded, private_dir};
use jackfield_store::embedded::EmbeddedStore;
use jackfield_store::registry::{NetworkChange, Record};
use jackfield_store::{
    CreateOutcome, CreateProfileOutcome, DeleteOutcome, OpenError, RegistryCommand, RegistryStore as _,
    Store, StoreOptions, StoreUrl, UpdateOutcome,
};

async fn open(dir: &Path) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(dir, StoreOptions::default()).await
}

async fn add_organization(store: &EmbeddedStore) {
    let command = RegistryCommand::CreateOrganization(organization("north"));
    store.change_registry(command, jackfield_store::conformance::world::origin()).await.unwrap();
}

#[tokio::test]
async fn a_directory_is_made_with_its_parents_and_for_its_owner_alone() {
    let base = private_dir();
    let dir = base.path().join("a/b");
    let url: StoreUrl = format!("embedded:{}", dir.display()).parse().unwrap();
    let store = url.open(StoreOptions::default()).await.unwrap();
    assert_eq!(store.kind(), "embedded");
    assert!(store.stats().await.unwrap().disk_bytes.is_some_and(|bytes| bytes > 0));
    store.close().await;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&dir).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
    }
    assert_eq!(fs::read_to_string(dir.join("format")).unwrap(), "jackfield store, format 6\n");
}

#[tokio::test]
async fn a_directory_belongs_to_one_store_at_a_time() {
    let dir = private_dir();
    let first = open(dir.path()).await.unwrap();
    let error = open(dir.path()).await.unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
    let text = format!(
        "{} is in use by another process; a store directory belongs to one server at a time",
        dir.path().display()
    );
    assert_eq!(error.to_string(), text);
    add_organization(&first).await;
    first.close().await;
    let second = open(dir.path()).await.unwrap();
    assert_eq!(second.registry().organizations.len(), 1);
    second.close().await;
}

#[tokio::test]
async fn a_store_that_is_dropped_gives_the_directory_back() {
    let dir = private_dir();
    let store = open(dir.path()).await.unwrap();
    add_organization(&store).await;
    drop(store);
    let started = std::time::Instant::now();
    let again = loop {
        match open(dir.path()).await {
            Ok(store) => break store,
            Err(OpenError::InUse(_)) if started.elapsed().as_secs() < 30 => {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(again.registry().organizations.len(), 1);
}

/// Bytes of the journals that the next start would read.
fn journal_bytes(dir: &Path) -> u64 {
    let files = fs::read_dir(dir.join("engine")).unwrap().map(|entry| entry.unwrap().path());
    let journals = files.filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    journals.map(|path| fs::metadata(path).unwrap().len()).sum()
}

#[tokio::test]
async fn a_clean_stop_leaves_nothing_in_the_journals() {
    let dir = private_dir();
    // Each start goes on where the one before stopped, whether it found a journal or none.
    for round in 1..=3 {
        let store = open(dir.path()).await.unwrap();
        assert_eq!(store.registry().organizations.len(), usize::from(round > 1));
        if round == 1 {
            add_organization(&store).await;
        }
        assert!(round > 1 || journal_bytes(dir.path()) > 0);
        store.close().await;
        assert_eq!(journal_bytes(dir.path()), 0, "round {round}");
    }
    // A reader that is still there could be a writer: the journals stay.
    let store = open(dir.path()).await.unwrap();
    let changes = store.stats().await.unwrap().last_change;
    let snapshot = store.snapshot().await.unwrap();
    let command = RegistryCommand::DeleteOrganization(organization_id("north"));
    store.change_registry(command, origin()).await.unwrap();
    store.close().await;
    assert!(journal_bytes(dir.path()) > 0);
    drop(snapshot);
    let store = open(dir.path()).await.unwrap();
    assert_eq!(
        (store.registry().organizations.len(), store.stats().await.unwrap().last_change),
        (0, changes + 1)
    );
    store.close().await;
}

#[tokio::test]
async fn other_formats_are_refused() {
    let dir = private_dir();
    open(dir.path()).await.unwrap().close().await;
    let marker = dir.path().join("format");
    for (text, found) in [("7", "7"), ("0", "0"), ("1.5", "1.5"), ("7, being made", "7"), ("", "")] {
        fs::write(&marker, format!("jackfield store, format {text}\n")).unwrap();
        let error = open(dir.path()).await.unwrap_err();
        let expected = format!(
            "{} holds store format {found}; this version reads formats up to 6",
            dir.path().display()
        );
        assert_eq!(error.to_string(), expected);
    }
    for foreign in ["", "something else\n", "jackfield store, format 1"] {
        fs::write(&marker, foreign).unwrap();
        let error = open(dir.path()).await.unwrap_err();
        assert!(matches!(error, OpenError::NotAStore(_)), "{foreign:?}: {error:?}");
    }
    fs::write(&marker, "jackfield store, format 6\n").unwrap();
    open(dir.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_directory_with_something_else_is_left_alone() {
    let dir = private_dir();
    fs::write(dir.path().join("letter.txt"), "Dear all").unwrap();
    let error = open(dir.path()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} is not empty and holds no store", dir.path().display()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was put there");
    let error = open(&dir.path().join("letter.txt")).await.unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn what_a_server_or_a_file_system_puts_there_is_no_hindrance() {
    let dir = private_dir();
    fs::write(dir.path().join("admin-token"), "secret").unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    open(dir.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn an_interrupted_making_is_begun_again() {
    let dir = private_dir();
    let store = open(dir.path()).await.unwrap();
    add_organization(&store).await;
    store.close().await;
    fs::write(dir.path().join("format"), "jackfield store, format 4, being made\n").unwrap();
    fs::remove_file(dir.path().join("engine/version")).unwrap();
    let store = open(dir.path()).await.unwrap();
    assert!(store.registry().organizations.is_empty());
    store.close().await;
}

#[tokio::test]
async fn a_store_whose_files_are_gone_is_not_made_anew() {
    let dir = private_dir();
    open(dir.path()).await.unwrap().close().await;
    fs::remove_dir_all(dir.path().join("engine")).unwrap();
    let error = open(dir.path()).await.unwrap_err().to_string();
    assert!(error.contains("is damaged: the engine's files are gone"), "{error}");
    assert!(!dir.path().join("engine").exists());
}

/// Without profiles, network mappings and admin tokens this version writes what format 1 was, byte for byte.
#[tokio::test]
async fn a_directory_of_format_1_is_opened_and_raised() {
    let adapter = Embedded::default();
    let world = World::new(&adapter).await;
    for number in 0..20 {
        assert_eq!(world.create(&number.to_string(), "p1").await, CreateOutcome::Created);
    }
    let before = Dump::of(&*world.store, &world.all_providers(), &[organization_id(NORTH)], 7).await;
    world.store.close().await;
    let marker = adapter.dir().join("format");
    fs::write(&marker, "jackfield store, format 1\n").unwrap();
    let world = world.again(&adapter).await;
    assert_eq!(fs::read_to_string(&marker).unwrap(), "jackfield store, format 6\n");
    let after = Dump::of(&*world.store, &world.all_providers(), &[organization_id(NORTH)], 7).await;
    assert_eq!(after, before);
    // What was there before goes on as if this version had written it.
    let lobby = profile("p1", NORTH, "lobby");
    let created = world.store.create_profile(lobby.clone(), origin()).await.unwrap();
    assert_eq!(created, CreateProfileOutcome::Created);
    assert_eq!(world.create("new", "p1").await, CreateOutcome::Created);
    assert_eq!(world.update("1", "p2").await, UpdateOutcome::Updated);
    assert_eq!(world.delete("2").await, DeleteOutcome::Deleted);
    let set = NetworkChange::Set(Network::skill(skill("a")));
    world.done(RegistryCommand::ChangeNetwork(world.providers[0], set)).await;
    let world = world.again(&adapter).await;
    assert_eq!(world.count(world.providers[0]).await, 20);
    assert_eq!(world.get("1").await.as_deref(), Some("p2"));
    world.store.close().await;
    fs::write(&marker, "jackfield store, format 1, being made\n").unwrap();
    fs::remove_file(adapter.dir().join("engine/version")).unwrap();
    open(adapter.dir()).await.unwrap().close().await;
    assert_eq!(fs::read_to_string(&marker).unwrap(), "jackfield store, format 6\n");
}

#[test]
fn a_service_provider_of_format_1_has_no_network() {
    let row = r#"{"ServiceProvider":{"id":"amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10",
        "organization":"amzn1.alexa.unit.did.o","logical_id":"desk","display_name":[]}}"#;
    let record: Record = serde_json::from_str(row).unwrap();
    let Record::ServiceProvider(provider) = &record else { panic!("{record:?}") };
    assert_eq!(provider.network, None);
    let written: serde_json::Value = serde_json::to_value(&record).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(row).unwrap(), "and is written as it was");
}
