//! Fault rules make selected calls of the public API fail or slow down, for tests of clients.
//!
//! Rules are in memory and end with the process or a reset. The server evaluates them in the order of their creation;
//! the first that fires decides, later ones do not see the call. A rule numbers the calls that it selects, and only
//! the number and its seed decide on which of them it fires: the same calls in the same order get the same faults.
//! Without rules a request costs one atomic load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use jackfield_model::inspect::{DeliverAs, DeviceFault, DropWhen, FaultRule};
use jackfield_model::{ServiceProviderId, limit};

use crate::error::ApiError;
use crate::fault_answer::FaultAnswer;
use crate::metrics::Metrics;
use crate::request::RequestLog;

/// The name by which rules select what is sent to skills.
pub(crate) const TO_SKILL: &str = "skill_request";
/// The name by which rules select devices, once a call.
pub(crate) const DEVICE: &str = "device";

/// The fault rules of a server.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    any: AtomicBool,
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    last_id: u64,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    id: u64,
    said: FaultRule,
    calls: u64,
    hits: u64,
}

/// What is known about a call when the rules are evaluated.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FaultContext<'a> {
    pub(crate) operation: &'static str,
    pub(crate) client: Option<&'a str>,
    pub(crate) provider: Option<ServiceProviderId>,
}

/// The fault of the rule that a call matched.
#[derive(Debug, PartialEq)]
pub(crate) struct FaultMatch {
    pub(crate) rule: u64,
    /// To wait first.
    pub(crate) latency: Duration,
    pub(crate) effect: Effect,
}

/// What happens to the call after the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It goes on.
    Latency,
    /// It is answered in the place of its operation.
    Status(FaultAnswer),
    /// Its connection is closed.
    Drop(DropWhen),
    /// The message gets to the skill in another way.
    Deliver(DeliverAs),
    /// The device has a fault.
    Device(DeviceFault),
}

impl Faults {
    /// Whether there is a rule.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Adds a rule and gives it an id; nothing when there are as many as there may be.
    pub(crate) fn add(&self, said: FaultRule) -> Option<FaultRule> {
        let mut rules = self.lock();
        if rules.rules.len() >= limit::FAULTS {
            return None;
        }
        rules.last_id += 1;
        let rule = Rule { id: rules.last_id, said, calls: 0, hits: 0 };
        let shown = rule.to_wire();
        rules.rules.push(rule);
        self.any.store(true, Ordering::Relaxed);
        Some(shown)
    }

    /// Every rule with its counts, in the order of their making.
    pub(crate) fn list(&self) -> Vec<FaultRule> {
        self.lock().rules.iter().map(Rule::to_wire).collect()
    }

