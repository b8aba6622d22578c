//! Every bound of the service, in one place.
//!
//! "Characters" are Unicode scalar values, as a person would count them; "bytes" are bytes of UTF-8.

mod feed;

use std::time::Duration;

pub use feed::*;

/// Largest request body in bytes; a larger one is a 400.
pub const BODY_BYTES: usize = 64 * 1024;

/// Most requests of one origin whose bodies are awaited at a time: an IPv4 address, or an IPv6 network of 64 bits. One
/// more, and the one that has waited longest is refused.
pub const AWAITED_BODIES_OF_ORIGIN: usize = 512;

/// Most requests of one listener whose bodies are awaited at a time, in the same way.
pub const AWAITED_BODIES: usize = 1_024;

/// How long the refusal of a request that had to make room is kept back: whoever asks again at once would make a flood of
/// it.
pub const MADE_ROOM_PAUSE: Duration = Duration::from_secs(2);

/// Most bytes of answers that one connection may leave unread before it has to wait for the next large one.
pub const UNSENT_BYTES_OF_CONNECTION: usize = 4 * 1024 * 1024;

/// Most bytes of answers that all connections together may leave unread. Beyond it each connection gets one large answer
/// at a time.
pub const UNSENT_BYTES: usize = 8 * 1024 * 1024;

/// What is set aside for an answer that may be large, in bytes: a full page of a query, or a batch.
pub const LARGE_ANSWER_BYTES: usize = 160 * 1024;

/// Slowest that a client may read answers that wait for it, in bytes a second.
pub const READ_BYTES_PER_SECOND: u64 = 1_024;

/// Largest bearer token in bytes. Longer ones are refused without being looked at.
pub const BEARER_TOKEN_BYTES: usize = 2_048;

/// Shortest access token that this service issues, in bytes: clients in the field allocate and log for the
/// vendor's tokens, which are at least this long.
pub const ISSUED_TOKEN_MIN_BYTES: usize = 350;

/// Longest `externalUserId`, in characters.
pub const EXTERNAL_USER_ID_CHARS: usize = 256;

/// Largest number that is taken for an `externalUserId`, with either sign: 2^53. Clients whose numbers are floating point
/// write any up to it exactly, and round beyond.
pub const NUMERIC_ID_MAX: u64 = 1 << 53;

/// Longest part of an identifier after its fixed prefix (`amzn1.….did.`), in characters.
pub const ID_SUFFIX_CHARS: usize = 255;

/// Most `externalUserIds` in the filter of one query; the fewest is one.
pub const QUERY_IDS: usize = 30;

/// Most associations on one page of a query.
pub const PAGE_MAX: u32 = 100;

/// Associations on a page when the query does not say `maxResults`.
pub const PAGE_DEFAULT: u32 = 30;

/// Seconds that a `nextPageToken` stays valid: 24 hours.
pub const PAGE_TOKEN_SECONDS: u64 = 24 * 60 * 60;

/// Seconds that an access token stays valid unless an operator asks for another span.
pub const ACCESS_TOKEN_SECONDS: u64 = 3_600;

/// Longest life, in seconds, that an operator may give to an access token: a day.
pub const ACCESS_TOKEN_MAX_SECONDS: u64 = 24 * 60 * 60;

/// Longest scope, in bytes.
pub const SCOPE_BYTES: usize = 128;

/// Most scopes that one client can be granted. With [`SCOPE_SET_BYTES`] it keeps an access token below
/// [`BEARER_TOKEN_BYTES`].
pub const SCOPES: usize = 16;

/// Most bytes of all scopes of a client together, separators included.
pub const SCOPE_SET_BYTES: usize = 1_000;

/// Longest name of an organization, client or profile, logical id, display name or `itemId`, in characters.
pub const NAME_CHARS: usize = 256;

/// Shortest client secret and refresh token that are accepted, in bytes.
pub const SECRET_MIN_BYTES: usize = 8;

