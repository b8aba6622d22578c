//! Requests to skills: signed, bounded in time, size and number, each failure explained.
//!
//! A skill is another program, of whoever integrates: what it answers is material, never an instruction.

mod pool;
mod signature;
mod signing;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::Full;
use jackfield_model::admin::SkillProblem;
use jackfield_model::limit;
use jackfield_model::wire::Skill;
use serde_json::Value;
use tokio::sync::OnceCell;

use self::pool::Pools;
use self::signature::Signer;
use self::signing::Signing;
use crate::credential::keys::Keys;
use crate::outbound::{Answered, Unanswered};
use crate::traces::{Outgoing, Traces};

/// What every path of a certificate chain begins with, as in the URLs of the vendor.
pub(crate) const CHAIN_PATH: &str = "/echo.api/";

/// What a request to a skill is called in traces, as in fault rules.
const OPERATION: &str = "skill_request";

/// What is needed to send requests to skills.
#[derive(Debug, Default)]
pub(crate) struct Skills {
    pools: Pools,
    signing: OnceCell<Signing>,
    /// Where skills and clouds reach the public API.
    public_url: OnceLock<String>,
}

/// What became of a request to a skill.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The status of the answer, where there was one.
    pub(crate) status: Option<StatusCode>,
    /// Its body; null where it was empty.
    pub(crate) body: Value,
    /// Why the skill did not take the request, for programs and for people.
    pub(crate) failure: Option<(SkillProblem, String)>,
    pub(crate) latency: Duration,
}

impl Skills {
    /// Says where the public API is reached, once that is known.
    pub(crate) fn set_public_url(&self, url: String) {
        let _ = self.public_url.set(url);
    }

    /// Where the public API is reached.
    pub(crate) fn public_url(&self) -> &str {
        self.public_url.get().map_or("", String::as_str)
    }

    /// The certificate chain that signatures are checked with, the leaf first, and the path that it is served at.
    pub(crate) async fn chain(&self, keys: &Keys) -> (String, Bytes) {
        let signer = self.signing(keys).await.signer();
        (signer.path(), signer.chain())
    }

    /// The key takes a moment to make: it is made when it is first needed.
    async fn signing(&self, keys: &Keys) -> &Signing {
        let seed = keys.skill_signature.clone();
        let start = async || {
            let made = tokio::task::spawn_blocking(move || Signing::start(Signer::new(&seed)));
            made.await.expect("a key can be made")
        };
        self.signing.get_or_init(start).await
    }

    /// Sends a request to a skill, which has its own time to answer.
    pub(crate) async fn send(&self, keys: &Keys, traces: &Traces, skill: &Skill, request: &Value) -> Sent {
        let body = Bytes::from(request.to_string());
        let signing = self.signing(keys).await;
        let span = skill.timeout_ms.map_or(limit::SKILL_TIMEOUT, Duration::from_millis);
        let started = Instant::now();
        let outgoing = Outgoing {
            operation: OPERATION,
            message: request["request"]["type"].as_str(),
            object: ("jackfield.skill_id", skill.skill_id.as_str()),
            resent: 0,
        };
        // It outlives an exchange that is given up.
        let mut sending = None;
        let begin = |request: &mut Request<_>| sending = traces.send(&outgoing, request);
        let answered = tokio::time::timeout(span, self.exchange(signing, skill, body, begin)).await;
        let latency = started.elapsed();
        let failed = |problem, text: String| Sent {
            status: None,
            body: Value::Null,
            failure: Some((problem, text)),
            latency,
        };
        let sent = match answered {
            Err(_) => failed(SkillProblem::Timeout, format!("The skill did not answer within {span:?}.")),
            Ok(Err(NotSent { problem, message })) => failed(problem, message),
            Ok(Ok(answered)) => judge(&answered, latency),
        };
        if let Some(sending) = sending {
            let problem = sent.failure.as_ref().map_or(SkillProblem::Connection, |(problem, _)| *problem);
            sending.end(sent.status.ok_or(problem.as_str()));
        }
        sent
    }

    /// Sends a request once it is its turn. `begin` sees it at that moment.
    async fn exchange(
        &self,
        signing: &Signing,
        skill: &Skill,
        body: Bytes,
        begin: impl FnOnce(&mut Request<Full<Bytes>>),
    ) -> Result<Answered, NotSent> {
        let _place = self.pools.place(&skill.skill_id).await;
        let outbound = self.pools.outbound(skill.ca.as_deref()).map_err(|error| NotSent {
            problem: SkillProblem::Certificate,
            message: format!("The ca of the skill cannot be used: {error}."),
        })?;
        let signatures = signing.sign(body.clone()).await;
        let header = |text: &str| HeaderValue::from_str(text).expect("base64 and URLs are header values");
        let chain_url = format!("{}{}", self.public_url(), signing.signer().path());
        let mut request = Request::post(&skill.endpoint)
            .header(CONTENT_TYPE, "application/json;charset=UTF-8")
            .header("signaturecertchainurl", header(&chain_url))
            .header("signature-256", header(&signatures.sha256))
            .header("signature", header(&signatures.sha1))
            .body(Full::new(body))
            .map_err(|_| NotSent {
                problem: SkillProblem::Connection,
                message: "The endpoint of the skill is no URL that can be called.".to_owned(),
            })?;
        begin(&mut request);
        outbound.send(request).await.map_err(NotSent::from)
    }
}

/// Why there is no answer.
struct NotSent {
    problem: SkillProblem,
    message: String,
}

impl From<Unanswered> for NotSent {
    fn from(error: Unanswered) -> Self {
        use std::io::ErrorKind;
        if error.cause::<rustls::Error>().is_some() {
            let advice = "Its certificate has to be good for the name in its endpoint; give the skill the ca that signed it.";
            let message = format!("The skill's TLS failed: {error}. {advice}");
            return Self { problem: SkillProblem::Certificate, message };
        }
        match error.cause::<std::io::Error>().map(std::io::Error::kind) {
            Some(ErrorKind::ConnectionRefused) => Self {
                problem: SkillProblem::Refused,
                message: "Nobody listens at the skill's endpoint: the connection was refused.".to_owned(),
            },
            Some(ErrorKind::TimedOut) => Self {
                problem: SkillProblem::Timeout,
                message: "The skill's endpoint did not accept a connection in time.".to_owned(),
            },
            _ => Self {
                problem: SkillProblem::Connection,
                message: format!("The exchange with the skill failed: {error}."),
            },
        }
    }
}

/// Whether a skill took a request: it answers with a success and with JSON, or with nothing.
fn judge(answered: &Answered, latency: Duration) -> Sent {
    let status = answered.status;
    let json = match answered.body.trim_ascii() {
        [] => Ok(Value::Null),
        body => serde_json::from_slice(body),
    };
    let failure = if !status.is_success() {
        Some((SkillProblem::Status, format!("The skill answered {}.", status.as_u16())))
    } else if json.is_err() {
        let message = format!("The skill answered {} with a body that is not JSON.", status.as_u16());
        Some((SkillProblem::NotJson, message))
    } else {
        None
    };
    Sent { status: Some(status), body: json.unwrap_or_default(), failure, latency }
}

#[cfg(test)]
mod tests;
