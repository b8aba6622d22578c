//! A property with resources of every kind.

use jackfield_model::wire::{ContactTarget, ProviderContact, SettingName};

use super::world::{
    association, book, contact, external, number, organization_id, origin, reciprocal, setting, to_profile,
    unit,
};
use crate::Store;
use crate::resource::{Resource, ResourceChange};

/// Creates resources of every kind in an organization that has this profile, which some of them refer to. Answers how
/// many.
///
/// # Panics
/// When one of them is refused.
pub async fn furnish(store: &dyn Store, organization: &str, profile: &str) -> u64 {
    let id = |name: &str| format!("{organization}-{name}");
    let (tower, floor) = (id("tower"), id("floor"));
    let (desk, bar) = (id("desk"), id("bar"));
    let (person, room) = (id("person"), id("room"));
    let phone = ContactTarget::ProviderContact(ProviderContact { id: external("72\"é\\01") });
    let new: Vec<Resource> = vec![
        unit(&tower, organization).into(),
        unit(&floor, &tower).into(),
        book(&desk).into(),
        book(&bar).into(),
        contact(&desk, &person, number()).into(),
        contact(&desk, &room, to_profile(profile)).into(),
        contact(&desk, &id("phone"), phone).into(),
        contact(&bar, &id("guest"), number()).into(),
        association(&desk, &floor).into(),
        association(&desk, organization).into(),
        association(&bar, &floor).into(),
        reciprocal(profile, &room).into(),
        reciprocal(profile, &person).into(),
        setting(profile, SettingName::DropIn, profile).into(),
        setting(profile, SettingName::Block, profile).into(),
    ];
    let count = new.len();
    let new = new.into_iter().map(ResourceChange::Create).collect();
    let outcomes = store.change_resources(&organization_id(organization), new, origin()).await;
    assert_eq!(outcomes.expect("the store is available"), vec![Ok(()); count]);
    count as u64
}
