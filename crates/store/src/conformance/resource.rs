//! Resources: units, address books, contacts and what ties them together.

use jackfield_model::admin::{OrganizationPatch, Quotas};
use jackfield_model::wire::{
    AddressBook, Contact, ContactSetting, ReciprocalAssociation, SettingName, Unit, UnitAssociation, UnitName,
};
use jackfield_model::{OrganizationId, limit};

use super::Adapter;
use super::world::{
    NORTH, NORTHERN, World, amazon, association, book, calling_skill, client_id, contact, number,
    organization_id, origin, owner_said, profile, reciprocal, setting, to_profile, unit, unit_id,
};
use crate::registry::OrganizationChange;
use crate::resource::{Kind, ListKey, Refusal, ResourceChange, ResourceOutcome, Table};
use crate::{
    CreateProfileOutcome, DeleteProfileOutcome, PutProfileOutcome, RegistryCommand, RegistryOutcome,
    UnitTree, count_resources, find_resource, list_resources, owner_of,
};

/// What was recorded after a change.
async fn operations(world: &World, after: u64) -> Vec<String> {
    let changes = world.changes().await;
    let later = changes.iter().filter(|change| change.sequence > after);
    later.map(crate::Change::operation_name).collect()
}

/// Calls for one organization.
struct Directory<'w> {
    world: &'w World,
    id: OrganizationId,
}

impl<'w> Directory<'w> {
    fn of(world: &'w World, organization: &str) -> Self {
        Self { world, id: organization_id(organization) }
    }

    async fn all(&self, changes: Vec<ResourceChange>) -> Vec<ResourceOutcome> {
        self.world.store.change_resources(&self.id, changes, origin()).await.unwrap()
    }

    async fn one(&self, change: ResourceChange) -> ResourceOutcome {
        self.all(vec![change]).await.remove(0)
    }

    async fn create(&self, new: impl Kind) -> ResourceOutcome {
        self.one(ResourceChange::Create(new.into())).await
    }

    async fn update(&self, new: impl Kind) -> ResourceOutcome {
        self.one(ResourceChange::Update(new.into())).await
    }

    async fn delete(&self, gone: impl Kind) -> ResourceOutcome {
        self.one(ResourceChange::Delete(gone.into())).await
    }

    async fn find<K: Kind>(&self, like: &K) -> Option<K> {
        find_resource(&*self.world.store, &self.id, like.scope(), &like.id()).await.unwrap()
    }

    async fn list<K: Kind>(&self, scope: &str) -> Vec<String> {
        let found: Vec<K> = list_resources(&*self.world.store, &self.id, scope, "", 1_000).await.unwrap();
        found.iter().map(Kind::id).collect()
    }

    async fn count(&self, table: Table, scope: &str) -> u64 {
        count_resources(&*self.world.store, &self.id, table, scope).await.unwrap()
    }

    /// Rows of a derived list.
    async fn ids(&self, table: Table, scope: &str) -> Vec<String> {
        let list = ListKey::new(&self.id, table, scope);
        let rows = self.world.store.list_rows(&list, "", 1_000).await.unwrap();
        rows.into_iter().map(|(id, _)| id).collect()
    }

    async fn add_profile(&self, id: &str, unit: &str) {
        let new = profile(id, self.id.suffix(), unit);
        assert_eq!(
            self.world.store.create_profile(new, origin()).await.unwrap(),
            CreateProfileOutcome::Created
        );
    }

    async fn set(&self, patch: OrganizationPatch) {
        let change = OrganizationChange::from(patch);
        let command = RegistryCommand::UpdateOrganization(self.id.clone(), change);
        let outcome = self.world.store.change_registry(command, origin()).await.unwrap();
        assert_eq!(outcome, RegistryOutcome::Done);
    }
}

