//! Logs go to standard error, as text for people or as JSON lines for machines.

use std::io::IsTerminal;
use std::str::FromStr;

use jackfield_model::RequestId;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::log_throttle::LogThrottle;

/// Form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("text or json is expected".to_owned()),
        }
    }
}

/// Whether a filter can be understood.
pub(crate) fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|error| error.to_string())
}

/// Starts logging for this process. A second call changes nothing.
pub fn start(filter: &str, format: LogFormat) {
    // The engine reports its own recovery at info; that is news for its developers, not for operators.
    // What comes last holds whatever the operator says: the driver writes at debug what statements are given, keys and
    // hashes of secrets among it.
    let quiet = format!(
        "fjall=warn,lsm_tree=warn,hyper=warn,{filter},tokio_postgres=info,tokio_postgres::query=info"
    );
    let filter = EnvFilter::try_new(quiet).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that a subscriber is there already, which then does the work.
    let _ = match format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.with_ansi(colours).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
}

/// Logs a request refused because the service is impaired. An outage causes many: the first is a warning, and one a
/// minute, with their number; the others are at `debug`.
pub(crate) fn refused(request_id: RequestId, operation: &str, cause: &str) {
    static THROTTLE: LogThrottle = LogThrottle::new();
    match THROTTLE.should_log(cause) {
        Some(before) => tracing::warn!(%request_id, operation, cause, before, "request refused"),
        None => tracing::debug!(%request_id, operation, cause, "request refused"),
    }
}
