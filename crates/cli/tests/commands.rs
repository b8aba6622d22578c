//! The binary against a server that answers by a script: what it sends, prints, and exits with.

use std::process::Output;

use jackfield_client::testing::{ScriptedServer, Seen, Step};
use tempfile::TempDir;
use tokio::process::Command;

const PROVIDER: &str = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";
const ORG: &str = "amzn1.alexa.unit.did.o1";
const CLIENT: &str = "amzn1.application-oa2-client.c1";
const PROFILE: &str = "amzn1.alexa.communications.profile.did.p1";
const REQUEST_ID: &str = "0b0e7e66-0000-4000-8000-000000000001";

/// A home of its own for a run of the binary, so that nothing of the machine's configuration counts.
struct Home(TempDir);

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jackfield"));
        command.env_clear().env("HOME", self.0.path()).current_dir(self.0.path()).args(args);
        command
    }

    async fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Run {
        let output = self.command(args).envs(environment.iter().copied()).output().await.unwrap();
        Run::from(output)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

async fn public(args: &[&str], script: Vec<Step>) -> (Run, Vec<Seen>) {
    let server = ScriptedServer::start(script).await;
    let endpoint = server.endpoint().to_string();
    let environment = [
        ("JACKFIELD_ENDPOINT", endpoint.as_str()),
        ("JACKFIELD_TOKEN", "Atza|t"),
        ("JACKFIELD_PROVIDER", PROVIDER),
    ];
    let run = Home::new().run(args, &environment).await;
    (run, server.seen())
}

async fn admin(args: &[&str], script: Vec<Step>) -> (Run, Vec<Seen>) {
    let server = ScriptedServer::start(script).await;
    let endpoint = server.endpoint().to_string();
    let environment = [("JACKFIELD_ADMIN_ENDPOINT", endpoint.as_str()), ("JACKFIELD_ADMIN_TOKEN", "admin-t")];
    let run = Home::new().run(args, &environment).await;
    (run, server.seen())
}

fn association(id: &str) -> String {
    format!(r#"{{"externalUserId":"{id}","amazonId":"{PROFILE}","amazonIdType":"communication-profile"}}"#)
}

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
async fn a_server_that_is_not_there_is_named() {
    // Bound and not listening: the port refuses, and nobody else can take it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = format!("http://{}", socket.local_addr().unwrap());
    let environment = [("JACKFIELD_ADMIN_TOKEN", "t")];
    let run = Home::new().run(&["status", "--admin-endpoint", &gone], &environment).await;
    assert_eq!(run.code, 1);
    assert!(run.err.starts_with(&format!("error: no connection to {gone}: ")), "{}", run.err);
    assert!(run.err.contains("--admin-endpoint"), "{}", run.err);
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    let home = Home::new();
    let run = home.run(&["association", "list"], &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("error: no service provider is named\n  try: --provider"), "{}", run.err);

    let run = home.run(&["association", "list", "--provider", PROVIDER], &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("error: no credentials"), "{}", run.err);

    let run = home.run(&["association", "list", "--provider", "x", "--token", "t"], &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.contains("provider (--provider) must begin with"), "{}", run.err);

    let run = home.run(&["status"], &[]).await;
    assert_eq!(run.code, 2);
    assert!(run.err.contains("./jackfield-data/admin-token cannot be read"), "{}", run.err);

    for args in [
        ["org", "update", ORG].as_slice(),
        &["client", "update", CLIENT],
        &["org", "create", "n", "--country", "AT", "--vertical", "core"],
        &["association", "query", "--max-results", "101"],
    ] {
        assert_eq!(home.run(args, &[]).await.code, 2, "{args:?}");
    }
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

#[tokio::test]
async fn tokens_are_printed_alone_for_scripts() {
    let token = r#"{"access_token":"Atza|got","token_type":"bearer","expires_in":60}"#;
    let args = ["token", "issue", CLIENT, "--scope", "b", "--scope", "a", "--expires-in", "60"];
    let (run, seen) = admin(&args, vec![Step::json(200, token)]).await;
    assert_eq!((run.code, run.out.as_str()), (0, "Atza|got\n"));
    assert_eq!(seen[0].path, format!("/admin/v1/clients/{CLIENT}/tokens"));
    assert_eq!(seen[0].body, r#"{"scopes":["a","b"],"expires_in":60}"#);

    let server = ScriptedServer::start(vec![Step::json(200, token)]).await;
    let endpoint = server.endpoint().to_string();
    let args = ["token", "get", "--login-url", &endpoint, "--client-id", CLIENT, "--output", "json"];
    let environment = [("JACKFIELD_CLIENT_SECRET", "secret-1"), ("JACKFIELD_REFRESH_TOKEN", "Atzr|r")];
    let run = Home::new().run(&args, &environment).await;
    let printed: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(printed["expires_in"], 60);
    assert!(server.seen()[0].body.starts_with("grant_type=refresh_token&refresh_token=Atzr%7Cr&"));
}

/// One row a command: arguments, the request that it makes, its answer.
#[tokio::test]
async fn admin_commands_make_the_documented_requests() {
    let org = format!(r#"{{"id":"{ORG}","name":"n","country":"US","vertical":"core"}}"#);
    let client = format!(
        r#"{{"id":"{CLIENT}","organization_id":"{ORG}","scopes":[],"rate_limit":null,"redirect_uris":[],"enabled":true,"refresh_tokens":0}}"#
    );
    let provider = format!(r#"{{"id":"{PROVIDER}","logical_id":"desk"}}"#);
    let profile = format!(r#"{{"id":"{PROFILE}","unit":"{ORG}"}}"#);
    let maintenance = r#"{"enabled":true,"retry_after":5}"#.to_owned();
    let org_path = format!("/admin/v1/organizations/{ORG}");
    let client_path = format!("/admin/v1/clients/{CLIENT}");
    let provider_path = format!("/admin/v1/serviceProviders/{PROVIDER}");
    let profile_path = format!("/admin/v1/profiles/{PROFILE}");
    #[rustfmt::skip]
    let rows = [
        (format!("org create n --country GB --vertical core --webrtc on --id {ORG}"), "POST /admin/v1/organizations".to_owned(),
            format!(r#"{{"id":"{ORG}","name":"n","country":"UK","vertical":"core","webrtc":true,"strict_profiles":false}}"#), &org),
        (format!("org get {ORG}"), format!("GET {org_path}"), String::new(), &org),
        (format!("org update {ORG} --webrtc off"), format!("PATCH {org_path}"), r#"{"webrtc":false}"#.to_owned(), &org),
        (format!("client create {ORG} --rate-limit 0"), format!("POST {org_path}/clients"), r#"{"rate_limit":0}"#.to_owned(), &client),
        (format!("client get {CLIENT}"), format!("GET {client_path}"), String::new(), &client),
        (format!("client update {CLIENT} --scope a"), format!("PATCH {client_path}"), r#"{"scopes":["a"]}"#.to_owned(), &client),
        (format!("client enable {CLIENT}"), format!("PATCH {client_path}"), r#"{"enabled":true}"#.to_owned(), &client),
        (format!("client disable {CLIENT}"), format!("PATCH {client_path}"), r#"{"enabled":false}"#.to_owned(), &client),
        (format!("client rotate-secret {CLIENT}"), format!("POST {client_path}/rotate-secret"), String::new(), &client),
        (format!("client revoke-tokens {CLIENT} --refresh-tokens"), format!("POST {client_path}/revoke-tokens"), r#"{"refresh_tokens":true}"#.to_owned(), &client),
        (format!("provider create {ORG} desk --display-name en-US=Desk"), format!("POST {org_path}/serviceProviders"),
            r#"{"logical_id":"desk","display_name":[{"locale":"en-US","value":"Desk"}]}"#.to_owned(), &provider),
        (format!("provider get {PROVIDER}"), format!("GET {provider_path}"), String::new(), &provider),
        (format!("provider update {PROVIDER} --display-name fr=Bureau"), format!("PATCH {provider_path}"),
            r#"{"display_name":[{"locale":"fr","value":"Bureau"}]}"#.to_owned(), &provider),
        (format!("profile create {ORG} {ORG} --name Lobby"), format!("POST {org_path}/profiles"), format!(r#"{{"unit":"{ORG}","name":"Lobby"}}"#), &profile),
        (format!("profile get {PROFILE}"), format!("GET {profile_path}"), String::new(), &profile),
        (format!("profile rename {PROFILE} Bar"), format!("PATCH {profile_path}"), r#"{"name":"Bar"}"#.to_owned(), &profile),
        ("maintenance on --retry-after 5".to_owned(), "PUT /admin/v1/maintenance".to_owned(), maintenance.clone(), &maintenance),
        ("maintenance off".to_owned(), "PUT /admin/v1/maintenance".to_owned(), r#"{"enabled":false,"retry_after":60}"#.to_owned(), &maintenance),
        ("maintenance show".to_owned(), "GET /admin/v1/maintenance".to_owned(), String::new(), &maintenance),
    ];
    for (line, request, body, answer) in rows {
        let args: Vec<&str> = line.split(' ').chain(["--output", "json"]).collect();
        let (run, seen) = admin(&args, vec![Step::json(200, answer)]).await;
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{line}");
        assert_eq!(seen.len(), 1, "{line}");
        assert_eq!(format!("{} {}", seen[0].method, seen[0].path), request, "{line}");
        assert_eq!(seen[0].body, body, "{line}");
        assert_eq!(seen[0].authorization, "Bearer admin-t", "{line}");
        serde_json::from_str::<serde_json::Value>(&run.out).unwrap();
    }
    for (line, path, id) in [
        (format!("org delete {ORG}"), org_path, ORG),
        (format!("client delete {CLIENT}"), client_path, CLIENT),
        (format!("provider delete {PROVIDER}"), provider_path, PROVIDER),
        (format!("profile delete {PROFILE}"), profile_path, PROFILE),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let (run, seen) = admin(&args, vec![Step::json(204, "")]).await;
        assert_eq!((run.code, run.out), (0, format!("deleted {id}\n")), "{line}");
        assert_eq!(format!("{} {}", seen[0].method, seen[0].path), format!("DELETE {path}"));
    }
}

#[tokio::test]
async fn admin_lists_follow_their_pages_up_to_the_limit() {
    let org = |n: u32| {
        format!(r#"{{"id":"amzn1.alexa.unit.did.o{n}","name":"n","country":"US","vertical":"core"}}"#)
    };
    let first = format!(r#"{{"items":[{},{}],"next_after":"o 2"}}"#, org(1), org(2));
    let last = format!(r#"{{"items":[{}]}}"#, org(3));
    let script = || vec![Step::json(200, &first), Step::json(200, &last)];
    let (run, seen) = admin(&["org", "list", "--output", "json"], script()).await;
    let printed: Vec<serde_json::Value> = serde_json::from_str(&run.out).unwrap();
    assert_eq!(printed.len(), 3);
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths, ["/admin/v1/organizations?limit=1000", "/admin/v1/organizations?after=o+2&limit=1000"]);
    let (run, seen) = admin(&["org", "list", "--limit", "2", "--after", "o0"], script()).await;
    assert_eq!(run.out.lines().count(), 3, "{}", run.out);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, "/admin/v1/organizations?after=o0&limit=2");

    let list = format!(r#"{{"associations":[{}],"total_count":1}}"#, association("72"));
    let args = ["provider", "associations", PROVIDER, "--prefix", "7 "];
    let (run, seen) = admin(&args, vec![Step::json(200, &list)]).await;
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(
        seen[0].path,
        format!("/admin/v1/serviceProviders/{PROVIDER}/associations?prefix=7+&limit=1000")
    );
}

fn changes(sequences: &[u64], next_after: u64, more: bool) -> Step {
    let items: Vec<String> = sequences
        .iter()
        .map(|n| {
            format!(
                r#"{{"sequence":{n},"time":"2026-01-01T00:00:00.000Z","actor":"admin","operation":"association.create","request_id":"{REQUEST_ID}","external_user_id":"72","before":null,"after":"{PROFILE}"}}"#
            )
        })
        .collect();
    let items = items.join(",");
    Step::json(200, &format!(r#"{{"changes":[{items}],"next_after":{next_after},"more":{more}}}"#))
}

#[tokio::test]
async fn changes_are_listed_and_followed() {
    // A page under a filter may be empty although more follow.
    let script = vec![changes(&[], 10, true), changes(&[11], 11, false)];
    let args = ["changes", "list", "--provider", PROVIDER, "--after", "3"];
    let (run, seen) = admin(&args, script).await;
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
    assert!(
        run.out.lines().nth(1).unwrap().starts_with("11        2026-01-01T00:00:00.000Z  admin  "),
        "{}",
        run.out
    );
    assert_eq!(seen[0].path, format!("/admin/v1/changes?serviceProviderId={PROVIDER}&after=3&limit=1000"));
    assert_eq!(seen[1].path, format!("/admin/v1/changes?serviceProviderId={PROVIDER}&after=10&limit=1000"));

    // Followed changes come a line each; the limit ends it.
    let script = vec![changes(&[1], 1, false), changes(&[], 1, false), changes(&[2], 2, false)];
    let args = ["changes", "list", "--follow", "--limit", "2", "--output", "json"];
    let (run, seen) = admin(&args, script).await;
    assert_eq!((run.code, seen.len()), (0, 3), "{}", run.err);
    let sequences: Vec<u64> = run
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, [1, 2]);
}

#[tokio::test]
async fn status_exits_with_1_when_the_store_is_not_usable() {
    let status = |ready: bool| {
        Step::json(
            200,
            &format!(
                r#"{{"version":"0.1.0","store":"embedded","ready":{ready},"uptime_seconds":1,"organizations":1,"clients":1,"service_providers":1,"associations":2,"last_change":3,"disk_bytes":null,"maintenance":{{"enabled":false,"retry_after":60}}}}"#
            ),
        )
    };
    // The token comes from the data directory, as the server leaves it there.
    let server = ScriptedServer::start(vec![status(true)]).await;
    let home = Home::new();
    let data = home.0.path().join("jackfield-data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("admin-token"), "from-the-file\n").unwrap();
    let run = home.run(&["status", "--admin-endpoint", &server.endpoint().to_string()], &[]).await;
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("bytes on disk      -\n"), "{}", run.out);
    assert_eq!(server.seen()[0].authorization, "Bearer from-the-file");

    let (run, _) = admin(&["status"], vec![status(false)]).await;
    assert_eq!(run.code, 1);
    assert!(run.out.contains("ready              no\n"), "{}", run.out);
}

#[tokio::test]
async fn completions_and_man_pages_are_written() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = home.run(&["completions", shell], &[]).await;
        assert_eq!(run.code, 0);
        assert!(run.out.contains("jackfield") && run.out.contains("rotate-secret"), "{shell}");
    }
    let run = home.run(&["man", "man1"], &[]).await;
    assert_eq!((run.code, run.out.as_str()), (0, "written man1\n"));
    let page = std::fs::read_to_string(home.0.path().join("man1/jackfield-client-rotate-secret.1")).unwrap();
    assert!(page.contains(".TH"));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    let home = Home::new();
    let mut child = home
        .command(&["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
}
