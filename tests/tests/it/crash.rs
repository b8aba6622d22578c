//! SIGKILL under write load: no acknowledged write is lost, none is invented, counts and the change record agree.
//!
//! `JACKFIELD_CRASH_CYCLES` says how often (50 unless set), `JACKFIELD_TEST_SEED` repeats a run's choices; what the machine interleaves
//! is new each time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fastrand::Rng;
use jackfield_tests::http::Failure;
use jackfield_tests::page::walk;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Options, Server, Tenant, TenantOptions, Version, seed};
use serde_json::{Value, json};

const WRITERS: usize = 16;
const KEYS_OF_A_WRITER: u32 = 12;

/// `externalUserId` to the suffix of its profile.
type State = BTreeMap<String, String>;

/// A write: what stood under the id before and what stands there after it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Write {
    id: String,
    before: Option<String>,
    after: Option<String>,
}

/// One client with ids of its own, so that it knows what each of its requests has to answer.
struct Writer {
    index: usize,
    tenant: Tenant,
    rng: Rng,
    state: State,
    /// Acknowledged writes by request id.
    acknowledged: HashMap<String, Write>,
    /// The write whose answer the kill took away.
    doubt: Option<Write>,
}

impl Writer {
    /// Writes until the server is gone.
    async fn run(mut self) -> Self {
        loop {
            let id = format!("{:02}-{:02}", self.index, self.rng.u32(0..KEYS_OF_A_WRITER));
            let suffix = format!("{:x}", self.rng.u64(..));
            let before = self.state.get(&id).cloned();
            let (sent, after, good, refused) = match self.rng.u8(0..4) {
                0 | 1 => (self.tenant.create_request(&body(&id, &suffix)), Some(suffix), 201, 409),
                2 => (self.tenant.update_request(&body(&id, &suffix)), Some(suffix), 200, 404),
                _ => (self.tenant.delete_request(&json!({"externalUserId": id})), None, 200, 404),
            };
            // A create succeeds where nothing is, the others where something is.
            let succeeds = before.is_some() != (good == 201);
            let write = Write { id, before, after };
            match self.tenant.try_send(&sent).await {
                Ok(response) => {
                    response.is(if succeeds { good } else { refused });
                    if succeeds {
                        apply(&mut self.state, &write);
                        self.acknowledged.insert(response.request_id().to_owned(), write);
                    }
                }
                Err(Failure::Connect(_)) => return self,
                Err(Failure::Broken(_)) => {
                    self.doubt = succeeds.then_some(write);
                    return self;
                }
                Err(Failure::Late) => panic!("the server hangs"),
            }
        }
    }
}

fn body(id: &str, suffix: &str) -> Value {
    jackfield_tests::tenant::association(id, &profile(suffix))
}

fn apply(state: &mut State, write: &Write) {
    match &write.after {
        Some(suffix) => state.insert(write.id.clone(), suffix.clone()),
        None => state.remove(&write.id),
    };
}

/// The write that a record of the change feed tells of.
fn recorded(change: &Value) -> Write {
    let suffix = |value: &Value| value.as_str().map(|id| id.strip_prefix(&profile("")).unwrap().to_owned());
    Write {
        id: change["external_user_id"].as_str().unwrap().to_owned(),
        before: suffix(&change["before"]),
        after: suffix(&change["after"]),
    }
}

/// What the test knows of the server, carried from cycle to cycle.
struct Ledger {
    state: State,
    last_sequence: u64,
    doubts_applied: usize,
    writes: usize,
}

impl Ledger {
    /// Compares what the writers know with what the restarted server shows.
    async fn verify(&mut self, tenant: &Tenant, writers: &mut [Writer]) {
        let mut acknowledged: HashMap<String, Write> = HashMap::new();
        let mut doubts: Vec<Write> = Vec::new();
        for writer in &mut *writers {
            acknowledged.extend(writer.acknowledged.drain());
            doubts.extend(writer.doubt.take());
        }
        self.writes += acknowledged.len();
        for change in tenant.admin.changes(&tenant.provider, self.last_sequence).await {
            let sequence = change["sequence"].as_u64().unwrap();
            assert!(sequence > self.last_sequence, "sequences rise: {change}");
            self.last_sequence = sequence;
            let write = recorded(&change);
            assert_eq!(
                self.state.get(&write.id),
                write.before.as_ref(),
                "what was before is right: {change}"
            );
            apply(&mut self.state, &write);
            match acknowledged.remove(change["request_id"].as_str().unwrap()) {
                Some(wanted) => assert_eq!(write, wanted, "what was acknowledged was done: {change}"),
                None => {
                    let doubt = doubts.iter().position(|doubt| *doubt == write);
                    doubts.swap_remove(doubt.unwrap_or_else(|| panic!("nobody asked for {change}")));
                    self.doubts_applied += 1;
                }
            }
        }
        assert_eq!(
            acknowledged.len(),
            0,
            "acknowledged writes are not in the change record: {acknowledged:?}"
        );
        let shown = walk(tenant, &json!({}), 100).await;
        assert_eq!(shown.total_count, self.state.len() as u64, "the maintained count is right");
        let prefix = profile("");
        let shown: State =
            shown.found.into_iter().map(|(id, amazon)| (id, amazon[prefix.len()..].to_owned())).collect();
        assert_eq!(shown, self.state, "associations are what the change record says");
        // The writers go on from the truth about what was in doubt.
        for writer in writers {
            let own = format!("{:02}-", writer.index);
            let truth = self.state.iter().filter(|(id, _)| id.starts_with(&own));
            writer.state = truth.map(|(id, suffix)| (id.clone(), suffix.clone())).collect();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_and_none_invented() {
    let mut rng = seed::rng("crash");
    let cycles = seed::count("JACKFIELD_CRASH_CYCLES", 50);
    let quiet = vec![("JACKFIELD_LOG_LEVEL".to_owned(), "warn".to_owned())];
    let mut server = Server::start(Options { environment: quiet, ..Options::default() });
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("witness", "1").await.is(201);
    let first = tenant.admin.changes(&tenant.provider, 0).await;
    let mut ledger = Ledger {
        state: State::from([("witness".to_owned(), "1".to_owned())]),
        last_sequence: first.last().unwrap()["sequence"].as_u64().unwrap(),
        doubts_applied: 0,
        writes: 0,
    };
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|index| Writer {
            index,
            tenant: tenant.again(if index % 4 == 0 { Version::Http2 } else { Version::Http1 }),
            rng: rng.fork(),
            state: State::new(),
            acknowledged: HashMap::new(),
            doubt: None,
        })
        .collect();
    for cycle in 0..cycles {
        let running: Vec<_> = writers.drain(..).map(|writer| tokio::spawn(writer.run())).collect();
        tokio::time::sleep(Duration::from_millis(rng.u64(50..400))).await;
        server.kill9();
        for writer in running {
            writers.push(writer.await.unwrap());
        }
        if cycle % 5 == 4 {
            // Recovery is killed as well.
            server.interrupted_start(Duration::from_millis(rng.u64(0..150)));
        }
        server.restart();
        ledger.verify(&tenant, &mut writers).await;
    }
    eprintln!(
        "{cycles} kills, {} writes acknowledged, {} in doubt were done",
        ledger.writes, ledger.doubts_applied
    );
    assert!(ledger.writes > cycles, "there was load");
}
