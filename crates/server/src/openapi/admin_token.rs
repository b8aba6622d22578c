//! Descriptions of admin tokens.

use super::describe::{
    ADMIN_CONFLICT, ADMIN_GUESSING, ADMIN_NOT_FOUND, ADMIN_TOP_ERRORS, ADMIN_UNAUTHORIZED, ADMIN_UNAVAILABLE,
    AdminText, BAD_REQUEST, INTERNAL,
};

/// What stands in the document about an operation of this group; nothing for the others.
pub(super) fn text(id: &str) -> Option<AdminText> {
    let make = |id, summary, text, request, success, errors| {
        Some(AdminText { id, summary, text, request, success, errors })
    };
    match id {
        "createAdminToken" => make(
            "createAdminToken",
            "Make an admin token",
            "The answer holds the token, once. Its name stands in the change record where it is used.",
            Some(("NewAdminToken", true)),
            (201, Some("AdminToken")),
            &[BAD_REQUEST, ADMIN_UNAUTHORIZED, ADMIN_CONFLICT, ADMIN_GUESSING, INTERNAL, ADMIN_UNAVAILABLE],
        ),
        "listAdminTokens" => make(
            "listAdminTokens",
            "List the admin tokens",
            "Sorted by id; the tokens themselves are not kept. The one that the server was started with is `bootstrap`.",
            None,
            (200, Some("AdminTokenList")),
            ADMIN_TOP_ERRORS,
        ),
        "deleteAdminToken" => make(
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
