//! Making the changes of a plan, subject by subject.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jackfield_model::UnitId;
use jackfield_model::wire::{BatchAnswer, Entity, NewBatchItem, NewProfile, NewUnit, UnitName};
use tokio::time::Instant;

use super::actual::KnownProfile;
use super::plan::{AssociationChange, ProfileChange, PropertyPlan, Subject, UnitChange};
use super::report::PropertyReport;
use super::run::{Run, batches, json_len, number};
use super::{PropertyError, PropertySession};
use crate::client::Client;
use crate::error::Error;
use crate::sync::plan::{Change, Kind, Plan};
use crate::sync::report::Stopped;
use crate::sync::session::{Phase, Stop, asked_wait};
use crate::sync::writes::{Ended, Outcome, Repeatable, send_all};

/// How often what was left in doubt is read again before the run ends.
const ROUNDS: u32 = 8;

impl PropertySession {
    /// Makes the changes that [`Self::plan`] found. It always answers with what became of them; ask
    /// [`PropertyReport::is_complete`].
    pub async fn apply(&mut self, stop: &Stop) -> PropertyReport {
        let began = Instant::now();
        let requests = self.session.progress.requests();
        let mut run = Run { report: PropertyReport::default(), stop, failed: HashSet::new(), unnoted: 0 };
        if let Err(stopped) = self.stages(&mut run).await {
            run.report.stopped = Some(stopped);
        }
        let left = self.compared().map_or(0, |plan| plan.len() as u64).saturating_sub(run.unnoted);
        let mut report = run.report;
        report.left = left.saturating_sub(report.failed.len() as u64);
        if left == 0 && matches!(report.stopped, Some(Stopped::Asked)) {
            // The wish came when nothing was left to leave out.
            report.stopped = None;
        }
        report.requests = self.session.progress.requests() - requests;
        report.elapsed = began.elapsed();
        report
    }

    async fn stages(&mut self, run: &mut Run<'_>) -> Result<(), Stopped> {
        let parts = self.options.parts;
        if parts.units {
            self.make_units(run).await?;
        }
        if parts.profiles {
            self.make_profiles(run).await?;
        }
        self.make_associations(run).await?;
        if parts.contacts {
            self.make_address_books(run).await?;
            self.make_contacts(run).await?;
        }
        Ok(())
    }

    /// What is still to be done. What cannot be planned was told before the first change was made.
    pub(super) fn still(&self) -> Result<PropertyPlan, Stopped> {
        self.compared().map_err(|error| Stopped::Error(unexpected(&error)))
    }

