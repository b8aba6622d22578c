//! Prometheus metrics. Counting a request is a few atomic additions: the children of the hot labels are resolved
//! once and cached.

mod limit;
mod sizes;
mod totals;
mod webhook;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use jackfield_model::note::{Note, Notes};
use jackfield_store::{CommitReport, StoreStats};
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

pub(crate) use limit::Limit;
pub(crate) use totals::Totals;
pub(crate) use webhook::{Lag, WebhookMetrics};

use self::sizes::Sizes;
use crate::router::Operation;

/// Content type of the Prometheus text format.
pub(crate) static CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

const LATENCY_BUCKETS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
];
const GROUP_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// Operation labels whose children are cached. Their order is the index.
const OPERATIONS: [&str; 8] = ["create", "update", "delete", "query", "token", "admin", "health", "other"];
/// Statuses that this service sends.
const STATUSES: [u16; 12] = [200, 201, 204, 400, 401, 403, 404, 405, 409, 429, 500, 503];

/// How a TLS handshake ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handshake {
    /// With a connection.
    Done,
    /// With an error.
    Failed,
    /// Not in time.
    Late,
}

struct Request {
    count: IntCounter,
    latency: Histogram,
}

/// The metrics of one server.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    kept: [[OnceLock<Request>; STATUSES.len()]; OPERATIONS.len()],
    commits: Commits,
    events: Events,
    in_doubt: IntCounter,
    lenient: [IntCounter; Note::ALL.len()],
    sizes: Sizes,
    pub(crate) clock_offset: IntGauge,
    pub(crate) in_flight: IntGauge,
    pub(crate) connections: IntGauge,
    pub(crate) unsent_bytes: IntGauge,
    pub(crate) imports: IntGauge,
    pub(crate) change_streams: IntGauge,
    pub(crate) webhooks: WebhookMetrics,
}

/// Commits of the store.
struct Commits {
    latency: Histogram,
    group: Histogram,
    failures: IntCounter,
}

/// What happens, counted by one label.
struct Events {
    verifications: IntCounterVec,
    tokens_issued: IntCounterVec,
    failed_logins: IntCounterVec,
    limited: IntCounterVec,
    handshakes: IntCounterVec,
    certificates: IntCounterVec,
    faults: IntCounterVec,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(…)")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let build = gauge(
            &registry,
            "jackfield_build_info",
            "Always 1; the version is a label.",
            &[("version", env!("CARGO_PKG_VERSION"))],
        );
        build.set(1);
        let lenient = counters(
            &registry,
            "jackfield_lenient_total",
            "Requests that the server accepted by leniency, by what a stricter server might refuse.",
            &["note"],
        );
        Self {
            requests: counters(
                &registry,
                "jackfield_requests_total",
                "Requests by operation and status.",
                &["operation", "status"],
            ),
            latency: keep(
                &registry,
                HistogramVec::new(
                    HistogramOpts::new(
                        "jackfield_request_duration_seconds",
                        "Time from the head of a request to its response.",
                    )
                    .buckets(LATENCY_BUCKETS.to_vec()),
                    &["operation", "status"],
                ),
            ),
            kept: Default::default(),
            commits: Commits::new(&registry),
            events: Events::new(&registry),
            in_doubt: keep(
                &registry,
                IntCounter::new(
                    "jackfield_writes_in_doubt_total",
                    "Writes answered 503 that may have been stored.",
                ),
            ),
            lenient: Note::ALL.map(|note| lenient.with_label_values(&[note.label()])),
            sizes: Sizes::new(&registry),
            clock_offset: gauge(
                &registry,
                "jackfield_clock_offset_seconds",
                "How far the token clock is ahead of the system clock.",
                &[],
            ),
            in_flight: gauge(&registry, "jackfield_requests_in_flight", "Requests in flight.", &[]),
            connections: gauge(&registry, "jackfield_connections", "Open connections.", &[]),
            unsent_bytes: gauge(
                &registry,
                "jackfield_unsent_bytes",
                "Bytes of responses that clients have not read yet.",
                &[],
            ),
            imports: gauge(&registry, "jackfield_imports", "Imports that the server keeps.", &[]),
            change_streams: gauge(
                &registry,
                "jackfield_change_streams",
                "Streams of the change record that are open.",
                &[],
            ),
            webhooks: WebhookMetrics::new(&registry),
            registry,
        }
    }
}

impl Commits {
    fn new(registry: &Registry) -> Self {
        Self {
            latency: histogram(
                registry,
                "jackfield_commit_duration_seconds",
                "Time from the start of a store commit until it is on stable storage.",
                LATENCY_BUCKETS,
            ),
            group: histogram(registry, "jackfield_commit_group_size", "Writes in one commit.", GROUP_BUCKETS),
            failures: keep(
                registry,
                IntCounter::new("jackfield_commit_failures_total", "Store commits that failed."),
            ),
        }
    }
}

