//! Concurrent clients on few ids, recorded through HTTP: there is an order of all operations on an id that agrees
//! with real time and with every answer. A write that is answered 503, or not at all, may have happened at any time
//! since, or never.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use jackfield_tests::http::Request;
use jackfield_tests::page::ids;
use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Response, Tenant, Version, seed};
use serde_json::json;
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History, ProcessId};
use todc_utils::specifications::Specification;

const CLIENTS: usize = 8;
const KEYS: usize = 3;
const OPERATIONS_OF_A_CLIENT: usize = 20;
pub(crate) const ROUNDS: usize = 25;

/// An operation on one id together with its answer.
#[derive(Clone, Debug)]
enum Operation {
    Create {
        value: u32,
        created: bool,
    },
    Update {
        value: u32,
        found: bool,
    },
    Delete {
        found: bool,
    },
    Find {
        value: Option<u32>,
    },
    /// A write of which nobody knows whether it happened; a create, update or delete.
    Doubt(Box<Operation>),
    /// A read that was refused.
    Nothing,
    /// Called, not answered yet.
    Pending,
}

struct Association;

/// What may stand under an id. More than one thing after a write that may have happened.
type Worlds = BTreeSet<Option<u32>>;

impl Specification for Association {
    type State = Worlds;
    type Operation = Operation;

    fn init() -> Worlds {
        BTreeSet::from([None])
    }

    fn apply(operation: &Operation, worlds: &Worlds) -> (bool, Worlds) {
        let next: Worlds = worlds.iter().flat_map(|&world| after(operation, world)).collect();
        (!next.is_empty(), next)
    }
}

/// What may stand under the id after an operation; nothing where its answer cannot be.
fn after(operation: &Operation, value: Option<u32>) -> Vec<Option<u32>> {
    let (fits, next) = match *operation {
        Operation::Create { value: new, created: true } => (value.is_none(), Some(new)),
        Operation::Create { created: false, .. } => (value.is_some(), value),
        Operation::Update { value: new, found: true } => (value.is_some(), Some(new)),
        Operation::Delete { found: true } => (value.is_some(), None),
        Operation::Update { found: false, .. } | Operation::Delete { found: false } => {
            (value.is_none(), value)
        }
        Operation::Find { value: found } => (found == value, value),
        Operation::Doubt(ref write) => {
            let mut either = after(write, value);
            either.push(value);
            return either;
        }
        Operation::Nothing => (true, value),
        Operation::Pending => (false, value),
    };
    if fits { vec![next] } else { Vec::new() }
}

type Actions = Vec<(ProcessId, Action<Operation>)>;

fn linearizable(actions: Actions) -> bool {
    WGLChecker::<Association>::is_linearizable(History::from_actions(actions))
}

/// What happened on each id, in the order of real time.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeMap<String, Record>>>);

/// The actions, and operations that have no end in time.
#[derive(Clone, Default)]
struct Record {
    actions: Actions,
    endless: Actions,
}

impl Recorder {
    fn call(&self, keys: &[String], process: usize) {
        self.note(keys, process, |_| Action::Call(Operation::Pending));
    }

    fn answer(&self, key: &str, process: usize, answer: &Operation) {
        self.note(&[key.to_owned()], process, |_| Action::Response(answer.clone()));
    }

    fn note(&self, keys: &[String], process: usize, action: impl Fn(&str) -> Action<Operation>) {
        let mut histories = self.0.lock().unwrap();
        for key in keys {
            histories.entry(key.clone()).or_default().actions.push((process, action(key)));
        }
    }

    /// A write that may still happen: it ends after everything else, and its process goes on under another number.
    fn doubt(&self, key: &str, process: usize, write: Operation) {
        let mut histories = self.0.lock().unwrap();
        let endless = &mut histories.entry(key.to_owned()).or_default().endless;
        endless.push((process, Action::Response(Operation::Doubt(Box::new(write)))));
    }
}

