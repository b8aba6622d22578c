//! A list applied to a server that answers by a script: lost answers are settled, the doings of others respected.

use std::time::Duration;

use jackfield_client::sync::{
    Desired, Format, Input, InputOptions, Journal, Only, Options as SyncOptions, Report, Session, Stop,
    Stopped,
};
use jackfield_client::testing::{ScriptedServer, Seen, Step};

use crate::{client, options, page, provider};

const WANTED: &str = "amzn1.alexa.communications.profile.did.p1";

const OTHER: &str = "amzn1.alexa.communications.profile.did.other";

fn last() -> &'static str {
    r#","nextPageToken":"0""#
}

/// A page with 7201, standing for this profile.
fn found(profile: &str) -> Step {
    let Step::Answer { status, headers, body } = page(&["7201"], last()) else { unreachable!() };
    Step::Answer { status, headers, body: body.replace(WANTED, profile) }
}

fn nothing() -> Step {
    page(&[], last())
}

fn done() -> Step {
    Step::json(200, "")
}

fn later() -> Step {
    Step::error(429, "TOO_MANY_REQUESTS", "Later.").with("retry-after", "0")
}

/// Applies a list of these rooms to the script, the query for the plan being its first step.
async fn apply(rooms: &[&str], only: Only, script: Vec<Step>) -> (Report, Vec<Seen>) {
    let server = ScriptedServer::start(script).await;
    let client = client(&server, &options());
    let rows: String = rooms.iter().map(|room| format!("{room},{WANTED}\n")).collect();
    let list = format!("externalUserId,amazonId\n{rows}");
    let input = Input::read(list.as_bytes(), &InputOptions::new("rooms", Format::Csv)).unwrap();
    let sync =
        SyncOptions { only, connections: 1, patience: Duration::from_secs(20), ..SyncOptions::default() };
    let session = Session::new(&client, provider(), sync);
    let plan = session.plan(&Desired::from_rows(input.rows)).await.unwrap();
    let report = session.apply(&plan, None, &Stop::default()).await;
    assert_eq!(session.progress().requests(), server.seen().len() as u64);
    (report, server.seen())
}

