//! The queries that `docs/operations.md` gives to operators run, on the schema that a node makes.

use std::path::Path;

use jackfield_tests::postgres::Database;
use jackfield_tests::{Tenant, TenantOptions};

#[tokio::test]
async fn the_monitoring_queries_run() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/operations.md");
    let text = std::fs::read_to_string(file).unwrap();
    let section = text.split("### Monitoring queries").nth(1).unwrap().split("\n## ").next().unwrap();
    let queries: Vec<&str> =
        section.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(queries.len() >= 8, "{section}");
    let database = Database::fresh();
    let server = super::node(&database.url());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for n in 0..3 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    let answer = |part: &str| {
        let query = queries.iter().find(|query| query.contains(part));
        database.sql(query.unwrap_or_else(|| panic!("no query about {part}")))
    };
    for query in &queries {
        database.sql(query);
    }
    assert!(answer("application_name = 'jackfield'").contains("idle"));
    assert!(answer("FROM tenant").ends_with("|3"), "{}", answer("FROM tenant"));
    assert!(answer("FROM schema_version").contains('|'));
    assert!(answer("pg_stat_user_tables").contains("association|"));
}
