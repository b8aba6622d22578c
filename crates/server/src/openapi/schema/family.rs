//! Service providers, their network mapping and communication profiles, as the public API shows them.

use jackfield_model::{SkillId, limit};
use serde_json::{Value, json};

use super::{name, object, prefixed, reference};

/// The schemas of the family.
pub(super) fn all() -> Value {
    let names = json!({ "type": "array", "items": new_name(), "minItems": 1, "maxItems": limit::DISPLAY_NAMES, "uniqueItems": true, "description": "One a locale. Absent in an update: the names stay." });
    let english = json!([{ "locale": "en-US", "value": "Front desk" }]);
    let skill = "amzn1.ask.skill.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";
    json!({
        "NewProvider": example(
            object(&["serviceProviderLogicalId"], &json!({
                "serviceProviderLogicalId": described(name(), "The organization's own name for it, unique in the organization."),
                "displayName": names,
            })),
            &json!({ "serviceProviderLogicalId": "front-desk", "displayName": english }),
        ),
        "ProviderUpdate": example(
            object(&[], &json!({ "displayName": names })),
            &json!({ "displayName": english }),
        ),
        "Provider": object(&["serviceProviderId", "serviceProviderLogicalId", "displayName"], &json!({
            "serviceProviderId": reference("ServiceProviderId"),
            "serviceProviderLogicalId": name(),
            "displayName": { "type": "array", "items": reference("DisplayName"), "maxItems": limit::DISPLAY_NAMES },
        })),
        "SkillId": prefixed(SkillId::PREFIX, "[A-Za-z0-9._-]", "A skill."),
        "Network": example(
            object(&["networkType", "skillConfiguration"], &json!({
                "networkType": { "const": "SKILL" },
                "skillConfiguration": object(&["skillId"], &json!({ "skillId": reference("SkillId") })),
            })),
            &json!({ "networkType": "SKILL", "skillConfiguration": { "skillId": skill } }),
        ),
        "Entity": object(&["type", "id"], &json!({ "type": { "const": "UNIT" }, "id": reference("UnitId") })),
        "NewUnitProfile": example(object(&["entity"], &new_profile()), &json!({ "entity": lobby(), "name": "Lobby" })),
        "UnitProfileUpdate": example(object(&["name"], &json!({ "name": name() })), &json!({ "name": "Lobby" })),
        "UnitProfile": object(&["entity", "profileId"], &json!({
            "entity": reference("Entity"),
            "profileId": object(&["profileId"], &json!({ "profileId": reference("AmazonId") })),
            "name": name(),
        })),
        "ProfileBatch": batch(),
        "ProfileBatchAnswer": batch_answer(),
    })
}

fn lobby() -> Value {
    json!({ "type": "UNIT", "id": "amzn1.alexa.unit.did.lobby" })
}

fn new_name() -> Value {
    object(
        &[],
        &json!({
            "locale": described(name(), "BCP 47 language tag; `en-US` when absent."),
            "value": described(name(), "The name in that language; without it the entry is left out."),
        }),
    )
}

fn new_profile() -> Value {
    json!({
        "entity": reference("Entity"),
        "name": described(name(), "A name for people. Absent: a profile that is there keeps its own."),
    })
}

fn batch() -> Value {
    // A bad item is answered in its place, so that the body as a whole is as good with it as without.
    let judged_alone = |schema: Value| json!({ "anyOf": [schema, {}], "description": "Not valid: the error of this item alone." });
    let item = json!({
        "itemId": described(item_id(), "The client's name for the item. One that stands in an earlier item is the error of this item alone."),
        "entity": judged_alone(reference("Entity")),
        "name": judged_alone(name()),
    });
    let items = json!({ "type": "array", "items": object(&["itemId"], &item), "minItems": 1, "maxItems": limit::BATCH_ITEMS });
    example(
        object(&["items"], &json!({ "items": items })),
        &json!({ "items": [{ "itemId": "1", "entity": lobby(), "name": "Lobby" }] }),
    )
}

fn item_id() -> Value {
    json!({ "anyOf": [name(), { "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }] })
}

fn batch_answer() -> Value {
    let result = object(
        &["itemId", "status"],
        &json!({
            "itemId": described(item_id(), "As it came."),
            "status": { "type": "integer", "description": "What a create of this item alone would have had: 201, or that of the error." },
            "result": reference("UnitProfile"),
            "error": reference("Error"),
        }),
    );
    object(
        &["items"],
        &json!({ "items": { "type": "array", "items": result, "minItems": 1, "maxItems": limit::BATCH_ITEMS } }),
    )
}

fn described(mut schema: Value, text: &str) -> Value {
    schema["description"] = text.into();
    schema
}

fn example(mut schema: Value, value: &Value) -> Value {
    schema["examples"] = json!([value]);
    schema
}
