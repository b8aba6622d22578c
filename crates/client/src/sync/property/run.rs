//! What the stages of a run share: its report, what is not tried again, and batches.

use std::collections::HashSet;

use jackfield_model::limit;
use jackfield_model::wire::ItemId;
use serde::Serialize;

use super::plan::Subject;
use super::report::{PropertyFailure, PropertyReport};
use crate::error::Error;
use crate::sync::session::Stop;

/// Most bytes of the items of one batch: what is left of a body is for its frame.
const BATCH_BYTES: usize = limit::BODY_BYTES - 1024;

/// A run: what became of it so far, and what is not tried again.
pub(super) struct Run<'a> {
    pub(super) report: PropertyReport,
    pub(super) stop: &'a Stop,
    pub(super) failed: HashSet<(Subject, String, Option<u64>)>,
    /// Associations that were made, where it is not known which.
    pub(super) unnoted: u64,
}

impl Run<'_> {
    /// The changes that have not failed.
    pub(super) fn untried<T>(
        &self,
        subject: Subject,
        changes: Vec<T>,
        named: impl Fn(&T) -> (&String, Option<u64>),
    ) -> Vec<T> {
        let failed = |change: &T| {
            let (name, line) = named(change);
            self.failed.contains(&(subject, name.clone(), line))
        };
        changes.into_iter().filter(|change| !failed(change)).collect()
    }

    pub(super) fn failed_by(&mut self, subject: Subject, name: String, line: Option<u64>, error: &Error) {
        let request_id = error.request_id().map(str::to_owned);
        self.failed_with(subject, name, line, error.to_string(), request_id);
    }

    pub(super) fn failed_with(
        &mut self,
        subject: Subject,
        name: String,
        line: Option<u64>,
        reason: String,
        request_id: Option<String>,
    ) {
        self.failed.insert((subject, name.clone(), line));
        self.report.failed.push(PropertyFailure { subject, name, line, reason, request_id });
    }
}

/// Parts of at most [`limit::BATCH_ITEMS`] items and [`BATCH_BYTES`] bytes.
pub(super) fn batches<T>(items: Vec<T>, len: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        // Its name, its braces and commas.
        let len = len(&item) + 64;
        match batches.last_mut() {
            Some(batch) if batch.len() < limit::BATCH_ITEMS && bytes + len <= BATCH_BYTES => {
                batch.push(item);
                bytes += len;
            }
            _ => {
                batches.push(vec![item]);
                bytes = len;
            }
        }
    }
    batches
}

pub(super) fn json_len(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

pub(super) fn number(at: usize) -> ItemId {
    ItemId::Number(i64::try_from(at).unwrap_or(i64::MAX))
}
