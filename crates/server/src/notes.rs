//! Records what of a request a stricter server might refuse, as far as its head and the first bytes of its body show.
//! The parsers of bodies record it for properties.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use jackfield_model::note::{Note, Notes};
use jackfield_model::{ClientId, limit};

use crate::head;
use crate::request::Call;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The period over which requests of a client are counted.
const SPAN: Duration = Duration::from_secs(60);

/// What a body is read as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadAs {
    Json,
    Form,
}

impl ReadAs {
    const fn content_type(self) -> &'static [u8] {
        match self {
            Self::Json => b"application/json",
            Self::Form => b"application/x-www-form-urlencoded",
        }
    }
}

/// Notes a slash at the end of a path.
pub(crate) fn of_path(path: &str, notes: &mut Notes) {
    if path.len() > 1 && path.ends_with('/') {
        notes.add(Note::TrailingSlash);
    }
}

/// Notes what a body is sent as and how it begins; answers it without the byte-order mark that some editors and
/// libraries put before text in UTF-8.
pub(crate) fn of_body(call: &Call, body: Bytes, read_as: ReadAs, notes: &mut Notes) -> Bytes {
    if body.is_empty() {
        return body;
    }
    if !(call.survey.is_json && matches!(read_as, ReadAs::Json)) {
        of_content_type(&call.head.headers, read_as, notes);
    }
    if !body.starts_with(BYTE_ORDER_MARK) {
        return body;
    }
    notes.add(Note::ByteOrderMark);
    body.slice(BYTE_ORDER_MARK.len()..)
}

fn of_content_type(headers: &HeaderMap, read_as: ReadAs, notes: &mut Notes) {
    match head::values(headers, &CONTENT_TYPE).next() {
        None => notes.add(Note::NoContentType),
        Some(value) => {
            let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            if !essence.trim_ascii().eq_ignore_ascii_case(read_as.content_type()) {
                notes.add(Note::OtherContentType);
            }
        }
    }
}

/// Counts requests with notes by client and kind, so that a client that works by our leniency is noticed, and does not
/// push what was refused out of the journal. Bounded: [`limit::JOURNAL_NOTED`], [`limit::JOURNAL_NOTED_CLIENTS`].
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    since: Option<Instant>,
    clients: HashMap<Option<Arc<ClientId>>, [u8; Note::ALL.len()]>,
}

impl Heard {
    /// Whether a request with these notes is one of the first of its client and kind in this minute.
    pub(crate) fn is_news(&self, client: Option<&Arc<ClientId>>, notes: Notes, now: Instant) -> bool {
        if !notes.tell() {
            return false;
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.since.is_none_or(|since| now.saturating_duration_since(since) >= SPAN) {
            counts.since = Some(now);
            counts.clients.clear();
        }
        let known = counts.clients.len() < limit::JOURNAL_NOTED_CLIENTS;
        let client = client.cloned();
        if !known && !counts.clients.contains_key(&client) {
            return false;
        }
        let of_client = counts.clients.entry(client).or_default();
        let mut news = false;
        for note in notes.iter().filter(|note| note.tells()) {
            let count = &mut of_client[note as usize];
            news |= *count < limit::JOURNAL_NOTED;
            *count = count.saturating_add(1);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use jackfield_model::RequestId;

    use super::*;
    use crate::router::Listener;
    use crate::transport::peer::Peer;

    fn of(notes: &[Note]) -> Notes {
        let mut all = Notes::default();
        notes.iter().for_each(|note| all.add(*note));
        all
    }

    fn noted(headers: &[(&str, &str)], body: &'static [u8], read_as: ReadAs) -> (Vec<Note>, Bytes) {
        let request =
            headers.iter().fold(Request::post("/"), |request, (name, value)| request.header(*name, *value));
        let (head, ()) = request.body(()).unwrap().into_parts();
        let call = Call::new(head, RequestId::random(), Listener::Public, Peer::LOCAL, None);
        let mut notes = Notes::default();
        let body = of_body(&call, Bytes::from_static(body), read_as, &mut notes);
        (notes.iter().collect(), body)
    }

    #[test]
    fn content_types_are_compared_without_their_parameters() {
        let of = |value, read_as| noted(&[("content-type", value)], b"x", read_as).0;
        for json in ["application/json", "Application/JSON ; charset=utf-8", "application/json;odata=x"] {
            assert_eq!(of(json, ReadAs::Json), [], "{json}");
            assert_eq!(of(json, ReadAs::Form), [Note::OtherContentType], "{json}");
        }
        assert_eq!(of("application/x-www-form-urlencoded", ReadAs::Form), []);
        assert_eq!(of(" ", ReadAs::Form), [Note::NoContentType]);
        assert_eq!(noted(&[], b"x", ReadAs::Json).0, [Note::NoContentType]);
        assert_eq!(noted(&[], b"", ReadAs::Json).0, [], "no body, no type");
    }

    #[test]
    fn a_byte_order_mark_is_taken_off() {
        let json = [("content-type", "application/json")];
        let (notes, body) = noted(&json, b"\xef\xbb\xbf{}", ReadAs::Json);
        assert_eq!((notes, &*body), (vec![Note::ByteOrderMark], &b"{}"[..]));
        assert_eq!(noted(&json, b"{}", ReadAs::Json), (vec![], Bytes::from_static(b"{}")));
    }

    #[test]
    fn paths_end_with_a_slash_or_not() {
        let slash = |path| {
            let mut notes = Notes::default();
            of_path(path, &mut notes);
            !notes.is_empty()
        };
        assert!(slash("/a/") && !slash("/a") && !slash("/") && !slash(""));
    }

    #[test]
    fn a_client_is_heard_of_a_few_times_a_minute() {
        let (heard, start) = (Heard::default(), Instant::now());
        let client = |number: usize| {
            Arc::new(ClientId::new(&format!("amzn1.application-oa2-client.{number}")).unwrap())
        };
        let (one, other) = (client(1), client(2));
        let number = of(&[Note::NumericId]);
        assert!(!heard.is_news(Some(&one), Notes::default(), start));
        assert!(!heard.is_news(Some(&one), of(&[Note::TrailingSlash]), start), "nothing to tell");
        let most = usize::from(limit::JOURNAL_NOTED);
        let count = |now| (0..most + 5).filter(|_| heard.is_news(Some(&one), number, now)).count();
        assert_eq!(count(start), most);
        assert!(heard.is_news(Some(&other), number, start), "each client for itself");
        assert!(heard.is_news(None, number, start), "and who is not known");
        assert!(heard.is_news(Some(&one), of(&[Note::NumericId, Note::DeleteQuery]), start), "each kind");
        assert_eq!(count(start + SPAN / 2), 0);
        assert_eq!(count(start + SPAN), most, "a minute later");
    }

    #[test]
    fn so_many_clients_are_counted_and_no_more() {
        let (heard, now) = (Heard::default(), Instant::now());
        let news = |number: usize| {
            let client = ClientId::new(&format!("amzn1.application-oa2-client.{number}")).unwrap();
            heard.is_news(Some(&Arc::new(client)), of(&[Note::NumericId]), now)
        };
        assert_eq!(
            (0..limit::JOURNAL_NOTED_CLIENTS + 10).filter(|number| news(*number)).count(),
            limit::JOURNAL_NOTED_CLIENTS
        );
        assert!(news(0), "one of those that are counted");
    }
}
