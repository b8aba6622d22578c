//! What can be done with what an answer names: for people who read, and for testers that walk from one operation to
//! the next.

use serde_json::{Map, Value, json};

/// The provider of the request's own path.
const SAME_PROVIDER: (&str, &str) = ("path.serviceProviderId", "$request.path.serviceProviderId");
const NEW_PROVIDER: (&str, &str) = ("path.serviceProviderId", "$response.body#/serviceProviderId");
const NEW_PROFILE: (&str, &str) = ("path.amazonId", "$response.body#/profileId/profileId");
const FIRST_PROFILE: (&str, &str) = ("path.amazonId", "$response.body#/items/0/result/profileId/profileId");

/// The links of the answers to an operation that succeeded; nothing where there are none.
pub(in super::super) fn links(id: &str) -> Option<Value> {
    let all = |operations: &[&str], parameter| {
        let links = operations.iter().map(|operation| (capitalized(operation), link(operation, parameter)));
        Value::Object(links.collect::<Map<_, _>>())
    };
    Some(match id {
        "createAccountAssociation" => of_an_association(),
        "createServiceProvider" => all(
            &[
                "getServiceProvider",
                "updateServiceProvider",
                "deleteServiceProvider",
                "createNetwork",
                "getNetwork",
                "createAccountAssociation",
                "queryAccountAssociations",
            ],
            NEW_PROVIDER,
        ),
        // Not to the search by unit: a tester that deletes the profile by its id does not see that the search must
        // fail since.
        "createProfile" => all(&["getProfile", "updateProfile", "deleteProfile"], NEW_PROFILE),
        "createProfiles" => all(&["getProfile", "deleteProfile"], FIRST_PROFILE),
        "findProfile" => all(&["getProfile", "updateProfile"], NEW_PROFILE),
        "createNetwork" => all(&["getNetwork", "updateNetwork", "deleteNetwork"], SAME_PROVIDER),
        _ => return None,
    })
}

/// An association is named in bodies: its answers have none.
fn of_an_association() -> Value {
    let mut query = link("queryAccountAssociations", SAME_PROVIDER);
    query["requestBody"] = json!({ "filters": { "externalUserIds": ["$request.body#/externalUserId"] } });
    let mut update = link("updateAccountAssociation", SAME_PROVIDER);
    update["requestBody"] = json!({
        "externalUserId": "$request.body#/externalUserId",
        "amazonId": "$request.body#/amazonId",
        "amazonIdType": "$request.body#/amazonIdType",
    });
    let mut delete = link("deleteAccountAssociation", SAME_PROVIDER);
    delete["requestBody"] = json!({ "externalUserId": "$request.body#/externalUserId" });
    json!({
        "QueryAccountAssociations": query,
        "UpdateAccountAssociation": update,
        "DeleteAccountAssociation": delete,
    })
}

fn link(operation: &str, (parameter, expression): (&str, &str)) -> Value {
    json!({ "operationId": operation, "parameters": { parameter: expression } })
}

fn capitalized(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}
