//! Migrations on a real server: several nodes at once, two releases side by side, roles with few rights.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use std::sync::Arc;

use tokio_postgres::Client;
use uuid::Uuid;

use super::{MIGRATIONS, Migrated, Migration, migrate};
use crate::conformance::world::{World, origin};
use crate::conformance::{Adapter, Postgres};
use crate::postgres::connect::Connector;
use crate::postgres::{PostgresStore, PostgresUrl};
use crate::{
    AssociationRange, ChangeFilter, Content, CreateOutcome, DeleteOutcome, OpenError, RegistryStore as _,
    Store, StoreOptions, UpdateOutcome,
};

const KNOWN: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// A step of a later release: it adds, so that this release goes on.
const ADDS: Migration = Migration {
    version: KNOWN + 1,
    name: "adds",
    works_from: KNOWN,
    sql: "ALTER TABLE association ADD COLUMN note text NOT NULL DEFAULT 'none';
        ALTER TABLE change ADD COLUMN weight integer;
        ALTER TABLE profile ADD COLUMN floor integer NOT NULL DEFAULT 0;
        CREATE TABLE extra (id bigint PRIMARY KEY)",
    citus: None,
};

/// A step after which this release is too old.
const BREAKS: Migration = Migration {
    version: KNOWN + 2,
    name: "breaks",
    works_from: KNOWN + 1,
    sql: "ALTER TABLE association RENAME COLUMN amazon_id TO profile_id",
    citus: None,
};

fn url(text: &str) -> PostgresUrl {
    PostgresUrl::parse(text).unwrap()
}

async fn client(text: &str) -> Client {
    Connector::new(&url(text)).unwrap().connect().await.unwrap().0
}

async fn run(text: &str, sql: &str) {
    client(text).await.batch_execute(sql).await.unwrap();
}

async fn number(text: &str, sql: &str) -> i64 {
    client(text).await.query_one(sql, &[]).await.unwrap().get(0)
}

async fn open(text: &str) -> Result<PostgresStore, OpenError> {
    PostgresStore::open(&url(text), StoreOptions::default()).await
}

/// Brings the schema to what a later release knows.
async fn bring_forward(text: &str, later: &[Migration]) -> Migrated {
    let steps: Vec<Migration> = MIGRATIONS.iter().chain(later).copied().collect();
    migrate(&mut client(text).await, &steps, "later").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_apply_each_step_once() {
    let adapter = Postgres::default();
    let text = adapter.url();
    let starts = (0..6).map(|_| {
        let text = text.clone();
        tokio::spawn(async move { open(&text).await.unwrap() })
    });
    let mut keys = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        let store = start.await.unwrap();
        keys.push(*store.root_key().as_bytes());
        store.close().await;
    }
    assert!(keys.iter().all(|key| *key == keys[0]), "all nodes have the same key");
    let steps = number(&text, "SELECT count(*) FROM schema_version").await;
    assert_eq!(steps, i64::try_from(MIGRATIONS.len()).unwrap());
    assert_eq!(number(&text, "SELECT count(*) FROM directory").await, 1);
    let again = PostgresStore::migrate(&url(&text)).await.unwrap();
    assert_eq!(again, Migrated { from: KNOWN, to: KNOWN });
}

#[tokio::test]
async fn a_migration_says_what_it_did() {
    let adapter = Postgres::default();
    let first = PostgresStore::migrate(&url(&adapter.url())).await.unwrap();
    assert_eq!(first, Migrated { from: 0, to: KNOWN });
    assert_eq!(bring_forward(&adapter.url(), &[ADDS]).await, Migrated { from: KNOWN, to: KNOWN + 1 });
    // Forward only: this release neither takes the step back nor writes it off.
    let ours = PostgresStore::migrate(&url(&adapter.url())).await.unwrap();
    assert_eq!(ours, Migrated { from: KNOWN + 1, to: KNOWN + 1 });
    assert_eq!(number(&adapter.url(), "SELECT count(*) FROM extra").await, 0);
}

/// Every kind of call on a store whose world has associations 0 to `count` - 1.
async fn is_of_use(world: &World, name: &str, count: usize) {
    assert_eq!(world.create(name, "p1").await, CreateOutcome::Created);
    assert_eq!(world.create(name, "p2").await, CreateOutcome::Exists);
    assert_eq!(world.update(name, "p2").await, UpdateOutcome::Updated);
    assert_eq!(world.get(name).await.as_deref(), Some("p2"));
    let range = AssociationRange { limit: 10_000, ..AssociationRange::default() };
    let page = world.store.list_associations(world.providers[0], &range).await.unwrap();
    assert_eq!(page.associations.len(), count + 1);
    assert_eq!(world.store.count_associations(world.providers[0]).await.unwrap(), count as u64 + 1);
    assert_eq!(world.delete(name).await, DeleteOutcome::Deleted);
    let filter = ChangeFilter { limit: 10_000, ..ChangeFilter::default() };
    let changes = world.store.list_changes(&filter).await.unwrap().changes;
    assert!(changes.len() >= count, "{} changes", changes.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_works_beside_a_later_one() {
    let adapter = Postgres::default();
    let world = Arc::new(World::new(&adapter).await);
    // The schema moves on while this release writes and reads; nothing fails meanwhile.
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let (begun, begins) = tokio::sync::oneshot::channel();
    let writer = Arc::clone(&world);
    let writes = tokio::spawn(async move {
        let (mut written, mut begun) = (0, Some(begun));
        while !*stopped.borrow_and_update() {
            let id = written.to_string();
            assert_eq!(writer.create(&id, "p1").await, CreateOutcome::Created);
            assert_eq!(writer.get(&id).await.as_deref(), Some("p1"));
            written += 1;
            if let Some(begun) = begun.take() {
                begun.send(()).unwrap();
            }
        }
        written
    });
    begins.await.unwrap();
    let moved = bring_forward(&adapter.url(), &[ADDS]).await;
    assert_eq!(moved, Migrated { from: KNOWN, to: KNOWN + 1 });
    stop.send(true).unwrap();
    let written = writes.await.unwrap();
    is_of_use(&world, "before", written).await;
    // A node of this release that starts afterwards.
    let (providers, stranger) = (world.providers, world.stranger);
    let later = World { store: adapter.open().await, providers, stranger };
    is_of_use(&later, "after", written).await;
    assert_eq!(world.create("shared", "p1").await, CreateOutcome::Created);
    assert_eq!(later.create("shared", "p1").await, CreateOutcome::Exists);
    later.store.close().await;
    world.store.close().await;
}

#[tokio::test]
async fn a_schema_that_is_too_new_is_refused() {
    let adapter = Postgres::default();
    bring_forward(&adapter.url(), &[ADDS, BREAKS]).await;
    let error = open(&adapter.url()).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Schema { found, known, .. } if (found, known) == (KNOWN + 2, KNOWN)),
        "{error:?}"
    );
    let text = error.to_string();
    let both = format!(
        "has schema version {}, which asks for a newer release; this one knows version {KNOWN}",
        KNOWN + 2
    );
    assert!(text.ends_with(&both), "{text}");
    let error = PostgresStore::migrate(&url(&adapter.url())).await.unwrap_err();
    assert_eq!(error.to_string(), text);
}

