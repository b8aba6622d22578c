//! Calls of virtual devices.

use http::Method;
use jackfield_model::AmazonId;
use jackfield_model::admin::{
    AnswerCall, Call, CallList, CallState, DeviceRule, HangUp, NewCall, UpdateCall,
};

use super::{AdminClient, with_query};
use crate::error::Error;
use crate::transport::Repeat;

impl AdminClient {
    /// Has a device call an endpoint.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_call(&self, new: &NewCall) -> Result<Call, Error> {
        self.post("/admin/v1/calls", new).await
    }

    /// The newest calls, without their transcripts; of one device, where a profile is named.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn calls(&self, limit: Option<u32>, profile: Option<&AmazonId>) -> Result<CallList, Error> {
        let (limit, profile) = (limit.map(|limit| limit.to_string()), profile.map(AmazonId::to_string));
        self.get(&with_query("/admin/v1/calls", &[("limit", limit), ("profileId", profile)])).await
    }

    /// A call with its transcript, after so many seconds, or as soon as it has another version than this, or has ended.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn changed_call(&self, id: &str, wait: u32, version: u64) -> Result<Call, Error> {
        let query = [("wait", Some(wait.to_string())), ("version", Some(version.to_string()))];
        self.get(&with_query(&path(id, ""), &query)).await
    }

    /// A call with its transcript, after so many seconds, or as soon as it is in a state or ends; or changes, where no
    /// state is named.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn call(&self, id: &str, wait: u32, state: Option<CallState>) -> Result<Call, Error> {
        let wait = (wait > 0).then(|| wait.to_string());
        let state = state.map(|state| state.to_wire().to_owned());
        self.get(&with_query(&path(id, ""), &[("wait", wait), ("state", state)])).await
    }

    /// Has a device answer.
    ///
    /// # Errors
    /// [`Error`]; a 409 when the call does not ring.
    pub async fn answer_call(&self, id: &str, answer: &AnswerCall) -> Result<Call, Error> {
        self.post(&path(id, "/answer"), answer).await
    }

    /// Has a device renegotiate.
    ///
    /// # Errors
    /// [`Error`]; a 409 when the call is not accepted, or is renegotiated already.
    pub async fn update_call(&self, id: &str, update: &UpdateCall) -> Result<Call, Error> {
        self.post(&path(id, "/update"), update).await
    }

    /// Has a device hang up.
    ///
    /// # Errors
    /// [`Error`]; a 409 when the call has ended.
    pub async fn hang_up_call(&self, id: &str, hang_up: &HangUp) -> Result<Call, Error> {
        self.post(&path(id, "/hang-up"), hang_up).await
    }

    /// Says what a device does about calls that come in.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn set_device(&self, profile: &AmazonId, rule: &DeviceRule) -> Result<DeviceRule, Error> {
        let path = format!("/admin/v1/profiles/{profile}/device");
        self.api.json(Method::PUT, &path, Some(rule), Repeat::Read).await
    }
}

/// Whoever begins a call chooses its id, so that it may be any text.
fn path(id: &str, act: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/admin/v1/calls/{}{act}", id.replace('+', "%20"))
}
