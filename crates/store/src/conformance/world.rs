//! What the behaviours work with: ids, records and short forms of calls.

use std::sync::Arc;

use jackfield_model::wire::{
    AddressBook, Association, Contact, ContactCard, ContactSetting, ContactTarget, NumberEntry, PhoneNumber,
    ReciprocalAssociation, SettingName, Skill, Switch, Unit, UnitAssociation, UnitName,
};
use jackfield_model::{
    AddressBookId, AmazonId, ClientId, ContactId, Country, ExternalUserId, OrganizationId, RequestId,
    ScopeSet, ServiceProviderId, SkillId, UnitId, Vertical,
};
use uuid::Uuid;

use super::Adapter;
use crate::registry::{Client, Organization, Quotas, RefreshToken, SecretHash, ServiceProvider};
use crate::{
    Actor, AssociationRange, Change, ChangeFilter, CreateOutcome, DeleteOutcome, Origin, Profile,
    RegistryCommand, RegistryOutcome, Store, Subject, Timestamp, UpdateOutcome, WriteAssociation,
};

/// The organization that [`World::new`] makes first.
pub const NORTH: &str = "north";
/// The other one: its name begins with that of the first, which a sloppy key would confuse.
pub const NORTHERN: &str = "northern";

/// A store with two organizations, of which the first has two service providers and the second one.
pub struct World {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Providers of [`NORTH`]; their ids are neighbours, the first ends in `ff`.
    pub providers: [ServiceProviderId; 2],
    /// The provider of [`NORTHERN`].
    pub stranger: ServiceProviderId,
}

impl World {
    /// Opens a store and makes the accounts.
    pub async fn new(adapter: &dyn Adapter) -> Self {
        let uuid = 0x6f1b_9a52_6c5e_4d0c_9a5b_2f3f_0a8f_6fff;
        let providers = [provider_id(uuid), provider_id(uuid + 1)];
        let world = Self { store: adapter.open().await, providers, stranger: provider_id(uuid + 2) };
        for name in [NORTH, NORTHERN] {
            world.done(RegistryCommand::CreateOrganization(organization(name))).await;
        }
        let owned = [(providers[0], NORTH), (providers[1], NORTH), (world.stranger, NORTHERN)];
        for (index, (id, owner)) in owned.into_iter().enumerate() {
            let new = service_provider(id, owner, &format!("network {index}"));
            world.done(RegistryCommand::CreateServiceProvider(new)).await;
        }
        world
    }

    /// The same world; a durable store was closed and opened.
    pub async fn again(mut self, adapter: &dyn Adapter) -> Self {
        if adapter.is_durable() {
            self.store.close().await;
            self.store = adapter.open().await;
        }
        self
    }

    /// Every provider.
    pub fn all_providers(&self) -> [ServiceProviderId; 3] {
        [self.providers[0], self.providers[1], self.stranger]
    }

    /// Applies a command that must be done.
    pub async fn done(&self, command: RegistryCommand) {
        let text = format!("{command:?}");
        assert_eq!(self.registry(command).await, RegistryOutcome::Done, "{text}");
    }

    /// Applies a command.
    pub async fn registry(&self, command: RegistryCommand) -> RegistryOutcome {
        self.store.change_registry(command, origin()).await.expect("the store is available")
    }

    /// Creates an association of the first provider.
    pub async fn create(&self, id: &str, amazon_id: &str) -> CreateOutcome {
        self.create_for(self.providers[0], id, amazon_id).await
    }

    /// Creates an association.
    pub async fn create_for(&self, provider: ServiceProviderId, id: &str, amazon_id: &str) -> CreateOutcome {
        let write = write(provider, id, amazon_id);
        self.store.create_association(write).await.expect("the store is available")
    }

    /// Updates an association of the first provider.
    pub async fn update(&self, id: &str, amazon_id: &str) -> UpdateOutcome {
        let write = write(self.providers[0], id, amazon_id);
        self.store.update_association(write).await.expect("the store is available")
    }

    /// Deletes an association of the first provider.
    pub async fn delete(&self, id: &str) -> DeleteOutcome {
        self.delete_for(self.providers[0], id).await
    }

    /// Deletes an association.
    pub async fn delete_for(&self, provider: ServiceProviderId, id: &str) -> DeleteOutcome {
        let deleted = self.store.delete_association(provider, external(id), origin());
        deleted.await.expect("the store is available")
    }

    /// What an association of the first provider points at.
    pub async fn get(&self, id: &str) -> Option<String> {
        self.get_for(self.providers[0], id).await
    }

