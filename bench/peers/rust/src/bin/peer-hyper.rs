//! The limit: hyper reads the body and answers fixed bytes. It looks at nothing but the end of the path and the length
//! of the body, to know which of three answers it is.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jackfield_bench_peers::{address, setting};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A query of one id is shorter, one of 30 longer.
const LENGTH_OF_ONE: usize = 128;

#[derive(Clone)]
struct Answers {
    one: Bytes,
    thirty: Bytes,
}

async fn answer(request: Request<Incoming>, answers: Answers) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_query = request.uri().path().ends_with("/query");
    let body = request.into_body().collect().await.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
    let mut response = Response::new(Full::default());
    if is_query {
        let fixed = if body.len() < LENGTH_OF_ONE { answers.one } else { answers.thirty };
        *response.body_mut() = Full::new(fixed);
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    } else {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let answers =
        Answers { one: setting("BENCH_ANSWER_1").into(), thirty: setting("BENCH_ANSWER_30").into() };
    let listener = TcpListener::bind(address()).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = answers.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, answers.clone()));
            // A client that goes away ends its connection.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
