//! What each operation does and answers, in words.

mod family;
mod links;

use serde_json::{Value, json};

use super::inspect;
use crate::response::{EXPORT_TYPE, JSON_LINES_TYPE};
use crate::router::{Audience, Operation};
use jackfield_model::limit;

pub(super) use family::{other_success, required_query};
pub(super) use links::links;

pub(super) const INTRODUCTION: &str = "A directory that says which Alexa communication profile answers for which endpoint of a \
provider's own network. Every answer bears `X-Amzn-RequestId`; every status of 400 or more has an error object with `type` and \
`message`. A trailing slash is accepted on every path.";

pub(super) const JSON: &str = "application/json";

pub(super) type ErrorList = &'static [(u16, &'static str)];

pub(super) const BAD_REQUEST: (u16, &str) =
    (400, "A property or the body is not valid; the message names it and the rule.");
const UNAUTHORIZED: (u16, &str) = (
    401,
    "The access token is missing, unknown, expired or revoked, or the service provider belongs to another organization.",
);
const FORBIDDEN: (u16, &str) = (
    403,
    "The token is valid, the operation not allowed: the scope is missing, the WebRTC add-on is off, the country and vertical have no account association, or the organization has as many of these objects as its quota allows.",
);
const LIMITED: (u16, &str) = (429, "The client's rate is used up.");
pub(super) const INTERNAL: (u16, &str) =
    (500, "The server failed; the request id leads to the details in its log.");
const UNAVAILABLE: (u16, &str) = (
    503,
    "Maintenance, overload, or a store that cannot be read or written. Nothing was changed, unless the message says that this is not known.",
);
pub(super) const ADMIN_UNAUTHORIZED: (u16, &str) = (401, "The admin token is missing or wrong.");
pub(super) const ADMIN_GUESSING: (u16, &str) = (429, "Too many wrong admin tokens came from this address.");
pub(super) const ADMIN_NOT_FOUND: (u16, &str) = (404, "There is no such object.");
pub(super) const ADMIN_CONFLICT: (u16, &str) = (409, "It is there already, or in use.");
pub(super) const ADMIN_UNAVAILABLE: (u16, &str) = (
    503,
    "The store cannot be read or written. Nothing was changed, unless the message says that this is not known.",
);

const CREATE_ERRORS: ErrorList = &[
    BAD_REQUEST,
    UNAUTHORIZED,
    FORBIDDEN,
    (404, "No such service provider; under strict profiles, no such communication profile."),
    (409, "The service provider has an association with this externalUserId already."),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];
const CHANGE_ERRORS: ErrorList = &[
    BAD_REQUEST,
    UNAUTHORIZED,
    FORBIDDEN,
    (404, "No such service provider or association; under strict profiles, no such communication profile."),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];
const QUERY_ERRORS: ErrorList = &[
    BAD_REQUEST,
    UNAUTHORIZED,
    FORBIDDEN,
    (404, "No such service provider."),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];
const TOKEN_ERRORS: ErrorList = &[
    (
        400,
        "`invalid_request`, `invalid_grant`, `invalid_scope`, `unauthorized_client` or `unsupported_grant_type`.",
    ),
    (401, "`invalid_client`: the client id or the secret is not valid."),
    (429, "`temporarily_unavailable`: too many logins failed of late."),
    (500, "`server_error`."),
    (503, "`temporarily_unavailable`."),
];
const ADMIN_LIST_ERRORS: ErrorList =
    &[BAD_REQUEST, ADMIN_UNAUTHORIZED, ADMIN_NOT_FOUND, INTERNAL, ADMIN_UNAVAILABLE];
pub(super) const ADMIN_TOP_ERRORS: ErrorList =
    &[BAD_REQUEST, ADMIN_UNAUTHORIZED, INTERNAL, ADMIN_UNAVAILABLE];
