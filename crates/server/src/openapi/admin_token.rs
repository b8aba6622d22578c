//! Descriptions and schemas of admin tokens.

use jackfield_model::admin::Role;
use jackfield_model::limit;
use serde_json::{Value, json};

use super::describe::{
    ADMIN_CONFLICT, ADMIN_GUESSING, ADMIN_NOT_FOUND, ADMIN_TOP_ERRORS, ADMIN_UNAUTHORIZED, ADMIN_UNAVAILABLE,
    AdminText, BAD_REQUEST, INTERNAL,
};
use super::schema::object;
use crate::admin::access::BOOTSTRAP;
use crate::router::AdminOperation;

/// What stands in the document about an operation of this group; nothing for the others.
pub(super) fn text(operation: AdminOperation) -> Option<AdminText> {
    let make = |id, summary, text, request, success, errors| {
        Some(AdminText { id, summary, text, request, success, errors })
    };
    match operation {
        AdminOperation::CreateAdminToken => make(
            "createAdminToken",
            "Make an admin token",
            "The answer holds the token, once. Its name stands in the change record where it is used.",
            Some(("NewAdminToken", true)),
            (201, Some("AdminToken")),
            &[BAD_REQUEST, ADMIN_UNAUTHORIZED, ADMIN_CONFLICT, ADMIN_GUESSING, INTERNAL, ADMIN_UNAVAILABLE],
        ),
        AdminOperation::ListAdminTokens => make(
            "listAdminTokens",
            "List the admin tokens",
            "Sorted by id; the tokens themselves are not kept. The one that the server was started with is `bootstrap`.",
            None,
            (200, Some("AdminTokenList")),
            ADMIN_TOP_ERRORS,
        ),
        AdminOperation::DeleteAdminToken => make(
            "deleteAdminToken",
            "Revoke an admin token",
            "It is worthless at once. `bootstrap` can be revoked when another token has the role admin.",
            None,
            (204, None),
            &[
                BAD_REQUEST,
                ADMIN_UNAUTHORIZED,
                ADMIN_NOT_FOUND,
                (409, "Nobody else has an admin token with the role admin."),
                ADMIN_GUESSING,
                INTERNAL,
                ADMIN_UNAVAILABLE,
            ],
        ),
        _ => None,
    }
}

/// The id of an admin token.
pub(super) fn id_schema() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-z]{9,16}$", "description": "An admin token, without giving it away: 16 hexadecimal digits, or `bootstrap`." })
}

/// A token that is to be.
pub(super) fn new_schema() -> Value {
    object(
        &["name", "role"],
        &json!({
            "name": { "type": "string", "pattern": "^[A-Za-z0-9._-]+$", "maxLength": limit::ADMIN_TOKEN_NAME_CHARS, "not": { "const": BOOTSTRAP } },
            "role": role(),
            "expires_in": { "type": "integer", "minimum": 1, "maximum": limit::ADMIN_TOKEN_MAX_SECONDS, "description": "Seconds of the system's clock; for ever when absent." },
        }),
    )
}

/// A token as answered.
pub(super) fn schema() -> Value {
    object(
        &["id", "name", "role"],
        &json!({
            "id": super::reference("AdminTokenId"),
            "name": { "type": "string" },
            "role": role(),
            "created": { "type": "string", "format": "date-time" },
            "expires": { "type": "string", "format": "date-time" },
            "token": { "type": "string", "description": "Only in the answer to the creation." },
        }),
    )
}

fn role() -> Value {
    json!({ "type": "string", "enum": Role::ALL.map(Role::as_str) })
}
