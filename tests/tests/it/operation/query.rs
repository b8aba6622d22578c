//! POST …/externalUsers/query. What follows the first page is in `pages`.

use http::Method;
use jackfield_model::limit;
use jackfield_tests::page::ids;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Request, Tenant};
use serde_json::{Value, json};

use super::{Op, bad_ids, good_ids, no_objects, refuses};

async fn filled(ids: &[&str]) -> Tenant {
    let tenant = Tenant::fresh().await;
    for id in ids {
        tenant.create(id, "1234").await.is(201);
    }
    tenant
}

fn found(answer: &Value) -> Vec<String> {
    ids(answer).into_iter().map(|(id, _)| id).collect()
}

#[tokio::test]
async fn the_filter_selects_and_what_is_not_there_is_left_out() {
    let tenant = filled(&["a", "b", "c"]).await;
    let answer =
        tenant.query(&json!({"filters": {"externalUserIds": ["c", "none", "a"]}})).await.expect(200).json();
    let expected = |id: &str| json!({"externalUserId": id, "amazonId": profile("1234"), "amazonIdType": "communication-profile"});
    assert_eq!(
        answer,
        json!({
            "paginationContext": {"totalCount": 2, "nextPageToken": "0"},
            "accountAssociations": [expected("a"), expected("c")],
        })
    );
}

#[tokio::test]
async fn no_match_is_an_empty_list() {
    let tenant = Tenant::fresh().await;
    let empty =
        json!({"paginationContext": {"totalCount": 0, "nextPageToken": "0"}, "accountAssociations": []});
    for body in [json!({"filters": {"externalUserIds": ["none"]}}), json!({"filters": {}})] {
        assert_eq!(tenant.query(&body).await.expect(200).json(), empty);
    }
}

#[tokio::test]
async fn no_ids_means_all_and_an_answer_is_sorted_by_bytes() {
    // Not the order of any locale: capitals first, then composed letters after all of ASCII.
    let sorted = ["0", "10", "9", "Z", "a", "a b", "aa", "é", "ｚ", "😀"];
    let mut shuffled = sorted;
    shuffled.reverse();
    let tenant = filled(&shuffled).await;
    let answer = tenant.query(&json!({"filters": {}})).await.expect(200).json();
    assert_eq!(found(&answer), sorted);
    assert_eq!(answer["paginationContext"], json!({"totalCount": sorted.len(), "nextPageToken": "0"}));
    let answer = tenant.query(&json!({"filters": {"externalUserIds": shuffled}})).await.expect(200).json();
    assert_eq!(found(&answer), sorted);
}

#[tokio::test]
async fn repeats_in_the_filter_collapse() {
    let tenant = filled(&["a", "b"]).await;
    let answer =
        tenant.query(&json!({"filters": {"externalUserIds": ["b", "a", "b", "b"]}})).await.expect(200).json();
    assert_eq!(found(&answer), ["a", "b"]);
    assert_eq!(answer["paginationContext"]["totalCount"], 2);
}

#[tokio::test]
async fn a_filter_holds_1_to_30_ids() {
    let tenant = filled(&["0", "29"]).await;
    let with = |count: usize| {
        let ids: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        json!({"filters": {"externalUserIds": ids}})
    };
    for (count, matches) in [(1, 1), (limit::QUERY_IDS - 1, 1), (limit::QUERY_IDS, 2)] {
        let answer = tenant.query(&with(count)).await.expect(200).json();
        assert_eq!(answer["paginationContext"]["totalCount"], matches, "{count} ids");
    }
    for count in [0, limit::QUERY_IDS + 1, 500] {
        tenant.query(&with(count)).await.is_error(400, "filters.externalUserIds");
    }
    // 31 that collapse to one are still 31.
    let repeated = json!({"filters": {"externalUserIds": vec!["0"; limit::QUERY_IDS + 1]}});
    tenant.query(&repeated).await.is_error(400, "31");
    let longest: Vec<String> = (10..40).map(|n| format!("{n}{}", "😀".repeat(254))).collect();
    tenant.query(&json!({"filters": {"externalUserIds": longest}})).await.is(200);
}

