//! The route templates of the public API, used by the server's router and by the client.

use std::fmt;

use crate::{AddressBookId, AmazonId, ContactId, ServiceProviderId};

/// Create (POST), update (PUT) and delete (DELETE) of an account association.
pub const EXTERNAL_USERS: &str = "/v1/communications/serviceProviders/{serviceProviderId}/externalUsers";

/// Query (POST) of account associations.
pub const EXTERNAL_USERS_QUERY: &str =
    "/v1/communications/serviceProviders/{serviceProviderId}/externalUsers/query";

/// Create (POST) of a service provider.
pub const SERVICE_PROVIDERS: &str = "/v1/communications/serviceProviders";

/// Get (GET), update (PUT) and delete (DELETE) of a service provider.
pub const SERVICE_PROVIDER: &str = "/v1/communications/serviceProviders/{serviceProviderId}";

/// Create (POST), get (GET), update (PUT) and delete (DELETE) of a service provider's network mapping.
pub const NETWORK: &str = "/v1/communications/serviceProviders/{serviceProviderId}/network";

/// Create (POST) of a communication profile, and get (GET) by the unit that it speaks for.
pub const PROFILES: &str = "/v1/communications/profile";

/// Get (GET), update (PUT) and delete (DELETE) of a communication profile.
/// The parameter is not called `profileId`: answers have an object of that name, in which the id stands, and tools
/// that match names would send it.
pub const PROFILE: &str = "/v1/communications/profile/{amazonId}";

/// Create (POST) of many communication profiles.
pub const PROFILES_BATCH: &str = "/v1/communications/profiles/batch";

/// Create (POST) and list (GET) of units.
pub const UNITS: &str = "/v2/units";

/// Get (GET), update (PUT) and delete (DELETE) of a unit.
pub const UNIT: &str = "/v2/units/{unitId}";

/// Create (POST) and list (GET) of address books.
pub const ADDRESS_BOOKS: &str = "/v1/addressBooks";

/// Get (GET), update (PUT) and delete (DELETE) of an address book.
pub const ADDRESS_BOOK: &str = "/v1/addressBooks/{addressBookId}";

/// Create (POST) and list (GET) of an address book's contacts.
pub const CONTACTS: &str = "/v1/addressBooks/{addressBookId}/contacts";

/// Create (POST) of many contacts.
pub const CONTACTS_BATCH: &str = "/v1/addressBooks/{addressBookId}/contacts/batch";

/// Get (GET), update (PUT) and delete (DELETE) of a contact.
pub const CONTACT: &str = "/v1/addressBooks/{addressBookId}/contacts/{contactId}";

/// Create (POST), list (GET) and delete (DELETE) of an address book's associations with units.
pub const UNIT_ASSOCIATIONS: &str = "/v1/addressBooks/{addressBookId}/unitAssociations";

/// Create (POST) of many associations of an address book with units.
pub const UNIT_ASSOCIATIONS_BATCH: &str = "/v1/addressBooks/{addressBookId}/unitAssociations/batch";

/// List (GET) of the address books that are associated with a unit.
pub const UNIT_ASSOCIATIONS_OF_UNIT: &str = "/v1/addressBooks/unitAssociations";

/// Create (POST), get (GET) and delete (DELETE) of a profile's reciprocal association with a contact.
pub const RECIPROCAL_ASSOCIATIONS: &str = "/v1/communications/profile/{amazonId}/reciprocalAssociations";

/// Set (PUT) and get (GET) whether a profile lets another drop in.
pub const DROP_IN: &str = "/v1/communications/profile/{amazonId}/contacts/settings/DropIn";

/// Set (PUT) and list (GET) whose calls a profile blocks.
pub const BLOCK: &str = "/v1/communications/profile/{amazonId}/contacts/settings/Block";

/// Signal (POST) a call.
pub const SIGNALING: &str = "/v1/communications/signaling";

/// The token endpoint of Login with Amazon.
pub const TOKEN: &str = "/auth/o2/token";

/// The token endpoint as some published clients spell it.
pub const TOKEN_ALTERNATE: &str = "/auth/O2/token";

/// What an access token is worth: its client, its user and how long it lives.
pub const TOKEN_INFO: &str = "/auth/o2/tokeninfo";

/// The same as some published clients spell it.
pub const TOKEN_INFO_ALTERNATE: &str = "/auth/O2/tokeninfo";

/// The profile of the user that an access token stands for.
pub const USER_PROFILE: &str = "/user/profile";

/// The consent page of the authorization code grant.
pub const CONSENT: &str = "/ap/oa";

/// The path of a provider's external users.
#[must_use]
pub fn external_users(provider: ServiceProviderId) -> String {
    fill(EXTERNAL_USERS, provider)
}

/// The path of the query of a provider's external users.
#[must_use]
pub fn external_users_query(provider: ServiceProviderId) -> String {
    fill(EXTERNAL_USERS_QUERY, provider)
}

/// The path of a service provider.
#[must_use]
pub fn service_provider(provider: ServiceProviderId) -> String {
    fill(SERVICE_PROVIDER, provider)
}

/// The path of a provider's network mapping.
#[must_use]
pub fn network(provider: ServiceProviderId) -> String {
    fill(NETWORK, provider)
}

/// The path of a communication profile.
#[must_use]
pub fn profile(id: &AmazonId) -> String {
    fill(PROFILE, id)
}

/// The path of an address book's contacts.
#[must_use]
pub fn contacts(book: &AddressBookId) -> String {
    fill(CONTACTS, book)
}

/// The path of a batch of an address book's contacts.
#[must_use]
pub fn contacts_batch(book: &AddressBookId) -> String {
    fill(CONTACTS_BATCH, book)
}

/// The path of a contact.
#[must_use]
pub fn contact(book: &AddressBookId, id: &ContactId) -> String {
    fill(&fill(CONTACT, book), id)
}

/// The path of a template with a value in the place of its first parameter.
fn fill(template: &str, value: impl fmt::Display) -> String {
    let (before, rest) = template.split_once('{').expect("the template has a parameter");
    let (_, after) = rest.split_once('}').expect("the parameter ends");
    format!("{before}{value}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_carry_the_provider() {
        let provider: ServiceProviderId =
            "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".parse().unwrap();
        assert_eq!(
            external_users_query(provider),
            "/v1/communications/serviceProviders/amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10/externalUsers/query"
        );
    }
}
