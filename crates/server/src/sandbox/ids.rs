//! Generates ids: at random, or, when the seed file has an `id_seed`, in a sequence that is the same on every server
//! with that number.
//!
//! Derived ids look like random ones. The place of an id in its sequence is the number of ids of its kind that were
//! asked for since the start or the last reset; ids that are taken are skipped, so that a restart of a durable
//! store goes on where it stopped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jackfield_model::{
    AddressBookId, AmazonId, ClientId, ContactId, OrganizationId, ServiceProviderId, UnitId,
};
use jackfield_store::resource::{ListKey, RowKey, Table};
use jackfield_store::{Store, StoreError};
use ring::digest;
use uuid::Uuid;

/// Generates ids for objects that are created without one.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    sequence: RwLock<Option<Arc<Sequence>>>,
}

/// Ids that follow from a number.
#[derive(Debug)]
struct Sequence {
    seed: u64,
    given: [AtomicU64; 7],
}

/// The kinds of objects; each has a sequence of its own.
#[derive(Clone, Copy)]
enum Kind {
    Organization,
    Client,
    ServiceProvider,
    Profile,
    Unit,
    AddressBook,
    Contact,
}

impl Ids {
    /// Restarts the sequence of this number; random ids when there is none.
    pub(crate) fn restart(&self, seed: Option<u64>) {
        let sequence = seed.map(|seed| Arc::new(Sequence { seed, given: Default::default() }));
        *self.sequence.write().unwrap_or_else(PoisonError::into_inner) = sequence;
    }

    /// The id of a new organization.
    pub(crate) fn organization(&self, store: &dyn Store) -> OrganizationId {
        let registry = store.registry();
        let taken = |id: &OrganizationId| registry.organizations.contains_key(id);
        self.free(Kind::Organization, organization_of, taken)
    }

    /// The id of a new client.
    pub(crate) fn client(&self, store: &dyn Store) -> ClientId {
        let registry = store.registry();
        self.free(Kind::Client, client_of, |id| registry.clients.contains_key(id))
    }

    /// The id of a new service provider.
    pub(crate) fn service_provider(&self, store: &dyn Store) -> ServiceProviderId {
        let registry = store.registry();
        let taken = |id: &ServiceProviderId| registry.providers.contains_key(id);
        self.free(Kind::ServiceProvider, ServiceProviderId::from_uuid, taken)
    }

    /// The id of a new communication profile.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub(crate) async fn profile(&self, store: &dyn Store) -> Result<AmazonId, StoreError> {
        let Some(sequence) = self.sequence() else { return Ok(profile_of(Uuid::new_v4())) };
        loop {
            let id = profile_of(sequence.next(Kind::Profile));
            if store.find_profile(&id).await?.is_none() {
                return Ok(id);
            }
        }
    }

    /// The id of a new unit.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub(crate) async fn unit(&self, store: &dyn Store) -> Result<UnitId, StoreError> {
        self.free_row(Kind::Unit, unit_of, store, |id| RowKey::owner(Table::Unit, id.suffix())).await
    }

    /// The id of a new address book.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub(crate) async fn address_book(&self, store: &dyn Store) -> Result<AddressBookId, StoreError> {
        let row = |id: &AddressBookId| RowKey::owner(Table::AddressBook, id.suffix());
        self.free_row(Kind::AddressBook, address_book_of, store, row).await
    }

    /// The id of a new contact of the organization.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub(crate) async fn contact(
        &self,
        store: &dyn Store,
        organization: &OrganizationId,
    ) -> Result<ContactId, StoreError> {
        let row = |id: &ContactId| ListKey::new(organization, Table::BookOfContact, "").row(id.suffix());
        self.free_row(Kind::Contact, contact_of, store, row).await
    }

    /// An id that no row is kept for.
    async fn free_row<T>(
        &self,
        kind: Kind,
        make: impl Fn(Uuid) -> T,
        store: &dyn Store,
        row: impl Fn(&T) -> RowKey,
    ) -> Result<T, StoreError> {
        let Some(sequence) = self.sequence() else { return Ok(make(Uuid::new_v4())) };
        loop {
            let id = make(sequence.next(kind));
            if store.find_rows(&[row(&id)]).await?.iter().all(Option::is_none) {
                return Ok(id);
            }
        }
    }

    fn free<T>(&self, kind: Kind, make: impl Fn(Uuid) -> T, taken: impl Fn(&T) -> bool) -> T {
        let Some(sequence) = self.sequence() else { return make(Uuid::new_v4()) };
        loop {
            let id = make(sequence.next(kind));
            if !taken(&id) {
                return id;
            }
        }
    }

    fn sequence(&self) -> Option<Arc<Sequence>> {
        self.sequence.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sequence {
    fn next(&self, kind: Kind) -> Uuid {
        let number = self.given[kind as usize].fetch_add(1, Ordering::Relaxed);
        derive(kind.name(), &[&self.seed.to_be_bytes(), &number.to_be_bytes()])
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Client => "client",
            Self::ServiceProvider => "service provider",
            Self::Profile => "profile",
            Self::Unit => "unit",
            Self::AddressBook => "address book",
            Self::Contact => "contact",
        }
    }
}

/// Ids of a seed file's objects that have none there: they follow from what names the object.
pub(crate) mod natural {
    use super::{
        AddressBookId, AmazonId, ClientId, ContactId, OrganizationId, ServiceProviderId, UnitId,
        address_book_of, client_of, contact_of, derive, organization_of, profile_of, unit_of,
    };

    /// That of an organization, from its name.
    pub(crate) fn organization(name: &str) -> OrganizationId {
        organization_of(derive("seed organization", &[name.as_bytes()]))
    }

