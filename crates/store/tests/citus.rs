//! The schema on Citus: what stands where, and that every statement of the hot path goes to one shard.
//!
//! `JACKFIELD_TEST_CITUS` names the coordinator. Without it these tests say loudly that they were skipped. The
//! statements are taken out of the functions that the database has, so that the test cannot drift from them. That
//! they do the right thing there, too, is the suite's to say:
//! `JACKFIELD_TEST_POSTGRES=$JACKFIELD_TEST_CITUS cargo nextest run -p jackfield-store -E 'binary(conformance) and
//! test(/^postgres::/)' --test-threads 2`.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use std::collections::BTreeMap;

use jackfield_store::conformance::{Adapter, Postgres, behaviour};
use jackfield_store::postgres::hot_statements;
use tokio_postgres::{Client, NoTls};

const VARIABLE: &str = "JACKFIELD_TEST_CITUS";
const PROVIDER: &str = "'6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10'::uuid";
/// Tables whose rows stand with their service provider, and that of those that stand with their organization.
const DISTRIBUTED: [&str; 4] = ["association", "change", "resource", "tenant"];
const REFERENCE: [&str; 5] = ["admin_token", "directory", "profile", "registry", "webhook"];
/// Its rows come from the coordinator, all at once, and go to one shard. That is no single task in the plan.
const FROM_COORDINATOR: &str = "put resources";

/// A fresh schema on Citus; nothing where none is named.
fn citus() -> Option<Postgres> {
    let Ok(server) = std::env::var(VARIABLE) else {
        eprintln!("\n*** SKIPPED: {VARIABLE} names no coordinator of Citus (postgres://...) ***\n");
        return None;
    };
    Some(Postgres::on(server))
}

/// The schema is there, and a connection to look at it.
async fn migrated(adapter: &Postgres) -> Client {
    adapter.open().await.close().await;
    let (client, connection) = tokio_postgres::connect(&plain(&adapter.url()), NoTls).await.unwrap();
    tokio::spawn(connection);
    // The views of Citus are in the schema that the extension was made in.
    let path = "SELECT set_config('search_path', current_schema() || ', public', false)";
    client.batch_execute(path).await.unwrap();
    client
}

