//! One behaviour suite for every adapter: what the [`Store`] trait promises, as tests.
//!
//! An adapter's test file calls [`conformance_suite!`](crate::conformance_suite) with an [`Adapter`]; each
//! behaviour becomes a test of its own. Behaviours look at the outcome of each call and at what every reading
//! method says afterwards, and a durable store is closed and opened in between.

#![allow(clippy::unwrap_used, reason = "test code: a panic is the report")]

pub mod admin;
mod association;
mod change;
pub mod dump;
mod grant;
mod keys;
mod lifecycle;
mod profile;
pub mod property;
mod quota;
mod registry;
mod reset;
mod resource;
pub mod resource_rows;
mod transfer;
mod verify;
pub mod webhook;
pub mod world;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::Store;
use crate::resource::RowKey;

/// A way to get stores of one kind.
#[async_trait]
pub trait Adapter: Send + Sync {
    /// Opens the store: what an earlier one left when the adapter is durable, an empty one otherwise.
    async fn open(&self) -> Arc<dyn Store>;

    /// Opens the store also when a load of it was interrupted.
    async fn open_unfinished(&self) -> Arc<dyn Store> {
        self.open().await
    }

    /// Whether what was stored is there when the store is opened again.
    fn is_durable(&self) -> bool;

    /// Stores a row of a resource by itself, or removes it, in a store that is not open: damage, for tests of what finds it.
    async fn damage(&self, key: &RowKey, text: Option<&str>) {
        unreachable!("{key} {text:?}: nothing outlives a store of this kind, so there is nothing to damage");
    }
}

/// `memory:`.
#[derive(Debug, Default)]
pub struct Memory;

#[async_trait]
impl Adapter for Memory {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(crate::MemoryStore::default())
    }

    fn is_durable(&self) -> bool {
        false
    }
}

/// A temporary directory for its owner alone, as a store wants it.
///
/// # Panics
/// When the system has no room for temporary files.
#[must_use]
pub fn private_dir() -> tempfile::TempDir {
    private_dir_in(&std::env::temp_dir()).expect("the system has room for temporary files")
}

/// The same in another directory.
///
/// # Errors
/// When it takes none.
pub fn private_dir_in(base: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(base)
}

/// `embedded:` in a directory that goes with the value.
#[derive(Debug)]
pub struct Embedded(tempfile::TempDir);

impl Default for Embedded {
    fn default() -> Self {
        Self(private_dir())
    }
}

impl Embedded {
    /// A store whose files are in memory where the system has a file system for that: for tests of what the store
    /// does, not of how durable it is.
    #[must_use]
    pub fn in_memory() -> Self {
        private_dir_in(Path::new("/dev/shm")).map_or_else(|_| Self::default(), Self)
    }

    /// The directory of the store.
    #[must_use]
    pub fn dir(&self) -> &std::path::Path {
        self.0.path()
    }
}

#[async_trait]
impl Adapter for Embedded {
    async fn open(&self) -> Arc<dyn Store> {
        let store = crate::embedded::EmbeddedStore::open(self.dir(), crate::StoreOptions::default()).await;
        Arc::new(store.expect("the store opens"))
    }

    async fn open_unfinished(&self) -> Arc<dyn Store> {
        let options = crate::StoreOptions { unfinished: true, ..crate::StoreOptions::default() };
        let store = crate::embedded::EmbeddedStore::open(self.dir(), options).await;
        Arc::new(store.expect("the store opens"))
    }

    fn is_durable(&self) -> bool {
        true
    }

    async fn damage(&self, key: &RowKey, text: Option<&str>) {
        let store = crate::embedded::EmbeddedStore::open(self.dir(), crate::StoreOptions::default()).await;
        let store = store.expect("the store opens");
        store.damage(key, text).await.expect("the engine takes it");
        store.close().await;
    }
}

/// `postgres:` in a schema of its own, which goes with the value, on the server that the environment names.
#[derive(Debug)]
pub struct Postgres {
    server: String,
    schema: String,
}

