//! The generator: many connections, each with one request in flight, driven by few threads.
//!
//! Each thread waits on its own epoll for the connections that it was given. A request is written in one call and an
//! answer is read no further than needed. Every answer's status is checked, and one in [`SAMPLE`] wholly. Latency is
//! from before the write until the answer is there in full.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::event::epoll;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::latencies::Latencies;
use crate::response::{self, Extent};
use crate::workload::{self, Directory, Request};

/// One answer in so many is checked wholly.
pub const SAMPLE: u64 = 64;
/// Longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at whether to stop.
const TICK: Duration = Duration::from_millis(20);
const READ_BYTES: usize = 64 * 1024;

/// Where to, and how.
#[derive(Clone, Debug)]
pub struct Load {
    /// The system.
    pub address: SocketAddr,
    /// Whose associations.
    pub directory: Arc<Directory>,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// The cores that the generator may use, a thread on each; empty: any, with a thread for each core.
    pub cores: Vec<usize>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Work {
    /// Queries of so many random ids of one provider, among the associations with numbers below `known`.
    Query {
        /// Ids of a query.
        ids: u64,
        /// How many associations there are.
        known: u64,
        /// Every answer is that for the numbers `0..ids`: the system looks nothing up.
        fixed: bool,
    },
    /// Creates of associations with numbers that were not used before.
    Create(Arc<Numbers>),
    /// These requests, again and again; their answers hold this text.
    Given(Arc<Vec<Vec<u8>>>, &'static str),
}

/// The numbers of the associations to create, in the order in which threads take them.
#[derive(Debug)]
pub struct Numbers {
    next: AtomicU64,
    end: u64,
}

impl Numbers {
    /// Those of a range.
    #[must_use]
    pub const fn new(range: std::ops::Range<u64>) -> Self {
        Self { next: AtomicU64::new(range.start), end: range.end }
    }

    fn take(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.end).then_some(number)
    }

    /// The first that was not taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.next.load(Ordering::Relaxed).min(self.end)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Latencies of the answers that came between [`Running::record`] and [`Running::pause`].
    pub latencies: Latencies,
    /// Numbers of some of the associations whose create was acknowledged, now and then one.
    pub created: Vec<u64>,
    /// Answers of all, recorded or not.
    pub answers: u64,
}

/// A load that goes on.
#[derive(Debug)]
pub struct Running {
    threads: Vec<JoinHandle<anyhow::Result<Outcome>>>,
    switches: Arc<Switches>,
}

#[derive(Debug, Default)]
struct Switches {
    recording: AtomicBool,
    stop: AtomicBool,
}

impl Load {
    /// Connects and begins.
    ///
    /// # Errors
    /// When the system does not accept.
    pub fn start(&self, work: &Work) -> anyhow::Result<Running> {
        let switches = Arc::new(Switches::default());
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let count = if self.cores.is_empty() { cores } else { self.cores.len() };
        let mut threads = Vec::new();
        for index in 0..count {
            let connections = (index..self.connections).step_by(count).count();
            let mut driver = Driver::new(self, connections, work.clone(), Arc::clone(&switches))?;
            let core = self.cores.get(index).copied();
            threads.push(std::thread::spawn(move || {
                if let Some(core) = core {
                    let mut set = CpuSet::new();
                    set.set(core);
                    sched_setaffinity(None, &set)?;
                }
                driver.run()
            }));
        }
        Ok(Running { threads, switches })
    }

    /// Creates the associations of a range and waits until all are acknowledged.
    ///
    /// # Errors
    /// When one is not.
    pub fn create_all(&self, range: std::ops::Range<u64>) -> anyhow::Result<()> {
        let wanted = range.end - range.start;
        let outcome = self.start(&Work::Create(Arc::new(Numbers::new(range))))?.wait()?;
        ensure!(outcome.answers == wanted, "{} of {wanted} creates were acknowledged", outcome.answers);
        Ok(())
    }
}

impl Running {
    /// Begins to record.
    pub fn record(&self) {
        self.switches.recording.store(true, Ordering::Relaxed);
    }

    /// Ends to record; the load goes on.
    pub fn pause(&self) {
        self.switches.recording.store(false, Ordering::Relaxed);
    }

    /// Ends when what is in flight is answered.
    ///
    /// # Errors
    /// The first wrong answer, or why none came.
    pub fn stop(self) -> anyhow::Result<Outcome> {
        self.switches.stop.store(true, Ordering::Relaxed);
        self.wait()
    }

    /// Waits until the work comes to an end by itself.
    ///
    /// # Errors
    /// The first wrong answer, or why none came.
    pub fn wait(self) -> anyhow::Result<Outcome> {
        let mut whole = Outcome::default();
        for thread in self.threads {
            let part = thread.join().map_err(|_| anyhow::anyhow!("a thread of the generator panicked"))??;
            whole.latencies.merge(&part.latencies);
            whole.created.extend(part.created);
            whole.answers += part.answers;
        }
        Ok(whole)
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    request: Request,
    sent: Instant,
    answer: Vec<u8>,
    length: usize,
}

/// One thread's part.
struct Driver {
    epoll: std::os::fd::OwnedFd,
    connections: Vec<Connection>,
    work: Work,
    directory: Arc<Directory>,
    switches: Arc<Switches>,
    outcome: Outcome,
    in_flight: usize,
    given: usize,
}

impl Driver {
    fn new(load: &Load, count: usize, work: Work, switches: Arc<Switches>) -> anyhow::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::new();
        for index in 0..count {
            let stream = TcpStream::connect(load.address).context("the system does not accept")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &stream, data, epoll::EventFlags::IN)?;
            let request = Request::default();
            let answer = vec![0; READ_BYTES];
            connections.push(Connection { stream, request, sent: Instant::now(), answer, length: 0 });
        }
        let (directory, outcome) = (Arc::clone(&load.directory), Outcome::default());
        Ok(Self { epoll, connections, work, directory, switches, outcome, in_flight: 0, given: 0 })
    }

