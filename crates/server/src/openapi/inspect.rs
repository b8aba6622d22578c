//! Descriptions of what is there for those who integrate and test.

use jackfield_model::limit;
use serde_json::json;

use super::describe::{
    ADMIN_CONFLICT, ADMIN_NOT_FOUND, ADMIN_TOP_ERRORS, ADMIN_UNAUTHORIZED, ADMIN_UNAVAILABLE, AdminText,
    BAD_REQUEST, INTERNAL, Parameter, limit_parameter,
};
use super::reference;
use crate::http::routes;

/// What stands in the document about an operation of this group; nothing for the others.
pub(super) fn text(id: &str) -> Option<AdminText> {
    let make = |id, summary, text, request, success, errors| {
        Some(AdminText { id, summary, text, request, success, errors })
    };
    match id {
        "readJournal" => make(
            "readJournal",
            "Read the journal of requests",
            "Oldest first; with `wait` it answers as soon as there is something. The journal is in memory and keeps the newest entries.",
            None,
            (200, Some("Journal")),
            &[
                BAD_REQUEST,
                ADMIN_UNAUTHORIZED,
                (409, "The server keeps no journal."),
                INTERNAL,
                ADMIN_UNAVAILABLE,
            ],
        ),
        "createFault" => make(
            "createFault",
            "Make a fault rule",
            "It spoils answers of the public API from now on, until it is deleted or the process ends.",
            Some(("FaultRule", true)),
            (201, Some("FaultRule")),
            &[
                BAD_REQUEST,
                ADMIN_UNAUTHORIZED,
                (409, "There are as many fault rules as there may be."),
                INTERNAL,
                ADMIN_UNAVAILABLE,
            ],
        ),
        "listFaults" => make(
            "listFaults",
            "List the fault rules",
            "In the order in which calls are offered to them, with how often each was met.",
            None,
            (200, Some("FaultList")),
            ADMIN_TOP_ERRORS,
        ),
        "deleteFault" => make(
            "deleteFault",
            "Delete a fault rule",
            "",
            None,
            (204, None),
            &[BAD_REQUEST, ADMIN_UNAUTHORIZED, ADMIN_NOT_FOUND, INTERNAL, ADMIN_UNAVAILABLE],
        ),
        "deleteFaults" => {
            make("deleteFaults", "Delete every fault rule", "", None, (204, None), ADMIN_TOP_ERRORS)
        }
        "getClock" => {
            make("getClock", "Get the token clock", "", None, (200, Some("Clock")), ADMIN_TOP_ERRORS)
        }
        "setClock" => make(
            "setClock",
            "Move the token clock",
            "Tokens are issued and expire by it; the change record and the journal keep the system's time.",
            Some(("SetClock", true)),
            (200, Some("Clock")),
            ADMIN_TOP_ERRORS,
        ),
        "listKeys" => make(
            "listKeys",
            "List the keys that sign tokens",
            "The one that signs, and those whose tokens may still be good: numbers and times, never the keys.",
            None,
            (200, Some("SigningKeyList")),
            ADMIN_TOP_ERRORS,
        ),
        "rotateKeys" => make(
            "rotateKeys",
            "Give tokens a new key",
            "Access tokens, page tokens, codes and consent forms of older keys are good until they expire, at most a day; with `revoke` they are worthless at once. Client secrets and refresh tokens stay as they are.",
            Some(("RotateKeys", false)),
            (200, Some("SigningKeyList")),
            &[
                BAD_REQUEST,
                ADMIN_UNAUTHORIZED,
                (409, "Tokens of as many keys as there may be are still good."),
                INTERNAL,
                ADMIN_UNAVAILABLE,
            ],
        ),
        "reset" => make(
            "reset",
            "Reset the directory to its seed",
            "In one step: no request sees a part of it. The server must have been started with `--allow-reset` and a seed.",
            None,
            (200, Some("ResetDone")),
            &[
                BAD_REQUEST,
                ADMIN_UNAUTHORIZED,
                (403, "The server was not started with `--allow-reset`."),
                ADMIN_CONFLICT,
                INTERNAL,
                ADMIN_UNAVAILABLE,
            ],
        ),
        "backup" => make(
            "backup",
            "Read everything as of one moment",
            "An export that `restore` takes, with keys and hashes of secrets. Writes go on meanwhile and are not part of it. An answer that ends without its last line is not whole.",
            None,
            (200, Some("Export")),
            ADMIN_TOP_ERRORS,
        ),
        "verify" => make(
            "verify",
            "Verify the store",
            "Everything is read as of one moment, and what is kept twice is compared. A line for each finding, one a second with how far it is, and one at the end; an answer that ends without it is not whole. One verification runs at a time, and takes at most a quarter of a core.",
            None,
            (200, Some("VerifyLines")),
            &[ADMIN_UNAUTHORIZED, (409, "A verification is under way already."), INTERNAL, ADMIN_UNAVAILABLE],
        ),
        "restore" => make(
            "restore",
            "Fill the empty store",
            "With an export, of any size. Nothing of it is seen before all of it was read and compared with its checksums; meanwhile the public API answers 503. Afterwards the credentials and tokens of the export are valid.",
            Some(("Export", true)),
            (200, Some("RestoreDone")),
            &[
                (
                    400,
                    "The export is damaged, cut off, or of a newer format; the message names the line. Nothing was restored.",
                ),
                ADMIN_UNAUTHORIZED,
                (409, "The store has been written to, or a restore is under way."),
                INTERNAL,
                ADMIN_UNAVAILABLE,
            ],
        ),
        _ => None,
    }
}

pub(super) fn journal_query() -> Vec<Parameter> {
    let mut operations = routes::fault_operations();
    operations.push("other");
    vec![
        (
            "after",
            json!({ "type": "integer", "minimum": 0 }),
            "Only entries with a greater sequence number; all that are kept when absent.",
        ),
        limit_parameter(),
        ("operation", json!({ "type": "string", "enum": operations }), "Only this operation."),
        (
            "status",
            json!({ "type": "integer", "minimum": 100, "maximum": 599 }),
            "Only answers with this status.",
        ),
        ("clientId", reference("ClientId"), "Only requests of this client."),
        ("requestId", json!({ "type": "string", "format": "uuid" }), "Only the request with this id."),
        ("refused", json!({ "type": "boolean", "default": false }), "Only requests that were refused."),
        (
            "wait",
            json!({ "type": "integer", "minimum": 0, "maximum": limit::JOURNAL_WAIT_MAX_SECONDS, "default": 0 }),
            "Seconds to wait for an entry when there is none.",
        ),
    ]
}