pub(super) async fn units_are_a_tree(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let north = Directory::of(&world, NORTH);
    assert_eq!(north.create(unit("tower", NORTH)).await, Ok(()));
    assert_eq!(north.create(unit("floor", "tower")).await, Ok(()));
    let before = world.last_change().await;
    assert_eq!(north.create(unit("floor", "tower")).await, Err(Refusal::Exists));
    assert_eq!(north.create(unit("lost", "nowhere")).await, Err(Refusal::Missing("unit")));
    assert_eq!(north.create(unit(NORTHERN, NORTH)).await, Err(Refusal::IdTaken), "an organization");
    assert_eq!(north.update(unit("nowhere", NORTH)).await, Err(Refusal::NotFound));
    assert_eq!(north.delete(unit("nowhere", NORTH)).await, Err(Refusal::NotFound));
    assert_eq!(north.delete(unit("tower", NORTH)).await, Err(Refusal::HasUnits));
    let stranger = Directory::of(&world, NORTHERN);
    assert_eq!(stranger.create(unit("floor", NORTHERN)).await, Err(Refusal::IdTaken));
    assert_eq!(stranger.create(unit("annex", "tower")).await, Err(Refusal::Missing("unit")));
    assert_eq!(stranger.delete(unit("floor", "tower")).await, Err(Refusal::NotFound));
    assert_eq!(
        Directory::of(&world, "nobody").create(unit("u", "nobody")).await,
        Err(Refusal::NoSuchOrganization)
    );
    assert_eq!(world.last_change().await, before);
    let world = world.again(adapter).await;
    let north = Directory::of(&world, NORTH);
    let floor = north.find(&unit("floor", NORTH)).await;
    assert_eq!(floor.as_ref().map(|unit| (unit.level, unit.parent_id.suffix())), Some((2, "tower")));
    assert_eq!(owner_of(&*world.store, Table::Unit, "floor").await.unwrap(), Some(organization_id(NORTH)));
    assert_eq!(owner_of(&*world.store, Table::Unit, "nowhere").await.unwrap(), None);
    // A unit stays where it is, whatever an update says.
    let renamed = Unit { name: UnitName::plain("First floor".to_owned()), ..unit("floor", NORTH) };
    assert_eq!(north.update(renamed).await, Ok(()));
    let floor = north.find(&unit("floor", NORTH)).await.unwrap();
    assert_eq!((floor.level, floor.parent_id.suffix(), &*floor.name.value.text), (2, "tower", "First floor"));
    assert_eq!(north.count(Table::Unit, "").await, 2);
    assert_eq!(north.delete(unit("floor", "tower")).await, Ok(()));
    assert_eq!(north.delete(unit("tower", NORTH)).await, Ok(()));
    assert_eq!(north.count(Table::Unit, "").await, 0);
    assert_eq!(owner_of(&*world.store, Table::Unit, "floor").await.unwrap(), None);
    assert_eq!(operations(&world, before).await, ["unit.update", "unit.delete", "unit.delete"]);
}

pub(super) async fn a_tree_of_units_is_bounded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let north = Directory::of(&world, NORTH);
    let mut parent = NORTH.to_owned();
    for level in 1..=limit::UNIT_LEVELS {
        let id = format!("level{level}");
        assert_eq!(north.create(unit(&id, &parent)).await, Ok(()));
        parent = id;
    }
    let deepest = limit::UNIT_LEVELS;
    assert_eq!(north.create(unit("below", &parent)).await, Err(Refusal::TooDeep(deepest)));
    let quotas = Quotas { units: Some(u32::from(deepest) + 1), ..Quotas::default() };
    north.set(OrganizationPatch { quotas: Some(quotas), ..OrganizationPatch::default() }).await;
    let outcomes = north
        .all(vec![
            ResourceChange::Create(unit("sixteenth", NORTH).into()),
            ResourceChange::Create(unit("seventeenth", NORTH).into()),
        ])
        .await;
    let reached = Refusal::LimitReached { of: "units of an organization", most: u32::from(deepest) + 1 };
    assert_eq!(outcomes, [Ok(()), Err(reached)]);
}

pub(super) async fn a_tree_of_units_is_walked_in_pages(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let north = Directory::of(&world, NORTH);
    for (id, parent) in
        [("a", NORTH), ("b", NORTH), ("a1", "a"), ("a2", "a"), ("a1x", "a1"), ("b1", "b"), ("c", NORTH)]
    {
        assert_eq!(north.create(unit(id, parent)).await, Ok(()));
    }
    for (parent, depth, expected) in [
        (NORTH, 1, vec!["a", "b", "c"]),
        (NORTH, 2, vec!["a", "a1", "a2", "b", "b1", "c"]),
        (NORTH, 3, vec!["a", "a1", "a1x", "a2", "b", "b1", "c"]),
        (NORTH, usize::MAX, vec!["a", "a1", "a1x", "a2", "b", "b1", "c"]),
        ("a", 1, vec!["a1", "a2"]),
        ("a", 9, vec!["a1", "a1x", "a2"]),
        ("c", 9, vec![]),
    ] {
        let parent = unit_id(parent);
        let tree = UnitTree::new(&*world.store, &north.id, &parent, depth);
        for limit in [1, 2, 3, 100] {
            let (mut seen, mut place) = (Vec::new(), Some(Vec::new()));
            while let Some(after) = place {
                let (page, next) = tree.page(after, limit).await.unwrap();
                assert!(page.len() <= limit);
                assert!(page.len() == limit || next.is_none(), "a page that is not full is the last");
                seen.extend(page.iter().map(|unit| unit.id.suffix().to_owned()));
                place = next;
            }
            assert_eq!(seen, expected, "{parent} {depth} {limit}");
        }
    }
}

