//! The commands that speak the public API.

use jackfield_client::testing::{ScriptedServer, Step};

use crate::{CLIENT, Home, PROFILE, PROVIDER, REQUEST_ID, association, public};

fn page(associations: &[String], next: &str) -> Step {
    Step::json(
        200,
        &format!(
            r#"{{"paginationContext":{{"totalCount":3,"nextPageToken":"{next}"}},"accountAssociations":[{}]}}"#,
            associations.join(",")
        ),
    )
}

#[tokio::test]
async fn writes_say_what_they_did() {
    for (args, method, status) in
        [(["create", "7201", PROFILE].as_slice(), "POST", 201), (&["update", "7201", PROFILE], "PUT", 200)]
    {
        let arguments = [&["association"], args, &["--output", "json"]].concat();
        let (run, seen) = public(&arguments, vec![Step::json(status, "")]).await;
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        let printed: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(printed, serde_json::from_str::<serde_json::Value>(&association("7201")).unwrap());
        assert_eq!(seen[0].method, method);
        assert_eq!(seen[0].path, format!("/v1/communications/serviceProviders/{PROVIDER}/externalUsers"));
        assert_eq!(seen[0].authorization, "Bearer Atza|t");
        assert_eq!(seen[0].body, association("7201"));
    }
    let (run, seen) = public(&["association", "delete", "7201"], vec![Step::json(200, "")]).await;
    assert_eq!((run.code, run.out.as_str()), (0, "deleted 7201\n"));
    assert_eq!((seen[0].method.as_str(), seen[0].body.as_str()), ("DELETE", r#"{"externalUserId":"7201"}"#));
}

#[tokio::test]
async fn get_shows_one_or_exits_with_1() {
    let args = ["association", "get", "7201"];
    let (run, _) = public(&args, vec![page(&[association("7201")], "0")]).await;
    assert_eq!(run.code, 0);
    assert_eq!(run.out, format!("external user id  7201\namazon id         {PROFILE}\n"));

    let (run, _) = public(&args, vec![page(&[], "0")]).await;
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(
        run.err.starts_with(&format!("error: {PROVIDER} has no association of \"7201\"\n")),
        "{}",
        run.err
    );
}

#[tokio::test]
async fn list_walks_over_all_pages() {
    let script = || vec![page(&[association("1"), association("2")], "next"), page(&[association("3")], "0")];
    let (run, seen) = public(&["association", "list", "--output", "json"], script()).await;
    assert_eq!(run.code, 0, "{}", run.err);
    let printed: Vec<serde_json::Value> = serde_json::from_str(&run.out).unwrap();
    let ids: Vec<&str> = printed.iter().map(|item| item["externalUserId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert!(seen[1].body.contains(r#""nextToken":"next""#), "{}", seen[1].body);

    let (run, _) = public(&["association", "list"], script()).await;
    let expected = format!(
        "EXTERNAL USER ID  AMAZON ID\n1                 {PROFILE}\n2                 {PROFILE}\n3                 {PROFILE}\n"
    );
    assert_eq!(run.out, expected);

    let (run, _) = public(&["association", "list", "--output", "json"], vec![page(&[], "0")]).await;
    assert_eq!(run.out, "[]\n");
}

#[tokio::test]
async fn query_is_one_page_as_the_api_answers_it() {
    let args = ["association", "query", "2", "1", "--max-results", "2"];
    let script = || vec![page(&[association("1"), association("2")], "next")];
    let (run, seen) = public(&[&args[..], &["--output", "json"]].concat(), script()).await;
    let printed: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(printed["paginationContext"]["nextPageToken"], "next");
    assert_eq!(
        seen[0].body,
        r#"{"filters":{"externalUserIds":["1","2"]},"paginationContext":{"maxResults":2}}"#
    );
    let (run, _) = public(&args, script()).await;
    assert!(run.out.ends_with("3 in all\nnext page: --next-token next\n"), "{}", run.out);
}

#[tokio::test]
async fn an_error_names_the_request_and_what_to_try() {
    let refused = Step::error(409, "CONFLICT", "7201 has an association.");
    let (run, _) = public(&["association", "create", "7201", PROFILE], vec![refused]).await;
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert_eq!(
        run.err,
        format!(
            "error: 7201 has an association. (409 CONFLICT)\n  request id: {REQUEST_ID}\n  \
             try: `jackfield association update` points an existing one at another profile\n"
        )
    );
    let busy = Step::error(503, "SERVICE_UNAVAILABLE", "Maintenance.").with("retry-after", "600");
    let (run, seen) = public(&["association", "get", "7201"], vec![busy]).await;
    assert!(run.err.ends_with("try: again in 600 s\n"), "{}", run.err);
    assert_eq!(seen.len(), 1, "ten minutes are not waited for");

    let (run, _) = public(&["association", "create", "7201", PROFILE], vec![Step::HangUp]).await;
    assert_eq!(run.code, 1);
    assert!(run.err.contains("try: if this was a change it may have been made or not"), "{}", run.err);
}

#[tokio::test]
async fn a_clients_credentials_are_exchanged_for_a_token() {
    let token = r#"{"access_token":"Atza|got","token_type":"bearer","expires_in":3600}"#;
    let script = vec![Step::json(200, token), page(&[], "0")];
    let server = ScriptedServer::start(script).await;
    let home = Home::new();
    let config = home.0.path().join("mine.toml");
    let text = format!(
        "[hotel]\nendpoint = \"{}\"\nclient_id = \"{CLIENT}\"\nprovider = \"{PROVIDER}\"\n",
        server.endpoint()
    );
    std::fs::write(&config, text).unwrap();
    let run = home
        .run(
            &["association", "list", "--client-config", "mine.toml", "--profile", "hotel"],
            &[("JACKFIELD_CLIENT_SECRET", "s3cret&")],
        )
        .await;
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "none\n", ""));
    let seen = server.seen();
    assert_eq!(seen[0].path, "/auth/o2/token");
    assert_eq!(
        seen[0].body,
        format!(
            "grant_type=client_credentials&scope=amazon_communication%3A%3Aservice_provider&client_id={CLIENT}&client_secret=s3cret%26"
        )
    );
    assert_eq!(seen[1].authorization, "Bearer Atza|got");
}

#[tokio::test]
async fn flags_for_a_client_are_not_overruled_by_a_token_in_the_environment() {
    let refused = r#"{"error":"invalid_client","error_description":"Wrong.","request_id":"r1"}"#;
    let script = vec![Step::json(401, refused)];
    let args = ["association", "list", "--client-id", CLIENT, "--client-secret", "hush-hush"];
    let (run, seen) = public(&args, script).await;
    assert_eq!(seen[0].path, "/auth/o2/token");
    assert_eq!(run.code, 1);
    assert!(
        run.err.starts_with("error: Wrong. (401 invalid_client)\n  request id: r1\n  try: check"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("hush-hush"));
}
