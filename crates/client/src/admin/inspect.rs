//! The part of the admin API for those who integrate and test.

use http::Method;
use jackfield_model::inspect::{Clock, ClockOffset, FaultList, FaultRule, Journal, ResetDone, SetClock};
use jackfield_model::{ClientId, RequestId};

use super::{AdminClient, NO_BODY, with_query};
use crate::error::Error;
use crate::transport::Repeat;

/// Which entries of the journal to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalQuery {
    /// Only entries with a greater sequence number; all that are kept when absent.
    pub after: Option<u64>,
    /// Most entries on the page; the server's default when absent.
    pub limit: Option<u32>,
    /// Only this operation.
    pub operation: Option<String>,
    /// Only answers with this status.
    pub status: Option<u16>,
    /// Only requests of this client.
    pub client: Option<ClientId>,
    /// Only the request with this id.
    pub request_id: Option<RequestId>,
    /// Only requests that were refused.
    pub refused: bool,
    /// Seconds that the server may wait for an entry when there is none.
    pub wait: Option<u32>,
}

impl AdminClient {
    /// A page of the journal of requests, oldest first.
    ///
    /// # Errors
    /// [`Error`]; a 409 when the server keeps no journal.
    pub async fn journal(&self, query: &JournalQuery) -> Result<Journal, Error> {
        let path = with_query(
            "/admin/v1/journal",
            &[
                ("after", query.after.map(|after| after.to_string())),
                ("limit", query.limit.map(|limit| limit.to_string())),
                ("operation", query.operation.clone()),
                ("status", query.status.map(|status| status.to_string())),
                ("clientId", query.client.as_ref().map(ToString::to_string)),
                ("requestId", query.request_id.map(|id| id.to_string())),
                ("refused", query.refused.then(|| "true".to_owned())),
                ("wait", query.wait.map(|wait| wait.to_string())),
            ],
        );
        self.get(&path).await
    }

    /// Makes a fault rule.
    ///
    /// # Errors
    /// [`Error`]; a 409 when there are as many as there may be.
    pub async fn create_fault(&self, rule: &FaultRule) -> Result<FaultRule, Error> {
        self.post("/admin/v1/faults", rule).await
    }

    /// Every fault rule, with how often each was met.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn faults(&self) -> Result<FaultList, Error> {
        self.get("/admin/v1/faults").await
    }

    /// Removes a fault rule.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_fault(&self, id: u64) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/faults/{id}")).await
    }

    /// Removes every fault rule.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_faults(&self) -> Result<(), Error> {
        self.remove("/admin/v1/faults").await
    }

    /// What the token clock shows.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn clock(&self) -> Result<Clock, Error> {
        self.get("/admin/v1/clock").await
    }

    /// Moves the token clock so many seconds from the system's clock, wherever it was.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn set_clock(&self, offset_seconds: i64) -> Result<Clock, Error> {
        let wanted = SetClock { offset: ClockOffset::Seconds(offset_seconds) };
        // The same wish twice is the same state: a lost answer is asked for again.
        self.api.json(Method::PUT, "/admin/v1/clock", Some(&wanted), Repeat::Read).await
    }

    /// Puts the seed of the server in place of everything that the directory holds.
    ///
    /// # Errors
    /// [`Error`]; a 403 when the server does not allow it, a 409 when it has no seed.
    pub async fn reset(&self) -> Result<ResetDone, Error> {
        self.act("/admin/v1/reset", NO_BODY).await
    }
}