/// The variable that names the URL of a PostgreSQL server for tests, with no parameters.
pub const POSTGRES_VARIABLE: &str = "JACKFIELD_TEST_POSTGRES";

impl Default for Postgres {
    fn default() -> Self {
        let server = std::env::var(POSTGRES_VARIABLE).unwrap_or_else(|_| {
            panic!("{POSTGRES_VARIABLE} names no PostgreSQL server; script/test starts one and names it")
        });
        Self::on(server)
    }
}

impl Postgres {
    /// A schema on this server.
    #[must_use]
    pub fn on(server: String) -> Self {
        let schema = format!("store_{}", uuid::Uuid::new_v4().simple());
        let postgres = Self { server, schema };
        postgres.execute(&format!("CREATE SCHEMA {}", postgres.schema));
        postgres
    }

    /// The URL of the store.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}?options=-c%20search_path%3D{}&pool_size=6", self.server, self.schema)
    }

    /// Runs statements, on a thread of their own: values are also dropped where a runtime runs.
    fn execute(&self, sql: &str) {
        let (server, sql) = (self.server.clone(), sql.to_owned());
        let run = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await?;
                tokio::spawn(connection);
                client.batch_execute(&sql).await
            })
        });
        run.join().expect("no panic").expect("the server of the tests answers");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.execute(&format!("DROP SCHEMA {} CASCADE", self.schema));
        }
    }
}

#[async_trait]
impl Adapter for Postgres {
    async fn open(&self) -> Arc<dyn Store> {
        let url: crate::StoreUrl = self.url().parse().expect("a valid URL");
        url.open(crate::StoreOptions::default()).await.expect("the store opens")
    }

    async fn open_unfinished(&self) -> Arc<dyn Store> {
        let url: crate::StoreUrl = self.url().parse().expect("a valid URL");
        let options = crate::StoreOptions { unfinished: true, ..crate::StoreOptions::default() };
        url.open(options).await.expect("the store opens")
    }

    fn is_durable(&self) -> bool {
        true
    }

    async fn damage(&self, key: &RowKey, text: Option<&str>) {
        let RowKey { list, id } = key;
        let table = format!("{}.resource", self.schema);
        let (organization, kind, scope) = (&list.organization, list.table.number(), &list.scope);
        self.execute(&format!(
            "DELETE FROM {table} WHERE organization_id = '{organization}' AND kind = {kind} AND scope = '{scope}' \
             AND id = '{id}'"
        ));
        if let Some(text) = text {
            self.execute(&format!(
                "INSERT INTO {table} VALUES ('{organization}', {kind}, '{scope}', '{id}', '{text}')"
            ));
        }
    }
}

/// Makes a test of each listed behaviour, and the macro that an adapter's test file calls.
macro_rules! suite {
    ($dollar:tt $($group:ident: $($behaviour:ident)*;)*) => {
        /// The behaviours, each on a store that was just made.
        pub mod behaviour {
            $($(
                #[doc = concat!("See `", stringify!($group), "`.")]
                pub async fn $behaviour(adapter: impl super::Adapter) {
                    super::$group::$behaviour(&adapter).await;
                }
            )*)*
        }

        /// A module with a test for each behaviour of the suite.
        ///
        /// `conformance_suite!(memory, Memory::default())`
        #[macro_export]
        macro_rules! conformance_suite {
            ($dollar name:ident, $dollar adapter:expr) => {
                mod $dollar name {
                    use super::*;
                    $($(
                        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                        async fn $behaviour() {
                            $dollar crate::conformance::behaviour::$behaviour($dollar adapter).await;
                        }
                    )*)*
                }
            };
        }
    };
}