    async fn make_units(&mut self, run: &mut Run<'_>) -> Result<(), Stopped> {
        let stop = run.stop;
        for round in 1.. {
            let changes: Vec<UnitChange> =
                run.untried(Subject::Unit, self.still()?.units, |change| (&change.name, Some(change.line)));
            if changes.is_empty() {
                return Ok(());
            }
            self.session.progress.begin(Phase::Applying, changes.len() as u64);
            let parent = self.options.parent.clone();
            let send = |client: Arc<Client>, change: UnitChange| {
                let new = NewUnit { name: UnitName::plain(change.name), parent_id: parent.clone() };
                async move { client.create_unit(&new).await }
            };
            let progress = Arc::clone(&self.session.progress);
            let units = &mut self.actual.units;
            let profiles = &mut self.actual.profiles;
            let mut in_doubt = false;
            let land = |change: UnitChange, outcome: Outcome<UnitId>| match outcome {
                Outcome::Answered(id) => {
                    progress.done.fetch_add(1, Ordering::Relaxed);
                    run.report.done.add(Subject::Unit, Kind::Create);
                    // A new unit has no profile: nobody has to ask.
                    profiles.insert(id.clone(), None);
                    units.entry(change.name.into()).or_default().push(id);
                }
                Outcome::Refused(error) => {
                    run.failed_by(Subject::Unit, change.name, Some(change.line), &error);
                }
                Outcome::InDoubt => in_doubt = true,
            };
            let ended = send_all(&self.session, stop, Repeatable::No, changes, send, land).await;
            if in_doubt {
                self.session.progress.begin(Phase::Reading, 0);
                self.read_units().await.map_err(Stopped::Error)?;
            }
            if !self.goes_on(ended, in_doubt, round).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn make_profiles(&mut self, run: &mut Run<'_>) -> Result<(), Stopped> {
        let stop = run.stop;
        let changes = self.still()?.profiles;
        // Those whose units could not be made are left.
        let changes = changes.into_iter().filter_map(|change| {
            let entity = Entity::unit(change.unit_id.clone()?);
            Some((change.clone(), NewProfile { entity, name: change.name }))
        });
        let changes: Vec<(ProfileChange, NewProfile)> = changes.collect();
        self.session.progress.begin(Phase::Applying, changes.len() as u64);
        let send = |client: Arc<Client>, batch: Vec<(ProfileChange, NewProfile)>| {
            let items = batch.into_iter().enumerate();
            let items =
                items.map(|(at, (_, profile))| NewBatchItem { item_id: number(at), profile }).collect();
            async move { client.create_profiles(items).await }
        };
        let progress = Arc::clone(&self.session.progress);
        let profiles = &mut self.actual.profiles;
        let land = |batch: Vec<(ProfileChange, NewProfile)>, outcome: Outcome<BatchAnswer>| {
            let mut answers = match outcome {
                Outcome::Answered(answer) => answer.items.into_iter(),
                Outcome::Refused(error) => {
                    for (change, _) in batch {
                        run.failed_by(Subject::Profile, change.unit, Some(change.line), &error);
                    }
                    return;
                }
                Outcome::InDoubt => return,
            };
            for (change, new) in batch {
                let Some(answer) = answers.next() else { return };
                match (answer.result, answer.error) {
                    (Some(profile), _) => {
                        progress.done.fetch_add(1, Ordering::Relaxed);
                        run.report.done.add(Subject::Profile, change.kind);
                        profiles.insert(new.entity.id, Some(KnownProfile::from(profile)));
                    }
                    (None, error) => {
                        let reason = error.map(|error| error.message).unwrap_or_default();
                        run.failed_with(Subject::Profile, change.unit, Some(change.line), reason, None);
                    }
                }
            }
        };
        let batches = batches(changes, |(_, new)| json_len(new));
        let ended = send_all(&self.session, stop, Repeatable::Yes, batches, send, land).await;
        self.goes_on(ended, false, 1).await.map(drop)
    }

    async fn make_associations(&mut self, run: &mut Run<'_>) -> Result<(), Stopped> {
        let planned = self.still()?.associations;
        // Those whose profiles could not be made are left.
        let ready = planned.into_iter().filter(|change| change.after_of_unit.is_none());
        let change = |(number, change): (usize, AssociationChange)| Change {
            external_user_id: change.external_user_id,
            before: change.before,
            after: change.after,
            line: change.line,
            number,
        };
        let changes: Arc<[Change]> = ready.enumerate().map(change).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let plan = Plan { changes: Arc::clone(&changes), total: self.actual.total, ..Plan::default() };
        let report = self.session.apply(&plan, None, run.stop).await;
        let failed: HashSet<usize> = report.failed.iter().map(|failure| failure.change.number).collect();
        if report.stopped.is_some() {
            run.unnoted = report.done.total();
        } else {
            for change in changes.iter().filter(|change| !failed.contains(&change.number)) {
                let id = change.external_user_id.clone();
                match &change.after {
                    Some(after) => self.actual.associations.insert(id, after.clone()),
                    None => self.actual.associations.remove(&id),
                };
            }
        }
        run.report.done.associations = report.done;
        for failure in report.failed {
            let name = failure.change.external_user_id.as_str().to_owned();
            run.failed_with(
                Subject::Association,
                name,
                failure.change.line,
                failure.reason,
                failure.request_id,
            );
        }
        report.stopped.map_or(Ok(()), Err)
    }

    /// Whether there is another round after one that ended so; it may have to wait for that.
    pub(super) async fn goes_on(&self, ended: Ended, in_doubt: bool, round: u32) -> Result<bool, Stopped> {
        match ended {
            Ended::All if in_doubt && round >= ROUNDS => Err(Stopped::Error(Error::UnexpectedAnswer {
                reason: format!("answers were lost in each of {ROUNDS} tries"),
                request_id: None,
            })),
            Ended::All => Ok(in_doubt),
            Ended::Busy { error, progressed } => {
                let attempt = if progressed { 1 } else { round };
                match self.session.options.wait(attempt, asked_wait(&error)) {
                    Some(wait) if round < ROUNDS || progressed => {
                        tokio::time::sleep(wait).await;
                        Ok(true)
                    }
                    _ => Err(Stopped::Error(error)),
                }
            }
            Ended::Stopped(stopped) => Err(stopped),
        }
    }
}

fn unexpected(error: &PropertyError) -> Error {
    Error::UnexpectedAnswer { reason: error.to_string(), request_id: None }
}