    /// That of a client, from its place among the clients of its organization.
    pub(crate) fn client(organization: &OrganizationId, place: usize) -> ClientId {
        let place = (place as u64).to_be_bytes();
        client_of(derive("seed client", &[organization.as_str().as_bytes(), &place]))
    }

    /// That of a service provider, from its logical id.
    pub(crate) fn service_provider(organization: &OrganizationId, logical_id: &str) -> ServiceProviderId {
        let names = [organization.as_str().as_bytes(), logical_id.as_bytes()];
        ServiceProviderId::from_uuid(derive("seed service provider", &names))
    }

    /// That of a communication profile, from its unit.
    pub(crate) fn profile(organization: &OrganizationId, unit: &UnitId) -> AmazonId {
        let names = [organization.as_str().as_bytes(), unit.as_str().as_bytes()];
        profile_of(derive("seed profile", &names))
    }

    /// That of a unit, from what it is below of and its name.
    pub(crate) fn unit(organization: &OrganizationId, parent: &UnitId, name: &str) -> UnitId {
        let names = [organization.as_str().as_bytes(), parent.as_str().as_bytes(), name.as_bytes()];
        unit_of(derive("seed unit", &names))
    }

    /// That of an address book, from its name.
    pub(crate) fn address_book(organization: &OrganizationId, name: &str) -> AddressBookId {
        let names = [organization.as_str().as_bytes(), name.as_bytes()];
        address_book_of(derive("seed address book", &names))
    }

    /// That of a contact, from its address book and its name.
    pub(crate) fn contact(book: &AddressBookId, name: &str) -> ContactId {
        contact_of(derive("seed contact", &[book.as_str().as_bytes(), name.as_bytes()]))
    }
}

fn organization_of(uuid: Uuid) -> OrganizationId {
    let id = format!("{}{}", OrganizationId::PREFIX, uuid.simple());
    OrganizationId::new(&id).expect("hexadecimal digits are allowed")
}

fn client_of(uuid: Uuid) -> ClientId {
    let id = format!("{}{}", ClientId::PREFIX, uuid.simple());
    ClientId::new(&id).expect("hexadecimal digits are allowed")
}

fn profile_of(uuid: Uuid) -> AmazonId {
    let id = format!("{}{}", AmazonId::PREFIX, uuid.simple());
    AmazonId::new(&id).expect("hexadecimal digits are allowed")
}

fn unit_of(uuid: Uuid) -> UnitId {
    UnitId::from_suffix(&uuid.simple().to_string()).expect("hexadecimal digits are allowed")
}

fn address_book_of(uuid: Uuid) -> AddressBookId {
    AddressBookId::from_suffix(&uuid.simple().to_string()).expect("hexadecimal digits are allowed")
}

fn contact_of(uuid: Uuid) -> ContactId {
    ContactId::from_suffix(&uuid.simple().to_string()).expect("hexadecimal digits are allowed")
}

/// A UUID that follows from a purpose and its parts, in the form of a random one: clients may check that form.
fn derive(purpose: &str, parts: &[&[u8]]) -> Uuid {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"jackfield id v1");
    for part in [purpose.as_bytes()].iter().chain(parts) {
        // Lengths keep the parts apart.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let digest = context.finish();
    let bytes = digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
    uuid::Builder::from_random_bytes(*bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use jackfield_store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_seed_decides_the_ids_in_their_order() {
        let store = MemoryStore::default();
        let ids = Ids::default();
        let mut first = Vec::new();
        for _ in 0..2 {
            ids.restart(Some(42));
            let mut all: Vec<String> = Vec::new();
            for _ in 0..3 {
                all.push(ids.organization(&store).to_string());
                all.push(ids.client(&store).to_string());
                all.push(ids.service_provider(&store).to_string());
                all.push(ids.profile(&store).await.unwrap().to_string());
            }
            assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 12, "{all:?}");
            assert!(first.is_empty() || first == all);
            first = all;
        }
        ids.restart(Some(43));
        assert_ne!(ids.organization(&store).to_string(), first[0]);
        ids.restart(None);
        assert_ne!(ids.organization(&store), ids.organization(&store));
    }

    /// Pinned: a seed file must mean the same ids in every version.
    #[test]
    fn derived_ids_stay_what_they_are() {
        let organization = natural::organization("Harbour Hotels");
        assert_eq!(organization.as_str(), "amzn1.alexa.unit.did.6c5d7537e61a46fc9b6aba2e15746849");
        let client = "amzn1.application-oa2-client.ed433319a8e645a2a09e60de750bc1d0";
        assert_eq!(natural::client(&organization, 0).as_str(), client);
        assert_ne!(natural::client(&organization, 0), natural::client(&organization, 1));
        let provider = natural::service_provider(&organization, "front-desk");
        assert_eq!(provider.to_string(), "amzn1.comms.csp.id.c05bd58f-9186-4f92-ba0a-4a4e0c0bb247");
        let root = UnitId::from_suffix(organization.suffix()).unwrap();
        let floor = natural::unit(&organization, &root, "First floor");
        assert_eq!(floor.as_str(), "amzn1.alexa.unit.did.748aaf9aea7c4d8384410541905ed2f2");
        assert_ne!(natural::unit(&organization, &floor, "First floor"), floor);
        let book = natural::address_book(&organization, "Front desk");
        assert_eq!(book.as_str(), "amzn1.alexa.addressbook.did.1880b23cd00544ea87ae4313f7ca11fa");
        let taxi = "amzn1.alexa.contacts.did.4864c47f723c48c2bccb8c8370619dfe";
        assert_eq!(natural::contact(&book, "Taxi").as_str(), taxi);
    }
}
