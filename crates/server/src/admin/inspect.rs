//! For those who integrate and test: the journal, the fault rules, the token clock, the reset.

use std::sync::Arc;
use std::time::Duration;

use jackfield_model::inspect::{Clock, ClockOffset, FaultList, FaultRule, Journal, JournalEntry, SetClock};
use jackfield_model::limit;
use jackfield_store::Origin;

use super::{Query, created, no_content, not_found, ok, parse};
use crate::app::App;
use crate::clock;
use crate::error::{ApiError, time_text};
use crate::fault;
use crate::journal::Filter;
use crate::reset;
use crate::response::Reply;

pub(super) async fn journal(app: &App, query: &Query) -> Result<Reply, ApiError> {
    if !app.journal.is_on() {
        return Err(ApiError::Conflict(
            "This server keeps no journal; it was started with --journal 0.".to_owned(),
        ));
    }
    let bad = |message: String| Err(ApiError::BadRequest(message));
    let wait = query.parsed::<u32>("wait")?.unwrap_or_default();
    if wait > limit::JOURNAL_WAIT_MAX_SECONDS {
        return bad(format!(
            "wait is {wait}; at most {} seconds are allowed.",
            limit::JOURNAL_WAIT_MAX_SECONDS
        ));
    }
    let operation = query.get("operation").map(str::to_owned);
    let known = |name: &String| name == "other" || fault::operations().contains(&name.as_str());
    if operation.as_ref().is_some_and(|name| !known(name)) {
        return bad(format!("operation must be one of {}, other.", fault::operations().join(", ")));
    }
    let status: Option<u16> = query.parsed("status")?;
    if let Some(status) = status.filter(|status| !(100..=599).contains(status)) {
        return bad(format!("status is {status}; 100 to 599 are allowed."));
    }
    let filter = Filter {
        operation,
        status,
        client: query.parsed("clientId")?,
        request_id: query.parsed::<uuid::Uuid>("requestId")?.map(jackfield_model::RequestId::from_uuid),
        refused: query.parsed("refused")?.unwrap_or_default(),
    };
    let patience = Duration::from_secs(wait.into());
    let page = app.journal.read(&filter, query.parsed("after")?, query.limit()?, patience).await;
    ok(&Journal {
        entries: page.entries.iter().map(|entry| JournalEntry::clone(entry)).collect(),
        next_after: page.next_after,
        more: page.more,
        lost: page.lost,
    })
}

pub(super) fn create_fault(app: &App, body: &[u8]) -> Result<Reply, ApiError> {
    let rule: FaultRule = parse(body)?;
    fault::check(&rule).map_err(ApiError::BadRequest)?;
    let full =
        || ApiError::Conflict(format!("There are {} fault rules, which is the most allowed.", limit::FAULTS));
    let rule = app.faults.add(rule).ok_or_else(full)?;
    tracing::warn!(rule = rule.id, "a fault rule was made");
    created(&rule)
}

pub(super) fn faults(app: &App) -> Result<Reply, ApiError> {
    ok(&FaultList { faults: app.faults.list() })
}

pub(super) fn delete_fault(app: &App, id: &str) -> Result<Reply, ApiError> {
    let removed = id.parse().is_ok_and(|id| app.faults.remove(id));
    if removed { no_content() } else { Err(not_found("fault rule")) }
}

pub(super) fn delete_faults(app: &App) -> Result<Reply, ApiError> {
    app.faults.clear();
    no_content()
}

pub(super) fn clock(app: &App) -> Result<Reply, ApiError> {
    ok(&Clock {
        offset_seconds: app.clock.offset().seconds(),
        time: time_text(app.clock.seconds()),
        system_time: time_text(clock::system_seconds()),
    })
}

pub(super) fn set_clock(app: &App, body: &[u8]) -> Result<Reply, ApiError> {
    let SetClock { offset } = parse(body)?;
    let offset = match offset {
        ClockOffset::Seconds(seconds) => clock::ClockOffset::from_seconds(seconds),
        ClockOffset::Text(text) => text.parse(),
    };
    app.clock.set(offset.map_err(|error| ApiError::BadRequest(format!("offset: {error}.")))?);
    clock(app)
}

pub(super) async fn reset(app: &Arc<App>, origin: Origin) -> Result<Reply, ApiError> {
    ok(&reset::reset(app, origin).await?)
}