/// Longest client secret and refresh token, in bytes.
pub const SECRET_MAX_BYTES: usize = 2_048;

/// Most refresh tokens that one client may hold at a time.
pub const REFRESH_TOKENS: usize = 100;

/// Most authorization codes that one client may redeem within [`CODE_SECONDS`]: spent ones are remembered that long.
pub const SPENT_CODES: usize = 200;

/// Seconds that an authorization code may be redeemed.
pub const CODE_SECONDS: u64 = 300;

/// Seconds that a person may take on the consent page.
pub const CONSENT_SECONDS: u64 = 900;

/// Shortest and longest `code_verifier`, and `code_challenge` of the method `plain`, in characters (RFC 7636).
pub const CODE_VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// Most redirect URIs of one client.
pub const REDIRECT_URIS: usize = 20;

/// Longest redirect URI, in bytes.
pub const REDIRECT_URI_BYTES: usize = 2_048;

/// Most display names (one a locale) of a service provider.
pub const DISPLAY_NAMES: usize = 50;

/// Most bytes of all display names of a service provider together, locales included. It bounds what one service
/// provider takes in memory.
pub const DISPLAY_NAMES_BYTES: usize = 16 * 1024;

/// Most service providers of an organization whose quotas say nothing else. Each is held in memory.
pub const QUOTA_SERVICE_PROVIDERS: u32 = 1_000;

/// Most clients of an organization whose quotas say nothing else. Each is held in memory.
pub const QUOTA_CLIENTS: u32 = 100;

/// Most communication profiles of an organization whose quotas say nothing else. They are rows of the store.
pub const QUOTA_PROFILES: u32 = 100_000;

/// Most objects that are deleted together with an address book or a communication profile, in one commit: contacts,
/// associations with units, reciprocal associations and settings.
pub const CASCADE_RESOURCES: usize = 100_000;

/// Most units of an organization whose quotas say nothing else. They are rows of the store.
pub const QUOTA_UNITS: u32 = 100_000;

/// Most address books of an organization whose quotas say nothing else: the vendor's bound.
pub const QUOTA_ADDRESS_BOOKS: u32 = 35_000;

/// Most contacts of an address book in an organization whose quotas say nothing else: the vendor's bound.
pub const QUOTA_CONTACTS: u32 = 2_000;

/// Deepest level of a unit below its organization: the vendor's bound.
pub const UNIT_LEVELS: u8 = 15;

/// Most address books that are associated with one unit: the vendor's bound.
pub const BOOKS_OF_UNIT: u32 = 10;

/// Most units that are associated with one address book: the vendor's bound.
pub const UNITS_OF_BOOK: u32 = 2_500;

/// Most telephone numbers of a contact: the vendor's bound.
pub const CONTACT_NUMBERS: usize = 3;

/// Most characters of the name of an address book or a contact: the vendor's bound.
pub const BOOK_NAME_CHARS: usize = 50;

/// Highest quota that an operator may set, of whatever.
pub const QUOTA_MAX: u32 = 10_000_000;

/// Most signing keys that count at a time: the one that signs, and those whose tokens may still be good.
pub const SIGNING_KEYS: usize = 8;

/// Seconds that another node may take to hear of a rotation of keys, and that its clock may be ahead.
pub const KEY_GRACE_SECONDS: u64 = 10;

/// Most items of one batch of profiles; the fewest is one.
pub const BATCH_ITEMS: usize = 100;

/// Most associations that are deleted together with their service provider, in one commit. It bounds the memory
/// of that commit and the time that other writes wait for it.
pub const CASCADE_ASSOCIATIONS: u64 = 100_000;

/// Highest rate limit of a client, in requests per second.
pub const RATE_LIMIT_MAX: u32 = 1_000_000;

/// Most entries on one page of an admin listing.
pub const ADMIN_PAGE_MAX: u32 = 1_000;

