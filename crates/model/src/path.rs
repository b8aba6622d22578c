//! The route templates of the public API, used by the server's router and by the client.

use std::fmt;

use crate::{AmazonId, ServiceProviderId};

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

/// The path of a template with a value in the place of its parameter.
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
