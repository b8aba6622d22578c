use std::collections::BTreeSet;

use jackfield_model::{admin, wire};
use serde::Serialize;

use super::*;

/// `JACKFIELD_BLESS=1 cargo test -p jackfield-server openapi` writes the file anew.
#[test]
fn the_committed_document_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    if std::env::var_os("JACKFIELD_BLESS").is_some() {
        std::fs::write(path, document_text()).unwrap();
    }
    let committed = std::fs::read(path).unwrap();
    assert!(committed == document_text(), "openapi.json is stale; JACKFIELD_BLESS=1 writes it anew");
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    found.insert(reference.clone());
                }
                map.values().for_each(|value| walk(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut references = BTreeSet::new();
    walk(&DOCUMENT, &mut references);
    assert!(references.len() > 20);
    for reference in &references {
        assert!(DOCUMENT.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for name in DOCUMENT["components"]["schemas"].as_object().unwrap().keys() {
        assert!(references.contains(&format!("#/components/schemas/{name}")), "{name} is used nowhere");
    }
}

#[test]
fn operation_ids_are_unique() {
    let ids: Vec<String> =
        ROUTES.iter().map(|route| operation_id(route, &describe::describe(route.operation))).collect();
    let unique: BTreeSet<&String> = ids.iter().collect();
    let open_on_both = ROUTES.len() - unique.len();
    assert_eq!(open_on_both, 0, "{ids:?}");
}

/// Compares the properties of a schema with those that its type writes, given a value with nothing absent.
fn check(schema: &str, full: &impl Serialize) {
    let written = serde_json::to_value(full).unwrap();
    let written: BTreeSet<&String> = written.as_object().unwrap().keys().collect();
    let schema_properties = &DOCUMENT["components"]["schemas"][schema]["properties"];
    let described: BTreeSet<&String> = schema_properties.as_object().unwrap().keys().collect();
    assert_eq!(written, described, "{schema}");
}

#[test]
fn schemas_have_the_properties_of_their_types() {
    let organization = "amzn1.alexa.unit.did.o".parse().unwrap();
    let provider = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001".parse().unwrap();
    let profile: jackfield_model::AmazonId = "amzn1.alexa.communications.profile.did.p".parse().unwrap();
    let id: jackfield_model::ExternalUserId = "7201".parse().unwrap();
    let secret = || Some(admin::Secret("secret".to_owned()));
    check("Association", &wire::Association::new(id.clone(), profile.clone()));
    check("Error", &wire::ErrorBody { kind: String::new(), message: String::new() });
    check("DeleteRequest", &wire::DeleteRequest { external_user_id: id.clone() });
    check(
        "Organization",
        &admin::Organization {
            id: Some(organization),
            name: String::new(),
            country: jackfield_model::Country::Us,
            vertical: jackfield_model::Vertical::Core,
            webrtc: true,
            strict_profiles: true,
        },
    );
    let organization: jackfield_model::OrganizationId = "amzn1.alexa.unit.did.o".parse().unwrap();
    check(
        "OrganizationPatch",
        &admin::OrganizationPatch {
            name: Some(String::new()),
            country: Some(jackfield_model::Country::Us),
            vertical: Some(jackfield_model::Vertical::Core),
            webrtc: Some(true),
            strict_profiles: Some(true),
        },
    );
    check(
        "Client",
        &admin::Client {
            id: "amzn1.application-oa2-client.c".parse().unwrap(),
            organization_id: organization.clone(),
            secret: secret(),
            scopes: vec![],
            rate_limit: None,
            redirect_uris: vec![],
            enabled: true,
            refresh_tokens: 0,
        },
    );
    check(
        "NewClient",
        &admin::NewClient {
            id: Some("amzn1.application-oa2-client.c".parse().unwrap()),
            secret: secret(),
            scopes: Some(Default::default()),
            refresh_token: secret(),
            rate_limit: Some(1),
            redirect_uris: vec![String::new()],
        },
    );
    check(
        "ClientPatch",
        &admin::ClientPatch {
            scopes: Some(Default::default()),
            rate_limit: Some(1),
            redirect_uris: Some(vec![]),
            enabled: Some(true),
        },
    );
    check("NewToken", &admin::NewToken { scopes: Some(Default::default()), expires_in: Some(1) });
    check(
        "Token",
        &admin::Token {
            access_token: admin::Secret(String::new()),
            token_type: String::new(),
            expires_in: 0,
            scope: Some(String::new()),
            refresh_token: secret(),
        },
    );
    check(
        "ServiceProvider",
        &admin::ServiceProvider {
            id: Some(provider),
            organization_id: Some(organization.clone()),
            logical_id: String::new(),
            display_name: vec![admin::DisplayName { locale: String::new(), value: String::new() }],
            associations: Some(0),
        },
    );
    check(
        "Profile",
        &admin::Profile {
            id: Some(profile),
            organization_id: Some(organization),
            unit: "amzn1.alexa.unit.did.u".parse().unwrap(),
            name: Some(String::new()),
        },
    );
    check("Maintenance", &admin::Maintenance::default());
    check(
        "AssociationList",
        &admin::AssociationList { associations: vec![], total_count: 0, next_after: Some(id.clone()) },
    );
    check("ChangeList", &admin::ChangeList { changes: vec![], next_after: 0, more: false });
    check(
        "Change",
        &admin::Change {
            sequence: 1,
            time: String::new(),
            actor: String::new(),
            operation: String::new(),
            request_id: jackfield_model::RequestId::random(),
            service_provider_id: Some(provider),
            external_user_id: Some(id),
            subject: Some(String::new()),
            before: None,
            after: None,
        },
    );
    check(
        "Status",
        &admin::Status {
            version: String::new(),
            store: String::new(),
            ready: true,
            uptime_seconds: 0,
            organizations: 0,
            clients: 0,
            service_providers: 0,
            associations: 0,
            last_change: 0,
            disk_bytes: None,
            clock_offset_seconds: 0,
            maintenance: admin::Maintenance::default(),
        },
    );
}

#[test]
fn schemas_of_inspection_have_the_properties_of_their_types() {
    use jackfield_model::inspect::{
        Clock, ClockOffset, DropWhen, FaultList, FaultRule, Journal, JournalEntry, Refusal, ResetDone,
        SetClock,
    };
    let client: jackfield_model::ClientId = "amzn1.application-oa2-client.c".parse().unwrap();
    let provider = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001".parse().unwrap();
    let refusal = Refusal {
        check: String::new(),
        reason: String::new(),
        missing_scopes: vec![String::new()],
        granted_scopes: Some(vec![]),
        expired_at: Some(String::new()),
    };
    check("Refusal", &refusal);
    check(
        "JournalEntry",
        &JournalEntry {
            sequence: 1,
            time: String::new(),
            request_id: jackfield_model::RequestId::random(),
            method: String::new(),
            path: String::new(),
            query: Some(String::new()),
            operation: String::new(),
            client_id: Some(client.clone()),
            service_provider_id: Some(provider),
            status: Some(200),
            latency_us: 1,
            kind: Some(String::new()),
            message: Some(String::new()),
            refusal: Some(refusal),
            fault: Some(1),
            dropped: true,
        },
    );
    check("Journal", &Journal { entries: vec![], next_after: 0, more: false, lost: 0 });
    check(
        "FaultRule",
        &FaultRule {
            id: Some(1),
            operation: Some(String::new()),
            client_id: Some(client),
            service_provider_id: Some(provider),
            status: Some(429),
            retry_after: Some(1),
            latency_ms: Some(1),
            latency_max_ms: Some(1),
            drop: Some(DropWhen::After),
            times: Some(1),
            nth: Some(1),
            every: Some(1),
            probability: Some(0.5),
            seed: Some(1),
            calls: Some(1),
            hits: Some(1),
        },
    );
    check("FaultList", &FaultList { faults: vec![] });
    check("Clock", &Clock { offset_seconds: 0, time: String::new(), system_time: String::new() });
    check("SetClock", &SetClock { offset: ClockOffset::Seconds(0) });
    check(
        "ResetDone",
        &ResetDone {
            organizations: 0,
            clients: 0,
            service_providers: 0,
            profiles: 0,
            associations: 0,
            last_change: 0,
        },
    );
}

#[test]
fn the_page_shows_every_operation_and_loads_nothing() {
    let page = String::from_utf8(page().to_vec()).unwrap();
    for route in ROUTES {
        let summary = describe::describe(route.operation).summary;
        assert!(page.contains(summary), "{summary}");
    }
    for foreign in ["<script", "http://", "https://", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}
