//! The last stages: address books and contacts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jackfield_model::wire::{ContactBatchItem, ContactCard, ContactTarget, CreatedContact, ItemResults};
use jackfield_model::{AddressBookId, AmazonId};

use super::PropertySession;
use super::actual::KnownContact;
use super::plan::{ContactChange, Subject};
use super::run::{Run, batches, json_len, number};
use crate::client::Client;
use crate::sync::plan::Kind;
use crate::sync::report::Stopped;
use crate::sync::session::Phase;
use crate::sync::writes::{Ended, Outcome, Repeatable, send_all};

/// A contact whose profile and address book are there.
#[derive(Clone)]
struct ReadyContact {
    amazon_id: AmazonId,
    book: AddressBookId,
    change: ContactChange,
}

impl ReadyContact {
    fn card(&self) -> ContactCard {
        let target = ContactTarget::AlexaCommunicationProfileId(self.amazon_id.clone());
        ContactCard { name: self.change.name.clone(), target }
    }
}

impl PropertySession {
    pub(super) async fn make_address_books(&mut self, run: &mut Run<'_>) -> Result<(), Stopped> {
        let stop = run.stop;
        for round in 1.. {
            let names = run.untried(Subject::AddressBook, self.still()?.address_books, |name| (name, None));
            if names.is_empty() {
                return Ok(());
            }
            self.session.progress.begin(Phase::Applying, names.len() as u64);
            let send =
                |client: Arc<Client>, name: String| async move { client.create_address_book(&name).await };
            let books = &mut self.actual.books;
            let mut in_doubt = false;
            let land = |name: String, outcome: Outcome<AddressBookId>| match outcome {
                Outcome::Answered(id) => {
                    run.report.done.add(Subject::AddressBook, Kind::Create);
                    books.entry(name).or_default().push(id);
                }
                Outcome::Refused(error) => run.failed_by(Subject::AddressBook, name, None, &error),
                Outcome::InDoubt => in_doubt = true,
            };
            let ended = send_all(&self.session, stop, Repeatable::No, names, send, land).await;
            if in_doubt {
                self.read_books().await.map_err(Stopped::Error)?;
            }
            if !self.goes_on(ended, in_doubt, round).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) async fn make_contacts(&mut self, run: &mut Run<'_>) -> Result<(), Stopped> {
        for round in 1.. {
            let changes = run.untried(Subject::Contact, self.still()?.contacts, |change| {
                (&change.name, Some(change.line))
            });
            // Those whose profiles or address books could not be made are left.
            let ready = changes.into_iter().filter_map(|change| {
                let book = self.actual.books.get(&change.address_book)?.first()?.clone();
                Some(ReadyContact { amazon_id: change.amazon_id.clone()?, book, change })
            });
            let (new, other): (Vec<_>, Vec<_>) = ready.partition(|ready| ready.change.known.is_none());
            if new.is_empty() && other.is_empty() {
                return Ok(());
            }
            self.session.progress.begin(Phase::Applying, (new.len() + other.len()) as u64);
            self.rename_contacts(run, other).await?;
            let (ended, in_doubt) = self.create_contacts(run, new).await;
            if in_doubt {
                self.session.progress.begin(Phase::Reading, 0);
                self.read_books().await.map_err(Stopped::Error)?;
            }
            if !self.goes_on(ended, in_doubt, round).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn rename_contacts(
        &mut self,
        run: &mut Run<'_>,
        contacts: Vec<ReadyContact>,
    ) -> Result<(), Stopped> {
        let stop = run.stop;
        let send = |client: Arc<Client>, ready: ReadyContact| async move {
            let Some((book, id)) = &ready.change.known else { return Ok(()) };
            client.update_contact(book, id, ready.card()).await
        };
        let known = &mut self.actual.contacts;
        let progress = Arc::clone(&self.session.progress);
        let land = |ready: ReadyContact, outcome: Outcome<()>| {
            let ContactChange { name, line, .. } = ready.change;
            match outcome {
                Outcome::Answered(()) => {
                    progress.done.fetch_add(1, Ordering::Relaxed);
                    run.report.done.add(Subject::Contact, Kind::Update);
                    if let Some(contact) = known.get_mut(&ready.amazon_id) {
                        contact.name = name;
                    }
                }
                Outcome::Refused(error) => run.failed_by(Subject::Contact, name, Some(line), &error),
                Outcome::InDoubt => {}
            }
        };
        let ended = send_all(&self.session, stop, Repeatable::Yes, contacts, send, land).await;
        self.goes_on(ended, false, 1).await.map(drop)
    }

    /// Answers also whether some are in doubt.
    async fn create_contacts(&mut self, run: &mut Run<'_>, contacts: Vec<ReadyContact>) -> (Ended, bool) {
        let stop = run.stop;
        let mut of_book: Vec<Vec<ReadyContact>> = Vec::new();
        for chunk in contacts.chunk_by(|one, other| one.book == other.book) {
            of_book.extend(batches(chunk.to_vec(), |ready| json_len(&ready.card())));
        }
        let send = |client: Arc<Client>, batch: Vec<ReadyContact>| async move {
            let Some(book) = batch.first().map(|ready| ready.book.clone()) else {
                return Ok(ItemResults { items: Vec::new() });
            };
            let items = batch.iter().enumerate();
            let items =
                items.map(|(at, ready)| ContactBatchItem { item_id: number(at), contact: ready.card() });
            client.create_contacts(&book, items.collect()).await
        };
        let progress = Arc::clone(&self.session.progress);
        let (known, filled) = (&mut self.actual.contacts, &mut self.actual.filled);
        let mut in_doubt = false;
        let land = |batch: Vec<ReadyContact>, outcome: Outcome<ItemResults<CreatedContact>>| {
            let mut answers = match outcome {
                Outcome::Answered(answer) => answer.items.into_iter(),
                Outcome::Refused(error) => {
                    for ReadyContact { change, .. } in batch {
                        run.failed_by(Subject::Contact, change.name, Some(change.line), &error);
                    }
                    return;
                }
                Outcome::InDoubt => {
                    in_doubt = true;
                    return;
                }
            };
            for ReadyContact { amazon_id, book, change } in batch {
                let Some(answer) = answers.next() else { return };
                match (answer.result, answer.error) {
                    (Some(CreatedContact { contact_id: id }), _) => {
                        progress.done.fetch_add(1, Ordering::Relaxed);
                        run.report.done.add(Subject::Contact, Kind::Create);
                        *filled.entry(book.clone()).or_default() += 1;
                        known.insert(amazon_id, KnownContact { book, id, name: change.name });
                    }
                    (None, error) => {
                        let reason = error.map(|error| error.message).unwrap_or_default();
                        run.failed_with(Subject::Contact, change.name, Some(change.line), reason, None);
                    }
                }
            }
        };
        let ended = send_all(&self.session, stop, Repeatable::No, of_book, send, land).await;
        (ended, in_doubt)
    }
}