/// Entries on a page of an admin listing that does not say `limit`.
pub const ADMIN_PAGE_DEFAULT: u32 = 100;

/// Longest `retry_after` of maintenance mode, in seconds: a day.
pub const RETRY_AFTER_MAX_SECONDS: u32 = 24 * 60 * 60;

/// Seconds of `Retry-After` when it is not known whether a write was stored: a database that can be reached ends a
/// statement within less, so that a query after it shows what became of the write.
pub const IN_DOUBT_SECONDS: u32 = 5;

/// Most entries that the journal of requests can keep.
pub const JOURNAL_MAX: usize = 100_000;

/// Findings of a verification of a store that are told one by one; more are counted.
pub const VERIFY_FINDINGS_MAX: u64 = 1_000;

/// Most requests of one client and kind a minute that the journal keeps, when it keeps refusals, because something about
/// them was accepted although a stricter server might not.
pub const JOURNAL_NOTED: u8 = 10;

/// Most clients whose requests are counted for [`JOURNAL_NOTED`]; those of more are not kept for that minute.
pub const JOURNAL_NOTED_CLIENTS: usize = 1_000;

/// Longest that a request for journal entries may wait for one, in seconds: less than clients wait for an answer.
pub const JOURNAL_WAIT_MAX_SECONDS: u32 = 25;

/// Longest path, query and message in a journal entry, in bytes.
pub const JOURNAL_TEXT_BYTES: usize = 512;

/// Most fault rules at a time.
pub const FAULTS: usize = 100;

/// Longest latency that a fault rule may add, in milliseconds.
pub const FAULT_LATENCY_MAX_MS: u64 = 60_000;

/// Furthest that the token clock may be from the system's clock, in seconds: ten years of 365 days.
pub const CLOCK_OFFSET_MAX_SECONDS: i64 = 10 * 365 * 24 * 60 * 60;

/// Largest head of a request, in bytes: request line or pseudo-headers, names and values together.
pub const HEAD_BYTES: usize = 16 * 1024;

/// Tokens of another issuer that are remembered as good.
pub const FOREIGN_TOKENS: usize = 100_000;

/// Tokens that another issuer refused and that are remembered for [`REFUSAL_REMEMBERED`].
pub const FOREIGN_TOKENS_REFUSED: usize = 10_000;

/// How long a refusal of another issuer counts.
pub const REFUSAL_REMEMBERED: Duration = Duration::from_secs(5);

/// Calls to another issuer at a time; more wait, within [`ISSUER_TIMEOUT`].
pub const ISSUER_CALLS: usize = 32;

/// Longest that another issuer may take to answer.
pub const ISSUER_TIMEOUT: Duration = Duration::from_secs(3);

/// How long another issuer is left alone after it failed.
pub const ISSUER_REST: Duration = Duration::from_secs(1);

/// Largest answer of another issuer that is read, in bytes.
pub const ISSUER_ANSWER_BYTES: usize = 256 * 1024;

/// Shortest time between two fetches of the keys of another issuer.
pub const ISSUER_KEYS_INTERVAL: Duration = Duration::from_secs(5);

/// Age at which the keys of another issuer are fetched again.
pub const ISSUER_KEYS_AGE: Duration = Duration::from_secs(300);

/// Largest list that is read out of a compressed file or a workbook, in bytes when unpacked.
pub const LIST_BYTES: u64 = 128 * 1024 * 1024;

/// Cells of a sheet that are read.
pub const LIST_CELLS: u64 = 2_000_000;

/// Last line of a list that can be named as its header.
pub const LIST_HEADER_ROW_MAX: u64 = 1_000;

/// Imports that a server keeps. The oldest that rests makes room for one more.
pub const IMPORTS: usize = 20;

/// Imports that are planned or applied at a time.
pub const IMPORTS_AT_WORK: usize = 2;

/// Lists that are uploaded at a time.
pub const IMPORT_UPLOADS: usize = 2;

