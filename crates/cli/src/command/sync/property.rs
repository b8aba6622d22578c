//! `jackfield sync --with`: from a list to units, profiles, associations and an address book.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jackfield_client::Client;
use jackfield_client::sync::{
    Parts, PropertyError, PropertyJournal, PropertyOptions, PropertyPlan, PropertySession, Stop,
    Understanding, UnfinishedProperty,
};
use jackfield_model::{ServiceProviderId, UnitId, limit};

use super::input::{Columns, List, Rejected};
use super::progress::Meter;
use super::show_property::PropertyEnding;
use super::{ApplyingArgs, PlanningArgs, applying, confirmed, ended_early, show, show_property, verifying};
use crate::failure::Failure;
use crate::output::Output;

/// Most characters of the name of an address book: there may be several, which are numbered.
const ADDRESS_BOOK_CHARS: usize = limit::BOOK_NAME_CHARS - 5;

/// What else of a property a list says.
#[derive(Args)]
#[command(next_help_heading = "Property")]
pub(super) struct PropertyArgs {
    /// What the list says besides associations, separated by commas: units,
    /// profiles (those of the units; then no row needs an amazonId), contacts
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    with: Vec<Part>,
    /// The column of the unit, by its name or id [default: unit]
    #[arg(long, value_name = "COLUMN", requires = "with")]
    unit_column: Option<String>,
    /// The column of the profile's name [default: profileName; without it, the
    /// name of the unit]
    #[arg(long, value_name = "COLUMN", requires = "with")]
    profile_name_column: Option<String>,
    /// The column of the contact's name [default: contactName; without it, the
    /// name of the profile]
    #[arg(long, value_name = "COLUMN", requires = "with")]
    contact_name_column: Option<String>,
    /// The unit below which units are looked for and made [default: the
    /// organization]
    #[arg(long, value_name = "UNIT_ID", requires = "with")]
    parent_unit: Option<UnitId>,
    /// The name of the address book; what it has no room for goes to NAME 2 and
    /// so on [default: Rooms]
    #[arg(long, value_name = "NAME", requires = "with", value_parser = address_book)]
    address_book: Option<String>,
    /// Most contacts of one address book [default: 2000]
    #[arg(long, value_name = "N", requires = "with",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(limit::QUOTA_MAX)))]
    contacts_per_book: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    // No doc comments: they would stand in every help text.
    Units,
    Profiles,
    Contacts,
}

/// What a run needs besides the list.
pub(super) struct Run {
    pub(super) client: Client,
    pub(super) provider: ServiceProviderId,
    pub(super) journal_path: PathBuf,
    pub(super) planning: PlanningArgs,
    pub(super) applying: ApplyingArgs,
}

impl PropertyArgs {
    /// What is read of the list.
    pub(super) fn columns(&self) -> Result<Columns, Failure> {
        let parts = self.parts();
        if parts.profiles && !parts.units {
            return Err(Failure::usage("profiles are those of units, which are not asked for")
                .hint("--with units,profiles"));
        }
        Ok(Columns {
            parts,
            unit: self.unit_column.clone(),
            profile_name: self.profile_name_column.clone(),
            contact_name: self.contact_name_column.clone(),
        })
    }

    fn parts(&self) -> Parts {
        let with = |part| self.with.contains(&part);
        Parts { units: with(Part::Units), profiles: with(Part::Profiles), contacts: with(Part::Contacts) }
    }

    fn options(&self, planning: &PlanningArgs) -> PropertyOptions {
        let usual = PropertyOptions::default();
        PropertyOptions {
            parts: self.parts(),
            parent: self.parent_unit.clone(),
            address_book: self.address_book.clone().unwrap_or(usual.address_book),
            contacts_per_book: self.contacts_per_book.map_or(usual.contacts_per_book, |most| most as usize),
            delete_missing: planning.delete_missing,
            max_delete: planning.max_delete,
        }
    }
}

impl Run {
    /// Goes on with the run of the journal where there is no list.
    pub(super) async fn run(
        self,
        list: Option<List>,
        args: &PropertyArgs,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let (mut journal, understood, rejected, unfinished) = match list {
            Some(List { property_rows, understood, rejected, .. }) => {
                let options = args.options(&self.planning);
                if property_rows.is_empty() && options.delete_missing && options.max_delete.is_none() {
                    return Err(Failure::usage(
                        "the list has no rows, so that every association would be deleted",
                    )
                    .hint("--max-delete 100% if that is what you want"));
                }
                (None, Some(understood), rejected, self.unfinished(options, property_rows))
            }
            None => {
                let (journal, unfinished) = self.resumed()?;
                (Some(journal), None, Rejected::default(), unfinished)
            }
        };
        let mut session = self.session(&unfinished, journal.is_some());
        let plan = read(&mut session, "reading").await?;
        check_deletes(&plan, &unfinished.options)?;
        show_property::plan(
            output,
            self.provider,
            &self.client,
            understood.as_ref(),
            &plan,
            self.planning.show,
        )?;
        output.flush()?;
        let goes_on = !plan.is_empty()
            && !self.planning.dry_run
            && (self.applying.yes || confirmed(plan.len() as u64)?);
        let ending = if goes_on {
            let journal = match journal.take() {
                Some(journal) => journal,
                None => PropertyJournal::create(&self.journal_path, &unfinished)?,
            };
            Some(self.apply(&mut session, journal).await?)
        } else {
            None
        };
        self.end(output, understood.as_ref(), &plan, &rejected, ending, journal)
    }

