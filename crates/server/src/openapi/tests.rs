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

fn check(schema: &str, full: &impl Serialize) {
    check_at(schema, &DOCUMENT["components"]["schemas"][schema], full);
}

fn check_at(name: &str, schema: &Value, full: &impl Serialize) {
    let written = serde_json::to_value(full).unwrap();
    let written: BTreeSet<&String> = written.as_object().unwrap().keys().collect();
    let described: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(written, described, "{name}");
}

fn check_family(provider: &jackfield_model::ServiceProviderId, profile: &jackfield_model::AmazonId) {
    let unit: jackfield_model::UnitId = "amzn1.alexa.unit.did.u".parse().unwrap();
    let (entity, name) = (wire::Entity::unit(unit.clone()), Some(String::new()));
    let names = vec![admin::DisplayName { locale: String::new(), value: String::new() }];
    let new =
        wire::NewServiceProvider { service_provider_logical_id: String::new(), display_name: names.clone() };
    check("NewProvider", &new);
    check("ProviderUpdate", &wire::ServiceProviderUpdate { display_name: Some(names) });
    let whole = wire::ServiceProvider {
        service_provider_id: *provider,
        service_provider_logical_id: String::new(),
        display_name: vec![],
    };
    check("Provider", &whole);
    check("Network", &wire::Network::skill("amzn1.ask.skill.s".parse().unwrap()));
    check("Entity", &entity);
    let new = wire::NewProfile { entity, name: name.clone() };
    check("NewUnitProfile", &new);
    check("UnitProfileUpdate", &wire::ProfileUpdate { name: String::new() });
    let whole = wire::Profile::new(unit, profile.clone(), name);
    check("UnitProfile", &whole);
    let item = wire::NewBatchItem { item_id: "".into(), profile: new };
    let items =
        |schema: &str| DOCUMENT["components"]["schemas"][schema]["properties"]["items"]["items"].clone();
    check_at("item", &items("ProfileBatch"), &item);
    let error = Some(wire::ErrorBody { kind: String::new(), message: String::new() });
    let result = wire::BatchResult { item_id: "".into(), status: 0, result: Some(whole), error };
    check_at("result", &items("ProfileBatchAnswer"), &result);
}

#[test]
fn links_lead_to_operations_with_their_parameters() {
    let operations: Vec<&Value> = DOCUMENT["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|methods| methods.as_object().unwrap().values())
        .collect();
    let mut count = 0;
    for operation in &operations {
        for response in operation["responses"].as_object().unwrap().values() {
            for link in response["links"].as_object().into_iter().flat_map(|links| links.values()) {
                let target = operations.iter().find(|other| other["operationId"] == link["operationId"]);
                let target = target.unwrap_or_else(|| panic!("{link}"));
                for parameter in link["parameters"].as_object().unwrap().keys() {
                    // Alone where no other has the name; tools take a dot in it for the end of the place.
                    let known = |own: &Value| {
                        let (place, name) = (own["in"].as_str().unwrap(), own["name"].as_str().unwrap());
                        parameter == name || *parameter == format!("{place}.{name}")
                    };
                    assert!(target["parameters"].as_array().unwrap().iter().any(known), "{link}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 15, "{count}");
}

/// The properties of a schema are those that its type writes, given a value with nothing absent.
#[test]
fn schemas_have_the_properties_of_their_types() {
    let organization = "amzn1.alexa.unit.did.o".parse().unwrap();
    let provider = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001".parse().unwrap();
    let profile: jackfield_model::AmazonId = "amzn1.alexa.communications.profile.did.p".parse().unwrap();
    let id: jackfield_model::ExternalUserId = "7201".parse().unwrap();
    let secret = || Some(admin::Secret("secret".to_owned()));
    check("Association", &wire::Association::new(id.clone(), profile.clone()));
    check_family(&provider, &profile);
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
            quotas: admin::Quotas { service_providers: Some(1), clients: Some(2), profiles: Some(3) },
            consent_password: secret(),
            has_consent_password: true,
            lenient: false,
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
            quotas: Some(admin::Quotas::default()),
            consent_password: Some(secret()),
            lenient: Some(true),
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
            public: true,
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
            public: true,
        },
    );
    check(
        "ClientPatch",
        &admin::ClientPatch {
            scopes: Some(Default::default()),
            rate_limit: Some(1),
            redirect_uris: Some(vec![]),
            enabled: Some(true),
            public: Some(true),
        },
    );
    check("NewRefreshToken", &admin::NewRefreshToken { scopes: Some(Default::default()) });
    check(
        "RefreshToken",
        &admin::RefreshToken {
            id: String::new(),
            refresh_token: secret(),
            issued: String::new(),
            scopes: Some(vec![]),
            consent: true,
            by: Some(String::new()),
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
            network: Some(wire::Network::skill("amzn1.ask.skill.s".parse().unwrap())),
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
    let key = admin::SigningKey {
        id: 2,
        current: true,
        since: Some("2026-01-01T00:00:00Z".to_owned()),
        age_seconds: Some(1),
        verifies_until: Some("2026-01-01T00:00:00Z".to_owned()),
    };
    check("SigningKey", &key);
    check("SigningKeyList", &admin::List { items: vec![key], next_after: None });
    check("RotateKeys", &admin::RotateKeys { revoke: true });
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
        RestoreDone, SetClock,
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
            notes: vec![String::new()],
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
    let restored = RestoreDone { accounts: 0, profiles: 0, associations: 0, changes: 0 };
    check("RestoreDone", &restored);
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
fn schemas_of_admin_tokens_have_the_properties_of_their_types() {
    let role = admin::Role::Admin;
    check("NewAdminToken", &admin::NewAdminToken { name: String::new(), role, expires_in: Some(1) });
    check(
        "AdminToken",
        &admin::AdminToken {
            id: String::new(),
            name: String::new(),
            role,
            created: Some(String::new()),
            expires: Some(String::new()),
            token: Some(admin::Secret(String::new())),
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
