//! What there is: read page by page, and kept up to date with what the server answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jackfield_model::wire::{AddressBook, ContactAnswer, ContactTarget, ListAnswer, Profile, Unit};
use jackfield_model::{AddressBookId, AmazonId, ContactId, ExternalUserId, UnitId};

use super::desired::UnitKey;
use super::{PropertyOptions, PropertySession};
use crate::client::Client;
use crate::error::Error;
use crate::sync::report::Stopped;
use crate::sync::session::{Phase, Session, Stop};
use crate::sync::writes::{Ended, Outcome, Repeatable, send_all};

/// What there is, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Actual {
    /// Units by their names.
    pub(super) units: HashMap<Box<str>, Vec<UnitId>>,
    /// The profile of a unit, or that it has none. What is not here was not read.
    pub(super) profiles: HashMap<UnitId, Option<KnownProfile>>,
    pub(super) associations: HashMap<ExternalUserId, AmazonId>,
    /// Associations that the provider has, where that is known.
    pub(super) total: Option<u64>,
    /// The address books of the series, by their names.
    pub(super) books: HashMap<String, Vec<AddressBookId>>,
    /// Contacts of profiles in those books.
    pub(super) contacts: HashMap<AmazonId, KnownContact>,
    /// How many contacts each of those books has, of every kind.
    pub(super) filled: HashMap<AddressBookId, usize>,
}

/// A communication profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownProfile {
    pub(super) id: AmazonId,
    pub(super) name: Option<String>,
}

/// A contact of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownContact {
    pub(super) book: AddressBookId,
    pub(super) id: ContactId,
    pub(super) name: String,
}

impl PropertySession {
    /// Reads all that the list is about. Profiles that an earlier answer named are known.
    pub(super) async fn read(&mut self) -> Result<(), Error> {
        let parts = self.options.parts;
        self.session.progress.begin(Phase::Reading, self.desired.endpoints.len() as u64);
        if parts.units {
            self.read_units().await?;
        }
        if parts.profiles && self.read_profiles {
            self.read_profiles().await?;
        }
        self.read_associations().await?;
        if parts.contacts {
            self.read_books().await?;
        }
        Ok(())
    }

    /// Reads the units below the parent.
    pub(super) async fn read_units(&mut self) -> Result<(), Error> {
        let mut units: HashMap<Box<str>, Vec<UnitId>> = HashMap::new();
        let parent = self.options.parent.clone();
        let ask = |client: Arc<Client>, token: Option<String>| {
            let parent = parent.clone();
            async move { client.units_below(parent.as_ref(), token.as_deref()).await }
        };
        let take = |unit: Unit| units.entry(unit.name.value.text.into()).or_default().push(unit.id);
        pages(&self.session, ask, take).await?;
        self.actual.units = units;
        Ok(())
    }

    /// Asks for the profile of each unit that is there and whose profile is not known.
    async fn read_profiles(&mut self) -> Result<(), Error> {
        let (actual, desired) = (&self.actual, &self.desired);
        let unread = desired.rooms.iter().filter_map(|room| actual.unit(&room.unit));
        let unread: Vec<UnitId> =
            unread.filter(|unit| !actual.profiles.contains_key(*unit)).cloned().collect();
        let mut refused = None;
        let mut found = Vec::new();
        let progress = Arc::clone(&self.session.progress);
        let ask = |client: Arc<Client>, unit: UnitId| async move { client.profile_of_unit(&unit).await };
        let land = |unit: UnitId, outcome: Outcome<Profile>| match outcome {
            Outcome::Answered(profile) => {
                progress.done.fetch_add(1, Ordering::Relaxed);
                found.push((unit, Some(KnownProfile::from(profile))));
            }
            Outcome::Refused(error) if error.status() == Some(404) => found.push((unit, None)),
            Outcome::Refused(error) => refused = Some(error),
            Outcome::InDoubt => {}
        };
        let ended = send_all(&self.session, &Stop::default(), Repeatable::Yes, unread, ask, land).await;
        self.actual.profiles.extend(found);
        match (refused, ended) {
            (Some(error), _) | (None, Ended::Stopped(Stopped::Error(error)) | Ended::Busy { error, .. }) => {
                Err(error)
            }
            (None, _) => Ok(()),
        }
    }

