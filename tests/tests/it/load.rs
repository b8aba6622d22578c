//! Writers that know what each of their requests has to answer, and the ledger that compares what was acknowledged with
//! what a server shows afterwards: nothing acknowledged is lost, nothing is invented.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use jackfield_tests::http::{Failure, Request};
use jackfield_tests::page::{ids, walk};
use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Server, Tenant, TenantOptions, Version};
use serde_json::{Value, json};

const WRITERS: usize = 16;
const KEYS_OF_A_WRITER: usize = 12;
/// After a refusal a writer waits a moment, as a client that reads `Retry-After` would.
const PAUSE: Duration = Duration::from_millis(50);

/// `externalUserId` to the suffix of its profile.
pub(crate) type State = BTreeMap<String, String>;

/// A write: what stood under the id before and what stands there after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    id: String,
    before: Option<String>,
    after: Option<String>,
}

/// What the writers are told and tell while they run.
#[derive(Default)]
pub(crate) struct Course {
    /// They stop.
    over: AtomicBool,
    /// An answer that is 503, or none at all, is not the end: the write is in doubt, and its id is not used again.
    patient: bool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    /// When each write was acknowledged.
    moments: std::sync::Mutex<Vec<Instant>>,
    on_acknowledged: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Course {
    /// Until the server is gone. `on_acknowledged` is called at each acknowledged write.
    pub(crate) fn to_the_end(on_acknowledged: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { on_acknowledged: Some(Box::new(on_acknowledged)), ..Self::default() })
    }

    /// Until told to stop, whatever happens to servers and database.
    pub(crate) fn patient() -> Arc<Self> {
        Arc::new(Self { patient: true, ..Self::default() })
    }

    /// How many writes were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// How many were refused with 503, or not answered.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The first write that was acknowledged after a moment.
    pub(crate) fn first_after(&self, moment: Instant) -> Option<Instant> {
        self.moments.lock().unwrap().iter().copied().filter(|&acknowledged| acknowledged > moment).min()
    }

