//! What the operations of the login service do and answer, in words.

use http::StatusCode;
use jackfield_model::limit;
use serde_json::{Value, json};

use super::describe::{Description, ErrorList, JSON, Parameter};
use super::reference;

const TAG: &str = "Login";
const HTML: &str = "text/html";
const FORM: &str = "application/x-www-form-urlencoded";

const INFO_ERRORS: ErrorList = &[
    (
        400,
        "`invalid_request`: no token, or more than one. `invalid_token`: it is unknown, expired or revoked.",
    ),
    (500, "`server_error`."),
    (503, "`temporarily_unavailable`."),
];
const PAGE_ERRORS: ErrorList = &[
    (302, "The request is refused: back to the client with `error`, `error_description` and `state`."),
    (
        400,
        "The client or its redirect URI is not known: the page says so, and the browser is sent nowhere. JSON where the head of the request is too long.",
    ),
    (403, "The person may not allow: the page says why."),
    (500, "The server failed; the request id leads to the details in its log."),
    (503, "Overload."),
];
const DECISION_ERRORS: ErrorList = &[
    (
        400,
        "The client or its redirect URI is not known, or the form was not given to this browser. JSON where the head of the request is too long.",
    ),
    (403, "The person may not allow: the page says why, or asks for the password again."),
    (429, "Too many passwords were wrong."),
    (500, "The server failed; the request id leads to the details in its log."),
    (503, "Overload."),
];

pub(super) fn describe(id: &str) -> Option<Description> {
    Some(match id {
        "getTokenInfo" => Description {
            id: "getTokenInfo",
            tag: TAG,
            summary: "What is this access token?",
            text: "Its client, its user and the seconds that it has left. The token stands in the query string or in the header `x-amz-access-token`.",
            query: vec![access_token()],
            request: None,
            success: (200, "The token holds.", Some((JSON, "TokenInfo"))),
            errors: INFO_ERRORS,
        },
        "getUserProfile" => Description {
            id: "getUserProfile",
            tag: TAG,
            summary: "Whom does this access token stand for?",
            text: "The id of the user, which is always the same for a client, and with the scope `profile` a name. The token stands in `Authorization: Bearer`, in the header `x-amz-access-token` or in the query string.",
            query: vec![access_token()],
            request: None,
            success: (200, "The token holds.", Some((JSON, "User"))),
            errors: INFO_ERRORS,
        },
        "getConsentPage" => Description {
            id: "getConsentPage",
            tag: TAG,
            summary: "Ask a person for consent",
            text: "The page of the authorization code grant (RFC 6749, section 4.1), for a browser.",
            query: parameters(),
            request: None,
            success: (200, "The page.", Some((HTML, "Text"))),
            errors: PAGE_ERRORS,
        },
        "decideConsent" => Description {
            id: "decideConsent",
            tag: TAG,
            summary: "Allow or deny",
            text: "The form of the consent page. It counts only with the token and the cookie that the page came with.",
            query: vec![],
            request: Some((FORM, "ConsentForm", true)),
            success: (
                303,
                "Back to the client: with `code` and `state`, or with `error`, `error_description` and `state`.",
                None,
            ),
            errors: DECISION_ERRORS,
        },
        _ => return None,
    })
}

/// The bodies of a refusal by media type.
pub(super) fn error_content(id: &str, status: StatusCode) -> Option<Value> {
    let page = matches!(id, "getConsentPage" | "decideConsent");
    Some(match status {
        StatusCode::FOUND => return None,
        StatusCode::INTERNAL_SERVER_ERROR if page => json!({ JSON: { "schema": reference("Error") } }),
        StatusCode::BAD_REQUEST if page => {
            json!({ HTML: { "schema": reference("Text") }, JSON: { "schema": reference("Error") } })
        }
        _ if page => json!({ HTML: { "schema": reference("Text") } }),
        _ => json!({ JSON: { "schema": reference("GrantError") } }),
    })
}

fn access_token() -> Parameter {
    let schema = json!({ "type": "string", "maxLength": limit::BEARER_TOKEN_BYTES });
    ("access_token", schema, "The token, unless a header holds it.")
}

fn parameters() -> Vec<Parameter> {
    let text = || json!({ "type": "string" });
    vec![
        ("client_id", reference("ClientId"), "Required."),
        (
            "redirect_uri",
            json!({ "type": "string", "format": "uri" }),
            "Required: one of the client's, byte for byte.",
        ),
        ("response_type", json!({ "const": "code" }), "Required."),
        ("scope", text(), "Required: scopes that the client is granted, separated by spaces."),
        ("state", text(), "Comes back with the answer."),
        ("code_challenge", text(), "PKCE (RFC 7636); required of a public client."),
        (
            "code_challenge_method",
            json!({ "type": "string", "enum": ["S256", "plain"], "default": "plain" }),
            "A public client needs S256.",
        ),
    ]
}