// A behaviour that is not listed here is dead code, which the lints refuse.
suite! { $
    admin:
        admin_tokens_are_made_and_removed
        admin_tokens_are_bounded
        a_reset_keeps_admin_tokens
        operators_and_their_acts_are_recorded;
    association:
        create_stores_once
        create_and_update_need_the_provider
        update_changes_what_is_there
        delete_removes_what_is_there
        strict_profiles_want_a_profile_of_the_owner
        providers_do_not_see_each_other
        ids_are_sorted_by_their_bytes
        pages_join_to_the_whole
        a_prefix_and_a_start_narrow_the_list
        find_answers_what_is_there
        one_of_many_concurrent_creates_wins
        concurrent_writes_are_all_there
        a_write_is_read_back_at_once
        no_reader_goes_back_behind_a_write
        a_walk_meets_what_stays_exactly_once;
    change:
        a_change_record_tells_everything
        what_changes_nothing_is_not_recorded
        changes_come_in_pages
        changes_are_filtered_by_provider
        a_page_looks_at_a_bounded_number
        old_changes_are_trimmed
        a_clock_that_was_wrong_does_not_stop_retention
        sequence_numbers_go_on_after_a_trim
        what_follows_a_place_is_counted;
    lifecycle:
        an_empty_store_answers
        the_root_key_stays
        everything_is_there_again
        a_closed_store_refuses_writes;
    transfer:
        a_snapshot_shows_one_moment
        everything_moves_in
        everything_moves_out
        nothing_is_seen_before_a_load_is_finished
        an_interrupted_load_goes_on
        a_load_that_was_interrupted_within_resources_goes_on
        what_is_no_resource_is_not_stored
        what_changed_at_the_source_is_moved_again
        profiles_are_moved_again_without_resources
        resources_are_moved_again_without_profiles
        a_load_goes_on_with_the_same_only
        only_a_new_store_is_filled
        an_abandoned_load_leaves_an_empty_store;
    profile:
        profiles_are_stored_once
        a_unit_has_one_profile
        profiles_are_renamed_and_removed_by_their_organization
        profiles_are_listed_by_organization
        an_organization_with_profiles_stays
        profiles_are_found_by_their_unit
        many_profiles_are_put_at_once
        a_strict_organization_keeps_profiles_in_use
        what_is_counted_is_taken_off_once;
    resource:
        units_are_a_tree
        a_tree_of_units_is_bounded
        a_tree_of_units_is_walked_in_pages
        contacts_stand_in_address_books
        what_goes_with_a_profile_goes_in_its_commit
        address_books_are_associated_with_units
        units_and_profiles_keep_each_other
        an_organization_with_resources_stays
        an_address_book_is_bounded
        a_skill_is_of_one_organization;
    quota:
        service_providers_and_clients_are_bounded
        profiles_are_bounded
        a_quota_outlives_a_restart_and_removes_nothing;
    keys:
        keys_are_rotated
        rotated_keys_move_and_outlive_a_reset;
    grant:
        a_code_is_redeemed_once
        consent_never_pushes_out_what_an_operator_issued
        a_person_pushes_out_what_is_his
        spent_codes_of_a_person_are_bounded
        spent_codes_are_bounded
        a_refresh_token_is_replaced_and_revoked
        any_earlier_token_ends_its_family;
    registry:
        organizations_come_change_and_go
        clients_come_change_and_go
        refresh_tokens_belong_to_one_client
        service_providers_come_change_and_go
        networks_are_mapped
        a_service_provider_takes_its_associations_with_it
        maintenance_is_switched
        an_organization_takes_its_clients_with_it
        secrets_stay_out_of_the_change_record;
    reset:
        a_reset_puts_other_content_in_place
        the_change_record_goes_on_over_a_reset
        a_reset_is_seen_whole
        after_a_reset_everything_is_as_free_as_in_a_new_store;
    verify:
        what_follows_from_resources_is_verified
        what_resources_refer_to_is_verified;
    webhook:
        webhooks_are_made_paused_and_removed
        how_far_a_webhook_has_got_is_kept_and_told_to_nobody
        one_node_delivers_at_a_time
        webhooks_are_bounded
        webhooks_move_and_outlive_a_reset
        webhooks_move_in;
}
