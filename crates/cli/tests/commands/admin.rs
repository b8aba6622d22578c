//! The commands that speak the admin API.

use std::process::Stdio;

use jackfield_client::testing::{ScriptedServer, Step};
use tokio::io::AsyncWriteExt;

use crate::{CLIENT, Home, ORG, PROFILE, PROVIDER, REQUEST_ID, Run, admin, association};

const UNIT: &str = "amzn1.alexa.unit.did.u";
const BOOK: &str = "amzn1.alexa.addressbook.did.b";
const CONTACT: &str = "amzn1.alexa.contacts.did.c";

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
    let unit = format!(r#"{{"id":"{UNIT}","name":"Lobby"}}"#);
    let book = format!(r#"{{"id":"{BOOK}","name":"Guests"}}"#);
    let contact = format!(r#"{{"id":"{CONTACT}","name":"Taxi"}}"#);
    let fault = r#"{"id":1,"status":429,"calls":0,"hits":0}"#.to_owned();
    let faults = format!(r#"{{"faults":[{fault}]}}"#);
    let clock =
        r#"{"offset_seconds":7200,"time":"2026-01-01T02:00:00Z","system_time":"2026-01-01T00:00:00Z"}"#
            .to_owned();
    let reset = r#"{"organizations":1,"clients":1,"service_providers":1,"profiles":0,"associations":2,"last_change":9}"#.to_owned();
    let journal = r#"{"entries":[],"next_after":3,"more":false,"lost":0}"#.to_owned();
    let refresh = r#"{"id":"0123456789abcdef","refresh_token":"Atzr|r","issued":"2026-01-01T00:00:00.000Z","consent":false}"#.to_owned();
    let maintenance = r#"{"enabled":true,"retry_after":5}"#.to_owned();
    let org_path = format!("/admin/v1/organizations/{ORG}");
    let client_path = format!("/admin/v1/clients/{CLIENT}");
    let provider_path = format!("/admin/v1/serviceProviders/{PROVIDER}");
    let profile_path = format!("/admin/v1/profiles/{PROFILE}");
    let (unit_path, book_path) =
        (format!("/admin/v1/units/{UNIT}"), format!("/admin/v1/addressBooks/{BOOK}"));
    #[rustfmt::skip]
    let network =
        r#"{"networkType":"SKILL","skillConfiguration":{"skillId":"amzn1.ask.skill.a"}}"#.to_owned();
    let rows = [
        (
            format!("org create n --country GB --vertical core --webrtc on --id {ORG}"),
            "POST /admin/v1/organizations".to_owned(),
            format!(
                r#"{{"id":"{ORG}","name":"n","country":"UK","vertical":"core","webrtc":true,"strict_profiles":false}}"#
            ),
            &org,
        ),
        (format!("org get {ORG}"), format!("GET {org_path}"), String::new(), &org),
        (
            format!("org update {ORG} --webrtc off"),
            format!("PATCH {org_path}"),
            r#"{"webrtc":false}"#.to_owned(),
            &org,
        ),
        (
            format!("org update {ORG} --max-providers 7 --max-profiles 9"),
            format!("PATCH {org_path}"),
            r#"{"quotas":{"service_providers":7,"profiles":9}}"#.to_owned(),
            &org,
        ),
        (
            format!("client create {ORG} --rate-limit 0"),
            format!("POST {org_path}/clients"),
            r#"{"rate_limit":0}"#.to_owned(),
            &client,
        ),
        (
            format!("client create {ORG} --public"),
            format!("POST {org_path}/clients"),
            r#"{"public":true}"#.to_owned(),
            &client,
        ),
        (
            format!("client update {CLIENT} --public off"),
            format!("PATCH {client_path}"),
            r#"{"public":false}"#.to_owned(),
            &client,
        ),
        (
            format!("token refresh issue {CLIENT} --scope a"),
            format!("POST {client_path}/refresh-tokens"),
            r#"{"scopes":["a"]}"#.to_owned(),
            &refresh,
        ),
        (format!("client get {CLIENT}"), format!("GET {client_path}"), String::new(), &client),
        (
            format!("client update {CLIENT} --scope a"),
            format!("PATCH {client_path}"),
            r#"{"scopes":["a"]}"#.to_owned(),
            &client,
        ),
        (
            format!("client enable {CLIENT}"),
            format!("PATCH {client_path}"),
            r#"{"enabled":true}"#.to_owned(),
            &client,
        ),
        (
            format!("client disable {CLIENT}"),
            format!("PATCH {client_path}"),
            r#"{"enabled":false}"#.to_owned(),
            &client,
        ),
        (
            format!("client rotate-secret {CLIENT}"),
            format!("POST {client_path}/rotate-secret"),
            String::new(),
            &client,
        ),
        (
            format!("client revoke-tokens {CLIENT} --refresh-tokens"),
            format!("POST {client_path}/revoke-tokens"),
            r#"{"refresh_tokens":true}"#.to_owned(),
            &client,
        ),
        (
            format!("provider create {ORG} desk --display-name en-US=Desk"),
            format!("POST {org_path}/serviceProviders"),
            r#"{"logical_id":"desk","display_name":[{"locale":"en-US","value":"Desk"}]}"#.to_owned(),
            &provider,
        ),
        (format!("provider get {PROVIDER}"), format!("GET {provider_path}"), String::new(), &provider),
        (
            format!("provider update {PROVIDER} --display-name fr=Bureau"),
            format!("PATCH {provider_path}"),
            r#"{"display_name":[{"locale":"fr","value":"Bureau"}]}"#.to_owned(),
            &provider,
        ),
        (
            format!("provider network set {PROVIDER} amzn1.ask.skill.a"),
            format!("PUT {provider_path}/network"),
            network.clone(),
            &network,
        ),
        (
            format!("provider network show {PROVIDER}"),
            format!("GET {provider_path}/network"),
            String::new(),
            &network,
        ),
        (
            format!("profile create {ORG} {ORG} --name Lobby"),
            format!("POST {org_path}/profiles"),
            format!(r#"{{"unit":"{ORG}","name":"Lobby"}}"#),
            &profile,
        ),
        (format!("profile get {PROFILE}"), format!("GET {profile_path}"), String::new(), &profile),
        (
            format!("profile rename {PROFILE} Bar"),
            format!("PATCH {profile_path}"),
            r#"{"name":"Bar"}"#.to_owned(),
            &profile,
        ),
        (
            format!("unit create {ORG} Lobby --parent {ORG}"),
            format!("POST {org_path}/units"),
            format!(r#"{{"parent":"{ORG}","name":"Lobby"}}"#),
            &unit,
        ),
        (format!("unit get {UNIT}"), format!("GET {unit_path}"), String::new(), &unit),
        (
            format!("unit rename {UNIT} Bar"),
            format!("PATCH {unit_path}"),
            r#"{"name":"Bar"}"#.to_owned(),
            &unit,
        ),
        (
            format!("address-book create {ORG} Guests"),
            format!("POST {org_path}/addressBooks"),
            r#"{"name":"Guests"}"#.to_owned(),
            &book,
        ),
        (
            format!("address-book rename {BOOK} Staff"),
            format!("PATCH {book_path}"),
            r#"{"name":"Staff"}"#.to_owned(),
            &book,
        ),
        (
            format!("contact create {BOOK} Taxi --phone +12065550100 --phone +442079460000"),
            format!("POST {book_path}/contacts"),
            r#"{"name":"Taxi","phone_numbers":["+12065550100","+442079460000"]}"#.to_owned(),
            &contact,
        ),
        (
            format!("contact update {BOOK} {CONTACT} Desk --endpoint 0"),
            format!("PUT {book_path}/contacts/{CONTACT}"),
            r#"{"name":"Desk","provider_contact":"0"}"#.to_owned(),
            &contact,
        ),
        (
            format!("contact create {BOOK} Lobby --amazon-id {PROFILE}"),
            format!("POST {book_path}/contacts"),
            format!(r#"{{"name":"Lobby","profile":"{PROFILE}"}}"#),
            &contact,
        ),
        (
            "maintenance on --retry-after 5".to_owned(),
            "PUT /admin/v1/maintenance".to_owned(),
            maintenance.clone(),
            &maintenance,
        ),
        (
            "maintenance off".to_owned(),
            "PUT /admin/v1/maintenance".to_owned(),
            r#"{"enabled":false,"retry_after":60}"#.to_owned(),
            &maintenance,
        ),
        ("maintenance show".to_owned(), "GET /admin/v1/maintenance".to_owned(), String::new(), &maintenance),
        (
            "fault add --operation create --status 429 --retry-after 2 --times 3".to_owned(),
            "POST /admin/v1/faults".to_owned(),
            r#"{"operation":"create","status":429,"retry_after":2,"times":3}"#.to_owned(),
            &fault,
        ),
        (
            "fault add --latency 100ms..1s --drop after --probability 0.5 --seed 7".to_owned(),
            "POST /admin/v1/faults".to_owned(),
            r#"{"latency_ms":100,"latency_max_ms":1000,"drop":"after","probability":0.5,"seed":7}"#
                .to_owned(),
            &fault,
        ),
        ("fault list".to_owned(), "GET /admin/v1/faults".to_owned(), String::new(), &faults),
        (
            "clock set -30m".to_owned(),
            "PUT /admin/v1/clock".to_owned(),
            r#"{"offset":-1800}"#.to_owned(),
            &clock,
        ),
        (
            "clock set +2h".to_owned(),
            "PUT /admin/v1/clock".to_owned(),
            r#"{"offset":7200}"#.to_owned(),
            &clock,
        ),
        ("clock show".to_owned(), "GET /admin/v1/clock".to_owned(), String::new(), &clock),
        ("clock reset".to_owned(), "PUT /admin/v1/clock".to_owned(), r#"{"offset":0}"#.to_owned(), &clock),
        ("reset --yes".to_owned(), "POST /admin/v1/reset".to_owned(), String::new(), &reset),
        (
            format!(
                "journal --refused --operation create --status 403 --client {CLIENT} --request-id {REQUEST_ID} --after 3"
            ),
            format!(
                "GET /admin/v1/journal?after=3&limit=1000&operation=create&status=403&clientId={CLIENT}&requestId={REQUEST_ID}&refused=true"
            ),
            String::new(),
            &journal,
        ),
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
    let (run, seen) =
        admin(&["token", "refresh", "revoke", "0123456789abcdef"], vec![Step::json(204, "")]).await;
    assert_eq!((run.code, run.out.as_str()), (0, "revoked 0123456789abcdef\n"));
    assert_eq!(
        format!("{} {}", seen[0].method, seen[0].path),
        "DELETE /admin/v1/refresh-tokens/0123456789abcdef"
    );
    let list = format!(r#"{{"items":[{refresh}]}}"#);
    let (run, seen) = admin(&["token", "refresh", "list", CLIENT], vec![Step::json(200, &list)]).await;
    assert!(run.out.contains("0123456789abcdef") && run.out.contains("as granted"), "{}", run.out);
    assert_eq!(seen[0].path, format!("/admin/v1/clients/{CLIENT}/refresh-tokens?limit=1000"));
    for (line, path, id) in [
        (format!("org delete {ORG}"), org_path, ORG),
        (format!("client delete {CLIENT}"), client_path, CLIENT),
        (format!("provider network delete {PROVIDER}"), format!("{provider_path}/network"), PROVIDER),
        (format!("provider delete {PROVIDER} --cascade"), format!("{provider_path}?cascade=true"), PROVIDER),
        (format!("provider delete {PROVIDER}"), provider_path, PROVIDER),
        (format!("profile delete {PROFILE}"), profile_path, PROFILE),
        (format!("unit delete {UNIT}"), unit_path, UNIT),
        (format!("contact delete {BOOK} {CONTACT}"), format!("{book_path}/contacts/{CONTACT}"), CONTACT),
        (format!("address-book delete {BOOK}"), book_path, BOOK),
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
async fn the_journal_says_in_a_line_why() {
    let entry = format!(
        r#"{{"sequence":7,"time":"2026-01-01T00:00:00.000Z","request_id":"{REQUEST_ID}","method":"POST","path":"/v1/…","operation":"create","client_id":"{CLIENT}","status":403,"latency_us":80,"type":"FORBIDDEN","message":"m","refusal":{{"check":"scope","reason":"missing_scope","missing_scopes":["a::b"],"granted_scopes":["profile"]}}}}"#
    );
    let page = |entries: &str, lost: u64| {
        Step::json(200, &format!(r#"{{"entries":[{entries}],"next_after":7,"more":false,"lost":{lost}}}"#))
    };
    let (run, _) = admin(&["journal"], vec![page(&entry, 0)]).await;
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(run.out.contains("scope: missing_scope a::b, granted profile"), "{}", run.out);
    assert!(run.out.contains(CLIENT) && run.out.contains(REQUEST_ID), "{}", run.out);

    let dropped = entry.replace(r#""status":403,"#, r#""fault":2,"dropped":true,"#);
    let dropped = &dropped[..dropped.find(r#","type""#).unwrap()];
    let script = vec![page("", 3), page(&format!("{dropped}}}"), 0)];
    let (run, seen) = admin(&["journal", "--follow", "--limit", "1"], script).await;
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("3 entries were gone"), "{}", run.err);
    assert!(run.out.contains("dropped  fault rule 2"), "{}", run.out);
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths, ["/admin/v1/journal?limit=1&wait=25", "/admin/v1/journal?after=7&limit=1&wait=25"]);
}

#[tokio::test]
async fn what_would_be_lost_is_asked_for_and_wrong_rules_are_not_sent() {
    for (line, said) in [
        ("reset", "--yes"),
        ("fault add", "required"),
        ("fault add --status 200", "400..=599"),
        ("fault add --status 503 --drop after", "cannot be used"),
        ("fault add --status 503 --nth 1 --every 2", "cannot be used"),
        ("fault add --latency soon", "100ms..300ms"),
        ("clock set soon", "+2h"),
        ("journal --request-id x", "UUID"),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let (run, seen) = admin(&args, vec![]).await;
        assert_eq!((run.code, seen.len()), (2, 0), "{line}: {}", run.err);
        assert!(run.err.contains(said), "{line}: {}", run.err);
    }
}

#[tokio::test]
async fn a_consent_password_comes_from_standard_input() {
    let org = format!(
        r#"{{"id":"{ORG}","name":"n","country":"US","vertical":"core","has_consent_password":true}}"#
    );
    for (words, typed, body) in [
        (
            vec!["org", "set-consent-password", ORG],
            "correct horse\nmore",
            r#"{"consent_password":"correct horse"}"#,
        ),
        (vec!["org", "set-consent-password", ORG, "--remove"], "", r#"{"consent_password":null}"#),
    ] {
        let server = ScriptedServer::start(vec![Step::json(200, &org)]).await;
        let home = Home::new();
        let mut child = home
            .command(&words)
            .env("JACKFIELD_ADMIN_ENDPOINT", server.endpoint().to_string())
            .env("JACKFIELD_ADMIN_TOKEN", "admin-t")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes()).await;
        let run = Run::from(child.wait_with_output().await.unwrap());
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(!run.out.contains("correct horse"), "{}", run.out);
        let seen = server.seen();
        assert_eq!(
            (seen[0].method.as_str(), seen[0].path.as_str()),
            ("PATCH", &*format!("/admin/v1/organizations/{ORG}"))
        );
        assert_eq!(seen[0].body, body);
    }
    let (run, seen) = admin(&["org", "set-consent-password", ORG], vec![]).await;
    assert_eq!((run.code, seen.len()), (1, 0), "{}", run.err);
}