    /// What an association points at.
    pub async fn get_for(&self, provider: ServiceProviderId, id: &str) -> Option<String> {
        let found = self.store.find_associations(provider, &[external(id)]).await;
        let mut found = found.expect("the store is available");
        assert!(found.len() <= 1, "{found:?}");
        found.pop().map(|association| {
            assert_eq!(association.external_user_id, external(id));
            association.amazon_id.suffix().to_owned()
        })
    }

    /// The ids of a list, and whether more follow.
    pub async fn list(&self, range: &AssociationRange) -> (Vec<String>, bool) {
        let page =
            self.store.list_associations(self.providers[0], range).await.expect("the store is available");
        (
            page.associations.into_iter().map(|association| association.external_user_id.into()).collect(),
            page.more,
        )
    }

    /// How many associations a provider has.
    pub async fn count(&self, provider: ServiceProviderId) -> u64 {
        self.store.count_associations(provider).await.expect("the store is available")
    }

    /// All changes.
    pub async fn changes(&self) -> Vec<Change> {
        changes(&*self.store, &ChangeFilter { limit: 1_000, ..ChangeFilter::default() }).await
    }

    /// How many changes were made after the one with this sequence number.
    pub async fn changes_after(&self, sequence: u64) -> usize {
        let filter = ChangeFilter { provider: None, after: sequence, limit: 1_000 };
        changes(&*self.store, &filter).await.len()
    }

    /// The sequence number of the last change.
    pub async fn last_change(&self) -> u64 {
        self.store.stats().await.expect("the store is available").last_change
    }
}

/// The organization that a change of an object says, before it and after it alike.
pub fn owner_said(change: &Change) -> Option<OrganizationId> {
    let Subject::Object { before, after, .. } = &change.subject else { return None };
    let said = |text: &String| -> Option<OrganizationId> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        value["organization"].as_str()?.parse().ok()
    };
    let mut owners = [before, after].into_iter().flatten().map(said);
    let owner = owners.next()?;
    assert!(owners.all(|other| other == owner), "{change:?}");
    owner
}

/// All changes that a filter lets through, over all pages.
pub async fn changes(store: &dyn Store, filter: &ChangeFilter) -> Vec<Change> {
    let mut filter = filter.clone();
    let mut changes = Vec::new();
    loop {
        let page = store.list_changes(&filter).await.expect("the store is available");
        changes.extend(page.changes);
        if !page.more {
            return changes;
        }
        assert!(page.next_after > filter.after, "a page that leads nowhere");
        filter.after = page.next_after;
    }
}

/// All profiles of an organization, read in pages.
pub async fn profiles(store: &dyn Store, organization: &OrganizationId, limit: usize) -> Vec<Profile> {
    let mut all: Vec<Profile> = Vec::new();
    loop {
        let after = all.last().map(|last| &last.id);
        let page = store.list_profiles(organization, after, limit).await.expect("the store is available");
        let full = page.len() == limit;
        all.extend(page);
        if !full {
            return all;
        }
    }
}

/// Somebody, now.
#[must_use]
pub fn origin() -> Origin {
    Origin { actor: Actor::Admin, request_id: RequestId::random(), time: Timestamp::now() }
}

/// A write by somebody.
#[must_use]
pub fn write(provider: ServiceProviderId, id: &str, amazon_id: &str) -> WriteAssociation {
    let association = Association::new(external(id), amazon(amazon_id));
    WriteAssociation { provider, association, profile_owner: None, origin: origin() }
}

/// An `externalUserId`.
#[must_use]
pub fn external(id: &str) -> ExternalUserId {
    ExternalUserId::new(id).expect("a valid id")
}

/// An `amazonId`.
#[must_use]
pub fn amazon(suffix: &str) -> AmazonId {
    AmazonId::new(&[AmazonId::PREFIX, suffix].concat()).expect("a valid id")
}

/// A provider's id.
#[must_use]
pub const fn provider_id(uuid: u128) -> ServiceProviderId {
    ServiceProviderId::from_uuid(Uuid::from_u128(uuid))
}

/// An organization's id.
#[must_use]
pub fn organization_id(suffix: &str) -> OrganizationId {
    OrganizationId::new(&[OrganizationId::PREFIX, suffix].concat()).expect("a valid id")
}

/// A client's id.
#[must_use]
pub fn client_id(suffix: &str) -> ClientId {
    ClientId::new(&[ClientId::PREFIX, suffix].concat()).expect("a valid id")
}

/// An organization.
#[must_use]
pub fn organization(suffix: &str) -> Organization {
    Organization {
        id: organization_id(suffix),
        name: format!("{suffix} hotels"),
        country: Country::Us,
        vertical: Vertical::Hospitality,
        webrtc: true,
        strict_profiles: false,
        strict_units: false,
        quotas: Quotas::default(),
        consent_password: None,
        lenient: true,
    }
}

