use std::fs;

use jackfield_model::admin::Secret;
use tempfile::TempDir;

use jackfield_model::ExternalUserId;

use super::*;
use crate::sync::Options;
use crate::sync::plan::Kind;
use crate::{Client, StaticToken, Transport};

fn session() -> Session {
    let transport = Transport::new(&crate::Options::default()).unwrap();
    let token = StaticToken::new(&Secret("Atza|hush".to_owned())).unwrap();
    let client = Client::new(transport, "http://127.0.0.1:1".parse().unwrap(), token);
    let provider = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".parse().unwrap();
    Session::new(&client, provider, Options::default())
}

fn plan() -> Plan {
    let profile = |n: u8| Some(format!("amzn1.alexa.communications.profile.did.p{n}").parse().unwrap());
    let change = |number, before: Option<_>, after: Option<_>| Change {
        external_user_id: format!("room {number}").parse().unwrap(),
        before,
        after,
        line: Some(number as u64 + 2),
        number,
    };
    let changes =
        [change(0, profile(1), profile(2)), change(1, None, profile(3)), change(2, profile(4), None)];
    Plan { changes: changes.into(), ..Plan::default() }
}

#[test]
fn a_run_goes_on_from_what_is_not_done() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("journal");
    let journal = Journal::create(&path, &session(), &plan()).unwrap();
    assert!(matches!(Journal::resume(&path), Err(JournalError::InUse { .. })));
    assert!(matches!(Journal::create(&path, &session(), &plan()), Err(JournalError::InUse { .. })));
    journal.done(1).unwrap();
    journal.failed_change(0).unwrap();
    journal.sync().unwrap();
    drop(journal);
    assert!(!fs::read_to_string(&path).unwrap().contains("hush"));
    // A crash in the middle of a line.
    let mut text = fs::read(&path).unwrap();
    text.extend(b"{\"done\":2");
    fs::write(&path, &text).unwrap();

    let (journal, unfinished) = Journal::resume(&path).unwrap();
    assert_eq!((unfinished.provider, unfinished.counts()), (session().provider, (3, 1)));
    assert_eq!(
        unfinished.pending().ids().map(ExternalUserId::as_str).collect::<Vec<_>>(),
        ["room 0", "room 2"]
    );
    assert_eq!(unfinished.desired().len(), 3);
    let kinds: Vec<Kind> = unfinished.changes.iter().map(Change::kind).collect();
    assert_eq!(kinds, [Kind::Update, Kind::Create, Kind::Delete]);
    journal.done(0).unwrap();
    journal.sync().unwrap();
    drop(journal);
    let (journal, unfinished) = Journal::resume(&path).unwrap();
    assert_eq!(unfinished.counts(), (3, 2));
    journal.remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_journal_that_is_cut_or_foreign_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("journal");
    drop(Journal::create(&path, &session(), &plan()).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    let whole = text.len();
    for cut in 0..whole {
        fs::write(&path, &text[..cut]).unwrap();
        let error = Journal::resume(&path).unwrap_err();
        assert!(matches!(error, JournalError::Partial { .. }), "{cut} of {whole}: {error}");
    }
    for foreign in [
        "7201,amzn1\n".to_owned(),
        text.replace("\"journal\":1", "\"journal\":2"),
        text.replace("room 1", " "),
        format!("{text}{{\"done\":3}}\n"),
        format!("{text}{{\"undone\":1}}\n"),
    ] {
        fs::write(&path, &foreign).unwrap();
        assert!(matches!(Journal::resume(&path), Err(JournalError::Foreign { .. })), "{foreign}");
    }
    assert!(matches!(Journal::resume(directory.path()), Err(JournalError::Io { .. })));
    assert!(matches!(Journal::resume(&directory.path().join("gone")), Err(JournalError::NoSuch { .. })));
}
