//! The typical Rust service: axum and sqlx over PostgreSQL, which commits a row before it is acknowledged.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jackfield_bench_peers::{
    AMAZON_ID_TYPE, Answer, Association, CREATE, QUERY, Query, address, is_authorized, setting,
};
use sqlx::postgres::{PgPool, PgPoolOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TABLE: &str = "CREATE TABLE association (provider text NOT NULL, external_user_id text COLLATE \"C\" NOT NULL, \
                     amazon_id text NOT NULL, PRIMARY KEY (provider, external_user_id))";
const INSERT: &str = "INSERT INTO association VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const SELECT: &str = "SELECT external_user_id, amazon_id FROM association \
                      WHERE provider = $1 AND external_user_id = ANY ($2)";

#[derive(Clone)]
struct Service {
    token: &'static str,
    pool: PgPool,
}

/// What went wrong is written where the harness shows it.
fn failed(error: &sqlx::Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn create(
    State(service): State<Service>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    Json(association): Json<Association>,
) -> StatusCode {
    if !is_authorized(&headers, service.token) {
        return StatusCode::UNAUTHORIZED;
    }
    if association.amazon_id_type != AMAZON_ID_TYPE {
        return StatusCode::BAD_REQUEST;
    }
    let insert = sqlx::query(INSERT).bind(provider).bind(association.external_user_id);
    match insert.bind(association.amazon_id).execute(&service.pool).await {
        Ok(done) if done.rows_affected() == 1 => StatusCode::CREATED,
        Ok(_) => StatusCode::CONFLICT,
        Err(error) => failed(&error),
    }
}

async fn query(
    State(service): State<Service>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    Json(query): Json<Query>,
) -> Response {
    if !is_authorized(&headers, service.token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let select = sqlx::query_as::<_, (String, String)>(SELECT).bind(provider);
    match select.bind(query.filters.external_user_ids).fetch_all(&service.pool).await {
        Ok(rows) => {
            let found = rows.into_iter().map(|(external_user_id, amazon_id)| Association {
                external_user_id,
                amazon_id,
                amazon_id_type: AMAZON_ID_TYPE.to_owned(),
            });
            Json(Answer::new(found.collect())).into_response()
        }
        Err(error) => failed(&error).into_response(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connections = setting("BENCH_CONNECTIONS").parse()?;
    let pool = PgPoolOptions::new().max_connections(connections).min_connections(connections);
    let pool = pool.connect(&setting("BENCH_DATABASE")).await?;
    sqlx::query(TABLE).execute(&pool).await?;
    let service = Service { token: setting("BENCH_TOKEN").leak(), pool };
    let router = Router::new().route(CREATE, post(create)).route(QUERY, post(query));
    let listener = tokio::net::TcpListener::bind(address()).await?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router.with_state(service)).await?;
    Ok(())
}