/// A client with the refresh tokens that the numbers stand for.
#[must_use]
pub fn client(suffix: &str, owner: &str, refresh_tokens: &[u8]) -> Client {
    Client {
        id: Arc::new(client_id(suffix)),
        organization: organization_id(owner),
        secret_hash: SecretHash([7; 32]),
        scopes: ScopeSet::parse("amazon_communication::service_provider").expect("a valid scope"),
        rate_limit: Some(10),
        redirect_uris: vec!["https://example.com/back".to_owned()],
        enabled: true,
        token_generation: 0,
        public: false,
        spent_codes: vec![],
        refresh_tokens: refresh_tokens.iter().copied().map(refresh_token).collect(),
    }
}

/// The refresh token that a number stands for.
#[must_use]
pub const fn refresh_token(number: u8) -> RefreshToken {
    RefreshToken::new(SecretHash([number; 32]), Timestamp(1))
}

/// A service provider.
#[must_use]
pub fn service_provider(id: ServiceProviderId, owner: &str, logical_id: &str) -> ServiceProvider {
    ServiceProvider {
        id,
        organization: organization_id(owner),
        logical_id: logical_id.to_owned(),
        display_name: Vec::new(),
        network: None,
    }
}

/// A skill's id.
#[must_use]
pub fn skill(suffix: &str) -> SkillId {
    SkillId::new(&[SkillId::PREFIX, suffix].concat()).expect("a valid id")
}

/// A profile.
#[must_use]
pub fn profile(suffix: &str, owner: &str, unit: &str) -> Profile {
    Profile {
        id: amazon(suffix),
        organization: organization_id(owner),
        unit: UnitId::new(&[UnitId::PREFIX, unit].concat()).expect("a valid id"),
        name: Some(format!("room {suffix}")),
    }
}

/// A unit's id.
#[must_use]
pub fn unit_id(suffix: &str) -> UnitId {
    UnitId::from_suffix(suffix).expect("a valid id")
}

/// A unit below another, or below its organization.
#[must_use]
pub fn unit(suffix: &str, parent: &str) -> Unit {
    let (id, parent_id) = (unit_id(suffix), unit_id(parent));
    Unit { id, parent_id, level: 0, name: UnitName::plain(format!("unit {suffix}")) }
}

/// An address book.
#[must_use]
pub fn book(suffix: &str) -> AddressBook {
    AddressBook {
        address_book_id: AddressBookId::from_suffix(suffix).expect("a valid id"),
        name: format!("book {suffix}"),
    }
}

/// A contact of an address book.
#[must_use]
pub fn contact(book: &str, suffix: &str, target: ContactTarget) -> Contact {
    Contact {
        address_book_id: AddressBookId::from_suffix(book).expect("a valid id"),
        contact_id: ContactId::from_suffix(suffix).expect("a valid id"),
        contact: ContactCard { name: format!("contact {suffix}"), target },
    }
}

/// Who is reached by telephone.
#[must_use]
pub fn number() -> ContactTarget {
    let number = PhoneNumber::new("+12065550100").expect("a valid number");
    ContactTarget::PhoneNumbers(vec![NumberEntry { number }])
}

/// Who has a profile.
#[must_use]
pub fn to_profile(id: &str) -> ContactTarget {
    ContactTarget::AlexaCommunicationProfileId(amazon(id))
}

/// An address book that a unit has.
#[must_use]
pub fn association(book: &str, unit: &str) -> UnitAssociation {
    UnitAssociation {
        address_book_id: AddressBookId::from_suffix(book).expect("a valid id"),
        unit_id: unit_id(unit),
    }
}

/// A contact that may call a profile.
#[must_use]
pub fn reciprocal(profile: &str, contact: &str) -> ReciprocalAssociation {
    ReciprocalAssociation {
        profile_id: amazon(profile),
        contact_id: ContactId::from_suffix(contact).expect("a valid id"),
    }
}

/// A skill without a client.
#[must_use]
pub fn calling_skill(suffix: &str, endpoint: &str) -> Skill {
    Skill {
        skill_id: SkillId::from_suffix(suffix).expect("a valid id"),
        endpoint: endpoint.to_owned(),
        client_id: None,
        timeout_ms: None,
        ca: None,
    }
}

/// What a profile decided of another.
#[must_use]
pub fn setting(profile: &str, setting: SettingName, about: &str) -> ContactSetting {
    ContactSetting {
        profile_id: amazon(profile),
        alexa_communication_profile_id: amazon(about),
        setting,
        value: Switch::Enabled,
    }
}