#[tokio::test]
async fn a_page_holds_1_to_100_results_and_30_when_not_said() {
    let tenant = Tenant::fresh().await;
    for n in 0..=limit::PAGE_MAX {
        tenant.create(&format!("{n:03}"), "1").await.is(201);
    }
    let with = |context: Value| tenant.query_request(&json!({"filters": {}, "paginationContext": context}));
    for (context, length) in [
        (json!({}), limit::PAGE_DEFAULT),
        (json!({"maxResults": 1}), 1),
        (json!({"maxResults": 99}), 99),
        (json!({"maxResults": 100}), 100),
    ] {
        let answer = tenant.send(&with(context.clone())).await.expect(200).json();
        assert_eq!(found(&answer).len(), length as usize, "{context}");
        assert_eq!(answer["paginationContext"]["totalCount"], limit::PAGE_MAX + 1);
        assert_ne!(answer["paginationContext"]["nextPageToken"], "0");
    }
    for bad in
        [json!(0), json!(101), json!(-1), json!(1.5), json!("30"), json!(null), json!(u64::MAX), json!([1])]
    {
        tenant.send(&with(json!({"maxResults": bad}))).await.is_error(400, "maxResults");
    }
}

#[tokio::test]
async fn every_allowed_id_can_be_asked_for() {
    let tenant = Tenant::fresh().await;
    let all = good_ids();
    for id in &all {
        tenant.create(id, "1").await.is(201);
    }
    let answer = tenant.query(&json!({"filters": {"externalUserIds": all}})).await.expect(200).json();
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(found(&answer), sorted);
}

#[tokio::test]
async fn refusals_name_the_property() {
    let tenant = Tenant::fresh().await;
    let mut bodies = no_objects();
    for (id, part) in bad_ids() {
        bodies.push((format!("{{\"filters\":{{\"externalUserIds\":[\"a\",{id}]}}}}"), part));
        bodies.push((
            format!("{{\"filters\":{{\"externalUserIds\":[\"a\",{id}]}}}}"),
            "filters.externalUserIds",
        ));
    }
    let fixed = [
        ("{}", "filters is missing"),
        (r#"{"externalUserIds":["a"]}"#, "filters is missing"),
        (r#"{"filters":null}"#, "filters is null"),
        (r#"{"filters":[]}"#, "filters is an array"),
        (r#"{"filters":"a"}"#, "filters is a string"),
        (r#"{"filters":{},"filters":{}}"#, "filters"),
        (r#"{"filters":{"externalUserIds":null}}"#, "filters.externalUserIds"),
        (r#"{"filters":{"externalUserIds":"a"}}"#, "filters.externalUserIds"),
        (r#"{"filters":{"externalUserIds":{}}}"#, "filters.externalUserIds"),
        (r#"{"filters":{"externalUserIds":["a"],"externalUserIds":["a"]}}"#, "externalUserIds"),
        (r#"{"filters":{},"paginationContext":null}"#, "paginationContext"),
        (r#"{"filters":{},"paginationContext":[]}"#, "paginationContext"),
        (r#"{"filters":{},"paginationContext":{},"paginationContext":{}}"#, "paginationContext"),
        (r#"{"filters":{},"paginationContext":{"maxResults":1,"maxResults":1}}"#, "maxResults"),
        (r#"{"filters":{},"paginationContext":{"nextToken":null}}"#, "nextToken"),
        (r#"{"filters":{},"paginationContext":{"nextToken":7}}"#, "nextToken"),
        (r#"{"filters":{},"paginationContext":{"nextPageToken":7}}"#, "nextPageToken"),
        (r#"{"filters":{},"paginationContext":{"nextToken":"0","nextToken":"0"}}"#, "nextToken"),
    ];
    bodies.extend(fixed.map(|(body, part)| (body.to_owned(), part)));
    refuses(&tenant, Op::Query, &bodies).await;
}

#[tokio::test]
async fn unknown_properties_are_ignored() {
    let tenant = filled(&["a"]).await;
    let body = json!({
        "filters": {"externalUserIds": ["a"], "amazonIds": ["b"], "x": null},
        "paginationContext": {"maxResults": 1, "totalCount": "many"},
        "sort": "desc",
    });
    assert_eq!(found(&tenant.query(&body).await.expect(200).json()), ["a"]);
}

#[tokio::test]
async fn a_query_sees_every_write_that_was_answered() {
    let tenant = Tenant::fresh().await;
    for round in 0..50 {
        let id = format!("{}", round % 7);
        tenant.create(&id, "1").await.is(201);
        assert_eq!(tenant.find(&id).await.as_deref(), Some("1"));
        tenant.update(&id, "2").await.is(200);
        assert_eq!(tenant.find(&id).await.as_deref(), Some("2"));
        tenant.delete(&id).await.is(200);
        assert_eq!(tenant.find(&id).await, None);
    }
}

#[tokio::test]
async fn another_tenant_cannot_query() {
    let (mine, other) = (filled(&["7201"]).await, Tenant::fresh().await);
    let body = json!({"filters": {}});
    let intruder = Request::new(&Method::POST, mine.query_path()).bearer(&other.token).json(&body);
    other.send(&intruder).await.is(401);
    let answer = other.query(&body).await.expect(200).json();
    assert_eq!(found(&answer), Vec::<String>::new());
}