/// What clients do on some ids, with some nodes, for some rounds.
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Tenant>,
    pub(crate) rounds: usize,
    /// Whether a request may be answered 503, or not at all.
    pub(crate) failures: bool,
}

struct Client {
    process: usize,
    tenant: Tenant,
    failures: bool,
    recorder: Recorder,
}

impl Client {
    /// Carries out a write; `outcome` makes the operation of whether it succeeded.
    async fn write(
        &mut self,
        key: &str,
        request: Request,
        statuses: [u16; 2],
        outcome: impl Fn(bool) -> Operation,
    ) {
        self.recorder.call(&[key.to_owned()], self.process);
        match self.answer(&request).await {
            Some(response) => {
                let status = response.status;
                assert!(statuses.contains(&status), "{response:?}");
                self.recorder.answer(key, self.process, &outcome(status == statuses[0]));
            }
            None => {
                self.recorder.doubt(key, self.process, outcome(true));
                self.process += CLIENTS;
            }
        }
    }

    /// The answer to a request, unless it is 503 or missing.
    async fn answer(&self, request: &Request) -> Option<Response> {
        if !self.failures {
            return Some(self.tenant.send(request).await);
        }
        self.tenant.try_send(request).await.ok().filter(|response| response.status != 503)
    }

    async fn read(&self, asked: &[String]) {
        self.recorder.call(asked, self.process);
        let request = self.tenant.query_request(&json!({"filters": {"externalUserIds": asked}}));
        // A read that was refused says nothing: it is as if it had found whatever was there.
        let answer = self.answer(&request).await.map(|response| response.expect(200).json());
        let found: Option<BTreeMap<String, String>> = answer.map(|answer| ids(&answer).into_iter().collect());
        self.recorder.note(asked, self.process, |key| {
            let Some(found) = &found else { return Action::Response(Operation::Nothing) };
            let value = found.get(key).map(|id| id[profile("").len()..].parse().unwrap());
            Action::Response(Operation::Find { value })
        });
    }

    async fn run(mut self, mut rng: Rng, keys: Vec<String>) {
        for step in 0..OPERATIONS_OF_A_CLIENT {
            let value = u32::try_from(self.process * 1_000 + step).unwrap();
            let key = rng.choice(&keys).unwrap().clone();
            let body = association(&key, &profile(&value.to_string()));
            match rng.u8(0..6) {
                0 | 1 => {
                    let request = self.tenant.create_request(&body);
                    self.write(&key, request, [201, 409], |created| Operation::Create { value, created })
                        .await;
                }
                2 => {
                    let request = self.tenant.update_request(&body);
                    self.write(&key, request, [200, 404], |found| Operation::Update { value, found }).await;
                }
                3 => {
                    let request = self.tenant.delete_request(&json!({"externalUserId": key}));
                    self.write(&key, request, [200, 404], |found| Operation::Delete { found }).await;
                }
                // One id, or all of them in one query: each is a read of its own.
                4 => self.read(&[key]).await,
                _ => self.read(&keys).await,
            }
        }
    }
}

