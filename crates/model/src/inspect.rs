//! Bodies of the admin API for those who integrate and test: the journal of requests, fault rules, the token clock,
//! the reset. All but the reset's effect live in the memory of one server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClientId, RequestId, ServiceProviderId, limit};

/// One request to the public API, without anything that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalEntry {
    /// Its place in the order in which requests ended, from 1, without gaps.
    #[schemars(range(min = 1))]
    pub sequence: u64,
    /// When it ended, RFC 3339 in UTC with milliseconds.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// The id that its answer bore.
    pub request_id: RequestId,
    /// Its method; `OTHER` for one that HTTP does not define.
    pub method: String,
    /// Its path; parts that are no part of a known path and no identifier are `…`.
    pub path: String,
    /// The names of its query parameters with `…` for values; unknown names are `…` as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The operation: `create`, `query`, `token` and so on, or `other` where the path is unknown.
    pub operation: String,
    /// The client, as far as it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The service provider of the path, whether it exists or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_provider_id: Option<ServiceProviderId>,
    /// The status of the answer, or the one that it would have had if a fault rule had not kept it; absent where
    /// nothing was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// From the head of the request to its answer, in microseconds.
    pub latency_us: u64,
    /// The `type` of the error, or the `error` of the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "type")]
    pub kind: Option<String>,
    /// The message of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The fault rule that it met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub fault: Option<u64>,
    /// What was accepted although a stricter server might not, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether a fault rule closed the connection in place of the answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
}

/// Why a request was refused: for operators, more than its client may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The check that failed.
    #[schemars(extend("enum" = [
        "route",
        "head",
        "maintenance",
        "admission",
        "authentication",
        "guessing",
        "rate",
        "scope",
        "provider",
        "ownership",
        "add_on",
        "availability",
        "body",
        "grant",
        "consent",
        "state",
        "quota",
        "store",
        "fault",
        "internal",
    ]))]
    pub check: String,
    /// What it found, as a word for programs: for example `expired`, `wrong_secret`.
    pub reason: String,
    /// The scopes that were missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_scopes: Vec<String>,
    /// The scopes that were there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_scopes: Option<Vec<String>>,
    /// When the access token expired, by the token clock, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub expired_at: Option<String>,
}

/// A page of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Journal {
    /// The entries, oldest first.
    pub entries: Vec<JournalEntry>,
    /// What to send as `after` to go on.
    pub next_after: u64,
    /// Whether entries follow that this page did not look at.
    pub more: bool,
    /// How many entries after `after` were gone already when the page was made: the journal keeps the newest.
    pub lost: u64,
}

/// A rule that spoils answers of the public API on purpose. It has a status, a latency, a drop, or a latency and
/// one of the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Its id, from 1. It is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub id: Option<u64>,
    /// Only this operation of the public API: `create`, `query`, `token` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("operations" = []))]
    pub operation: Option<String>,
    /// Only this client.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "clientId")]
    pub client_id: Option<ClientId>,
    /// Only this service provider.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "serviceProviderId")]
    pub service_provider_id: Option<ServiceProviderId>,
    /// Answer with this status and an error body, without carrying out the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 400, max = 599))]
    pub status: Option<u16>,
    /// Seconds of the `Retry-After` header of the status; 429 and 503 have 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "retryAfter")]
    #[schemars(range(min = 1, max = limit::RETRY_AFTER_MAX_SECONDS))]
    pub retry_after: Option<u32>,
    /// Milliseconds to wait first.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "latencyMs")]
    #[schemars(range(max = limit::FAULT_LATENCY_MAX_MS))]
    pub latency_ms: Option<u64>,
    /// The longest wait in milliseconds, where it is drawn anew each time; `latency_ms` is the shortest then.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "latencyMaxMs")]
    #[schemars(range(max = limit::FAULT_LATENCY_MAX_MS))]
    pub latency_max_ms: Option<u64>,
    /// Close the connection instead of answering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<DropWhen>,
    /// How a message of a call gets to a skill; of the operation `skill_request` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver: Option<DeliverAs>,
    /// What is wrong with the device of a call; of the operation `device` alone, which is evaluated once a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceFault>,
    /// At most so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub times: Option<u64>,
    /// Only the call with this number, from 1, of those that the rule selects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub nth: Option<u64>,
    /// Only each call whose number this divides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub every: Option<u64>,
    /// Only with this probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub probability: Option<f64>,
    /// Decides which calls a probability takes and how long a drawn latency is: the same seed, the same calls; 0 when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 0))]
    pub seed: Option<u64>,
    /// Calls that the rule selected so far; answered only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Calls that met the fault so far; answered only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
}