pub(super) async fn contacts_stand_in_address_books(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let north = Directory::of(&world, NORTH);
    assert_eq!(north.create(contact("desk", "one", number())).await, Err(Refusal::Missing("address book")));
    assert_eq!(north.create(book("desk")).await, Ok(()));
    assert_eq!(north.create(book("bar")).await, Ok(()));
    let missing = Refusal::Missing("communication profile");
    assert_eq!(north.create(contact("desk", "one", to_profile("p"))).await, Err(missing));
    Directory::of(&world, NORTHERN).add_profile("theirs", "their-lobby").await;
    assert_eq!(north.create(contact("desk", "one", to_profile("theirs"))).await, Err(missing));
    north.add_profile("p", "lobby").await;
    assert_eq!(north.create(contact("desk", "one", to_profile("p"))).await, Ok(()));
    assert_eq!(north.create(contact("desk", "one", number())).await, Err(Refusal::Exists));
    assert_eq!(north.create(contact("bar", "one", number())).await, Err(Refusal::IdTaken));
    let outcomes = north
        .all(vec![
            ResourceChange::Create(contact("desk", "two", number()).into()),
            ResourceChange::Create(contact("desk", "three", to_profile("nobody")).into()),
            ResourceChange::Create(contact("desk", "two", number()).into()),
            ResourceChange::Create(contact("desk", "four", to_profile("p")).into()),
        ])
        .await;
    assert_eq!(outcomes, [Ok(()), Err(missing), Err(Refusal::Exists), Ok(())]);
    let world = world.again(adapter).await;
    let north = Directory::of(&world, NORTH);
    assert_eq!(north.list::<Contact>("desk").await, ["four", "one", "two"]);
    assert_eq!(north.count(Table::Contact, "desk").await, 3);
    assert_eq!(north.ids(Table::ContactOfProfile, "p").await, ["four", "one"]);
    assert_eq!(north.update(contact("desk", "four", number())).await, Ok(()));
    assert_eq!(north.ids(Table::ContactOfProfile, "p").await, ["one"]);
    assert_eq!(north.delete(contact("desk", "two", number())).await, Ok(()));
    assert_eq!(north.count(Table::Contact, "desk").await, 2);
    // An address book takes its contacts along.
    assert_eq!(north.delete(book("desk")).await, Ok(()));
    assert_eq!(north.list::<Contact>("desk").await, [""; 0]);
    assert_eq!(north.ids(Table::ContactOfProfile, "p").await, [""; 0]);
    assert_eq!(north.ids(Table::BookOfContact, "").await, [""; 0]);
    assert_eq!(north.list::<AddressBook>("").await, ["bar"]);
}

pub(super) async fn what_goes_with_a_profile_goes_in_its_commit(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let north = Directory::of(&world, NORTH);
    for (id, at) in [("p", "lobby"), ("q", "bar")] {
        north.add_profile(id, at).await;
    }
    for id in ["desk", "bar"] {
        assert_eq!(north.create(book(id)).await, Ok(()));
    }
    for new in [
        contact("desk", "one", to_profile("p")),
        contact("desk", "two", to_profile("q")),
        contact("bar", "three", to_profile("p")),
    ] {
        assert_eq!(north.create(new).await, Ok(()));
    }
    for new in [reciprocal("p", "two"), reciprocal("q", "one"), reciprocal("q", "two")] {
        assert_eq!(north.create(new).await, Ok(()));
    }
    assert_eq!(north.create(reciprocal("q", "gone")).await, Err(Refusal::Missing("contact")));
    for new in [
        setting("p", SettingName::DropIn, "q"),
        setting("q", SettingName::Block, "p"),
        setting("q", SettingName::Block, "q"),
    ] {
        assert_eq!(north.create(new).await, Ok(()));
    }
    let before = world.last_change().await;
    let gone = world.store.delete_profile(&organization_id(NORTH), &amazon("p"), origin()).await.unwrap();
    assert_eq!(gone, DeleteProfileOutcome::Deleted);
    let changes = world.changes().await;
    let gone = changes.iter().filter(|change| change.sequence > before);
    assert!(
        gone.map(owner_said).all(|owner| owner == Some(organization_id(NORTH))),
        "whose it was: {changes:?}"
    );
    let mut names = operations(&world, before).await;
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "contact.delete",
            "contact.delete",
            "contact_setting.delete",
            "contact_setting.delete",
            "profile.delete",
            "reciprocal_association.delete",
            "reciprocal_association.delete",
        ]
    );
    let world = world.again(adapter).await;
    let north = Directory::of(&world, NORTH);
    assert_eq!(north.list::<Contact>("desk").await, ["two"]);
    assert_eq!(north.list::<Contact>("bar").await, [""; 0]);
    assert_eq!(north.list::<ReciprocalAssociation>("q").await, ["two"]);
    assert_eq!(north.list::<ContactSetting>("q").await, ["Block:q"]);
    // With its contact goes the association with it.
    assert_eq!(north.delete(contact("desk", "two", number())).await, Ok(()));
    assert_eq!(north.list::<ReciprocalAssociation>("q").await, [""; 0]);
}

