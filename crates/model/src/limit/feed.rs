//! Bounds of the change feed: of streams and of webhooks.

use std::time::Duration;

/// Most streams of changes that are open at a time.
pub const CHANGE_STREAMS: usize = 64;

/// Longest that a stream of changes is silent: then it sends something that says nothing, so that both ends see that the
/// other is there.
pub const CHANGE_STREAM_SILENCE: Duration = Duration::from_secs(15);

/// Changes that a stream of changes, or a webhook, reads at once.
pub const FEED_PAGE: usize = 100;

/// Most webhooks of a server.
pub const WEBHOOKS: usize = 16;

/// Longest URL of a webhook, in bytes.
pub const WEBHOOK_URL_BYTES: usize = 2_048;

/// Shortest key of a webhook's secret, in bytes, as Standard Webhooks says it.
pub const WEBHOOK_KEY_MIN_BYTES: usize = 24;

/// Longest key of a webhook's secret, in bytes, as Standard Webhooks says it.
pub const WEBHOOK_KEY_MAX_BYTES: usize = 64;

/// Most changes of one delivery to a webhook.
pub const WEBHOOK_BATCH_MAX: u32 = 100;

/// Bytes of a delivery to a webhook after which no further change is added to it.
pub const WEBHOOK_BODY_BYTES: usize = 256 * 1024;

/// How long a delivery to a webhook may take, unless it says otherwise.
pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest that a webhook may say that a delivery takes.
pub const WEBHOOK_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Deliveries that fail one after the other before a webhook is parked, unless it says otherwise. With
/// [`WEBHOOK_PAUSE_MAX`] between them these are some hours.
pub const WEBHOOK_PARK_AFTER: u32 = 50;

/// Most failures that a webhook may say.
pub const WEBHOOK_PARK_AFTER_MAX: u32 = 10_000;

/// Shortest time until a failed delivery to a webhook is tried again; each failure after it doubles the time.
pub const WEBHOOK_PAUSE_MIN: Duration = Duration::from_millis(250);

/// Longest time until a failed delivery to a webhook is tried again.
pub const WEBHOOK_PAUSE_MAX: Duration = Duration::from_secs(300);

/// Largest answer of a webhook that is read, in bytes.
pub const WEBHOOK_ANSWER_BYTES: usize = 16 * 1024;

/// Most characters of what is kept of a delivery's failure.
pub const WEBHOOK_ERROR_CHARS: usize = 200;
