//! A client with a connection of its own.

use std::time::{Duration, Instant};

use jackfield_client::testing::{ScriptedServer, Step};
use jackfield_client::{Client, Error, Options, TransportError};

use crate::{association, client, options, provider};

/// A client with a connection of its own to a server that takes this step, and stores all that comes after it.
async fn before(step: Step, options: &Options) -> (Client, ScriptedServer) {
    let done = || Step::json(201, "");
    let server = ScriptedServer::start([done(), step, done(), done()]).await;
    let client = client(&server, options).with_dedicated_connection();
    client.create(provider(), &association()).await.unwrap();
    (client, server)
}

#[tokio::test]
async fn what_the_server_closed_is_opened_again() {
    let (client, server) = before(Step::json(201, "").with("connection", "close"), &options()).await;
    for _ in 0..3 {
        client.create(provider(), &association()).await.unwrap();
    }
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_lost_answer_is_an_open_outcome_and_the_next_call_works() {
    let (client, server) = before(Step::HangUp, &options()).await;
    let error = client.create(provider(), &association()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::Lost { .. })), "{error}");
    assert!(error.is_outcome_unknown());
    client.create(provider(), &association()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn each_exchange_has_the_whole_time() {
    let timeout = Duration::from_secs(2);
    let (client, server) = before(Step::Silence, &Options { request_timeout: timeout, ..options() }).await;
    // A part of the time of the exchange before has passed.
    tokio::time::sleep(timeout / 2).await;
    let began = Instant::now();
    let error = client.create(provider(), &association()).await.unwrap_err();
    assert!(began.elapsed() >= timeout, "{:?}", began.elapsed());
    assert!(
        matches!(error, Error::Transport(TransportError::TimedOut { after, .. }) if after == timeout),
        "{error}"
    );
    client.create(provider(), &association()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}
