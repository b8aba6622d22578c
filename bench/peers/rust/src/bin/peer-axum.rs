//! What a framework costs: axum and serde over a map in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jackfield_bench_peers::{
    AMAZON_ID_TYPE, Answer, Association, CREATE, QUERY, Query, address, is_authorized, setting,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Service {
    token: String,
    associations: RwLock<HashMap<String, String>>,
}

async fn create(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Json(association): Json<Association>,
) -> StatusCode {
    if !is_authorized(&headers, &service.token) {
        return StatusCode::UNAUTHORIZED;
    }
    if association.amazon_id_type != AMAZON_ID_TYPE {
        return StatusCode::BAD_REQUEST;
    }
    let mut associations = service.associations.write().unwrap_or_else(PoisonError::into_inner);
    match associations.entry(association.external_user_id) {
        Entry::Occupied(_) => StatusCode::CONFLICT,
        Entry::Vacant(free) => {
            free.insert(association.amazon_id);
            StatusCode::CREATED
        }
    }
}

async fn query(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Json(query): Json<Query>,
) -> Response {
    if !is_authorized(&headers, &service.token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let associations = service.associations.read().unwrap_or_else(PoisonError::into_inner);
    let found = query.filters.external_user_ids.into_iter().filter_map(|external_user_id| {
        let amazon_id = associations.get(&external_user_id)?.clone();
        Some(Association { external_user_id, amazon_id, amazon_id_type: AMAZON_ID_TYPE.to_owned() })
    });
    Json(Answer::new(found.collect())).into_response()
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let service = Service { token: setting("BENCH_TOKEN"), associations: RwLock::default() };
    let router = Router::new().route(CREATE, post(create)).route(QUERY, post(query));
    let listener = tokio::net::TcpListener::bind(address()).await?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router.with_state(Arc::new(service))).await
}
