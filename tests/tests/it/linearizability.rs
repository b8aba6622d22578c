//! Concurrent clients on few ids, recorded through HTTP: there is an order of all operations on an id that agrees
//! with real time and with every answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use jackfield_tests::page::ids;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Tenant, Version, seed};
use serde_json::json;
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History, ProcessId};
use todc_utils::specifications::Specification;

const CLIENTS: usize = 8;
const KEYS: usize = 3;
const OPERATIONS_OF_A_CLIENT: usize = 20;
const ROUNDS: usize = 25;

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
    /// Called, not answered yet.
    Pending,
}

struct Association;

impl Specification for Association {
    type State = Option<u32>;
    type Operation = Operation;

    fn init() -> Self::State {
        None
    }

    fn apply(operation: &Operation, state: &Self::State) -> (bool, Self::State) {
        match *operation {
            Operation::Create { value, created: true } => (state.is_none(), Some(value)),
            Operation::Create { created: false, .. } => (state.is_some(), *state),
            Operation::Update { value, found: true } => (state.is_some(), Some(value)),
            Operation::Delete { found: true } => (state.is_some(), None),
            Operation::Update { found: false, .. } | Operation::Delete { found: false } => {
                (state.is_none(), *state)
            }
            Operation::Find { value } => (value == *state, *state),
            Operation::Pending => (false, *state),
        }
    }
}

type Actions = Vec<(ProcessId, Action<Operation>)>;

fn linearizable(actions: Actions) -> bool {
    WGLChecker::<Association>::is_linearizable(History::from_actions(actions))
}

/// What happened on each id, in the order of real time.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeMap<String, Actions>>>);

impl Recorder {
    fn note(&self, keys: &[String], process: usize, action: impl Fn(&str) -> Action<Operation>) {
        let mut histories = self.0.lock().unwrap();
        for key in keys {
            histories.entry(key.clone()).or_default().push((process, action(key)));
        }
    }
}

async fn client(process: usize, tenant: Tenant, mut rng: Rng, keys: Vec<String>, recorder: Recorder) {
    for step in 0..OPERATIONS_OF_A_CLIENT {
        let value = u32::try_from(process * 1_000 + step).unwrap();
        let key = rng.choice(&keys).unwrap().clone();
        let one = [key.clone()];
        let call = |_: &str| Action::Call(Operation::Pending);
        match rng.u8(0..6) {
            0 | 1 => {
                recorder.note(&one, process, call);
                let status = tenant.create(&key, &value.to_string()).await.status;
                assert!(matches!(status, 201 | 409), "{status}");
                let answer = Operation::Create { value, created: status == 201 };
                recorder.note(&one, process, |_| Action::Response(answer.clone()));
            }
            2 => {
                recorder.note(&one, process, call);
                let status = tenant.update(&key, &value.to_string()).await.status;
                assert!(matches!(status, 200 | 404), "{status}");
                let answer = Operation::Update { value, found: status == 200 };
                recorder.note(&one, process, |_| Action::Response(answer.clone()));
            }
            3 => {
                recorder.note(&one, process, call);
                let status = tenant.delete(&key).await.status;
                assert!(matches!(status, 200 | 404), "{status}");
                recorder
                    .note(&one, process, |_| Action::Response(Operation::Delete { found: status == 200 }));
            }
            kind => {
                // One id, or all of them in one query: each is a read of its own.
                let asked = if kind == 4 { &one[..] } else { &keys[..] };
                recorder.note(asked, process, call);
                let answer =
                    tenant.query(&json!({"filters": {"externalUserIds": asked}})).await.expect(200).json();
                let found: BTreeMap<String, String> = ids(&answer).into_iter().collect();
                let value = |key: &str| found.get(key).map(|id| id[profile("").len()..].parse().unwrap());
                recorder.note(asked, process, |key| Action::Response(Operation::Find { value: value(key) }));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_of_concurrent_clients_are_linearizable() {
    let mut rng = seed::rng("linearizability");
    let tenant = Tenant::fresh().await;
    let (mut operations, mut overlapping) = (0, 0);
    for round in 0..ROUNDS {
        let recorder = Recorder::default();
        let keys: Vec<String> = (0..KEYS).map(|key| format!("{round}-{key}")).collect();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|process| {
                let version = if process % 2 == 0 { Version::Http1 } else { Version::Http2 };
                let own = tenant.again(version);
                tokio::spawn(client(process, own, rng.fork(), keys.clone(), recorder.clone()))
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        for (key, actions) in std::mem::take(&mut *recorder.0.lock().unwrap()) {
            operations += actions.len() / 2;
            let call = |action: &(ProcessId, Action<Operation>)| matches!(action.1, Action::Call(_));
            overlapping += actions.windows(2).filter(|pair| call(&pair[0]) && call(&pair[1])).count();
            assert!(linearizable(actions.clone()), "the history of {key} has no order: {actions:#?}");
        }
    }
    eprintln!("{operations} operations, {overlapping} times one began while another ran");
    assert!(overlapping > operations / 10, "the clients were concurrent: {overlapping} of {operations}");
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
}