/// The URL without what only the store understands.
fn plain(url: &str) -> String {
    url.split('&').filter(|part| !part.starts_with("pool_size")).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn tables_are_distributed_by_provider_and_stand_together() {
    let Some(adapter) = citus() else { return };
    let client = migrated(&adapter).await;
    let statement =
        "SELECT c.relname::text, t.citus_table_type, t.distribution_column, t.colocation_id::bigint
        FROM citus_tables t JOIN pg_class c ON c.oid = t.table_name
        WHERE c.relnamespace = current_schema()::regnamespace";
    let mut groups: BTreeMap<String, Vec<(String, String, i64)>> = BTreeMap::new();
    for row in client.query(statement, &[]).await.unwrap() {
        let (table, kind): (String, String) = (row.get(0), row.get(1));
        groups.entry(kind).or_default().push((table, row.get(2), row.get(3)));
    }
    let names = |kind: &str| {
        let mut names: Vec<&str> = groups[kind].iter().map(|(table, ..)| table.as_str()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names("distributed"), DISTRIBUTED);
    assert_eq!(names("reference"), REFERENCE);
    let distributed = &groups["distributed"];
    let with_organization = |(table, ..): &&(String, String, i64)| table == "resource";
    assert_eq!(distributed.iter().find(with_organization).unwrap().1, "organization_id");
    let mut with_provider = distributed.iter().filter(|table| !with_organization(table)).peekable();
    let group = with_provider.peek().unwrap().2;
    for (table, column, colocation) in with_provider {
        assert_eq!(column, "service_provider_id", "{table}");
        assert_eq!(*colocation, group, "{table} stands with the others");
    }
    let shards: i64 = client
        .query_one("SELECT count(*) FROM citus_shards WHERE table_name = 'association'::regclass", &[])
        .await
        .unwrap()
        .get(0);
    assert!(shards > 1, "{shards} shards");
}

/// What stands for a variable of the functions, or for a parameter, where a statement is planned.
const VALUES: [(&str, &str); 35] = [
    ("service_provider_id = provider", "service_provider_id = PROVIDER"),
    ("(provider,", "(PROVIDER,"),
    ("ids[at]", "'7201'"),
    ("targets[at]", "'t'"),
    ("actors[at]", "'admin'"),
    ("requests[at]", "gen_random_uuid()"),
    ("times[at]", "now()"),
    ("befores[at]", "'b'"),
    ("coalesce(profile_owners[at] = organization, false)", "false"),
    ("first + at - 1", "4096"),
    ("ANY (ids)", "ANY ('{7201,7202}'::text[])"),
    ("own_id", "'7201'"),
    ("own_target", "'t'"),
    ("own_counted", "true"),
    ("own_slot", "0"),
    ("+ more", "+ 1"),
    ("service_provider_id = $1", "service_provider_id = PROVIDER"),
    ("ANY ($2)", "ANY ('{7201,7202}'::text[])"),
    ("ANY ($3)", "ANY (ARRAY[gen_random_uuid()])"),
    ("external_user_id >= $2", "external_user_id >= '7'"),
    ("sequence > $2", "sequence > 0"),
    ("IS DISTINCT FROM $3", "IS DISTINCT FROM '71'"),
    ("sequence <= $3", "sequence <= 8192"),
    ("external_user_id < $5", "external_user_id < '8'"),
    ("organization_id = $1", "organization_id = 'o'"),
    ("kind = $2", "kind = 3"),
    ("scope = $3", "scope = 'b'"),
    ("AND id = $4", "AND id = 'c'"),
    ("AND id > $4", "AND id > 'c'"),
    ("LIMIT $5", "LIMIT 31"),
    ("$1::text", "'o'::text"),
    ("$2::smallint[]", "'{1,2}'::smallint[]"),
    ("$3::text[]", "'{b,b}'::text[]"),
    ("$4::text[]", "'{c,d}'::text[]"),
    ("$5::text[]", "'{x,y}'::text[]"),
];

/// The statement with values in place of variables and parameters.
fn with_values(statement: &str) -> String {
    let mut text = statement.replace("LIMIT $4", "LIMIT 31");
    for (variable, value) in VALUES {
        text = text.replace(variable, value);
    }
    text.replace("PROVIDER", PROVIDER)
}

/// The statements on tables in the text of a function.
fn statements(source: &str) -> Vec<String> {
    let lines = source.lines().map(|line| line.split("--").next().unwrap_or_default());
    let text = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    let pieces = text.split(';').flat_map(|piece| piece.split(" LOOP"));
    let begins = |piece: &str| {
        let starts = [
            "SELECT organization_id INTO",
            "PERFORM FROM",
            "INSERT INTO",
            "UPDATE ",
            "DELETE FROM",
            "SELECT ",
        ];
        starts.iter().filter_map(|start| piece.find(start)).min()
    };
    pieces
        .filter(|piece| DISTRIBUTED.iter().any(|table| names(piece, table) > 0))
        .map(|piece| {
            piece[begins(piece).unwrap_or_else(|| panic!("no statement begins in {piece}"))..].to_owned()
        })
        .map(|piece| {
            piece.replace(" INTO organization FROM", " FROM").replacen("PERFORM FROM", "SELECT FROM", 1)
        })
        .collect()
}

/// How often the text names the table as one to read or write.
fn names(text: &str, table: &str) -> usize {
    let words: Vec<&str> = text.split_whitespace().collect();
    let names = |pair: &&[&str]| {
        matches!(pair[0], "FROM" | "INTO" | "UPDATE" | "JOIN") && pair[1].trim_end_matches(';') == table
    };
    words.windows(2).filter(names).count()
}

#[tokio::test]
async fn every_hot_statement_goes_to_one_shard() {
    let Some(adapter) = citus() else { return };
    let client = migrated(&adapter).await;
    let mut hot: Vec<(String, String)> =
        hot_statements().into_iter().map(|(name, statement)| (name.to_owned(), statement)).collect();
    let functions = "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
        AND proname IN ('create_associations', 'update_associations', 'delete_associations', 'count_associations')";
    let functions = client.query(functions, &[]).await.unwrap();
    assert_eq!(functions.len(), 4);
    for row in functions {
        let (name, source): (String, String) = (row.get(0), row.get(1));
        let found = statements(&source);
        for table in DISTRIBUTED {
            let there: usize = found.iter().map(|statement| names(statement, table)).sum();
            assert_eq!(
                there,
                names(&source, table),
                "every statement of {name} on {table} was found: {found:#?}"
            );
        }
        assert!(!found.is_empty(), "{name}");
        hot.extend(found.into_iter().map(|statement| (name.clone(), statement)));
    }
    assert!(hot.len() >= 15, "{hot:#?}");
    for (name, statement) in &hot {
        let lines = explain(&client, name, &with_values(statement)).await;
        if name == FROM_COORDINATOR {
            assert!(lines.contains("pull to coordinator"), "{lines}");
            continue;
        }
        assert!(lines.contains("Task Count: 1\n"), "{name} goes to one shard: {statement}\n{lines}");
    }
    // The test would notice.
    let lines = explain(&client, "all", "SELECT count(*) FROM association").await;
    assert!(!lines.contains("Task Count: 1\n") && lines.contains("Task Count: "), "{lines}");
}

async fn explain(client: &Client, name: &str, statement: &str) -> String {
    let rows = client.query(&format!("EXPLAIN {statement}"), &[]).await;
    let rows = rows.unwrap_or_else(|error| panic!("{name}: {statement}: {error:?}"));
    rows.iter().map(|row| format!("{}\n", row.get::<_, &str>(0))).collect()
}

/// A few behaviours of the suite as a sample, so that a run of this file alone says whether the functions work there.
macro_rules! sample {
    ($($behaviour:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                let Some(adapter) = citus() else { return };
                behaviour::$behaviour(adapter).await;
            }
        )*
    };
}

sample! {
    create_stores_once
    update_changes_what_is_there
    delete_removes_what_is_there
    strict_profiles_want_a_profile_of_the_owner
    concurrent_writes_are_all_there
    a_walk_meets_what_stays_exactly_once
    changes_come_in_pages
    old_changes_are_trimmed
    a_clock_that_was_wrong_does_not_stop_retention
    a_service_provider_takes_its_associations_with_it
    a_reset_puts_other_content_in_place
    units_are_a_tree
    contacts_stand_in_address_books
    what_goes_with_a_profile_goes_in_its_commit
    address_books_are_associated_with_units
}