    pub(crate) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// One client with ids of its own, so that it knows what each of its requests has to answer.
pub(crate) struct Writer {
    index: usize,
    /// The same tenant on each node.
    nodes: Vec<Tenant>,
    rng: Rng,
    state: State,
    /// How often a write of each key was in doubt. It is part of the id.
    doubtful: [u32; KEYS_OF_A_WRITER],
    /// Acknowledged writes by request id.
    acknowledged: HashMap<String, Write>,
    /// Writes of which nobody knows whether they happened, with the request id where there was an answer.
    doubts: Vec<(Option<String>, Write)>,
}

/// What a writer sends, and what comes of it when it is carried out.
struct Attempt {
    request: Request,
    write: Write,
    good: u16,
    refused: u16,
    /// A create succeeds where nothing is, the others where something is.
    succeeds: bool,
    key: usize,
}

impl Writer {
    /// Writes until the course is over, or the server is gone.
    pub(crate) async fn run(mut self, course: Arc<Course>) -> Self {
        while !course.over.load(Ordering::Relaxed) {
            let node = self.rng.usize(0..self.nodes.len());
            if self.rng.u8(0..5) == 0 {
                if !self.look(node, &course).await {
                    return self;
                }
                continue;
            }
            let attempt = self.next(node);
            match self.nodes[node].try_send(&attempt.request).await {
                Ok(response) if course.patient && response.status == 503 => {
                    course.refused.fetch_add(1, Ordering::Relaxed);
                    let request_id = response.request_id().to_owned();
                    self.doubt(Some(request_id), attempt);
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(response) => {
                    let Attempt { write, good, refused, succeeds, .. } = attempt;
                    if succeeds {
                        course.acknowledged.fetch_add(1, Ordering::Relaxed);
                        course.moments.lock().unwrap().push(Instant::now());
                        course.on_acknowledged.iter().for_each(|tell| tell());
                    }
                    response.is(if succeeds { good } else { refused });
                    if succeeds {
                        apply(&mut self.state, &write);
                        self.acknowledged.insert(response.request_id().to_owned(), write);
                    }
                }
                Err(Failure::Late) => panic!("the server hangs"),
                Err(failure) => {
                    if let Failure::Broken(_) = failure {
                        self.doubt(None, attempt);
                    }
                    if !course.patient {
                        return self;
                    }
                    course.refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        self
    }

    /// Looks an id up: what is found is what this writer left there. Answers whether the writer goes on.
    async fn look(&mut self, node: usize, course: &Course) -> bool {
        let (_, id) = self.key();
        let query = json!({"filters": {"externalUserIds": [id]}});
        match self.nodes[node].try_send(&self.nodes[node].query_request(&query)).await {
            Ok(response) if course.patient && response.status == 503 => {
                course.refused.fetch_add(1, Ordering::Relaxed);
            }
            Ok(response) => {
                let found = ids(&response.expect(200).json());
                let wanted = self.state.get(&id).map(|suffix| (id, profile(suffix)));
                assert_eq!(found, Vec::from_iter(wanted), "a read is true");
                return true;
            }
            Err(Failure::Late) => panic!("the server hangs"),
            Err(_) if course.patient => {}
            Err(_) => return false,
        }
        tokio::time::sleep(PAUSE).await;
        true
    }

    /// One of the keys, and its present id.
    fn key(&mut self) -> (usize, String) {
        let key = self.rng.usize(0..KEYS_OF_A_WRITER);
        (key, format!("{:02}-{key:02}-{}", self.index, self.doubtful[key]))
    }

    fn next(&mut self, node: usize) -> Attempt {
        let (key, id) = self.key();
        let tenant = &self.nodes[node];
        let suffix = format!("{:x}", self.rng.u64(..));
        let before = self.state.get(&id).cloned();
        let body = association(&id, &profile(&suffix));
        let (request, after, good, refused) = match self.rng.u8(0..4) {
            0 | 1 => (tenant.create_request(&body), Some(suffix), 201, 409),
            2 => (tenant.update_request(&body), Some(suffix), 200, 404),
            _ => (tenant.delete_request(&json!({"externalUserId": id})), None, 200, 404),
        };
        let succeeds = before.is_some() != (good == 201);
        Attempt { request, write: Write { id, before, after }, good, refused, succeeds, key }
    }

    /// A write that would change nothing leaves no doubt.
    fn doubt(&mut self, request_id: Option<String>, attempt: Attempt) {
        if attempt.succeeds {
            self.doubtful[attempt.key] += 1;
            self.doubts.push((request_id, attempt.write));
        }
    }
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

/// Writers on the nodes of one directory, and what is known of it, carried from cycle to cycle.
pub(crate) struct Load {
    pub(crate) tenant: Tenant,
    writers: Vec<Writer>,
    state: State,
    last_sequence: u64,
    doubts_applied: usize,
    writes: usize,
}

impl Load {
    /// Writers on these nodes; what they wrote is looked up at the first.
    pub(crate) async fn on(nodes: &[&Server], rng: &mut Rng) -> Self {
        let tenant = Tenant::on(nodes[0].endpoint(), TenantOptions::default()).await;
        tenant.create("witness", "1").await.is(201);
        let first = tenant.admin.changes(&tenant.provider, 0).await;
        let writers = (0..WRITERS)
            .map(|index| {
                let version = if index % 4 == 0 { Version::Http2 } else { Version::Http1 };
                let on_node = |node: &&Server| tenant.at(node.endpoint(), version);
                Writer {
                    index,
                    nodes: nodes.iter().map(on_node).collect(),
                    rng: rng.fork(),
                    state: State::new(),
                    doubtful: [0; KEYS_OF_A_WRITER],
                    acknowledged: HashMap::new(),
                    doubts: Vec::new(),
                }
            })
            .collect();
        Self {
            tenant,
            writers,
            state: State::from([("witness".to_owned(), "1".to_owned())]),
            last_sequence: first.last().unwrap()["sequence"].as_u64().unwrap(),
            doubts_applied: 0,
            writes: 0,
        }
    }

    /// Lets the writers write while something happens to what they write to.
    pub(crate) async fn during<T>(&mut self, course: &Arc<Course>, event: impl Future<Output = T>) -> T {
        let start = |writer: Writer| tokio::spawn(writer.run(Arc::clone(course)));
        let running: Vec<_> = self.writers.drain(..).map(start).collect();
        let outcome = event.await;
        for writer in running {
            self.writers.push(writer.await.unwrap());
        }
        outcome
    }

    /// Compares what the writers know with what the directory shows.
    pub(crate) async fn verify(&mut self) {
        let mut acknowledged: HashMap<String, Write> = HashMap::new();
        let mut doubts: Vec<(Option<String>, Write)> = Vec::new();
        for writer in &mut self.writers {
            acknowledged.extend(writer.acknowledged.drain());
            doubts.append(&mut writer.doubts);
        }
        self.writes += acknowledged.len();
        for change in self.tenant.admin.changes(&self.tenant.provider, self.last_sequence).await {
            let sequence = change["sequence"].as_u64().unwrap();
            assert!(sequence > self.last_sequence, "sequences rise: {change}");
            self.last_sequence = sequence;
            let write = recorded(&change);
            let before = self.state.get(&write.id);
            assert_eq!(before, write.before.as_ref(), "what was before is right: {change}");
            apply(&mut self.state, &write);
            let request_id = change["request_id"].as_str().unwrap();
            if let Some(wanted) = acknowledged.remove(request_id) {
                assert_eq!(write, wanted, "what was acknowledged was done: {change}");
                continue;
            }
            let asked = |(id, doubt): &(Option<String>, Write)| {
                *doubt == write && id.as_deref().is_none_or(|id| id == request_id)
            };
            let doubt = doubts.iter().position(asked);
            doubts.swap_remove(doubt.unwrap_or_else(|| panic!("nobody asked for {change}")));
            self.doubts_applied += 1;
        }
        let lost = acknowledged.len();
        assert_eq!(lost, 0, "acknowledged writes are not in the change record: {acknowledged:?}");
        let shown = walk(&self.tenant, &json!({}), 100).await;
        assert_eq!(shown.total_count, self.state.len() as u64, "the maintained count is right");
        let prefix = profile("");
        let shown: State =
            shown.found.into_iter().map(|(id, amazon)| (id, amazon[prefix.len()..].to_owned())).collect();
        assert_eq!(shown, self.state, "associations are what the change record says");
        // The writers go on from the truth about what was in doubt.
        for writer in &mut self.writers {
            let prefix = format!("{:02}-", writer.index);
            let truth = self.state.iter().filter(|(id, _)| id.starts_with(&prefix));
            writer.state = truth.map(|(id, suffix)| (id.clone(), suffix.clone())).collect();
        }
    }

    pub(crate) fn report(&self, cycles: usize) {
        let Self { writes, doubts_applied, .. } = self;
        eprintln!("{cycles} times, {writes} writes acknowledged, {doubts_applied} in doubt were done");
        assert!(*writes > cycles, "there was load");
    }
}
