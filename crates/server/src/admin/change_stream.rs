//! Changes as server-sent events (HTML standard, section 9.2), as long as the reader stays.
//!
//! The id of an event is the sequence number of its change: the same on every node, so that a reader goes on at any of
//! them. A reader who does not read holds a page of changes, and is cut off as everybody who leaves an answer unread.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use http_body_util::channel::Sender;
use jackfield_model::admin::Role;
use jackfield_model::limit;
use jackfield_store::{ChangeFilter, StoreError};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::access::Standing;
use super::operator::Operator;
use crate::error::ApiError;
use crate::feed::{self, Listening, Wanted};
use crate::metrics::Limit;
use crate::request::Call;
use crate::response::{self, Reply, StreamBroken};
use crate::state::State;

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells a proxy to pass on what comes as it comes.
static BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Seconds after which a reader who found no place may try again.
const RETRY_AFTER: u32 = 5;
/// Pieces that wait to be sent.
const AHEAD: usize = 1;
/// What a reader is told first: how long to wait before it connects again, in milliseconds.
const GREETING: &str = "retry: 1000\n\n";
/// Until a store that could not be read is read again.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether a request asks for a stream.
pub(super) fn is_asked_for(call: &Call) -> bool {
    let accepted = call.head.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    ranges.any(|range| range.trim().eq_ignore_ascii_case(response::EVENT_STREAM_TYPE))
}

/// Begins a stream.
pub(super) fn begin(
    state: &Arc<State>,
    call: &Call,
    operator: &Operator,
    filter: &ChangeFilter,
    wanted: Wanted,
) -> Result<Reply, ApiError> {
    let after = last_event_id(call)?.unwrap_or(filter.after);
    let Some(place) = state.feed.place() else {
        state.metrics.limited(Limit::ChangeStreams);
        return Err(ApiError::Unavailable {
            message: format!(
                "There are {} streams of changes, which is the most allowed.",
                limit::CHANGE_STREAMS
            ),
            retry_after: RETRY_AFTER,
            cause: None,
        });
    };
    let (mut reply, sender, left) = response::watched_stream(response::EVENT_STREAM_TYPE, AHEAD);
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.headers_mut().insert(BUFFERING.clone(), HeaderValue::from_static("no"));
    let stream = Stream {
        state: Arc::clone(state),
        standing: Standing::of(call, operator),
        listening: state.feed.listen(),
        filter: ChangeFilter { provider: filter.provider, after, limit: limit::FEED_PAGE },
        wanted,
        said: after,
        sender,
        left,
        _place: place,
    };
    tokio::spawn(stream.run());
    Ok(reply)
}

fn last_event_id(call: &Call) -> Result<Option<u64>, ApiError> {
    let Some(value) = call.head.headers.get(&LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| ApiError::BadRequest("Last-Event-ID: must be a sequence number.".to_owned()))
}

/// A stream that is open.
struct Stream {
    state: Arc<State>,
    standing: Standing,
    listening: Listening,
    /// Its `after` is where the next reading begins.
    filter: ChangeFilter,
    wanted: Wanted,
    /// The last id that the reader was told.
    said: u64,
    sender: Sender<Bytes, StreamBroken>,
    /// Resolves when the reader has gone.
    left: oneshot::Receiver<Infallible>,
    _place: OwnedSemaphorePermit,
}

/// The reader has gone.
struct Gone;

impl Stream {
    /// Sends changes until the reader or the server ends it. A reader comes again by itself and says where it was.
    async fn run(mut self) {
        if self.send(GREETING.to_owned()).await.is_err() {
            return;
        }
        let mut spoke = Instant::now();
        while self.listening.goes_on() && self.standing.lasts(&self.state, Role::Viewer) {
            let patience = match self.tell(&mut spoke).await {
                Ok(Ok(())) => limit::CHANGE_STREAM_SILENCE.saturating_sub(spoke.elapsed()),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a stream of changes waits for the store");
                    PAUSE
                }
                Err(Gone) => return,
            };
            tokio::select! {
                () = self.listening.wait(patience) => {}
                _ = &mut self.left => return,
            }
            if spoke.elapsed() >= limit::CHANGE_STREAM_SILENCE {
                spoke = Instant::now();
                if self.sign_of_life().await.is_err() {
                    return;
                }
            }
        }
    }

    /// Says nothing new but how far the reading got, where that is further than the reader knows.
    async fn sign_of_life(&mut self) -> Result<(), Gone> {
        // An event without data is none, and its id counts.
        let got_on = self.said < self.filter.after;
        self.said = self.filter.after;
        self.send(if got_on { format!("id: {}\n\n", self.said) } else { ":\n\n".to_owned() }).await
    }

    /// Sends what there is.
    async fn tell(&mut self, spoke: &mut Instant) -> Result<Result<(), StoreError>, Gone> {
        loop {
            let read = match feed::read(&*self.state.store, &self.filter).await {
                Ok(read) => read,
                Err(error) => return Ok(Err(error)),
            };
            let mut text = String::new();
            if let Some(through) = read.lost_through {
                let after = self.filter.after;
                add(&mut text, through, "lost", &format!("{{\"after\":{after},\"through\":{through}}}"));
                self.said = through;
            }
            for change in read.changes.iter().filter(|change| self.wanted.lets_through(change)) {
                let data = serde_json::to_string(&feed::shown(change)).expect("changes have text keys");
                add(&mut text, change.sequence, "change", &data);
                self.said = change.sequence;
            }
            self.filter.after = read.next_after;
            if !text.is_empty() {
                self.send(text).await?;
                *spoke = Instant::now();
            }
            if !(read.more && self.listening.goes_on() && self.standing.lasts(&self.state, Role::Viewer)) {
                return Ok(Ok(()));
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Gone> {
        self.sender.send_data(Bytes::from(text)).await.map_err(|_| Gone)
    }
}

/// Adds an event. JSON holds no line break outside of its texts, and escapes them there.
fn add(text: &mut String, id: u64, name: &str, data: &str) {
    write!(text, "id: {id}\nevent: {name}\ndata: {data}\n\n").expect("a text takes all");
}