pub(super) async fn address_books_are_associated_with_units(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let north = Directory::of(&world, NORTH);
    assert_eq!(north.create(unit("lobby", NORTH)).await, Ok(()));
    assert_eq!(north.create(association("desk", "lobby")).await, Err(Refusal::Missing("address book")));
    for at in 0..=limit::BOOKS_OF_UNIT {
        assert_eq!(north.create(book(&format!("book{at:02}"))).await, Ok(()));
    }
    assert_eq!(north.create(association("book00", "nowhere")).await, Err(Refusal::Missing("unit")));
    for at in 0..limit::BOOKS_OF_UNIT {
        assert_eq!(north.create(association(&format!("book{at:02}"), "lobby")).await, Ok(()));
    }
    let most = limit::BOOKS_OF_UNIT;
    let reached = Refusal::LimitReached { of: "address books of a unit", most };
    assert_eq!(north.create(association("book10", "lobby")).await, Err(reached));
    assert_eq!(north.create(association("book10", NORTH)).await, Ok(()), "the organization is a unit");
    assert_eq!(north.create(association("book00", "lobby")).await, Err(Refusal::Exists));
    let world = world.again(adapter).await;
    let north = Directory::of(&world, NORTH);
    assert_eq!(north.list::<UnitAssociation>("book00").await, ["lobby"]);
    assert_eq!(north.ids(Table::BookOfUnit, "lobby").await.len(), 10);
    assert_eq!(north.delete(unit("lobby", NORTH)).await, Err(Refusal::HasAddressBooks));
    assert_eq!(north.delete(association("book00", "lobby")).await, Ok(()));
    for at in 1..limit::BOOKS_OF_UNIT {
        assert_eq!(north.delete(book(&format!("book{at:02}"))).await, Ok(()));
    }
    assert_eq!(north.ids(Table::BookOfUnit, "lobby").await, [""; 0]);
    assert_eq!(north.delete(unit("lobby", NORTH)).await, Ok(()));
}

pub(super) async fn units_and_profiles_keep_each_other(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let north = Directory::of(&world, NORTH);
    assert_eq!(north.create(unit("room", NORTH)).await, Ok(()));
    north.add_profile("p", "room").await;
    assert_eq!(north.delete(unit("room", NORTH)).await, Err(Refusal::HasProfile));
    // A unit that is not here may have a profile, unless the organization is strict.
    north.add_profile("q", "elsewhere").await;
    let strict = OrganizationPatch { strict_units: Some(true), ..OrganizationPatch::default() };
    north.set(strict).await;
    let create = async |new| world.store.create_profile(new, origin()).await.unwrap();
    assert_eq!(create(profile("r", NORTH, "nowhere")).await, CreateProfileOutcome::NoSuchUnit);
    let put = world.store.put_profiles(vec![profile("r", NORTH, "nowhere")], origin()).await.unwrap();
    assert_eq!(put, [PutProfileOutcome::NoSuchUnit]);
    assert_eq!(create(profile("r", NORTH, NORTH)).await, CreateProfileOutcome::Created);
    assert_eq!(north.create(unit("nowhere", NORTH)).await, Ok(()));
    assert_eq!(create(profile("s", NORTHERN, "nowhere")).await, CreateProfileOutcome::UnitTaken);
    assert_eq!(create(profile("s", NORTH, "nowhere")).await, CreateProfileOutcome::Created);
    let stranger = Directory::of(&world, NORTHERN);
    assert_eq!(stranger.create(unit("elsewhere", NORTHERN)).await, Err(Refusal::IdTaken));
    assert_eq!(north.create(unit("elsewhere", NORTH)).await, Ok(()));
}

