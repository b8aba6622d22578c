//! Plain bodies are read as any body is.

use proptest::prelude::*;
use serde_json::json;

use super::plain;
use super::*;

const PROFILE: &str = "amzn1.alexa.communications.profile.did.a";

/// Whether a body is plain. What both ways make of it must be the same then.
fn is_plain(body: &str) -> bool {
    let (body, mut reading) = (body.as_bytes(), Reading::default());
    let query = plain::query(body);
    if query.is_some() {
        let read = QueryRequest::parse(body, &mut Reading::default());
        assert_eq!(QueryRequest::parse_any(body, &mut reading), read);
    }
    let association = plain::association(body);
    if let Some(plain) = &association {
        assert_eq!(Association::parse_any_create(body, &mut reading).as_ref(), Ok(plain));
        assert_eq!(Association::parse_any_update(body, &mut reading).as_ref(), Ok(plain));
    }
    assert!(reading.notes().is_empty(), "nothing would be noted");
    query.is_some() || association.is_some()
}

fn change(external_user_id: &str, amazon_id: &str, amazon_id_type: &str) -> String {
    format!(
        r#"{{"externalUserId":{external_user_id},"amazonId":"{amazon_id}","amazonIdType":"{amazon_id_type}"}}"#
    )
}

#[test]
fn what_clients_send_is_plain() {
    for body in [
        r#"{"filters":{"externalUserIds":["7201"]}}"#,
        r#" {"filters" : {"externalUserIds": ["b", "a", "b"]}, "paginationContext": {"maxResults": 5}} "#,
        r#"{"filters":{}}"#,
        r#"{"paginationContext":{},"filters":{}}"#,
        r#"{"filters":{},"paginationContext":{"nextToken":"t"}}"#,
        r#"{"filters":{},"paginationContext":{"nextPageToken":"0","maxResults":100}}"#,
        &change("\"7201\"", PROFILE, AMAZON_ID_TYPE),
        &change("\"Caf\u{e9}\"", PROFILE, AMAZON_ID_TYPE),
    ] {
        assert!(is_plain(body), "{body}");
    }
}

#[test]
fn what_needs_a_note_or_a_refusal_is_not() {
    for body in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"filters":null}"#,
        r#"{"filters":[]}"#,
        r#"{"filters":[["7201"]]}"#,
        r#"{"filters":{"externalUserIds":null}}"#,
        r#"{"filters":{"externalUserIds":[]}}"#,
        r#"{"filters":{"externalUserIds":[7201]}}"#,
        r#"{"filters":{"externalUserIds":["7201",null]}}"#,
        r#"{"filters":{"externalUserIds":[" 7201"]}}"#,
        r#"{"filters":{"externalUserIds":["a\u0062"]}}"#,
        r#"{"filters":{"externalUserIds":["a"],"externalUserIds":["b"]}}"#,
        r#"{"filters":{},"filters":{}}"#,
        r#"{"filters":{},"more":1}"#,
        r#"{"filters":{"more":1}}"#,
        r#"{"filters":{},"paginationContext":null}"#,
        r#"{"filters":{},"paginationContext":[10,"t"]}"#,
        r#"{"filters":{},"paginationContext":{"maxResults":0}}"#,
        r#"{"filters":{},"paginationContext":{"maxResults":101}}"#,
        r#"{"filters":{},"paginationContext":{"maxResults":1.0}}"#,
        r#"{"filters":{},"paginationContext":{"maxResults":null}}"#,
        r#"{"filters":{},"paginationContext":{"nextToken":null}}"#,
        r#"{"filters":{},"paginationContext":{"nextToken":"t","nextPageToken":"t"}}"#,
        r#"{"filters":{},"paginationContext":{"maxResults":05}}"#,
        r#"{"filters":{},"paginationContext":{"maxResults":+5}}"#,
        r#"{"filters":{},"paginationContext":{"maxResults":5e0}}"#,
        r#"{"filters":{},"paginationContext":{"nextToken":"t","nextToken":"t"}}"#,
        r#"{"filters":{"externalUserIds":["7201",]}}"#,
        r#"{"filters":{"externalUserIds":["7201" "7202"]}}"#,
        r#"{"filters":{},}"#,
        r#"{"filters":{}"#,
        r#"{"filters":{}} x"#,
        "\u{feff}{\"filters\":{}}",
        "{\"filters\":\u{a0}{}}",
        "{\"filters\":{},\"paginationContext\":{\"nextToken\":\"a\nb\"}}",
        "{\"filters\":{\"externalUserIds\":[\"7201\u{200b}\"]}}",
        &change("7201", PROFILE, AMAZON_ID_TYPE),
        &change("\"7201\"", "a", AMAZON_ID_TYPE),
        &change("\"7201\"", PROFILE, "x"),
        &json!(["7201", PROFILE, AMAZON_ID_TYPE]).to_string(),
    ] {
        assert!(!is_plain(body), "{body}");
    }
    let ids: Vec<_> = (0..=limit::QUERY_IDS).map(|id| id.to_string()).collect();
    assert!(!is_plain(&json!({ "filters": { "externalUserIds": ids } }).to_string()));
    assert!(is_plain(&json!({ "filters": { "externalUserIds": ids[1..] } }).to_string()));
}

/// An object with some of the properties of all requests, in any order, with values that fit and others.
fn object(value: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let name = proptest::sample::select(vec![
        "filters",
        "externalUserIds",
        "paginationContext",
        "maxResults",
        "nextToken",
        "nextPageToken",
        "externalUserId",
        "amazonId",
        "amazonIdType",
        "other",
    ]);
    let properties = proptest::collection::vec((name, value), 0..4);
    properties
        .prop_map(|properties| {
            let properties = properties.iter().map(|(name, value)| format!("\"{name}\":{value}"));
            format!("{{{}}}", properties.collect::<Vec<_>>().join(","))
        })
        .boxed()
}

fn value() -> BoxedStrategy<String> {
    let texts = ["7201", PROFILE, AMAZON_ID_TYPE, "a\u{200b}", " "].map(|text| json!(text).to_string());
    let others = ["7", "null", r#"["b","a"]"#, r#""a\u0062""#].map(str::to_owned);
    let any = "\\PC{0,4}".prop_map(|text| json!(text).to_string());
    prop_oneof![proptest::sample::select([&texts[..], &others[..]].concat()), any].boxed()
}

proptest! {
    /// A plain body with some bytes lost and others in their place.
    #[test]
    fn both_ways_read_the_same_of_what_is_damaged(
        which in 0..3_usize,
        damage in proptest::collection::vec((0..110_usize, 0..3_usize, "[ \\t\\n\\\\\"{}\\[\\],:0-9a-e.+\u{7f}\u{e9}-]{0,2}"), 0..3),
    ) {
        let mut body = [
            r#"{"filters": {"externalUserIds": ["7201", "7202"]}, "paginationContext": {"maxResults": 50}}"#,
            r#"{"filters":{"externalUserIds":["a"]},"paginationContext":{"nextToken":"t"}}"#,
            &change("\"7201\"", PROFILE, AMAZON_ID_TYPE),
        ][which].to_owned();
        for (at, lost, other) in damage {
            let at = at.min(body.len());
            let end = (at + lost).min(body.len());
            if body.is_char_boundary(at) && body.is_char_boundary(end) {
                body.replace_range(at..end, &other);
            }
        }
        is_plain(&body);
    }

    #[test]
    fn both_ways_read_the_same(body in object(prop_oneof![value(), object(value())].boxed())) {
        is_plain(&body);
    }
}
