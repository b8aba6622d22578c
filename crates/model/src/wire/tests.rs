use super::*;

const PROFILE: &str = "amzn1.alexa.communications.profile.did.1234";

fn create(body: &str) -> String {
    Association::parse_create(body.as_bytes(), &mut Reading::default()).unwrap_err().0
}

fn query(body: &str) -> Result<QueryRequest, String> {
    QueryRequest::parse(body.as_bytes(), &mut Reading::default()).map_err(|error| error.0)
}

fn delete(body: &[u8], parameter: Option<&str>) -> Result<DeleteRequest, InvalidRequest> {
    DeleteRequest::parse(body, parameter, &mut Reading::default())
}

#[test]
fn the_documented_create_is_read() {
    let body = format!(
        r#"{{"externalUserId":"7201","amazonId":"{PROFILE}","amazonIdType":"communication-profile"}}"#
    );
    let association = Association::parse_create(body.as_bytes(), &mut Reading::default()).unwrap();
    assert_eq!(association.external_user_id.as_str(), "7201");
    assert_eq!(association.amazon_id.as_str(), PROFILE);
    assert_eq!(serde_json::to_string(&association).unwrap(), body);
}

#[test]
fn create_names_what_is_wrong() {
    assert_eq!(create("{}"), "externalUserId is missing; it is required.");
    assert_eq!(create(r#"{"externalUserId":"7201"}"#), "amazonId is missing; it is required.");
    assert_eq!(
        create(r#"{"externalUserId":"7201","amazonId":"x","amazonIdType":"communication-profile"}"#),
        "amazonId must begin with \"amzn1.alexa.communications.profile.did.\"."
    );
    assert_eq!(
        create(&format!(r#"{{"externalUserId":"7201","amazonId":"{PROFILE}","amazonIdType":"phone"}}"#)),
        "amazonIdType must be \"communication-profile\"."
    );
    assert_eq!(
        create(r#"{"filters":{"externalUserIds":["7201"]}}"#),
        "filters belongs to a query, which is a POST to …/externalUsers/query; \
         externalUserId is missing for a create."
    );
}

#[test]
fn create_ignores_filters_beside_an_association() {
    let body = format!(
        r#"{{"filters":1,"filters":2,"externalUserId":"7201","amazonId":"{PROFILE}","amazonIdType":"communication-profile"}}"#
    );
    assert!(Association::parse_create(body.as_bytes(), &mut Reading::default()).is_ok());
}

#[test]
fn delete_takes_the_body_or_the_parameter() {
    let body = br#"{"externalUserId":"7201"}"#;
    for (body, parameter) in [(&body[..], None), (b"", Some("7201")), (&body[..], Some("7201"))] {
        assert_eq!(delete(body, parameter).unwrap().external_user_id.as_str(), "7201");
    }
    assert!(delete(body, Some("7202")).unwrap_err().0.contains("differ"));
    assert!(delete(b"", None).unwrap_err().0.contains("no body"));
    assert!(delete(b"", Some("")).unwrap_err().0.starts_with("externalUserId is empty"));
}

#[test]
fn query_defaults_and_collapses_repeats() {
    let all = query(r#"{"filters":{}}"#).unwrap();
    assert_eq!(
        all,
        QueryRequest { external_user_ids: None, max_results: limit::PAGE_DEFAULT, next_token: None }
    );
    let some = query(r#"{"filters":{"externalUserIds":["b","a","b"]}}"#).unwrap();
    let ids: Vec<_> = some.external_user_ids.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn query_bounds_hold_at_below_and_above() {
    let ids = |count: usize| {
        let list: Vec<String> = (0..count).map(|n| format!("\"{n}\"")).collect();
        query(&format!(r#"{{"filters":{{"externalUserIds":[{}]}}}}"#, list.join(",")))
    };
    assert!(ids(1).is_ok() && ids(limit::QUERY_IDS).is_ok());
    assert_eq!(ids(0).unwrap_err(), "filters.externalUserIds holds 0 ids; 1 to 30 are allowed.");
    assert_eq!(ids(31).unwrap_err(), "filters.externalUserIds holds 31 ids; 1 to 30 are allowed.");
    let page =
        |max: &str| query(&format!(r#"{{"filters":{{}},"paginationContext":{{"maxResults":{max}}}}}"#));
    assert_eq!(page("1").unwrap().max_results, 1);
    assert_eq!(page("100").unwrap().max_results, 100);
    for bad in ["0", "101", "-1", "18446744073709551615", "1.0", "\"30\"", "null"] {
        assert!(page(bad).unwrap_err().starts_with("paginationContext.maxResults is "), "{bad}");
    }
}

#[test]
fn query_takes_the_token_under_both_names() {
    let token = |context: &str| {
        query(&format!(r#"{{"filters":{{}},"paginationContext":{{{context}}}}}"#))
            .map(|query| query.next_token)
    };
    assert_eq!(token(r#""nextToken":"t""#).unwrap().as_deref(), Some("t"));
    assert_eq!(token(r#""nextPageToken":"t""#).unwrap().as_deref(), Some("t"));
    assert_eq!(token(r#""nextToken":"t","nextPageToken":"t""#).unwrap().as_deref(), Some("t"));
    assert!(token(r#""nextToken":"t","nextPageToken":"u""#).unwrap_err().contains("differ"));
    assert!(token(r#""nextToken":7"#).unwrap_err().starts_with("paginationContext.nextToken is a number"));
}

#[test]
fn leniency_is_noted() {
    let noted = |read: &dyn Fn(&mut Reading)| {
        let mut reading = Reading::default();
        read(&mut reading);
        reading.notes().iter().collect::<Vec<_>>()
    };
    let create = |id: &str, more: &str| {
        let body = format!(
            r#"{{"externalUserId":{id},"amazonId":"{PROFILE}","amazonIdType":"communication-profile"{more}}}"#
        );
        noted(&|reading| {
            assert_eq!(
                Association::parse_update(body.as_bytes(), reading).unwrap().external_user_id.as_str(),
                "7201"
            );
        })
    };
    assert_eq!(create("\"7201\"", ""), []);
    assert_eq!(create("7201", ""), [Note::NumericId]);
    assert_eq!(create("7201", ",\"x\":1"), [Note::NumericId, Note::UnknownProperties]);
    let delete = |body: &str, parameter| {
        noted(&|reading| drop(DeleteRequest::parse(body.as_bytes(), parameter, reading).unwrap()))
    };
    assert_eq!(delete(r#"{"externalUserId":"7"}"#, None), []);
    assert_eq!(delete(r#"{"externalUserId":7}"#, Some("7")), [Note::NumericId, Note::DeleteQuery]);
    assert_eq!(delete("", Some("7")), [Note::DeleteQuery]);
    let query = |body: &str| noted(&|reading| drop(QueryRequest::parse(body.as_bytes(), reading).unwrap()));
    assert_eq!(query(r#"{"filters":{"externalUserIds":["7"]},"paginationContext":{"maxResults":3}}"#), []);
    assert_eq!(query(r#"{"filters":{"externalUserIds":["7",8]}}"#), [Note::NumericId]);
    for body in [
        r#"{"filters":{},"x":1}"#,
        r#"{"filters":{"x":1}}"#,
        r#"{"filters":{},"paginationContext":{"maxresults":1}}"#,
    ] {
        assert_eq!(query(body), [Note::UnknownProperties], "{body}");
    }
}

#[test]
fn numbers_for_ids_are_their_text() {
    let some = query(r#"{"filters":{"externalUserIds":[7202,"7201",7201]}}"#).unwrap();
    let ids: Vec<_> = some.external_user_ids.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["7201", "7202"], "the same id as text and as number is one");
    assert_eq!(
        delete(br#"{"externalUserId":7201}"#, Some("7201")).unwrap().external_user_id.as_str(),
        "7201"
    );
    assert!(
        query(r#"{"filters":{"externalUserIds":[1.5]}}"#)
            .unwrap_err()
            .starts_with("filters.externalUserIds[0] is")
    );
    assert!(create(r#"{"externalUserId":1e3}"#).starts_with("externalUserId is a number with a fraction"));
}

#[test]
fn query_names_what_is_wrong() {
    assert_eq!(query("{}").unwrap_err(), "filters is missing; it is required.");
    assert_eq!(query(r#"{"filters":null}"#).unwrap_err(), "filters is null; an object is expected.");
    assert_eq!(
        query(r#"{"filters":{"externalUserIds":["a",true]}}"#).unwrap_err(),
        "filters.externalUserIds[1] is a boolean; a string is expected."
    );
    assert_eq!(
        query(r#"{"filters":{"externalUserIds":["a"," b"]}}"#).unwrap_err(),
        "filters.externalUserIds[1] begins or ends with white space."
    );
}

#[test]
fn a_query_survives_the_way_over_the_wire() {
    for original in [
        QueryRequest { external_user_ids: None, max_results: 7, next_token: None },
        QueryRequest {
            external_user_ids: Some(vec![ExternalUserId::new("7201").unwrap()]),
            max_results: 30,
            next_token: Some("t".to_owned()),
        },
    ] {
        assert_eq!(
            QueryRequest::parse(&serde_json::to_vec(&original).unwrap(), &mut Reading::default()).unwrap(),
            original
        );
    }
}

proptest::proptest! {
    /// Written by hand and by serde, an answer is the same.
    #[test]
    fn answers_are_written_as_they_are_described(
        ids in proptest::collection::vec(".{1,20}|[\"\\\\/<é\u{7f}\u{2028}]{1,4}", 0..4),
        total_count: u64,
        next_page_token in proptest::option::of("[A-Za-z0-9_-]{1,40}|\"\\\\.*"),
    ) {
        let ids = ids.iter().filter_map(|id| ExternalUserId::new(id).ok());
        let target = AmazonId::new(PROFILE).unwrap();
        let answer = QueryResponse {
            pagination_context: PaginationContext { total_count, next_page_token: next_page_token.map(Into::into) },
            account_associations: ids.map(|id| Association::new(id, target.clone())).collect(),
        };
        let json = String::from_utf8(answer.to_json()).unwrap();
        proptest::prop_assert_eq!(&json, &serde_json::to_string(&answer).unwrap());
        if !json.contains('\\') {
            proptest::prop_assert_eq!(json.len(), answer.json_bytes(), "its length is known before");
        }
    }
}
