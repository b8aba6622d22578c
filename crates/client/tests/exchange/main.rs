//! The client against a server that answers by a script: errors, tries, pages, lost answers.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

mod dedicated;
mod directory;
mod sync;
mod tokens;

use std::time::Duration;

use jackfield_client::admin::{AdminClient, Page};
use jackfield_client::testing::{ScriptedServer, Step};
use jackfield_client::{
    Client, Error, Options, RetryPolicy, SetupError, StaticToken, Transport, TransportError,
};
use jackfield_model::admin::Secret;
use jackfield_model::wire::{Association, QueryRequest};
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};

const SECRET: &str = "never-to-be-shown";

fn provider() -> ServiceProviderId {
    "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".parse().unwrap()
}

fn association() -> Association {
    Association::new(
        ExternalUserId::new("7201").unwrap(),
        AmazonId::new("amzn1.alexa.communications.profile.did.p1").unwrap(),
    )
}

fn all() -> QueryRequest {
    QueryRequest { external_user_ids: None, max_results: 2, next_token: None }
}

fn options() -> Options {
    let retry = RetryPolicy { attempts: 3, base: Duration::from_millis(5), ..RetryPolicy::default() };
    Options { retry, request_timeout: Duration::from_secs(10), ..Options::default() }
}

fn client(server: &ScriptedServer, options: &Options) -> Client {
    let token = StaticToken::new(&Secret(format!("Atza|{SECRET}"))).unwrap();
    Client::new(Transport::new(options).unwrap(), server.endpoint(), token)
}

fn page(ids: &[&str], next: &str) -> Step {
    let items: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(
                r#"{{"externalUserId":"{id}","amazonId":"amzn1.alexa.communications.profile.did.p1","amazonIdType":"communication-profile"}}"#
            )
        })
        .collect();
    let items = items.join(",");
    Step::json(
        200,
        &format!(r#"{{"paginationContext":{{"totalCount":9{next}}},"accountAssociations":[{items}]}}"#),
    )
}

fn more(token: &str) -> String {
    format!(r#","nextPageToken":"{token}""#)
}

fn busy(status: u16) -> Step {
    Step::error(status, "BUSY", "Later.").with("retry-after", "0")
}

#[tokio::test]
async fn an_error_answer_is_typed() {
    let answer = Step::error(409, "CONFLICT", "Taken.").with("retry-after", "3");
    let server = ScriptedServer::start([answer]).await;
    let error = client(&server, &options()).create(provider(), &association()).await.unwrap_err();
    assert!(!error.is_outcome_unknown());
    let Error::Api(error) = error else { panic!("{error}") };
    assert_eq!((error.status, error.kind.as_str(), error.message.as_str()), (409, "CONFLICT", "Taken."));
    assert_eq!(error.request_id.as_deref(), Some("0b0e7e66-0000-4000-8000-000000000001"));
    assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn answers_that_say_nothing_was_done_are_tried_again_even_for_writes() {
    let server = ScriptedServer::start([busy(429), busy(503), Step::json(201, "")]).await;
    client(&server, &options()).create(provider(), &association()).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| request.body == seen[0].body && !request.body.is_empty()));
}

#[tokio::test]
async fn a_repetition_after_a_503_may_have_met_itself() {
    for (before, now, unknown) in [(503, 409, true), (503, 404, true), (503, 400, false), (429, 409, false)] {
        let server = ScriptedServer::start([busy(before), Step::error(now, "X", "No.")]).await;
        let error = client(&server, &options()).create(provider(), &association()).await.unwrap_err();
        assert_eq!(error.status(), Some(now));
        assert_eq!(error.is_outcome_unknown(), unknown, "{before} then {now}");
    }
    let server = ScriptedServer::start([busy(503), busy(503), busy(503)]).await;
    let error = client(&server, &options()).create(provider(), &association()).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
}

#[tokio::test]
async fn tries_are_bounded() {
    let server = ScriptedServer::start([busy(503), busy(503), busy(503), Step::json(201, "")]).await;
    let error = client(&server, &options()).create(provider(), &association()).await.unwrap_err();
    assert_eq!((error.status(), server.seen().len()), (Some(503), 3));
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept() {
    let asked = Step::error(429, "BUSY", "Later.").with("retry-after", "1");
    let patient = ScriptedServer::start([asked, page(&[], "")]).await;
    let start = std::time::Instant::now();
    client(&patient, &options()).query(provider(), &all()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));

    let too_long = Step::error(429, "BUSY", "Later.").with("retry-after", "3600");
    let server = ScriptedServer::start([too_long, page(&[], "")]).await;
    let error = client(&server, &options()).query(provider(), &all()).await.unwrap_err();
    assert_eq!((error.status(), server.seen().len()), (Some(429), 1));
}