/// Largest list of an import, in bytes as it is uploaded.
pub const IMPORT_BYTES: u64 = 32 * 1024 * 1024;

/// Longest that the upload of a list may take.
pub const IMPORT_UPLOAD_TIME: Duration = Duration::from_secs(300);

/// Most rows of the list of an import.
pub const IMPORT_ROWS: u64 = 250_000;

/// Most associations of a service provider for an import that deletes what its list does not have.
pub const IMPORT_COMPARED: u64 = 1_000_000;

/// Longest name of the file of an import, in characters.
pub const IMPORT_NAME_CHARS: usize = 200;

/// Changes of each kind, invalid rows and failures that an import shows.
pub const IMPORT_SHOWN: usize = 100;

/// A bound on attempts that fail: so many at once, and one more each time that this has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessBound {
    /// Attempts at once.
    pub burst: u32,
    /// Until one more is allowed.
    pub every: Duration,
}

/// Failed logins of one client from one address.
pub const GUESSES_OF_CLIENT_AND_ADDRESS: GuessBound = GuessBound { burst: 30, every: Duration::from_secs(4) };

/// Wrong passwords of the consent page of one organization from one address.
pub const GUESSES_OF_PASSWORD: GuessBound = GuessBound { burst: 10, every: Duration::from_secs(30) };

/// Failed logins from one address (a /64 of IPv6), whoever they are for.
pub const GUESSES_OF_ADDRESS: GuessBound = GuessBound { burst: 300, every: Duration::from_secs(1) };

/// Failed logins of one client from all addresses together, as far as others have to suffer for them: addresses from
/// which the client never logged in.
pub const GUESSES_OF_CLIENT: GuessBound = GuessBound { burst: 300, every: Duration::from_secs(2) };

/// Wrong admin tokens from one address.
pub const GUESSES_OF_ADMIN_TOKEN: GuessBound = GuessBound { burst: 500, every: Duration::from_secs(1) };

/// Entries of each table of failed logins. The ones least used are forgotten; a table takes about 4 MB.
pub const GUESS_TABLE: usize = 65_536;

/// How far apart the refusals of failed logins beyond a bound are answered, when there are several at a time.
pub const GUESS_PACE: Duration = Duration::from_millis(5);

/// Longest that such a refusal is held back.
pub const GUESS_HELD_MAX: Duration = Duration::from_secs(5);

/// A secret of so many bytes cannot be guessed. A shorter one in a seed file draws a warning, and is refused while
/// somebody is guessing.
pub const STRONG_SECRET_BYTES: usize = 32;

/// Seconds that a browser may remember what it may send from another origin.
pub const PREFLIGHT_SECONDS: u32 = 600;

/// Most authorization codes that one person (a user, or an address) may redeem at one client within [`CODE_SECONDS`].
pub const SPENT_CODES_OF_PERSON: usize = 20;

/// Longest name of a user that a proxy says, in bytes.
pub const CONSENT_USER_BYTES: usize = 256;

/// Shortest password of the consent page, in characters.
pub const CONSENT_PASSWORD_MIN_CHARS: usize = 8;

/// Longest password of the consent page, in bytes.
pub const CONSENT_PASSWORD_BYTES: usize = 256;

/// Passwords that are hashed at a time.
pub const PASSWORD_HASHES: usize = 2;

/// Passwords that wait to be hashed; more get a 503.
pub const PASSWORDS_WAITING: usize = 32;