    async fn read_associations(&mut self) -> Result<(), Error> {
        let ids: Vec<ExternalUserId> =
            self.desired.endpoints.iter().map(|endpoint| endpoint.external_user_id.clone()).collect();
        let mut associations = HashMap::new();
        let mut take = |one: jackfield_model::wire::Association| {
            associations.insert(one.external_user_id, one.amazon_id);
        };
        self.actual.total = self.session.read(&ids, &mut take).await?;
        self.actual.associations = associations;
        Ok(())
    }

    /// Reads the address books of the series and their contacts.
    pub(super) async fn read_books(&mut self) -> Result<(), Error> {
        let mut books: HashMap<String, Vec<AddressBookId>> = HashMap::new();
        let ask = |client: Arc<Client>, token: Option<String>| async move {
            client.address_books(token.as_deref()).await
        };
        let options = &self.options;
        let take = |book: AddressBook| {
            if options.is_of_series(&book.name) {
                books.entry(book.name).or_default().push(book.address_book_id);
            }
        };
        pages(&self.session, ask, take).await?;
        let ids: Vec<AddressBookId> = books.values().flatten().cloned().collect();
        self.actual.books = books;
        self.actual.contacts.clear();
        self.actual.filled.clear();
        for book in ids {
            self.read_contacts(&book).await?;
        }
        Ok(())
    }

    async fn read_contacts(&mut self, book: &AddressBookId) -> Result<(), Error> {
        let mut count = 0;
        let ask = |client: Arc<Client>, token: Option<String>| {
            let book = book.clone();
            async move { client.contacts(&book, token.as_deref()).await }
        };
        let contacts = &mut self.actual.contacts;
        let take = |ContactAnswer { contact_id: id, contact }: ContactAnswer| {
            count += 1;
            if let ContactTarget::AlexaCommunicationProfileId(profile) = contact.target {
                let known = KnownContact { book: book.clone(), id, name: contact.name };
                // Of several contacts of one profile the first counts: it stands in the first pages of every run.
                contacts.entry(profile).or_insert(known);
            }
        };
        pages(&self.session, ask, take).await?;
        self.actual.filled.insert(book.clone(), count);
        Ok(())
    }
}

impl Actual {
    /// The unit that a list names, where there is exactly one.
    pub(super) fn unit<'a>(&'a self, key: &'a UnitKey) -> Option<&'a UnitId> {
        match key {
            UnitKey::Id(id) => Some(id),
            UnitKey::Name(name) => match self.units.get(name)?.as_slice() {
                [one] => Some(one),
                _ => None,
            },
        }
    }
}

impl PropertyOptions {
    /// The name of an address book of the series, counted from 0.
    pub(super) fn book_name(&self, at: usize) -> String {
        if at == 0 { self.address_book.clone() } else { format!("{} {}", self.address_book, at + 1) }
    }

    pub(super) fn is_of_series(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(&self.address_book) else { return false };
        let number = rest.strip_prefix(' ').and_then(|number| number.parse::<usize>().ok());
        rest.is_empty() || number.is_some_and(|number| number >= 2 && name == self.book_name(number - 1))
    }
}

impl From<Profile> for KnownProfile {
    fn from(profile: Profile) -> Self {
        Self { id: profile.profile_id.profile_id, name: profile.name }
    }
}

/// Calls `take` with every result of a list, in its order.
async fn pages<T, F>(
    session: &Session,
    ask: impl Fn(Arc<Client>, Option<String>) -> F,
    mut take: impl FnMut(T),
) -> Result<(), Error>
where
    F: Future<Output = Result<ListAnswer<T>, Error>>,
{
    let mut token = None;
    loop {
        let page = session.patiently(|| ask(Arc::clone(&session.client), token.clone())).await?;
        let next = page.pagination_context.next_token;
        if next.is_some() && next == token {
            return Err(Error::UnexpectedAnswer {
                reason: "the page names itself as the next one".to_owned(),
                request_id: None,
            });
        }
        page.results.into_iter().for_each(&mut take);
        if next.is_none() {
            return Ok(());
        }
        token = next;
    }
}