const ADMIN_WRITE_ERRORS: ErrorList =
    &[BAD_REQUEST, ADMIN_UNAUTHORIZED, ADMIN_NOT_FOUND, ADMIN_CONFLICT, INTERNAL, ADMIN_UNAVAILABLE];
const ADMIN_ADD_ERRORS: ErrorList = &[
    BAD_REQUEST,
    ADMIN_UNAUTHORIZED,
    (403, "The organization has as many of them as its quota allows."),
    ADMIN_NOT_FOUND,
    ADMIN_CONFLICT,
    INTERNAL,
    ADMIN_UNAVAILABLE,
];

/// A query parameter: name, schema and what it does.
pub(super) type Parameter = (&'static str, Value, &'static str);

/// What stands in the document about an operation.
pub(super) struct Description {
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) text: &'static str,
    pub(super) query: Vec<Parameter>,
    /// Media type, schema, and whether the body must be there.
    pub(super) request: Option<(&'static str, &'static str, bool)>,
    /// Status, text, and media type with schema of the body.
    pub(super) success: (u16, &'static str, Option<(&'static str, &'static str)>),
    pub(super) errors: ErrorList,
}

/// Says what an operation does and answers.
pub(super) fn describe(operation: &Operation) -> Description {
    let id = operation.id;
    let known = match operation.audience {
        Audience::Client => {
            association(id).or_else(|| family::describe(id)).or_else(|| super::login::describe(id))
        }
        Audience::Operator => return admin(id),
        Audience::Anyone => return open(id),
    };
    known.unwrap_or_else(token)
}

fn association(id: &str) -> Option<Description> {
    let tag = "Account association";
    Some(match id {
        "createAccountAssociation" => Description {
            id: "createAccountAssociation",
            tag,
            summary: "Create an account association",
            text: "Associates an endpoint of the provider's network with a communication profile. The answer means that it is stored durably.",
            query: vec![],
            request: Some((JSON, "AssociationRequest", true)),
            success: (201, "Created.", None),
            errors: CREATE_ERRORS,
        },
        "updateAccountAssociation" => Description {
            id: "updateAccountAssociation",
            tag,
            summary: "Update an account association",
            text: "Points an existing association at another communication profile. It never creates one.",
            query: vec![],
            request: Some((JSON, "AssociationRequest", true)),
            success: (200, "Updated.", None),
            errors: CHANGE_ERRORS,
        },
        "deleteAccountAssociation" => Description {
            id: "deleteAccountAssociation",
            tag,
            summary: "Delete an account association",
            text: "Removes an association. A client that cannot send a body with a DELETE names the endpoint in the query string.",
            query: vec![(
                "externalUserId",
                super::reference("ExternalUserId"),
                "The endpoint, for clients that send no body. Where both are there they must be the same.",
            )],
            request: Some((JSON, "DeleteRequest", false)),
            success: (200, "Deleted.", None),
            errors: CHANGE_ERRORS,
        },
        "queryAccountAssociations" => Description {
            id: "queryAccountAssociations",
            tag,
            summary: "Query account associations",
            text: "Answers the provider's associations, all or those of up to 30 endpoints, sorted by the bytes of `externalUserId`, page by page. Pages are cut by key: an association that exists throughout a walk is answered exactly once.",
            query: vec![],
            request: Some((JSON, "QueryRequest", true)),
            success: (200, "A page of associations.", Some((JSON, "QueryResponse"))),
            errors: QUERY_ERRORS,
        },
        _ => return None,
    })
}

fn token() -> Description {
    Description {
        id: "getToken",
        tag: "Login",
        summary: "Get an access token",
        text: "Grants `client_credentials`, `refresh_token` and `authorization_code`. The client authenticates in the form or by HTTP Basic; a public one may redeem a code and use what came of it with its `client_id` alone. The body is read as a form whatever its content type says. Scopes of a refresh request are ignored.",
        query: vec![],
        request: Some(("application/x-www-form-urlencoded", "TokenRequest", true)),
        success: (200, "An access token.", Some((JSON, "Token"))),
        errors: TOKEN_ERRORS,
    }
}

