//! Descriptions and schemas of what is there for those who integrate and test.

use jackfield_model::limit;
use serde_json::{Value, json};

use super::describe::{
    ADMIN_CONFLICT, ADMIN_NOT_FOUND, ADMIN_TOP_ERRORS, ADMIN_UNAUTHORIZED, ADMIN_UNAVAILABLE, AdminText,
    BAD_REQUEST, INTERNAL, Parameter, limit_parameter,
};
use super::reference;
use super::schema::object;
use crate::fault;
use crate::router::AdminOperation;

/// What stands in the document about an operation of this group; nothing for the others.
pub(super) fn text(operation: AdminOperation) -> Option<AdminText> {
    let make = |id, summary, text, request, success, errors| {
        Some(AdminText { id, summary, text, request, success, errors })
    };
    match operation {
        AdminOperation::ReadJournal => make(
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
        AdminOperation::CreateFault => make(
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
        AdminOperation::ListFaults => make(
            "listFaults",
            "List the fault rules",
            "In the order in which calls are offered to them, with how often each was met.",
            None,
            (200, Some("FaultList")),
            ADMIN_TOP_ERRORS,
        ),
        AdminOperation::DeleteFault => make(
            "deleteFault",
            "Delete a fault rule",
            "",
            None,
            (204, None),
            &[BAD_REQUEST, ADMIN_UNAUTHORIZED, ADMIN_NOT_FOUND, INTERNAL, ADMIN_UNAVAILABLE],
        ),
        AdminOperation::DeleteFaults => {
            make("deleteFaults", "Delete every fault rule", "", None, (204, None), ADMIN_TOP_ERRORS)
        }
        AdminOperation::GetClock => {
            make("getClock", "Get the token clock", "", None, (200, Some("Clock")), ADMIN_TOP_ERRORS)
        }
        AdminOperation::SetClock => make(
            "setClock",
            "Move the token clock",
            "Tokens are issued and expire by it; the change record and the journal keep the system's time.",
            Some(("SetClock", true)),
            (200, Some("Clock")),
            ADMIN_TOP_ERRORS,
        ),
        AdminOperation::ListKeys => make(
            "listKeys",
            "List the keys that sign tokens",
            "The one that signs, and those whose tokens may still be good: numbers and times, never the keys.",
            None,
            (200, Some("SigningKeyList")),
            ADMIN_TOP_ERRORS,
        ),
        AdminOperation::RotateKeys => make(
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
        AdminOperation::Reset => make(
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
        AdminOperation::Backup => make(
            "backup",
            "Read everything as of one moment",
            "An export that `restore` takes, with keys and hashes of secrets. Writes go on meanwhile and are not part of it. An answer that ends without its last line is not whole.",
            None,
            (200, Some("Export")),
            ADMIN_TOP_ERRORS,
        ),
        AdminOperation::Verify => make(
            "verify",
            "Verify the store",
            "Everything is read as of one moment, and what is kept twice is compared. A line for each finding, one a second with how far it is, and one at the end; an answer that ends without it is not whole. One verification runs at a time, and takes at most a quarter of a core.",
            None,
            (200, Some("VerifyLines")),
            &[ADMIN_UNAUTHORIZED, (409, "A verification is under way already."), INTERNAL, ADMIN_UNAVAILABLE],
        ),
        AdminOperation::Restore => make(
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
    let mut operations = fault::operations();
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

pub(super) fn schemas() -> Value {
    let count = || json!({ "type": "integer", "minimum": 0 });
    let at_least_one = || json!({ "type": "integer", "minimum": 1 });
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let seconds = json!({ "type": "integer", "minimum": -limit::CLOCK_OFFSET_MAX_SECONDS, "maximum": limit::CLOCK_OFFSET_MAX_SECONDS });
    json!({
        "Journal": object(&["entries", "next_after", "more", "lost"], &json!({
            "entries": { "type": "array", "items": reference("JournalEntry") },
            "next_after": count(),
            "more": { "type": "boolean" },
            "lost": { "type": "integer", "minimum": 0, "description": "Entries after `after` that were gone already." },
        })),
        "JournalEntry": object(&["sequence", "time", "request_id", "method", "path", "operation", "latency_us"], &json!({
            "sequence": at_least_one(),
            "time": { "type": "string", "format": "date-time" },
            "request_id": { "type": "string", "format": "uuid" },
            "method": text(),
            "path": { "type": "string", "description": "Parts that are no known word and no identifier are `…`." },
            "query": { "type": "string", "description": "Names of parameters; values are `…`." },
            "operation": text(),
            "client_id": reference("ClientId"),
            "service_provider_id": reference("ServiceProviderId"),
            "status": { "type": "integer", "minimum": 100, "maximum": 599 },
            "latency_us": count(),
            "type": text(),
            "message": text(),
            "refusal": reference("Refusal"),
            "fault": { "type": "integer", "minimum": 1, "description": "The fault rule that the request met." },
            "notes": { "type": "array", "items": { "type": "string" }, "description": "What was accepted although a stricter server might not." },
            "dropped": { "type": "boolean", "description": "Whether a fault rule closed the connection in place of the answer." },
        })),
        "Refusal": object(&["check", "reason"], &json!({
            "check": { "type": "string", "enum": ["route", "head", "maintenance", "admission", "authentication", "rate", "scope", "provider", "ownership", "add_on", "availability", "body", "grant", "state", "store", "fault", "internal"] },
            "reason": text(),
            "missing_scopes": texts(),
            "granted_scopes": texts(),
            "expired_at": { "type": "string", "format": "date-time" },
        })),
        "FaultRule": object(&[], &json!({
            "id": at_least_one(),
            "operation": { "type": "string", "enum": fault::operations() },
            "client_id": reference("ClientId"),
            "service_provider_id": reference("ServiceProviderId"),
            "status": { "type": "integer", "minimum": 400, "maximum": 599, "description": "Answer with this status without carrying out the operation." },
            "retry_after": { "type": "integer", "minimum": 1, "maximum": limit::RETRY_AFTER_MAX_SECONDS },
            "latency_ms": { "type": "integer", "minimum": 0, "maximum": limit::FAULT_LATENCY_MAX_MS, "description": "Wait first." },
            "latency_max_ms": { "type": "integer", "minimum": 0, "maximum": limit::FAULT_LATENCY_MAX_MS, "description": "The wait is drawn between `latency_ms` and this." },
            "drop": { "type": "string", "enum": ["before", "after"], "description": "Close the connection before or after the operation is carried out." },
            "times": at_least_one(),
            "nth": at_least_one(),
            "every": at_least_one(),
            "probability": { "type": "number", "minimum": 0, "maximum": 1 },
            "seed": { "type": "integer", "minimum": 0, "default": 0 },
            "calls": { "type": "integer", "minimum": 0, "description": "Answered only: calls that the rule selected." },
            "hits": { "type": "integer", "minimum": 0, "description": "Answered only: calls that met it." },
        })),
        "FaultList": object(&["faults"], &json!({ "faults": { "type": "array", "items": reference("FaultRule"), "maxItems": limit::FAULTS } })),
        "Clock": object(&["offset_seconds", "time", "system_time"], &json!({
            "offset_seconds": seconds,
            "time": { "type": "string", "format": "date-time" },
            "system_time": { "type": "string", "format": "date-time" },
        })),
        "SetClock": object(&["offset"], &json!({
            "offset": { "description": "From the system's clock: seconds, or a sign and a span of time like `+2h`.", "anyOf": [seconds, { "type": "string", "examples": ["+2h", "-30m"] }] },
        })),
        "VerifyLines": { "type": "string", "description": "JSON Lines: `{\"finding\": {\"place\", \"problem\"}}` for each finding, at most 1,000; `{\"progress\": …}`; at the end `{\"done\": {\"accounts\", \"profiles\", \"associations\", \"changes\", \"findings\"}}`." },
        "Export": { "type": "string", "format": "binary", "description": "JSON Lines, compressed with zstd." },
        "RestoreDone": object(&["accounts", "profiles", "associations", "changes"], &json!({
            "accounts": count(),
            "profiles": count(),
            "associations": count(),
            "changes": count(),
        })),
        "RotateKeys": object(&[], &json!({
            "revoke": { "type": "boolean", "default": false, "description": "Whether all that older keys signed is worthless at once." },
        })),
        "SigningKey": object(&["id", "current"], &json!({
            "id": { "type": "integer", "minimum": 1, "description": "Its number." },
            "current": { "type": "boolean", "description": "Whether it signs." },
            "since": { "type": "string", "format": "date-time", "description": "When it took over, by the token clock; absent for the first." },
            "age_seconds": { "type": "integer", "minimum": 0, "description": "Seconds since then." },
            "verifies_until": { "type": "string", "format": "date-time", "description": "When nothing that it signed is good any more; absent for the one that signs." },
        })),
        "SigningKeyList": object(&["items"], &json!({
            "items": { "type": "array", "items": reference("SigningKey"), "maxItems": limit::SIGNING_KEYS, "description": "Oldest first." },
        })),
        "ResetDone": object(&["organizations", "clients", "service_providers", "profiles", "associations", "last_change"], &json!({
            "organizations": count(),
            "clients": count(),
            "service_providers": count(),
            "profiles": count(),
            "associations": count(),
            "last_change": count(),
        })),
    })
}
