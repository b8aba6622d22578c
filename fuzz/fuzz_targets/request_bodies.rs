//! Request bodies: whatever the bytes, a parser answers with a refusal fit to print or with a value that is
//! within every bound and survives the way over the wire.
#![no_main]

use std::fmt::Debug;

use jackfield_model::json::{InvalidRequest, Object};
use jackfield_model::limit;
use jackfield_model::note::Reading;
use jackfield_model::wire::{
    Association, BatchItem, DeleteRequest, Network, NewAddressBook, NewContact, NewProfile,
    NewReciprocalAssociation, NewServiceProvider, NewUnit, NewUnitAssociation, ProfileUpdate, QueryRequest,
    ServiceProviderUpdate, SettingValue,
};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;

/// Longest refusal that is fit to print, in bytes. The longest fixed text has less than half of that.
const MESSAGE_BYTES: usize = 400;

fuzz_target!(|body: &[u8]| {
    association(body);
    delete(body);
    query(body);
    family(body);
    resources(body);
});

fn family(body: &[u8]) {
    if let Some(provider) = accepted(NewServiceProvider::parse(body)) {
        assert!(provider.display_name.len() <= limit::DISPLAY_NAMES);
        travels(&provider, NewServiceProvider::parse);
        let display_name = Some(provider.display_name).filter(|names| !names.is_empty());
        travels(&ServiceProviderUpdate { display_name }, ServiceProviderUpdate::parse);
    }
    if let Some(network) = accepted(Network::parse(body)) {
        travels(&network, Network::parse);
    }
    if let Some(profile) = accepted(NewProfile::parse(body)) {
        travels(&profile, NewProfile::parse);
    }
    if let Some(update) = accepted(ProfileUpdate::parse(body)) {
        travels(&update, ProfileUpdate::parse);
    }
    batch(body, NewProfile::from_object, NewProfile::parse);
}

fn resources(body: &[u8]) {
    if let Some(unit) = accepted(NewUnit::parse(body)) {
        travels(&unit, NewUnit::parse);
    }
    if let Some(book) = accepted(NewAddressBook::parse(body)) {
        assert!((1..=limit::BOOK_NAME_CHARS).contains(&book.name.chars().count()));
        travels(&book, NewAddressBook::parse);
    }
    if let Some(contact) = accepted(NewContact::parse(body)) {
        travels(&contact, NewContact::parse);
    }
    if let Some(reciprocal) = accepted(NewReciprocalAssociation::parse(body)) {
        travels(&reciprocal, NewReciprocalAssociation::parse);
    }
    if let Some(setting) = accepted(SettingValue::parse(body)) {
        travels(&setting, SettingValue::parse);
    }
    batch(body, NewContact::from_object, NewContact::parse);
    batch(body, NewUnitAssociation::from_object, NewUnitAssociation::parse);
}

fn batch<T: Serialize + PartialEq + Debug>(
    body: &[u8],
    read: impl Fn(&Object<'_>) -> Result<T, InvalidRequest>,
    parse: impl Fn(&[u8]) -> Result<T, InvalidRequest>,
) {
    let Some(items) = accepted(BatchItem::parse_all(body, read)) else { return };
    assert!((1..=limit::BATCH_ITEMS).contains(&items.len()));
    for item in items {
        if let Some(value) = accepted(item.value) {
            travels(&value, &parse);
        }
    }
}

fn create(body: &[u8]) -> Result<Association, InvalidRequest> {
    Association::parse_create(body, &mut Reading::default())
}

fn update(body: &[u8]) -> Result<Association, InvalidRequest> {
    Association::parse_update(body, &mut Reading::default())
}

fn remove(body: &[u8], parameter: Option<&str>) -> Result<DeleteRequest, InvalidRequest> {
    DeleteRequest::parse(body, parameter, &mut Reading::default())
}

fn search(body: &[u8]) -> Result<QueryRequest, InvalidRequest> {
    QueryRequest::parse(body, &mut Reading::default())
}

fn association(body: &[u8]) {
    if let Some(created) = accepted(create(body)) {
        assert_eq!(update(body).as_ref(), Ok(&created), "update reads what create reads");
        travels(&created, create);
        travels(&created, update);
    }
    if let Some(updated) = accepted(update(body)) {
        travels(&updated, update);
        let by_serde: Association =
            serde_json::from_slice(&wire(&updated)).expect("the derived reader agrees");
        assert_eq!(by_serde, updated);
    }
}

fn delete(body: &[u8]) {
    if let Some(delete) = accepted(remove(body, None)) {
        travels(&delete, |bytes| remove(bytes, None));
        let id = delete.external_user_id.as_str();
        assert_eq!(remove(body, Some(id)).as_ref(), Ok(&delete), "the same id twice");
        assert_eq!(remove(b"", Some(id)).as_ref(), Ok(&delete), "the id as parameter alone");
        assert!(remove(body, Some(&format!("{id}x"))).is_err(), "two different ids");
    }
    if let Ok(parameter) = std::str::from_utf8(body)
        && let Some(delete) = accepted(remove(b"", Some(parameter)))
    {
        assert_eq!(delete.external_user_id.as_str(), parameter, "ids are taken byte for byte");
        travels(&delete, |bytes| remove(bytes, None));
    }
}

fn query(body: &[u8]) {
    if let Some(query) = accepted(search(body)) {
        assert!((1..=limit::PAGE_MAX).contains(&query.max_results));
        if let Some(ids) = &query.external_user_ids {
            assert!((1..=limit::QUERY_IDS).contains(&ids.len()));
            assert!(ids.is_sorted_by(|one, next| one < next), "sorted and without repeats");
        }
        travels(&query, search);
    }
}

/// What was read; of a refusal, that its message can be answered and logged.
fn accepted<T>(outcome: Result<T, InvalidRequest>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(InvalidRequest(message)) => {
            assert!((1..=MESSAGE_BYTES).contains(&message.len()), "{} bytes of message", message.len());
            assert!(!message.contains(char::is_control), "a control character in {message:?}");
            None
        }
    }
}

fn travels<T: Serialize + PartialEq + Debug>(value: &T, parse: impl Fn(&[u8]) -> Result<T, InvalidRequest>) {
    assert_eq!(parse(&wire(value)).as_ref(), Ok(value), "what was read is written and read again");
}

fn wire(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("wire bodies can be written")
}