impl Events {
    fn new(registry: &Registry) -> Self {
        Self {
            verifications: counters(
                registry,
                "jackfield_store_verifications_total",
                "Completed verifications of the store, by outcome.",
                &["outcome"],
            ),
            tokens_issued: counters(
                registry,
                "jackfield_tokens_issued_total",
                "Issued access tokens by grant.",
                &["grant"],
            ),
            failed_logins: counters(
                registry,
                "jackfield_failed_logins_total",
                "Failed logins by the wrong credential.",
                &["what"],
            ),
            limited: counters(
                registry,
                "jackfield_limited_total",
                "Requests and connections rejected by a limit, by limit.",
                &["limit"],
            ),
            handshakes: counters(
                registry,
                "jackfield_tls_handshakes_total",
                "TLS handshakes by outcome.",
                &["outcome"],
            ),
            certificates: counters(
                registry,
                "jackfield_tls_certificates_total",
                "Attempts to replace the TLS certificate in use, by outcome.",
                &["outcome"],
            ),
            faults: counters(
                registry,
                "jackfield_faults_total",
                "Requests that matched a fault rule, by effect.",
                &["effect"],
            ),
        }
    }
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn request(&self, operation: Option<&Operation>, status: StatusCode, latency: Duration) {
        let name = Operation::name_of(operation);
        let at = OPERATIONS
            .iter()
            .position(|known| *known == name)
            .zip(STATUSES.iter().position(|known| *known == status));
        let make = || Request {
            count: self.requests.with_label_values(&[name, status.as_str()]),
            latency: self.latency.with_label_values(&[name, status.as_str()]),
        };
        let record = |request: &Request| {
            request.count.inc();
            request.latency.observe(latency.as_secs_f64());
        };
        match at {
            Some((operation, status)) => record(self.kept[operation][status].get_or_init(make)),
            None => record(&make()),
        }
    }

    /// Sums over all requests of clients so far.
    pub(crate) fn totals(&self) -> Totals {
        Totals::read(&self.latency, &self.commits.latency)
    }

    /// Counts a store commit.
    pub fn commit(&self, report: CommitReport) {
        if report.succeeded {
            self.commits.latency.observe(report.latency.as_secs_f64());
            #[expect(clippy::cast_precision_loss, reason = "groups are far smaller than 2^52")]
            self.commits.group.observe(report.group_size as f64);
        } else {
            self.commits.failures.inc();
        }
    }

    /// Counts a verification with this number of findings.
    pub(crate) fn verified(&self, findings: u64) {
        let outcome = if findings == 0 { "whole" } else { "damaged" };
        self.events.verifications.with_label_values(&[outcome]).inc();
    }

    /// Counts an issued access token.
    pub(crate) fn token_issued(&self, grant: &str) {
        self.events.tokens_issued.with_label_values(&[grant]).inc();
    }

    /// Counts a login that failed.
    pub(crate) fn login_failed(&self, what: &str) {
        self.events.failed_logins.with_label_values(&[what]).inc();
    }

    /// Counts a call that matched a fault rule.
    pub(crate) fn fault(&self, effect: &str) {
        self.events.faults.with_label_values(&[effect]).inc();
    }

    /// Counts what the server accepted by leniency.
    pub(crate) fn lenient(&self, notes: Notes) {
        if !notes.is_empty() {
            notes.iter().for_each(|note| self.lenient[note as usize].inc());
        }
    }

    /// Counts a rejection by a limit.
    pub(crate) fn limited(&self, limit: Limit) {
        self.events.limited.with_label_values(&[limit.name()]).inc();
    }

    /// Counts a write in doubt: it may have been stored.
    pub(crate) fn in_doubt(&self) {
        self.in_doubt.inc();
    }

    /// Counts a TLS handshake.
    pub(crate) fn handshake(&self, handshake: Handshake) {
        let name = match handshake {
            Handshake::Done => "done",
            Handshake::Failed => "failed",
            Handshake::Late => "late",
        };
        self.events.handshakes.with_label_values(&[name]).inc();
    }

    /// Counts a TLS certificate that was to replace the one in use.
    pub(crate) fn certificate(&self, taken: bool) {
        self.events.certificates.with_label_values(&[if taken { "taken" } else { "refused" }]).inc();
    }

    /// The metrics in the Prometheus text format, with the sizes as of now; those of the store as of the last time
    /// that it said them.
    pub(crate) fn render(&self, stats: Option<&StoreStats>, accounts: &jackfield_store::Registry) -> Vec<u8> {
        self.sizes.set(stats, accounts);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).expect("writing to memory cannot fail");
        text
    }
}

fn keep<M: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<M>,
) -> M {
    let metric = metric.expect("names and labels of our metrics are valid");
    registry.register(Box::new(metric.clone())).expect("each metric has its own name");
    metric
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    keep(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[(&str, &str)]) -> IntGauge {
    let options = labels
        .iter()
        .fold(Opts::new(name, help), |options, (label, value)| options.const_label(*label, *value));
    keep(registry, IntGauge::with_opts(options))
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    keep(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
}

#[cfg(test)]
mod tests;