    fn unfinished(
        &self,
        options: PropertyOptions,
        rows: Vec<jackfield_client::sync::PropertyRow>,
    ) -> UnfinishedProperty {
        UnfinishedProperty {
            provider: self.provider,
            endpoint: self.client.endpoint().to_string(),
            options,
            rows,
        }
    }

    fn resumed(&self) -> Result<(PropertyJournal, UnfinishedProperty), Failure> {
        let (journal, unfinished) = PropertyJournal::resume(&self.journal_path)?;
        let here = self.client.endpoint().to_string();
        if unfinished.provider != self.provider || unfinished.endpoint != here {
            return Err(Failure::usage(format!(
                "the journal is of {} at {}, not of {} at {here}",
                unfinished.provider, unfinished.endpoint, self.provider
            )));
        }
        Ok((journal, unfinished))
    }

    fn session(&self, unfinished: &UnfinishedProperty, resumed: bool) -> PropertySession {
        let (rows, options) = (unfinished.rows.clone(), unfinished.options.clone());
        let session =
            PropertySession::new(&self.client, self.provider, rows, options, &self.applying.options());
        if resumed { session.resumed() } else { session }
    }

    /// Makes the changes, and reads again what there is then.
    async fn apply(
        &self,
        session: &mut PropertySession,
        journal: PropertyJournal,
    ) -> Result<PropertyEnding, Failure> {
        let stop = Stop::default();
        let progress = session.progress();
        let report = applying(&stop, progress, session.apply(&stop)).await;
        let mut left = None;
        if report.stopped.is_none() {
            left = Some(verifying(read(session, "verifying")).await);
        }
        if report.is_complete() {
            journal.remove()?;
        }
        Ok(PropertyEnding { report, left })
    }

    fn end(
        &self,
        output: &mut Output,
        list: Option<&Understanding>,
        plan: &PropertyPlan,
        rejected: &Rejected,
        ending: Option<PropertyEnding>,
        journal: Option<PropertyJournal>,
    ) -> Result<(), Failure> {
        show_property::ending(output, self.provider, &self.client, list, plan, rejected, ending.as_ref())?;
        output.flush()?;
        let Some(PropertyEnding { report, left }) = ending else {
            if !plan.is_empty() {
                return Err(Failure::Told(3));
            }
            // A run that goes on and finds everything done has come to its end too.
            return match journal {
                Some(journal) => Ok(journal.remove()?),
                None => rejected.end(),
            };
        };
        if let Some(stopped) = report.stopped {
            return Err(ended_early(stopped, report.left, &self.journal_path));
        }
        if !report.failed.is_empty() {
            let failed = show::changes(report.failed.len() as u64);
            let depend = if report.left == 0 {
                String::new()
            } else {
                format!(", and {} because of them", show::left(report.left))
            };
            return Err(Failure::failed(format!("{failed} failed{depend}")));
        }
        match left {
            Some(Err(failure)) => Err(failure),
            Some(Ok(plan)) if !plan.is_empty() => {
                let count = show::changes(plan.len() as u64);
                Err(Failure::failed(format!("every change was made, and now {count} would be needed"))
                    .hint("somebody else changes this property at the same time; the same command again"))
            }
            _ => rejected.end(),
        }
    }
}

/// Holds the plan to the bound that its run began with.
fn check_deletes(plan: &PropertyPlan, options: &PropertyOptions) -> Result<(), Failure> {
    let Some(most) = options.max_delete else { return Ok(()) };
    Ok(plan.check_deletes(most)?)
}

/// Reads what there is, under a meter.
async fn read(session: &mut PropertySession, verb: &'static str) -> Result<PropertyPlan, Failure> {
    let meter = Meter::start(session.progress(), verb);
    let plan = session.plan().await;
    meter.finish();
    plan.map_err(|error| match error {
        PropertyError::Api(error) => error.into(),
        other => Failure::usage(format!("{other}; nothing was changed")),
    })
}

fn address_book(text: &str) -> Result<String, String> {
    let count = text.chars().count();
    if !(1..=ADDRESS_BOOK_CHARS).contains(&count) || text.chars().any(char::is_control) || text.trim() != text
    {
        return Err(format!(
            "a name of 1 to {ADDRESS_BOOK_CHARS} characters is expected, without blanks around it"
        ));
    }
    Ok(text.to_owned())
}