    /// Removes a rule; answers whether it was there.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut rules = self.lock();
        let before = rules.rules.len();
        rules.rules.retain(|rule| rule.id != id);
        self.any.store(!rules.rules.is_empty(), Ordering::Relaxed);
        rules.rules.len() < before
    }

    /// Removes every rule. Ids go on.
    pub(crate) fn clear(&self) {
        let mut rules = self.lock();
        rules.rules.clear();
        self.any.store(false, Ordering::Relaxed);
    }

    /// The fault of a call, if a rule fires. The rules that select the call count it.
    pub(crate) fn evaluate(&self, context: FaultContext<'_>) -> Option<FaultMatch> {
        if !self.any() {
            return None;
        }
        self.lock().rules.iter_mut().find_map(|rule| rule.evaluate(context))
    }

    /// Evaluates the rules for a call and applies the one that fires.
    pub(crate) async fn apply(
        &self,
        context: FaultContext<'_>,
        metrics: &Metrics,
        log: &mut RequestLog,
    ) -> Result<(), ApiError> {
        let Some(FaultMatch { rule, latency, effect }) = self.evaluate(context) else { return Ok(()) };
        log.fault = Some(rule);
        metrics.fault(effect.name());
        tokio::time::sleep(latency).await;
        match effect {
            // The last two are of calls, and select no request.
            Effect::Latency | Effect::Deliver(_) | Effect::Device(_) => Ok(()),
            Effect::Status(answer) => Err(ApiError::Fault(answer)),
            Effect::Drop(when) => {
                log.dropped = Some(when);
                match when {
                    DropWhen::Before => Err(ApiError::Fault(FaultAnswer::DROPPED)),
                    DropWhen::After => Ok(()),
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn evaluate(&mut self, context: FaultContext<'_>) -> Option<FaultMatch> {
        let said = &self.said;
        let selected = said.operation.as_deref().is_none_or(|wanted| wanted == context.operation)
            && said.client_id.as_ref().is_none_or(|wanted| context.client == Some(wanted.as_str()))
            && said.service_provider_id.is_none_or(|wanted| context.provider == Some(wanted))
            && (said.deliver.is_none() || context.operation == TO_SKILL)
            && said.device.is_some() == (context.operation == DEVICE);
        if !selected {
            return None;
        }
        self.calls += 1;
        let fires = said.times.is_none_or(|times| self.hits < times)
            && said.nth.is_none_or(|nth| self.calls == nth)
            && said.every.is_none_or(|every| self.calls.is_multiple_of(every))
            && said.probability.is_none_or(|probability| self.draw(0) < probability);
        if !fires {
            return None;
        }
        self.hits += 1;
        let effect = match (said.status.map(StatusCode::from_u16), said.drop) {
            (Some(Ok(status)), _) => Effect::Status(FaultAnswer::new(status, said.retry_after)),
            (_, Some(when)) => Effect::Drop(when),
            _ => match (said.deliver, said.device) {
                (Some(way), _) => Effect::Deliver(way),
                (_, Some(fault)) => Effect::Device(fault),
                _ => Effect::Latency,
            },
        };
        Some(FaultMatch { rule: self.id, latency: self.latency(), effect })
    }

    fn latency(&self) -> Duration {
        let shortest = self.said.latency_ms.unwrap_or_default();
        let longest = self.said.latency_max_ms.unwrap_or(shortest).max(shortest);
        #[expect(clippy::cast_precision_loss, reason = "a latency is a minute at most")]
        let part = self.draw(1) * (longest - shortest) as f64;
        Duration::from_millis(shortest) + Duration::from_secs_f64(part / 1_000.0)
    }

    /// A number from 0 up to 1 that follows from the seed, the number of the call and what it is drawn for.
    fn draw(&self, purpose: u64) -> f64 {
        let seed = self.said.seed.unwrap_or_default();
        let place = self.calls.wrapping_mul(2).wrapping_add(purpose);
        // SplitMix64: the number at any place of the sequence without those before it.
        let mut number = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^= number >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
        let part = (number >> 11) as f64;
        part / (1_u64 << 53) as f64
    }

    fn to_wire(&self) -> FaultRule {
        FaultRule { id: Some(self.id), calls: Some(self.calls), hits: Some(self.hits), ..self.said.clone() }
    }
}

impl Effect {
    /// The name in metrics and in the journal.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Status(_) => "status",
            Self::Drop(DropWhen::Before) => "drop_before",
            Self::Drop(DropWhen::After) => "drop_after",
            Self::Deliver(DeliverAs::Twice) => "deliver_twice",
            Self::Deliver(DeliverAs::AfterNext) => "deliver_after_next",
            Self::Device(DeviceFault::NoMedia) => "device_no_media",
            Self::Device(DeviceFault::RejectSdp) => "device_reject_sdp",
        }
    }
}

/// What is wrong with a rule, if anything: a message that names the property and what would be right.
/// `operations` are the names that it may select by.
pub(crate) fn check(rule: &FaultRule, operations: &[&str]) -> Result<(), String> {
    let ensure = |holds: bool, rule: &str| if holds { Ok(()) } else { Err(rule.to_owned()) };
    let at_least_one = |value: Option<u64>| value != Some(0);
    if let Some(operation) = &rule.operation {
        let known = operations.contains(&operation.as_str());
        ensure(known, &format!("operation must be one of {}.", operations.join(", ")))?;
    }
    let range = rule.status.is_none_or(|status| (400..=599).contains(&status));
    ensure(range, "status must be 400 to 599.")?;
    let effects = [rule.status.is_some(), rule.drop.is_some(), rule.deliver.is_some(), rule.device.is_some()];
    let count = effects.into_iter().filter(|&there| there).count();
    ensure(count <= 1, "status, drop, deliver and device exclude each other.")?;
    let effect = count > 0 || rule.latency_ms.is_some();
    ensure(effect, "one of status, latency_ms, drop, deliver and device must be there.")?;
    let operation = rule.operation.as_deref();
    let fits = rule.deliver.is_none() || operation.is_none_or(|operation| operation == TO_SKILL);
    ensure(fits, "deliver goes with the operation skill_request.")?;
    let fits = rule.device.is_some() && operation.is_none_or(|operation| operation == DEVICE)
        || rule.device.is_none() && operation != Some(DEVICE);
    ensure(fits, "device goes with the operation device.")?;
    ensure(rule.device.is_none() || rule.latency_ms.is_none(), "device and latency_ms exclude each other.")?;
    ensure(rule.retry_after.is_none() || rule.status.is_some(), "retry_after goes with a status only.")?;
    let seconds = 1..=limit::RETRY_AFTER_MAX_SECONDS;
    let range = rule.retry_after.is_none_or(|seconds_given| seconds.contains(&seconds_given));
    ensure(range, &format!("retry_after must be 1 to {}.", seconds.end()))?;
    let longest = limit::FAULT_LATENCY_MAX_MS;
    let latencies = [rule.latency_ms, rule.latency_max_ms];
    let range = latencies.into_iter().flatten().all(|latency| latency <= longest);
    ensure(range, &format!("latency_ms and latency_max_ms must be at most {longest}."))?;
    let order = rule.latency_max_ms.is_none_or(|most| rule.latency_ms.is_some_and(|least| least <= most));
    ensure(order, "latency_max_ms goes with a latency_ms that is not larger.")?;
    ensure(at_least_one(rule.times), "times must be at least 1.")?;
    ensure(at_least_one(rule.nth), "nth must be at least 1.")?;
    ensure(at_least_one(rule.every), "every must be at least 1.")?;
    let choices = [rule.nth.is_some(), rule.every.is_some(), rule.probability.is_some()];
    let one = choices.into_iter().filter(|&there| there).count() <= 1;
    ensure(one, "nth, every and probability exclude each other.")?;
    let range = rule.probability.is_none_or(|probability| (0.0..=1.0).contains(&probability));
    ensure(range, "probability must be 0 to 1.")?;
    let answered = rule.id.is_some() || rule.calls.is_some() || rule.hits.is_some();
    ensure(!answered, "id, calls and hits are the server's to give.")
}

#[cfg(test)]
mod tests;