fn paging() -> Vec<Parameter> {
    vec![
        (
            "after",
            json!({ "type": "string" }),
            "Only what sorts after this: the `next_after` of the page before.",
        ),
        limit_parameter(),
    ]
}

pub(super) fn limit_parameter() -> Parameter {
    let schema = json!({ "type": "integer", "minimum": 1, "maximum": limit::ADMIN_PAGE_MAX, "default": limit::ADMIN_PAGE_DEFAULT });
    ("limit", schema, "Most entries on the page.")
}

/// The parts of an admin operation that differ.
pub(super) struct AdminText {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) text: &'static str,
    pub(super) request: Option<(&'static str, bool)>,
    pub(super) success: (u16, Option<&'static str>),
    pub(super) errors: ErrorList,
}

fn admin(id: &str) -> Description {
    let AdminText { id, summary, text, request, success: (status, body), errors } = admin_text(id);
    Description {
        id,
        tag: "Admin",
        summary,
        text,
        query: admin_query(id),
        request: request.map(|(schema, required)| (media(schema), schema, required)),
        success: (status, "Done.", body.map(|schema| (media(schema), schema))),
        errors,
    }
}

/// The media type of a body of the admin API.
fn media(schema: &str) -> &'static str {
    match schema {
        "Export" => EXPORT_TYPE,
        "VerifyLines" => JSON_LINES_TYPE,
        _ => JSON,
    }
}

fn admin_query(id: &str) -> Vec<Parameter> {
    match id {
        "listOrganizations"
        | "listClients"
        | "listRefreshTokens"
        | "listServiceProviders"
        | "listAdminTokens"
        | "listProfiles" => paging(),
        "listAssociations" => {
            let mut parameters = paging();
            parameters.push(("prefix", json!({ "type": "string" }), "Only endpoints that begin with this."));
            parameters
        }
        "adminDeleteServiceProvider" => vec![family::cascade()],
        "listChanges" => vec![
            ("serviceProviderId", super::reference("ServiceProviderId"), "Only changes about this provider."),
            (
                "after",
                json!({ "type": "integer", "minimum": 0 }),
                "Only changes with a greater sequence number.",
            ),
            limit_parameter(),
        ],
        "readJournal" => inspect::journal_query(),
        _ => vec![],
    }
}