/// When a connection is closed in place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum DropWhen {
    /// Nothing was carried out.
    Before,
    /// The operation was carried out; its answer is lost.
    After,
}

/// How a message gets to a skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DeliverAs {
    /// Twice, one after the other.
    Twice,
    /// After the message that follows it; after a while where none follows.
    AfterNext,
}

/// What is wrong with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DeviceFault {
    /// It finds a path, and neither sends nor hears anything.
    NoMedia,
    /// It cannot use the session description of the endpoint, and ends the call.
    RejectSdp,
}

/// All fault rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaultList {
    /// The rules, in the order in which calls are offered to them: that of their making.
    #[schemars(length(max = limit::FAULTS))]
    pub faults: Vec<FaultRule>,
}

/// The clock that tokens live by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// Seconds that it is ahead of the system's clock; negative when it is behind.
    #[schemars(range(min = -limit::CLOCK_OFFSET_MAX_SECONDS, max = limit::CLOCK_OFFSET_MAX_SECONDS))]
    pub offset_seconds: i64,
    /// The time that it shows, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// The time of the system's clock.
    #[schemars(extend("format" = "date-time"))]
    pub system_time: String,
}

/// Where to move the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetClock {
    /// How far from the system's clock it is to be, whatever it was before: seconds, or a sign and a span of time.
    pub offset: ClockOffset,
}

/// A distance from the system's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum ClockOffset {
    /// In seconds.
    Seconds(
        #[schemars(range(min = -limit::CLOCK_OFFSET_MAX_SECONDS, max = limit::CLOCK_OFFSET_MAX_SECONDS))] i64,
    ),
    /// A sign and a span of time.
    Text(#[schemars(extend("examples" = ["+2h", "-30m"]))] String),
}

/// What a restore has put into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreDone {
    /// Organizations, clients and service providers; maintenance mode when it was set.
    pub accounts: u64,
    /// Communication profiles.
    pub profiles: u64,
    /// Units, address books, contacts and what ties them together.
    pub resources: u64,
    /// Associations.
    pub associations: u64,
    /// Changes.
    pub changes: u64,
}

/// What there is after a reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResetDone {
    /// Organizations.
    pub organizations: u64,
    /// Clients.
    pub clients: u64,
    /// Service providers.
    pub service_providers: u64,
    /// Communication profiles.
    pub profiles: u64,
    /// Associations.
    pub associations: u64,
    /// Highest sequence number of the change record.
    pub last_change: u64,
}

/// Something that is wrong with a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where: a file, or a kind of row and its id.
    pub place: String,
    /// What.
    pub problem: String,
}

/// What a verification of a store has read, and how much is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Organizations, clients and service providers; maintenance mode when it was set.
    pub accounts: u64,
    /// Communication profiles.
    pub profiles: u64,
    /// Units, address books, contacts and what ties them together.
    pub resources: u64,
    /// Associations.
    pub associations: u64,
    /// Changes.
    pub changes: u64,
    /// Findings, those among them that were not told because there were too many.
    pub findings: u64,
}

/// A line of the answer to a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyLine {
    /// Something is wrong.
    Finding(Finding),
    /// How far it is.
    Progress(Verified),
    /// Always the last.
    Done(Verified),
}