pub(super) async fn an_organization_with_resources_stays(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let create = RegistryCommand::CreateOrganization(super::world::organization("east"));
    assert_eq!(world.store.change_registry(create, origin()).await.unwrap(), RegistryOutcome::Done);
    let east = Directory::of(&world, "east");
    let delete = async || {
        let command = RegistryCommand::DeleteOrganization(organization_id("east"));
        world.store.change_registry(command, origin()).await.unwrap()
    };
    assert_eq!(east.create(unit("room", "east")).await, Ok(()));
    assert_eq!(delete().await, RegistryOutcome::InUse);
    assert_eq!(east.create(book("desk")).await, Ok(()));
    assert_eq!(east.delete(unit("room", "east")).await, Ok(()));
    assert_eq!(delete().await, RegistryOutcome::InUse);
    assert_eq!(east.create(calling_skill("s", "http://one")).await, Ok(()));
    assert_eq!(east.delete(book("desk")).await, Ok(()));
    assert_eq!(delete().await, RegistryOutcome::InUse);
    assert_eq!(east.delete(calling_skill("s", "http://one")).await, Ok(()));
    assert_eq!(delete().await, RegistryOutcome::Done);
}

pub(super) async fn a_skill_is_of_one_organization(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let (north, northern) = (Directory::of(&world, NORTH), Directory::of(&world, NORTHERN));
    let mut skill = calling_skill("s", "http://one");
    skill.client_id = Some(client_id("nobody"));
    assert_eq!(north.create(skill.clone()).await, Err(Refusal::Missing("client")));
    skill.client_id = None;
    assert_eq!(north.create(skill.clone()).await, Ok(()));
    assert_eq!(northern.create(skill.clone()).await, Err(Refusal::IdTaken));
    let other = calling_skill("s", "http://other");
    assert_eq!(northern.one(ResourceChange::Put(other.clone().into())).await, Err(Refusal::IdTaken));
    assert_eq!(north.one(ResourceChange::Put(other.clone().into())).await, Ok(()));
    let world = world.again(adapter).await;
    let (north, northern) = (Directory::of(&world, NORTH), Directory::of(&world, NORTHERN));
    assert_eq!(north.find(&skill).await.as_ref(), Some(&other));
    assert_eq!(northern.find(&skill).await, None);
    let owner = owner_of(&*world.store, Table::Skill, "s").await.unwrap();
    assert_eq!(owner, Some(organization_id(NORTH)));
    assert_eq!(count_resources(&*world.store, &organization_id(NORTH), Table::Skill, "").await.unwrap(), 1);
    assert_eq!(north.delete(skill.clone()).await, Ok(()));
    assert_eq!(north.delete(skill.clone()).await, Err(Refusal::NotFound));
    assert_eq!(northern.create(skill).await, Ok(()));
    let changes = world.changes().await;
    let of_skills = changes.iter().filter(|change| change.operation_name().starts_with("skill."));
    let owners: Vec<_> = of_skills.map(owner_said).collect();
    assert_eq!(owners, [NORTH, NORTH, NORTH, NORTHERN].map(|id| Some(organization_id(id))));
}

pub(super) async fn an_address_book_is_bounded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let north = Directory::of(&world, NORTH);
    let quotas = Quotas { address_books: Some(1), contacts: Some(2), ..Quotas::default() };
    north.set(OrganizationPatch { quotas: Some(quotas), ..OrganizationPatch::default() }).await;
    assert_eq!(north.create(book("desk")).await, Ok(()));
    let books = Refusal::LimitReached { of: "address books of an organization", most: 1 };
    assert_eq!(north.create(book("bar")).await, Err(books));
    let three =
        ["one", "two", "three"].map(|id| ResourceChange::Create(contact("desk", id, number()).into()));
    let contacts = Refusal::LimitReached { of: "contacts of an address book", most: 2 };
    assert_eq!(north.all(three.into()).await, [Ok(()), Ok(()), Err(contacts)]);
    // One that is there can be changed, and makes room when it goes.
    assert_eq!(north.update(contact("desk", "two", number())).await, Ok(()));
    assert_eq!(north.delete(contact("desk", "two", number())).await, Ok(()));
    assert_eq!(north.create(contact("desk", "three", number())).await, Ok(()));
}
