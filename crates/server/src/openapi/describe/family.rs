//! The operations on service providers, their network mapping and communication profiles.

use serde_json::json;

use super::{
    ADMIN_LIST_ERRORS, AdminText, BAD_REQUEST, Description, ErrorList, FORBIDDEN, INTERNAL, JSON, LIMITED,
    Parameter, UNAUTHORIZED, UNAVAILABLE,
};

const PROVIDERS: &str = "Service providers";
const PROFILES: &str = "Communication profiles";

const PROFILE_UNAUTHORIZED: (u16, &str) = (
    401,
    "The access token is missing, unknown, expired or revoked, or the unit or profile belongs to another organization.",
);
const PROFILE_FORBIDDEN: (u16, &str) = (
    403,
    "The token is valid, the operation not allowed: the scope is missing, or there are no communication profiles in the country and vertical.",
);
const NO_PROVIDER: (u16, &str) = (404, "No such service provider.");
const NO_NETWORK: (u16, &str) = (404, "No such service provider, or it has no network mapping.");
const NO_PROFILE: (u16, &str) = (404, "No such communication profile.");

const CREATE_PROVIDER_ERRORS: ErrorList = &[
    BAD_REQUEST,
    UNAUTHORIZED,
    FORBIDDEN,
    (409, "The organization has a service provider with this serviceProviderLogicalId already."),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];
const PROVIDER_ERRORS: ErrorList =
    &[BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NO_PROVIDER, LIMITED, INTERNAL, UNAVAILABLE];
const DELETE_PROVIDER_ERRORS: ErrorList = &[
    BAD_REQUEST,
    UNAUTHORIZED,
    FORBIDDEN,
    NO_PROVIDER,
    (409, "It has associations and `cascade` is not `true`, or it has too many of them."),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];
const CREATE_NETWORK_ERRORS: ErrorList = &[
    BAD_REQUEST,
    UNAUTHORIZED,
    FORBIDDEN,
    NO_PROVIDER,
    (409, "The service provider has a network mapping already."),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];
const NETWORK_ERRORS: ErrorList =
    &[BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NO_NETWORK, LIMITED, INTERNAL, UNAVAILABLE];
const CREATE_PROFILE_ERRORS: ErrorList =
    &[BAD_REQUEST, PROFILE_UNAUTHORIZED, PROFILE_FORBIDDEN, LIMITED, INTERNAL, UNAVAILABLE];
const PROFILE_ERRORS: ErrorList =
    &[BAD_REQUEST, PROFILE_UNAUTHORIZED, PROFILE_FORBIDDEN, NO_PROFILE, LIMITED, INTERNAL, UNAVAILABLE];
const DELETE_PROFILE_ERRORS: ErrorList = &[
    BAD_REQUEST,
    PROFILE_UNAUTHORIZED,
    PROFILE_FORBIDDEN,
    NO_PROFILE,
    (409, "The organization has strict profiles and associations name this one."),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];

/// Says what an operation does and answers.
pub(super) fn describe(id: &str) -> Option<Description> {
    organization(id).or_else(|| provider(id)).or_else(|| profile(id))
}

/// Which query parameters must be there.
pub(in super::super) fn required_query(id: &str) -> &'static [&'static str] {
    match id {
        "findProfile" => &["entity.type", "entity.id"],
        _ => &[],
    }
}

/// Another status of success, with the same body.
pub(in super::super) fn other_success(id: &str) -> Option<(u16, &'static str)> {
    match id {
        "createProfiles" => Some((207, "Some items failed; each says how. The others are stored.")),
        _ => None,
    }
}

/// The parameter that takes the associations of a deleted provider with it.
pub(super) fn cascade() -> Parameter {
    (
        "cascade",
        json!({ "type": "boolean", "default": false }),
        "Whether its associations go with it, all in one commit; at most 100,000.",
    )
}

fn organization(id: &str) -> Option<Description> {
    Some(match id {
        "createServiceProvider" => Description {
            id: "createServiceProvider",
            tag: PROVIDERS,
            summary: "Create a service provider",
            text: "Adds a service provider to the caller's organization. The answer has the id that was issued for it.",
            query: vec![],
            request: Some((JSON, "NewProvider", true)),
            success: (201, "Created.", Some((JSON, "Provider"))),
            errors: CREATE_PROVIDER_ERRORS,
        },
        "createProfile" => Description {
            id: "createProfile",
            tag: PROFILES,
            summary: "Create a communication profile",
            text: "Gives a unit a communication profile. A unit that has one keeps it: the answer has the same id, and the profile the new name where there is one.",
            query: vec![],
            request: Some((JSON, "NewUnitProfile", true)),
            success: (201, "The unit has this profile.", Some((JSON, "UnitProfile"))),
            errors: CREATE_PROFILE_ERRORS,
        },
        "createProfiles" => Description {
            id: "createProfiles",
            tag: PROFILES,
            summary: "Create many communication profiles",
            text: "Creates 1 to 100 profiles. Each item is decided as if it came alone, in their order; a bad one spoils itself alone. The answer has the outcome of each in the same order.",
            query: vec![],
            request: Some((JSON, "ProfileBatch", true)),
            success: (200, "All items succeeded.", Some((JSON, "ProfileBatchAnswer"))),
            errors: CREATE_PROFILE_ERRORS,
        },
        "findProfile" => Description {
            id: "findProfile",
            tag: PROFILES,
            summary: "Get the communication profile of a unit",
            text: "",
            query: vec![
                ("entity.type", json!({ "const": "UNIT" }), "The kind of entity."),
                ("entity.id", super::super::reference("UnitId"), "The unit."),
            ],
            request: None,
            success: (200, "The profile.", Some((JSON, "UnitProfile"))),
            errors: PROFILE_ERRORS,
        },
        _ => return None,
    })
}