    fn run(&mut self) -> anyhow::Result<Outcome> {
        for index in 0..self.connections.len() {
            self.send(index)?;
        }
        let mut events = Vec::with_capacity(self.connections.len().max(1));
        let mut last = Instant::now();
        while self.in_flight > 0 {
            events.clear();
            let tick = TICK.try_into().expect("a few milliseconds");
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&tick))?;
            if !events.is_empty() {
                last = Instant::now();
            }
            ensure!(last.elapsed() < PATIENCE, "{} requests got no answer", self.in_flight);
            for event in &events {
                let index = usize::try_from(event.data.u64()).expect("made of an index");
                self.receive(index)?;
            }
        }
        Ok(std::mem::take(&mut self.outcome))
    }

    /// Sends the next request of a connection, if there is one.
    fn send(&mut self, index: usize) -> anyhow::Result<()> {
        if self.switches.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let connection = &mut self.connections[index];
        let request = &mut connection.request;
        match &self.work {
            Work::Query { ids, known, .. } => {
                let providers = self.directory.providers;
                let provider = fastrand::u64(..providers);
                let share = (known / providers).max(1);
                let first = fastrand::u64(..share);
                // Neighbours by number are not neighbours by id.
                request.numbers.clear();
                request.numbers.extend((0..*ids).map(|n| provider + (first + n) % share * providers));
                self.directory.query(request);
            }
            Work::Create(numbers) => match numbers.take() {
                Some(number) => self.directory.create(number, request),
                None => return Ok(()),
            },
            Work::Given(requests, _) => {
                request.bytes.clear();
                request.bytes.extend_from_slice(&requests[(self.given + index) % requests.len()]);
                self.given += 1;
            }
        }
        connection.length = 0;
        connection.sent = Instant::now();
        // The last answer was read whole, so the socket has room.
        let written =
            connection.stream.write(&connection.request.bytes).context("a request was not taken")?;
        ensure!(written == connection.request.bytes.len(), "a request did not fit the socket");
        self.in_flight += 1;
        Ok(())
    }

    fn receive(&mut self, index: usize) -> anyhow::Result<()> {
        let connection = &mut self.connections[index];
        match connection.stream.read(&mut connection.answer[connection.length..]) {
            Ok(0) => bail!("the system closed a connection"),
            Ok(read) => connection.length += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("a connection broke"),
        }
        let Some(extent) = response::extent(&connection.answer[..connection.length])? else {
            return Ok(());
        };
        ensure!(extent.end == connection.length, "more came than was asked for");
        if self.switches.recording.load(Ordering::Relaxed) {
            self.outcome.latencies.record(connection.sent.elapsed());
        }
        self.in_flight -= 1;
        self.outcome.answers += 1;
        self.check(index, extent)?;
        self.send(index)
    }

    fn check(&mut self, index: usize, extent: Extent) -> anyhow::Result<()> {
        let connection = &self.connections[index];
        let answer = &connection.answer[..connection.length];
        let wanted = if matches!(self.work, Work::Create(_)) { 201 } else { 200 };
        ensure!(extent.status == wanted, "not a {wanted}: {}", response::shown(answer));
        if !self.outcome.answers.is_multiple_of(SAMPLE) {
            return Ok(());
        }
        match &self.work {
            Work::Query { ids, fixed: true, .. } => {
                let numbers: Vec<u64> = (0..*ids).collect();
                workload::check_answer(&response::body(answer, extent)?, &numbers)
            }
            Work::Query { .. } => {
                workload::check_answer(&response::body(answer, extent)?, &connection.request.numbers)
            }
            Work::Create(_) => {
                self.outcome.created.extend(&connection.request.numbers);
                Ok(())
            }
            Work::Given(_, text) => {
                let body = response::body(answer, extent)?;
                let body = String::from_utf8_lossy(&body);
                ensure!(body.contains(text), "{text} is missing: {}", response::shown(answer));
                Ok(())
            }
        }
    }
}

/// One request and its answer, on a connection of its own or on one that is kept.
#[derive(Debug)]
pub struct Single(TcpStream);

impl Single {
    /// Connects.
    ///
    /// # Errors
    /// When the system does not accept.
    pub fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).context("the system does not accept")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// Sends a request and answers status and body.
    ///
    /// # Errors
    /// When no answer comes that can be understood.
    pub fn send(&mut self, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        self.0.write_all(request)?;
        let mut answer = Vec::new();
        let mut part = vec![0; READ_BYTES];
        loop {
            let read = self.0.read(&mut part)?;
            ensure!(read > 0, "the system closed the connection");
            answer.extend_from_slice(&part[..read]);
            if let Some(extent) = response::extent(&answer)? {
                return Ok((extent.status, response::body(&answer, extent)?));
            }
        }
    }
}