fn admin_text(id: &str) -> AdminText {
    let make = |id, summary, text, request, success, errors| AdminText {
        id,
        summary,
        text,
        request,
        success,
        errors,
    };
    match id {
        "createOrganization" => make(
            "createOrganization",
            "Create an organization",
            "An id is issued when the body has none.",
            Some(("Organization", true)),
            (201, Some("Organization")),
            &[BAD_REQUEST, ADMIN_UNAUTHORIZED, ADMIN_CONFLICT, INTERNAL, ADMIN_UNAVAILABLE],
        ),
        "listOrganizations" => make(
            "listOrganizations",
            "List organizations",
            "Sorted by id.",
            None,
            (200, Some("OrganizationList")),
            ADMIN_TOP_ERRORS,
        ),
        "getOrganization" => make(
            "getOrganization",
            "Get an organization",
            "",
            None,
            (200, Some("Organization")),
            ADMIN_LIST_ERRORS,
        ),
        "updateOrganization" => make(
            "updateOrganization",
            "Change an organization",
            "Absent properties stay as they are.",
            Some(("OrganizationPatch", true)),
            (200, Some("Organization")),
            ADMIN_LIST_ERRORS,
        ),
        "deleteOrganization" => make(
            "deleteOrganization",
            "Delete an organization",
            "Its clients go with it. It must have no service providers and no profiles.",
            None,
            (204, None),
            ADMIN_WRITE_ERRORS,
        ),
        "createClient" => make(
            "createClient",
            "Create a client",
            "The answer holds the secret, once.",
            Some(("NewClient", false)),
            (201, Some("Client")),
            ADMIN_ADD_ERRORS,
        ),
        "listClients" => make(
            "listClients",
            "List the clients of an organization",
            "Sorted by id.",
            None,
            (200, Some("ClientList")),
            ADMIN_LIST_ERRORS,
        ),
        "getClient" => make("getClient", "Get a client", "", None, (200, Some("Client")), ADMIN_LIST_ERRORS),
        "updateClient" => make(
            "updateClient",
            "Change a client",
            "Absent properties stay as they are. Taking a scope away revokes the access tokens issued so far.",
            Some(("ClientPatch", true)),
            (200, Some("Client")),
            ADMIN_LIST_ERRORS,
        ),
        "deleteClient" => make(
            "deleteClient",
            "Delete a client",
            "Its tokens are worthless at once.",
            None,
            (204, None),
            ADMIN_LIST_ERRORS,
        ),
        "rotateSecret" => make(
            "rotateSecret",
            "Issue a new secret",
            "The old one is worthless at once; access tokens stay valid.",
            None,
            (200, Some("Client")),
            ADMIN_LIST_ERRORS,
        ),
        "revokeTokens" => make(
            "revokeTokens",
            "Revoke the access tokens of a client",
            "And its refresh tokens, when asked.",
            Some(("RevokeTokens", false)),
            (200, Some("Client")),
            ADMIN_LIST_ERRORS,
        ),
        "issueToken" => make(
            "issueToken",
            "Issue an access token for a client",
            "For tests: any scopes and any life, an expired token included.",
            Some(("NewToken", false)),
            (200, Some("Token")),
            ADMIN_LIST_ERRORS,
        ),
        "issueRefreshToken" => make(
            "issueRefreshToken",
            "Issue a refresh token for a client",
            "The answer holds the token, once.",
            Some(("NewRefreshToken", false)),
            (201, Some("RefreshToken")),
            ADMIN_WRITE_ERRORS,
        ),
        "listRefreshTokens" => make(
            "listRefreshTokens",
            "List the refresh tokens of a client",
            "Sorted by id; the tokens themselves are not kept.",
            None,
            (200, Some("RefreshTokenList")),
            ADMIN_LIST_ERRORS,
        ),
        "revokeRefreshToken" => make(
            "revokeRefreshToken",
            "Revoke a refresh token",
            "The access tokens that it gave are worthless at once, too.",
            None,
            (204, None),
            ADMIN_LIST_ERRORS,
        ),
        "adminCreateServiceProvider" => make(
            "adminCreateServiceProvider",
            "Create a service provider",
            "An id is issued when the body has none.",
            Some(("ServiceProvider", true)),
            (201, Some("ServiceProvider")),
            ADMIN_ADD_ERRORS,
        ),
        "listServiceProviders" => make(
            "listServiceProviders",
            "List the service providers of an organization",
            "Sorted by id.",
            None,
            (200, Some("ServiceProviderList")),
            ADMIN_LIST_ERRORS,
        ),
        "adminGetServiceProvider" => make(
            "adminGetServiceProvider",
            "Get a service provider",
            "",
            None,
            (200, Some("ServiceProvider")),
            ADMIN_LIST_ERRORS,
        ),
        "adminUpdateServiceProvider" => make(
            "adminUpdateServiceProvider",
            "Change the display name of a service provider",
            "",
            Some(("ServiceProviderPatch", true)),
            (200, Some("ServiceProvider")),
            ADMIN_LIST_ERRORS,
        ),
        "adminDeleteServiceProvider" => make(
            "adminDeleteServiceProvider",
            "Delete a service provider",
            "It must have no associations, or `cascade` takes them with it.",
            None,
            (204, None),
            ADMIN_WRITE_ERRORS,
        ),
        "adminGetNetwork" | "adminSetNetwork" | "adminDeleteNetwork" => family::admin_network(id),
        "adminCreateProfile" => make(
            "adminCreateProfile",
            "Create a communication profile",
            "A unit has at most one.",
            Some(("Profile", true)),
            (201, Some("Profile")),
            ADMIN_ADD_ERRORS,
        ),
        "listProfiles" => make(
            "listProfiles",
            "List the communication profiles of an organization",
            "Sorted by id.",
            None,
            (200, Some("ProfileList")),
            ADMIN_LIST_ERRORS,
        ),
        "adminGetProfile" => make(
            "adminGetProfile",
            "Get a communication profile",
            "",
            None,
            (200, Some("Profile")),
            ADMIN_LIST_ERRORS,
        ),
        "adminUpdateProfile" => make(
            "adminUpdateProfile",
            "Rename a communication profile",
            "",
            Some(("ProfilePatch", true)),
            (200, Some("Profile")),
            ADMIN_LIST_ERRORS,
        ),
        "adminDeleteProfile" => make(
            "adminDeleteProfile",
            "Delete a communication profile",
            "Associations that name it stay.",
            None,
            (204, None),
            ADMIN_LIST_ERRORS,
        ),
        "listAssociations" => make(
            "listAssociations",
            "List the associations of a service provider",
            "Sorted by the bytes of `externalUserId`.",
            None,
            (200, Some("AssociationList")),
            ADMIN_LIST_ERRORS,
        ),
        "listChanges" => make(
            "listChanges",
            "Read the change record",
            "Oldest first. Under a filter a page may be short or empty although more follow; `more` says.",
            None,
            (200, Some("ChangeList")),
            ADMIN_TOP_ERRORS,
        ),
        "getMaintenance" => make(
            "getMaintenance",
            "Get maintenance mode",
            "",
            None,
            (200, Some("Maintenance")),
            ADMIN_TOP_ERRORS,
        ),
        "setMaintenance" => make(
            "setMaintenance",
            "Set maintenance mode",
            "While it is on, the account association operations answer 503.",
            Some(("Maintenance", true)),
            (200, Some("Maintenance")),
            ADMIN_TOP_ERRORS,
        ),
        "getStatus" => make(
            "getStatus",
            "Get the state of the server",
            "",
            None,
            (200, Some("Status")),
            ADMIN_TOP_ERRORS,
        ),
        "createAdminToken" | "listAdminTokens" | "deleteAdminToken" => {
            super::admin_token::text(id).expect("these are described there")
        }
        "readJournal" | "createFault" | "listFaults" | "deleteFault" | "deleteFaults" | "getClock"
        | "setClock" | "listKeys" | "rotateKeys" | "reset" | "backup" | "verify" | "restore" => {
            inspect::text(id).expect("these are described there")
        }
        other => unreachable!("{other} is not described"),
    }
}

fn open(id: &str) -> Description {
    let (id, summary, text, content, errors): (_, _, _, _, ErrorList) = match id {
        "getHealth" => ("getHealth", "Is the process alive?", "", (JSON, "Health"), &[]),
        "getReadiness" => (
            "getReadiness",
            "Can the store be read and written?",
            "",
            (JSON, "Health"),
            &[(500, "The store holds something unexpected."), (503, "Not now.")],
        ),
        "getMetrics" => (
            "getMetrics",
            "Metrics in the Prometheus text format",
            "",
            ("text/plain", "Text"),
            &[INTERNAL, ADMIN_UNAVAILABLE],
        ),
        "getOpenApi" => ("getOpenApi", "This document", "", (JSON, "Document"), &[]),
        _ => ("getDocs", "This document as a page", "", ("text/html", "Text"), &[]),
    };
    Description {
        id,
        tag: "Server",
        summary,
        text,
        query: vec![],
        request: None,
        success: (200, "Done.", Some(content)),
        errors,
    }
}