fn provider(id: &str) -> Option<Description> {
    let make = |id, summary, text, request: Option<&'static str>, success, errors| Description {
        id,
        tag: PROVIDERS,
        summary,
        text,
        query: vec![],
        request: request.map(|schema| (JSON, schema, true)),
        success,
        errors,
    };
    Some(match id {
        "getServiceProvider" => make(
            "getServiceProvider",
            "Get a service provider",
            "",
            None,
            (200, "The service provider.", Some((JSON, "Provider"))),
            PROVIDER_ERRORS,
        ),
        "updateServiceProvider" => Description {
            request: Some((JSON, "ProviderUpdate", false)),
            ..make(
                "updateServiceProvider",
                "Change the display names of a service provider",
                "They take the place of all there were. Without a body or a name nothing changes.",
                None,
                (200, "Updated.", None),
                PROVIDER_ERRORS,
            )
        },
        "deleteServiceProvider" => Description {
            query: vec![cascade()],
            ..make(
                "deleteServiceProvider",
                "Delete a service provider",
                "It must have no associations, or `cascade` takes them with it.",
                None,
                (200, "Deleted.", None),
                DELETE_PROVIDER_ERRORS,
            )
        },
        "createNetwork" => make(
            "createNetwork",
            "Map the network of a service provider",
            "Says which skill carries the calls to the provider's network.",
            Some("Network"),
            (201, "Created.", None),
            CREATE_NETWORK_ERRORS,
        ),
        "getNetwork" => make(
            "getNetwork",
            "Get the network mapping of a service provider",
            "",
            None,
            (200, "The mapping.", Some((JSON, "Network"))),
            NETWORK_ERRORS,
        ),
        "updateNetwork" => make(
            "updateNetwork",
            "Change the network mapping of a service provider",
            "It never creates one.",
            Some("Network"),
            (200, "Updated.", None),
            NETWORK_ERRORS,
        ),
        "deleteNetwork" => make(
            "deleteNetwork",
            "Delete the network mapping of a service provider",
            "",
            None,
            (200, "Deleted.", None),
            NETWORK_ERRORS,
        ),
        _ => return None,
    })
}

fn profile(id: &str) -> Option<Description> {
    let make = |id, summary, text, request: Option<&'static str>, success, errors| Description {
        id,
        tag: PROFILES,
        summary,
        text,
        query: vec![],
        request: request.map(|schema| (JSON, schema, true)),
        success,
        errors,
    };
    Some(match id {
        "getProfile" => make(
            "getProfile",
            "Get a communication profile",
            "",
            None,
            (200, "The profile.", Some((JSON, "UnitProfile"))),
            PROFILE_ERRORS,
        ),
        "updateProfile" => make(
            "updateProfile",
            "Rename a communication profile",
            "",
            Some("UnitProfileUpdate"),
            (200, "Updated.", None),
            PROFILE_ERRORS,
        ),
        "deleteProfile" => make(
            "deleteProfile",
            "Delete a communication profile",
            "Under strict profiles it must not be named by an association of the organization; otherwise such associations stay.",
            None,
            (200, "Deleted.", None),
            DELETE_PROFILE_ERRORS,
        ),
        _ => return None,
    })
}

/// The operator's view of a network mapping.
pub(super) fn admin_network(id: &str) -> AdminText {
    let errors = ADMIN_LIST_ERRORS;
    match id {
        "adminSetNetwork" => AdminText {
            id: "adminSetNetwork",
            summary: "Set the network mapping of a service provider",
            text: "Whether it has one or not.",
            request: Some(("Network", true)),
            success: (200, Some("Network")),
            errors,
        },
        "adminDeleteNetwork" => AdminText {
            id: "adminDeleteNetwork",
            summary: "Delete the network mapping of a service provider",
            text: "",
            request: None,
            success: (204, None),
            errors,
        },
        _ => AdminText {
            id: "adminGetNetwork",
            summary: "Get the network mapping of a service provider",
            text: "",
            request: None,
            success: (200, Some("Network")),
            errors,
        },
    }
}