/// What was sent after the plan, as methods and whether it was a query.
fn sent(seen: &[Seen]) -> Vec<String> {
    let name = |seen: &Seen| {
        if seen.path.ends_with("/query") { "QUERY".to_owned() } else { seen.method.to_string() }
    };
    seen.iter().skip(1).map(name).collect()
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_a_query() {
    for lost in [Step::HangUp, Step::error(500, "INTERNAL_ERROR", "Oh."), Step::error(502, "", "Gateway.")] {
        let (report, seen) = apply(&["7201"], Only::ALL, vec![nothing(), lost.clone(), found(WANTED)]).await;
        assert_eq!(sent(&seen), ["POST", "QUERY"], "it was made and is not sent again");
        assert!(seen[2].body.contains(r#""externalUserIds":["7201"]"#), "{}", seen[2].body);
        assert!(report.is_complete());
        assert_eq!((report.done.create, report.found_done, report.requests), (1, 1, 2));

        let script = vec![nothing(), lost, Step::HangUp, nothing(), done()];
        let (report, seen) = apply(&["7201"], Only::ALL, script).await;
        assert_eq!(sent(&seen), ["POST", "QUERY", "QUERY", "POST"], "it was not made");
        assert_eq!((report.done.create, report.found_done), (1, 0));
    }
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let busy = Step::error(503, "SERVICE_UNAVAILABLE", "Later.").with("retry-after", "0");
    let script = vec![later(), nothing(), later(), busy, done()];
    let (report, seen) = apply(&["7201"], Only::ALL, script).await;
    assert_eq!(sent(&seen), ["QUERY", "POST", "POST", "POST"]);
    assert_eq!((report.done.create, report.found_done), (1, 0));
    // Nobody waits longer than the patience.
    let script = vec![nothing(), Step::error(503, "SERVICE_UNAVAILABLE", "Later.").with("retry-after", "21")];
    let (report, seen) = apply(&["7201", "7202"], Only::ALL, script).await;
    assert_eq!((sent(&seen).len(), report.left), (1, 2));
    assert!(matches!(report.stopped, Some(Stopped::Error(error)) if error.status() == Some(503)));
}

#[tokio::test]
async fn what_somebody_else_did_meanwhile_is_seen() {
    let taken = Step::error(409, "CONFLICT", "Taken.");
    let gone = Step::error(404, "NOT_FOUND", "Gone.");
    let (report, seen) = apply(&["7201"], Only::ALL, vec![nothing(), taken.clone(), found(WANTED)]).await;
    assert_eq!((sent(&seen).join(" "), report.found_done), ("POST QUERY".to_owned(), 1));
    let (report, seen) =
        apply(&["7201"], Only::ALL, vec![nothing(), taken.clone(), found(OTHER), done()]).await;
    assert_eq!((sent(&seen).join(" "), report.is_complete()), ("POST QUERY PUT".to_owned(), true));
    let (report, seen) = apply(&["7201"], Only::ALL, vec![found(OTHER), gone, nothing(), done()]).await;
    assert_eq!((sent(&seen).join(" "), report.done.update), ("PUT QUERY POST".to_owned(), 1));

    let creates = Only { create: true, update: false, delete: false };
    let (report, seen) = apply(&["7201"], creates, vec![nothing(), taken, found(OTHER)]).await;
    assert_eq!(sent(&seen), ["POST", "QUERY"]);
    assert!(report.failed[0].reason.contains("update, which may not be made"), "{}", report.failed[0].reason);
}

#[tokio::test]
async fn a_refusal_of_one_change_leaves_the_others_and_one_of_the_client_ends_the_run() {
    let bad = Step::error(400, "BAD_REQUEST", "No.");
    let (report, _) = apply(&["7201", "7202"], Only::ALL, vec![nothing(), bad, done()]).await;
    assert_eq!((report.done.create, report.left, report.failed.len()), (1, 0, 1));
    let failure = &report.failed[0];
    assert_eq!((failure.change.external_user_id.as_str(), failure.change.line), ("7201", Some(2)));
    assert!(failure.request_id.is_some() && failure.reason.contains("No."));

    for status in [401, 403] {
        let refused = Step::error(status, "NO", "Not you.");
        let (report, seen) =
            apply(&["7201", "7202", "7203"], Only::ALL, vec![nothing(), done(), refused]).await;
        assert_eq!((sent(&seen).len(), report.done.create, report.left), (2, 1, 2), "{status}");
        assert!(matches!(report.stopped, Some(Stopped::Error(_))));
    }
}

#[tokio::test]
async fn a_change_that_never_succeeds_fails_in_the_end() {
    let mut script = vec![nothing()];
    for _ in 0..8 {
        script.extend([Step::error(500, "INTERNAL_ERROR", "Oh."), nothing()]);
    }
    tokio::time::timeout(Duration::from_secs(60), async {
        let (report, seen) = apply(&["7201"], Only::ALL, script).await;
        assert_eq!((report.failed.len(), sent(&seen).len()), (1, 16));
        assert!(report.failed[0].reason.contains("Oh."));
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn asked_to_stop_it_begins_nothing_more() {
    let server = ScriptedServer::start([nothing()]).await;
    let client = client(&server, &options());
    let list = format!("externalUserId,amazonId\n7201,{WANTED}\n");
    let input = Input::read(list.as_bytes(), &InputOptions::new("rooms", Format::Csv)).unwrap();
    let session = Session::new(&client, provider(), SyncOptions::default());
    let plan = session.plan(&Desired::from_rows(input.rows)).await.unwrap();
    let stop = Stop::default();
    stop.now();
    assert!(stop.is_asked());
    let report = session.apply(&plan, None, &stop).await;
    assert!(matches!(report.stopped, Some(Stopped::Asked)), "{report:?}");
    assert_eq!((report.left, server.seen().len()), (1, 1));
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_at_work() {
    let silent = std::iter::repeat_n(Step::Silence, 4);
    let server = ScriptedServer::start(std::iter::once(nothing()).chain(silent)).await;
    let client = client(&server, &options());
    let rows: String = (0..9).map(|room| format!("{room},{WANTED}\n")).collect();
    let list = format!("externalUserId,amazonId\n{rows}");
    let input = Input::read(list.as_bytes(), &InputOptions::new("rooms", Format::Csv)).unwrap();
    let sync = SyncOptions { connections: 4, ..SyncOptions::default() };
    let session = Session::new(&client, provider(), sync);
    let plan = session.plan(&Desired::from_rows(input.rows)).await.unwrap();
    let home = tempfile::TempDir::new().unwrap();
    let path = home.path().join("journal");
    let journal = Journal::create(&path, &session, &plan).unwrap();
    let stop = Stop::default();
    let all_sent = async {
        while server.seen().len() < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        report = session.apply(&plan, Some(&journal), &stop) => panic!("{report:?}"),
        () = all_sent => {}
    }
    drop(journal);
    let (_, unfinished) = Journal::resume(&path).expect("nobody holds it any more");
    assert_eq!(unfinished.counts(), (9, 0));
}