#[tokio::test]
async fn other_errors_are_not_tried_again() {
    for status in [400, 401, 403, 404, 409, 500, 502] {
        let server = ScriptedServer::start([Step::error(status, "X", "No."), page(&[], "")]).await;
        let error = client(&server, &options()).query(provider(), &all()).await.unwrap_err();
        assert_eq!((error.status(), server.seen().len()), (Some(status), 1));
    }
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_token_elsewhere() {
    let elsewhere = ScriptedServer::start([page(&[], "")]).await;
    let answer = Step::json(307, "").with("location", &elsewhere.endpoint().to_string());
    let server = ScriptedServer::start([answer]).await;
    let error = client(&server, &options()).query(provider(), &all()).await.unwrap_err();
    assert_eq!((error.status(), elsewhere.seen().len()), (Some(307), 0));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_by_reads_only() {
    let server = ScriptedServer::start([Step::HangUp, page(&["1"], "")]).await;
    let answer = client(&server, &options()).query(provider(), &all()).await.unwrap();
    assert_eq!((answer.account_associations.len(), server.seen().len()), (1, 2));

    let client_and_server = async |step: Step, options: &Options| {
        let server = ScriptedServer::start([step, Step::json(201, "")]).await;
        (client(&server, options), server)
    };
    let (client, server) = client_and_server(Step::HangUp, &options()).await;
    let error = client.create(provider(), &association()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::Lost { .. })), "{error}");
    assert!(error.is_outcome_unknown());
    assert_eq!(server.seen().len(), 1);

    let hasty = Options { request_timeout: Duration::from_millis(200), ..options() };
    let (client, server) = client_and_server(Step::Silence, &hasty).await;
    let error = client.delete(provider(), &association().external_user_id).await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::TimedOut { .. })), "{error}");
    assert!(error.is_outcome_unknown());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_leaves_no_doubt() {
    // Bound and not listening: the port refuses, and nobody else can take it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("http://{}", socket.local_addr().unwrap()).parse().unwrap();
    let token = StaticToken::new(&Secret("t".to_owned())).unwrap();
    let client = Client::new(Transport::new(&options()).unwrap(), endpoint, token);
    let error = client.create(provider(), &association()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::Connect { .. })), "{error}");
    assert!(!error.is_outcome_unknown());
}

#[test]
fn extra_certificates_that_are_none_are_refused() {
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".as_slice();
    for pem in [b"no certificate".as_slice(), broken] {
        let options = Options { extra_roots_pem: pem.to_vec(), ..options() };
        assert!(matches!(Transport::new(&options), Err(SetupError::Certificates(_))));
    }
}

#[tokio::test]
async fn pages_end_at_token_0_or_without_a_token() {
    for last in [more("0"), String::new()] {
        let server = ScriptedServer::start([page(&["1", "2"], &more("t1")), page(&["3"], &last)]).await;
        let mut walk = client(&server, &options()).associations(provider());
        let mut ids = Vec::new();
        while let Some(found) = walk.next().await.unwrap() {
            ids.push(found.external_user_id.to_string());
        }
        assert_eq!(ids, ["1", "2", "3"]);
        assert!(walk.next().await.unwrap().is_none());
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].body, r#"{"filters":{},"paginationContext":{"maxResults":100}}"#);
        assert_eq!(seen[1].body, r#"{"filters":{},"paginationContext":{"maxResults":100,"nextToken":"t1"}}"#);
    }
}

#[tokio::test]
async fn a_walk_goes_on_after_an_error_and_does_not_go_round() {
    let script = [
        page(&["1"], &more("t1")),
        Step::error(500, "INTERNAL_ERROR", "Oh."),
        page(&[], &more("t2")),
        page(&["2"], &more("t2")),
    ];
    let server = ScriptedServer::start(script).await;
    let mut pages = client(&server, &options()).pages(provider(), all());
    assert_eq!(pages.next().await.unwrap().unwrap().account_associations.len(), 1);
    assert_eq!(pages.next().await.unwrap_err().status(), Some(500));
    assert!(pages.next().await.unwrap().unwrap().account_associations.is_empty(), "an empty page is no end");
    assert!(matches!(pages.next().await, Err(Error::UnexpectedAnswer { .. })));
    assert!(server.seen()[2].body.contains(r#""nextToken":"t1""#));
}

#[tokio::test]
async fn get_is_a_query_of_one_id() {
    let server = ScriptedServer::start([page(&["7201"], &more("0")), page(&[], &more("0"))]).await;
    let client = client(&server, &options());
    let id = ExternalUserId::new("7201").unwrap();
    assert_eq!(client.get(provider(), &id).await.unwrap(), Some(association()));
    assert_eq!(client.get(provider(), &id).await.unwrap(), None);
    assert_eq!(
        server.seen()[0].body,
        r#"{"filters":{"externalUserIds":["7201"]},"paginationContext":{"maxResults":1}}"#
    );
}

#[tokio::test]
async fn an_answer_of_another_kind_is_an_error_that_repeats_nothing_of_it() {
    let server = ScriptedServer::start([Step::json(200, &format!("{{\"{SECRET}\":1}}"))]).await;
    let error = client(&server, &options()).query(provider(), &all()).await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedAnswer { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains(SECRET));
}

#[tokio::test]
async fn the_admin_client_speaks_with_the_admin_token() {
    let server = ScriptedServer::start([
        Step::json(200, r#"{"items":[]}"#),
        Step::json(204, ""),
        Step::error(404, "NOT_FOUND", "No."),
    ])
    .await;
    let transport = Transport::new(&options()).unwrap();
    let admin = AdminClient::new(transport, server.endpoint(), &Secret("admin".to_owned())).unwrap();
    let page = Page { after: Some("a&b".to_owned()), limit: Some(5) };
    assert!(admin.organizations(&page).await.unwrap().items.is_empty());
    let id = "amzn1.alexa.unit.did.o1".parse().unwrap();
    admin.delete_organization(&id).await.unwrap();
    assert_eq!(admin.organization(&id).await.unwrap_err().status(), Some(404));
    let seen = server.seen();
    assert_eq!(seen[0].path, "/admin/v1/organizations?after=a%26b&limit=5");
    assert_eq!((seen[1].method.as_str(), seen[1].body.as_str()), ("DELETE", ""));
    assert!(seen.iter().all(|request| request.authorization == "Bearer admin"));
}
