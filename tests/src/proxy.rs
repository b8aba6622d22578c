//! A TCP proxy on loopback between a server and what it depends on: it can be slow, cut connections, swallow what is
//! said, or swallow only the answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Most bytes that are passed on at once.
const PIECE_BYTES: usize = 64 << 10;
/// Most pieces that are on their way in one direction of a connection.
const PIECES: usize = 64;

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// They are passed on.
    #[default]
    Open,
    /// What the server says arrives, the answers do not: a commit happens and nobody hears of it.
    NoAnswers,
    /// Connections are accepted, and nothing arrives anywhere.
    BlackHole,
    /// New connections are closed at once.
    Closed,
}

/// A proxy with a thread of its own. It ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    swallowed: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    way: Way,
    latency: Duration,
    /// Connections of an earlier one are closed.
    generation: u64,
    over: bool,
}

impl Proxy {
    /// A proxy to a port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port can be listened on.
    #[must_use]
    pub fn to(port: u16) -> Self {
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port can be listened on");
        listener.set_nonblocking(true).expect("a listener can be told not to block");
        let address = listener.local_addr().expect("a listener has an address");
        let (state, receiver) = watch::channel(State::default());
        let swallowed = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&swallowed);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener is one for the runtime");
                accept(listener, port, receiver, counter).await;
            });
        });
        Self { address, state, swallowed, thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that leads through the proxy instead of to `port` of 127.0.0.1.
    ///
    /// # Panics
    /// When the URL does not lead there.
    #[must_use]
    pub fn url(&self, url: &str, port: u16) -> String {
        let direct = format!("127.0.0.1:{port}");
        assert!(url.contains(&direct), "{url} leads to {direct}");
        url.replace(&direct, &self.address.to_string())
    }

    /// Delays each piece of an answer by this much.
    pub fn set_latency(&self, latency: Duration) {
        self.state.send_modify(|state| state.latency = latency);
    }

    /// Says what becomes of the bytes from now on. Connections that may have lost some are closed when the way is open
    /// again.
    pub fn set_way(&self, way: Way) {
        self.state.send_modify(|state| {
            let lossy = matches!(state.way, Way::NoAnswers | Way::BlackHole);
            state.generation += u64::from(lossy && way == Way::Open);
            state.way = way;
        });
    }

    /// Closes every connection there is.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }

    /// How many bytes of answers did not arrive.
    #[must_use]
    pub fn swallowed(&self) -> u64 {
        self.swallowed.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.send_modify(|state| state.over = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    mut state: watch::Receiver<State>,
    swallowed: Arc<AtomicU64>,
) {
    loop {
        let client = tokio::select! {
            over = state.wait_for(|state| state.over) => {
                drop(over);
                return;
            }
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => client,
                Err(_) => continue,
            },
        };
        if state.borrow().way != Way::Closed {
            tokio::spawn(connection(client, port, state.clone(), Arc::clone(&swallowed)));
        }
    }
}

async fn connection(client: TcpStream, port: u16, state: watch::Receiver<State>, swallowed: Arc<AtomicU64>) {
    let generation = state.borrow().generation;
    let mut watched = state.clone();
    let ended = watched.wait_for(|state| state.over || state.generation != generation);
    let work = async {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let asked = || (state.borrow().way != Way::BlackHole).then_some(Duration::ZERO);
        let answered = || {
            let state = *state.borrow();
            matches!(state.way, Way::Open | Way::Closed).then_some(state.latency)
        };
        let unsaid = AtomicU64::new(0);
        tokio::try_join!(
            direction(from_client, to_server, asked, &unsaid),
            direction(from_server, to_client, answered, &swallowed),
        )
    };
    // Either side may break off; both are closed then.
    tokio::select! {
        outcome = work => drop(outcome),
        _ = ended => {}
    }
}

/// Passes bytes on after the delay that `rule` says when they come, or swallows and counts them when it says none.
async fn direction(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    rule: impl Fn() -> Option<Duration>,
    swallowed: &AtomicU64,
) -> io::Result<()> {
    let (pieces, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    let reading = async move {
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            let Some(delay) = rule() else {
                swallowed.fetch_add(length as u64, Ordering::Relaxed);
                continue;
            };
            // The receiver goes away with an error of its own.
            let _ = pieces.send((Instant::now() + delay, buffer[..length].to_vec())).await;
        }
    };
    let writing = async {
        while let Some((moment, piece)) = due.recv().await {
            tokio::time::sleep_until(moment).await;
            to.write_all(&piece).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(drop)
}