/// A step that fails leaves nothing behind, and the next attempt is not held up by it.
#[tokio::test]
async fn a_step_that_fails_leaves_nothing() {
    let adapter = Postgres::default();
    let broken = Migration { sql: "CREATE TABLE half (id bigint); SELECT 1 / 0", ..ADDS };
    let steps: Vec<Migration> = MIGRATIONS.iter().copied().chain([broken]).collect();
    let error = migrate(&mut client(&adapter.url()).await, &steps, "later").await.unwrap_err();
    assert!(error.to_string().contains("division by zero"), "{error}");
    assert_eq!(bring_forward(&adapter.url(), &[ADDS]).await, Migrated { from: KNOWN, to: KNOWN + 1 });
    let half = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('half')";
    assert_eq!(number(&adapter.url(), half).await, 0);
}

/// A role of the server of the tests, which may not change the schema.
struct Role {
    owner: String,
    name: String,
}

impl Role {
    async fn new(adapter: &Postgres) -> Self {
        let role = Self { owner: adapter.url(), name: format!("role_{}", Uuid::new_v4().simple()) };
        run(&role.owner, &format!("CREATE ROLE {} LOGIN", role.name)).await;
        role
    }

    /// The URL of the store for this role.
    fn url(&self) -> String {
        let (_, rest) = self.owner.split_once('@').unwrap();
        format!("postgres://{}@{rest}", self.name)
    }

    async fn may_use(&self, schema: &str) {
        run(&self.owner, &format!("GRANT USAGE ON SCHEMA {schema} TO {}", self.name)).await;
    }

    /// The rights that a node needs while it runs, as docs/postgres.md names them.
    async fn may_run(&self, schema: &str) {
        let grants = ["SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES", "ALL ON ALL SEQUENCES"];
        for grant in grants {
            run(&self.owner, &format!("GRANT {grant} IN SCHEMA {schema} TO {}", self.name)).await;
        }
    }

    async fn remove(self) {
        run(&self.owner, &format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name)).await;
    }
}

async fn schema(text: &str) -> String {
    client(text).await.query_one("SELECT current_schema()::text", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_role_that_may_not_change_the_schema_starts_when_it_is_there() {
    let adapter = Postgres::default();
    let role = Role::new(&adapter).await;
    let schema = schema(&adapter.url()).await;

    let error = open(&role.url()).await.unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("no schema has been selected"), "{error}");

    role.may_use(&schema).await;
    let error = open(&role.url()).await.unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
    let text = error.to_string();
    let wanted = format!("the schema has to be brought to version {KNOWN}, by a role that may change it");
    assert!(
        text.contains(&wanted) && text.contains(&format!("permission denied for schema {schema}")),
        "{text}"
    );

    PostgresStore::migrate(&url(&adapter.url())).await.unwrap();
    let error = open(&role.url()).await.unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("permission denied for table schema_version"), "{error}");

    role.may_run(&schema).await;
    let few = AsRole(role.url());
    let world = World::new(&few).await;
    is_of_use(&world, "7201", 0).await;
    world.store.reset(Content::default(), origin()).await.unwrap();
    assert_eq!(world.store.stats().await.unwrap().associations, 0);
    world.store.close().await;
    role.remove().await;
}

/// Stores that a role opens.
struct AsRole(String);

#[async_trait::async_trait]
impl Adapter for AsRole {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(open(&self.0).await.unwrap())
    }

    fn is_durable(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let adapter = Postgres::default();
    let name = format!("latin_{}", Uuid::new_v4().simple());
    let make = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    run(&adapter.url(), &format!("CREATE DATABASE {name} {make}")).await;
    let server = adapter.url();
    let (server, _) = server.rsplit_once('/').unwrap();
    let there = format!("{server}/{name}");
    let error = open(&there).await.unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("has the encoding LATIN1, and UTF8 is needed"), "{text}");
    let tables = "SELECT count(*) FROM pg_class WHERE relname IN ('schema_version', 'directory')";
    assert_eq!(number(&there, tables).await, 0, "nothing was made");
    run(&adapter.url(), &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