/// Carries a plan out and checks every history. Answers how many operations there were, and how many writes in doubt.
pub(crate) async fn check(plan: &Plan, rng: &mut Rng) -> (usize, usize) {
    let (mut operations, mut overlapping, mut doubts) = (0, 0, 0);
    for round in 0..plan.rounds {
        let recorder = Recorder::default();
        let keys: Vec<String> = (0..KEYS).map(|key| format!("{round}-{key}")).collect();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|process| {
                let version = if process % 2 == 0 { Version::Http1 } else { Version::Http2 };
                let tenant = plan.nodes[process / 2 % plan.nodes.len()].again(version);
                let client = Client { process, tenant, failures: plan.failures, recorder: recorder.clone() };
                tokio::spawn(client.run(rng.fork(), keys.clone()))
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        for (key, Record { mut actions, endless }) in std::mem::take(&mut *recorder.0.lock().unwrap()) {
            doubts += endless.len();
            actions.extend(endless);
            operations += actions.len() / 2;
            let call = |action: &(ProcessId, Action<Operation>)| matches!(action.1, Action::Call(_));
            overlapping += actions.windows(2).filter(|pair| call(&pair[0]) && call(&pair[1])).count();
            assert!(linearizable(actions.clone()), "the history of {key} has no order: {actions:#?}");
        }
    }
    eprintln!("{operations} operations, {overlapping} times one began while another ran, {doubts} in doubt");
    assert!(overlapping > operations / 10, "the clients were concurrent: {overlapping} of {operations}");
    (operations, doubts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_of_concurrent_clients_are_linearizable() {
    let plan = Plan { nodes: vec![Tenant::fresh().await], rounds: ROUNDS, failures: false };
    let (_, doubts) = check(&plan, &mut seed::rng("linearizability")).await;
    assert_eq!(doubts, 0);
}

/// A checker that accepts everything would pass the test above.
#[test]
fn doctored_histories_are_refused() {
    let sequential = |operations: &[Operation]| -> Actions {
        let both =
            |operation: &Operation| [Action::Call(Operation::Pending), Action::Response(operation.clone())];
        operations.iter().flat_map(both).map(|action| (0, action)).collect()
    };
    let create = |value, created| Operation::Create { value, created };
    let find = |value| Operation::Find { value };
    let good = [
        create(1, true),
        create(2, false),
        find(Some(1)),
        Operation::Update { value: 3, found: true },
        find(Some(3)),
        Operation::Delete { found: true },
        find(None),
        Operation::Update { value: 4, found: false },
        Operation::Delete { found: false },
        create(5, true),
        find(Some(5)),
    ];
    assert!(linearizable(sequential(&good)));
    // Each single lie is noticed: a stale or invented read, a lost or doubled write.
    let lies = [
        (1, create(2, true)),
        (2, find(None)),
        (4, find(Some(1))),
        (5, Operation::Delete { found: false }),
        (6, find(Some(3))),
        (7, Operation::Update { value: 4, found: true }),
        (9, create(5, false)),
        (10, find(Some(4))),
    ];
    for (at, lie) in lies {
        let mut doctored = good.to_vec();
        doctored[at] = lie.clone();
        assert!(!linearizable(sequential(&doctored)), "{lie:?} at {at}");
    }
    // While a create runs, a reader sees it and a later reader does not.
    let call = || Action::Call(Operation::Pending);
    let overlapping = |first, second| {
        vec![
            (0, call()),
            (1, call()),
            (1, Action::Response(find(first))),
            (2, call()),
            (2, Action::Response(find(second))),
            (0, Action::Response(create(1, true))),
        ]
    };
    assert!(linearizable(overlapping(None, Some(1))));
    assert!(!linearizable(overlapping(Some(1), None)));
    // A write in doubt may happen at any time since, or never, but not twice and not before it was asked for.
    let doubtful = |before: &[Operation], after: &[Operation]| {
        let mut actions = sequential(before);
        actions.push((1, call()));
        actions.extend(sequential(after));
        actions.push((1, Action::Response(Operation::Doubt(Box::new(create(9, true))))));
        actions
    };
    assert!(linearizable(doubtful(&[], &[find(None)])));
    assert!(linearizable(doubtful(&[], &[find(None), find(None), find(Some(9))])));
    assert!(linearizable(doubtful(&[find(None)], &[create(1, false), Operation::Delete { found: true }])));
    assert!(!linearizable(doubtful(&[find(Some(9))], &[find(Some(9))])));
    assert!(!linearizable(doubtful(&[], &[find(Some(9)), find(None)])));
    let again = [find(Some(9)), Operation::Delete { found: true }, find(Some(9))];
    assert!(!linearizable(doubtful(&[], &again)));
}
