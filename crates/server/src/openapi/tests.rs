use std::collections::BTreeSet;

use super::*;

fn document() -> Value {
    serde_json::to_value(&*DOCUMENT).unwrap()
}

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
    let document = document();
    let mut references = BTreeSet::new();
    walk(&document, &mut references);
    assert!(references.len() > 20);
    for reference in &references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(references.contains(&format!("#/components/schemas/{name}")), "{name} is used nowhere");
    }
}

#[test]
fn operation_ids_are_unique() {
    let ids: Vec<String> = routes_in_order().into_iter().map(|(id, _)| id).collect();
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!((unique.len(), ids.len()), (ROUTES.len(), ROUTES.len()), "{ids:?}");
}

#[test]
fn associations_come_first_and_probes_last() {
    let ids: Vec<String> = routes_in_order().into_iter().map(|(id, _)| id).collect();
    assert!(ids[..4].iter().all(|id| id.contains("AccountAssociation")), "{ids:?}");
    assert!(ids.ends_with(&["getOpenApi".to_owned(), "getDocs".to_owned()]), "{ids:?}");
    let text = String::from_utf8(document_text().to_vec()).unwrap();
    let place = |(_, route): (_, &Route)| text.find(&format!("\n    \"{}\": {{", route.path)).unwrap();
    assert!(routes_in_order().into_iter().map(place).is_sorted());
}

#[test]
fn links_lead_to_operations_with_their_parameters() {
    let document = document();
    let operations: Vec<&Value> = document["paths"]
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

#[test]
fn the_page_shows_every_operation_and_loads_nothing() {
    let page = String::from_utf8(page().to_vec()).unwrap();
    for route in ROUTES {
        let summary = route.handler.operation().description.summary;
        assert!(page.contains(summary), "{summary}");
    }
    assert_eq!(page.matches("<script").count(), 1, "the one that searches");
    for source in ["src=\"", "href=\""] {
        for (place, _) in page.match_indices(source) {
            let target = &page[place + source.len()..];
            let own =
                ["/", "#", "data:,"].iter().any(|own| target.starts_with(own)) && !target.starts_with("//");
            assert!(own, "{target:.40}");
        }
    }
    for foreign in ["url(", " style=", "<style"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}