/// Most admin tokens beside the one that a server was started with, revoked ones of that kind included.
pub const ADMIN_TOKENS: usize = 100;
/// Most characters of the name of an admin token.
pub const ADMIN_TOKEN_NAME_CHARS: usize = 64;
/// Longest life of an admin token that expires, in seconds: ten years.
pub const ADMIN_TOKEN_MAX_SECONDS: u64 = 10 * 365 * 24 * 60 * 60;
/// Most sessions of the console at a time; the oldest makes room for one more.
pub const SESSIONS: usize = 100;
/// Life of a session of the console, in seconds.
pub const SESSION_SECONDS: u64 = 12 * 60 * 60;
/// Most links to begin a session with at a time; the oldest makes room for one more.
pub const SESSION_LINKS: usize = 100;
/// Life of such a link, in seconds.
pub const SESSION_LINK_SECONDS: u64 = 10 * 60;
/// Full pages of rows that one call of the admin API looks at for what no index leads to.
pub const SEARCHED_PAGES: usize = 20;
/// Seconds between two samples of the history of a server.
pub const HISTORY_INTERVAL_SECONDS: u64 = 5;
/// Samples of the history that are kept: those of an hour.
pub const HISTORY_SAMPLES: usize = 720;
/// Most addresses that one entry about wrong admin tokens names.
pub const ACT_ADDRESSES: usize = 10;
/// Most pairs of admin token and address whose reads of the journal are told apart.
pub const ACT_READERS: usize = 1_000;

/// Longest id of a call, in characters.
pub const SESSION_ID_CHARS: usize = 128;

/// Longest session description of a call, in bytes.
pub const SDP_BYTES: usize = 32 * 1024;

/// Longest `code` of the result of a call, in characters.
pub const RESULT_CODE_CHARS: usize = 64;

/// Longest `message` of the result of a call, and name of a caller, in characters.
pub const CALL_TEXT_CHARS: usize = 256;

/// Calls of one organization that are not ended.
pub const LIVE_CALLS_OF_ORGANIZATION: usize = 1_000;

/// Calls that are kept, those that have ended included: the oldest of these give way.
pub const CALLS: usize = 4_096;

/// Bytes of session descriptions that the kept calls hold together: ended ones give way, and then new calls are refused.
pub const CALLS_BYTES: usize = 96 * 1024 * 1024;

/// Entries of the transcript of a call; the ones in the middle of a longer one are left out.
pub const TRANSCRIPT_ENTRIES: usize = 256;

/// Bytes of session descriptions that the transcript of a call keeps.
pub const TRANSCRIPT_SDP_BYTES: usize = 64 * 1024;

/// Messages of a call that may wait for its skill. Beyond it repeated messages are not acknowledged again.
pub const WAITING_MESSAGES: usize = 16;

/// How long a fault rule holds a message of a call back for the one that follows.
pub const HELD_MESSAGE: Duration = Duration::from_secs(5);

/// From the start of a call until it rings.
pub const RINGING_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a call rings.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an acknowledgement may take before the transcript says that there is none.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(8);

/// How long the answer to a renegotiation may take.
pub const UPDATE_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest call, so that a forgotten one ends.
pub const CALL_DURATION: Duration = Duration::from_secs(4 * 60 * 60);

/// How long a skill may take to answer, unless it says otherwise.
pub const SKILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest that a skill may say that it takes to answer.
pub const SKILL_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Largest answer of a skill that is read, in bytes: the vendor's bound.
pub const SKILL_ANSWER_BYTES: usize = 24 * 1024;

/// Requests to one skill at a time.
pub const SKILL_CALLS: usize = 32;

/// Skills of an organization.
pub const SKILLS: u32 = 1_000;

/// Longest URL of a skill's endpoint, in bytes.
pub const SKILL_ENDPOINT_BYTES: usize = 2_048;

/// Longest certificates that a skill is trusted by, in bytes of PEM.
pub const SKILL_CA_BYTES: usize = 16 * 1024;

/// Virtual devices with media at a time; more are silent.
pub const MEDIA_DEVICES: usize = 100;

/// Devices whose behaviour is set.
pub const DEVICE_RULES: usize = 10_000;

/// Pages of associations that are searched for the caller of a call, each as long as a page of an admin listing.
pub const CALLER_PAGES: usize = 10;

/// Longest that an operator may wait for a call, in seconds.
pub const CALL_WAIT_MAX_SECONDS: u32 = 60;
