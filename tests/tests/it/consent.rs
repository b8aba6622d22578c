//! GET and POST /ap/oa, and the codes that come of it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use http::Method;
use jackfield_model::limit;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Options, Request, Response, Server, Tenant, TenantOptions, Version};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::login::{FORM, access_token, form, is_login_error, token_request, with_client, works};
use crate::operation::Op;

/// Where the tests' client lives; it has a query string of its own.
pub(crate) const BACK: &str = "https://app.example/back?from=jackfield";
/// The example of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The challenge of the method S256 for a verifier.
pub(crate) fn s256(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// A tenant whose client has the redirect URI, confidential or public.
pub(crate) async fn with_redirect(public: bool) -> Tenant {
    prepared(Tenant::fresh().await, public).await
}

pub(crate) async fn prepared(tenant: Tenant, public: bool) -> Tenant {
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    let patch = json!({"redirect_uris": [BACK], "public": public, "scopes": [SCOPE, "profile"]});
    tenant.admin.patch(&target, &patch).await;
    tenant
}

/// The parameters of a good request, some of them changed, added or (empty) left out.
pub(crate) fn asked<'a>(tenant: &'a Tenant, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut pairs = vec![
        ("client_id", &*tenant.client_id),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", SCOPE),
        ("state", "é&=\"'"),
    ];
    for change in changes {
        pairs.retain(|(name, _)| name != &change.0);
        pairs.extend(Some(*change).filter(|(_, value)| !value.is_empty()));
    }
    pairs
}

pub(crate) fn page_request(pairs: &[(&str, &str)]) -> Request {
    Request::new(&Method::GET, format!("/ap/oa?{}", form(pairs)))
}

/// What a form of the page sends back, with the cookie that came along.
pub(crate) struct Filled {
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) cookie: String,
}

impl Filled {
    pub(crate) fn read(response: &Response) -> Self {
        assert!(matches!(response.status, 200 | 403), "{response:?}");
        let unescape = |text: &str| {
            [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
                .iter()
                .fold(text.to_owned(), |text, (entity, char)| text.replace(entity, char))
        };
        let fields = response.text().split("<input type=\"hidden\" name=\"").skip(1).map(|part| {
            let (name, rest) = part.split_once("\" value=\"").unwrap();
            (name.to_owned(), unescape(rest.split_once("\">").unwrap().0))
        });
        let cookie = response.header("Set-Cookie").map_or("", |cookie| {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            cookie.split(';').next().unwrap()
        });
        Self { fields: fields.collect(), cookie: cookie.to_owned() }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn request(&self) -> Request {
        let pairs: Vec<(&str, &str)> = self.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let request = Request::new(&Method::POST, "/ap/oa").header("Content-Type", FORM).body(form(&pairs));
        if self.cookie.is_empty() { request } else { request.header("Cookie", &*self.cookie) }
    }
}

/// The parameters that the browser is sent back with.
#[track_caller]
pub(crate) fn sent_back(response: &Response, status: u16) -> Vec<(String, String)> {
    assert_eq!(response.status, status, "{response:?}");
    let location = response.header("Location").unwrap();
    let query = location.strip_prefix(BACK).unwrap_or_else(|| panic!("{location} is not {BACK} and more"));
    form_urlencoded::parse(query.strip_prefix('&').unwrap().as_bytes()).into_owned().collect()
}

#[track_caller]
fn is_sent_back(response: &Response, status: u16, error: &str) {
    let pairs = sent_back(response, status);
    let names: Vec<&str> = pairs.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["error", "error_description", "state"], "{response:?}");
    assert_eq!((&*pairs[0].1, &*pairs[2].1), (error, "é&=\"'"), "{response:?}");
    let allowed = |char: char| matches!(char, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    assert!(pairs[1].1.chars().all(allowed), "RFC 6749, section 4.1.2.1: {}", pairs[1].1);
}

/// A code, as a browser would get it from somebody who presses Allow.
pub(crate) async fn code(tenant: &Tenant, changes: &[(&str, &str)]) -> String {
    let page = tenant.send(&page_request(&asked(tenant, changes))).await;
    let answer = tenant.send(&Filled::read(&page).set("decision", "allow").request()).await;
    let pairs = sent_back(&answer, 303);
    assert_eq!((&*pairs[0].0, &*pairs[1].0, pairs.len()), ("code", "state", 2));
    tenant.endpoint().keep_secret(&pairs[0].1);
    pairs[0].1.clone()
}

/// A redemption with the client's secret.
pub(crate) fn redeem(tenant: &Tenant, code: &str, more: &[(&str, &str)]) -> Request {
    let mut pairs = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK)];
    for change in more {
        pairs.retain(|(name, _)| name != &change.0);
        pairs.extend(Some(*change).filter(|(_, value)| !value.is_empty()));
    }
    token_request(&with_client(tenant, &pairs))
}

/// Access token and refresh token of a redemption.
fn tokens(tenant: &Tenant, response: &Response) -> (String, String) {
    let access = access_token(response);
    let refresh = response.json()["refresh_token"].as_str().unwrap().to_owned();
    assert!(refresh.starts_with("Atzr|"), "{refresh}");
    tenant.endpoint().keep_secret(&refresh);
    (access, refresh)
}

#[tokio::test]
async fn a_code_becomes_tokens() {
    let tenant = with_redirect(false).await;
    let challenge = s256(VERIFIER);
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let ways: [(Pairs<'_>, Pairs<'_>); 4] = [
        (&[], &[]),
        (
            &[("code_challenge", &challenge), ("code_challenge_method", "S256")],
            &[("code_verifier", VERIFIER)],
        ),
        (&[("code_challenge", VERIFIER), ("code_challenge_method", "plain")], &[("code_verifier", VERIFIER)]),
        (&[("code_challenge", VERIFIER)], &[("code_verifier", VERIFIER)]),
    ];
    for (asked, shown) in ways {
        let code = code(&tenant, asked).await;
        let response = tenant.send(&redeem(&tenant, &code, shown)).await;
        let (access, refresh) = tokens(&tenant, &response);
        assert!(works(&tenant, &access).await);
        let grant = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
        let again = tenant.send(&token_request(&with_client(&tenant, &grant))).await;
        assert!(works(&tenant, &access_token(&again)).await);
        assert_eq!(again.json()["refresh_token"], refresh, "a client with a secret keeps its refresh token");
    }
}

#[tokio::test]
async fn a_token_says_what_was_consented() {
    let tenant = with_redirect(false).await;
    let code = code(&tenant, &[("scope", "profile")]).await;
    let (access, refresh) = tokens(&tenant, &tenant.send(&redeem(&tenant, &code, &[])).await);
    let bare = |token: &str| Op::Query.bare_request(&tenant.provider, "7201").bearer(token);
    tenant.send(&bare(&access)).await.is_error(403, SCOPE);
    // A refresh cannot widen it.
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &*refresh), ("scope", SCOPE)];
    let wider = access_token(&tenant.send(&token_request(&with_client(&tenant, &grant))).await);
    tenant.send(&bare(&wider)).await.is_error(403, SCOPE);
}

#[tokio::test]
async fn the_page_says_who_asks_for_what() {
    let tenant = with_redirect(false).await;
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.admin.patch(&target, &json!({"name": "<b>Harbour & \"Sons\"</b>"})).await;
    let page = tenant.send(&page_request(&asked(&tenant, &[]))).await.expect(200);
    let html = page.text();
    for part in ["&lt;b&gt;Harbour &amp; &quot;Sons&quot;&lt;/b&gt;", &tenant.client_id, SCOPE, "lang=\"en\""]
    {
        assert!(html.contains(part), "{part:?} is not in {html}");
    }
    assert!(!html.contains("<b>Harbour"), "{html}");
    let policy = page.header("Content-Security-Policy").unwrap();
    assert!(policy.contains("form-action 'self' https://app.example;"), "{policy}");
    // Somebody who has a form keeps the cookie, so that two tabs work.
    let cookie = Filled::read(&page).cookie;
    let again = tenant.send(&page_request(&asked(&tenant, &[])).header("Cookie", cookie)).await.expect(200);
    assert_eq!(again.header("Set-Cookie"), None);
}

#[tokio::test]
async fn a_browser_is_never_sent_to_a_stranger() {
    let (tenant, other) = (with_redirect(false).await, with_redirect(false).await);
    let uri = "https://other.example/back";
    let target = format!("/admin/v1/clients/{}", other.client_id);
    other.admin.patch(&target, &json!({"redirect_uris": [uri]})).await;
    for (name, value) in [
        ("client_id", ""),
        ("client_id", "amzn1.application-oa2-client.00000000000000000000000000000000"),
        ("client_id", "nonsense"),
        ("redirect_uri", ""),
        ("redirect_uri", uri),
        ("redirect_uri", &BACK.to_uppercase()),
        ("redirect_uri", &format!("{BACK}&more=1")),
        ("redirect_uri", &BACK.replace("?from=jackfield", "")),
        ("redirect_uri", "//app.example/back"),
        ("redirect_uri", "javascript:alert(1)"),
    ] {
        let pairs = asked(&tenant, &[(name, value)]);
        let response = tenant.send(&page_request(&pairs)).await.expect(400);
        assert_eq!(response.header("Location"), None, "{name}={value}");
        assert!(response.text().contains(name), "the page names {name}: {}", response.text());
        let post =
            Request::new(&Method::POST, "/ap/oa").body(form(&[&pairs[..], &[("decision", "deny")]].concat()));
        assert_eq!(tenant.send(&post).await.expect(400).header("Location"), None, "{name}={value}");
    }
    for name in ["client_id", "redirect_uri"] {
        let value = if name == "client_id" { &*tenant.client_id } else { BACK };
        let twice = [&asked(&tenant, &[])[..], &[(name, value)]].concat();
        let response = tenant.send(&page_request(&twice)).await.expect(400);
        assert!(response.text().contains("more than once"));
    }
}

#[tokio::test]
async fn other_mistakes_are_told_to_the_client() {
    let tenant = with_redirect(false).await;
    let challenge = s256(VERIFIER);
    let rows: [(&[(&str, &str)], &str); 11] = [
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("scope", "")], "invalid_scope"),
        (&[("scope", " ")], "invalid_scope"),
        (&[("scope", "never::granted")], "invalid_scope"),
        (&[("scope", "\"quoted\"")], "invalid_scope"),
        (&[("code_challenge_method", "S256")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge", &challenge), ("code_challenge_method", "s256")], "invalid_request"),
        (&[("code_challenge", VERIFIER), ("code_challenge_method", "S512")], "invalid_request"),
        (&[("code_challenge", &VERIFIER[1..]), ("code_challenge_method", "S256")], "invalid_request"),
    ];
    for (changes, error) in rows {
        let response = tenant.send(&page_request(&asked(&tenant, changes))).await;
        is_sent_back(&response, 302, error);
    }
    let twice = [&asked(&tenant, &[])[..], &[("scope", "profile")]].concat();
    is_sent_back(&tenant.send(&page_request(&twice)).await, 302, "invalid_request");
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    tenant.admin.patch(&target, &json!({"enabled": false})).await;
    is_sent_back(&tenant.send(&page_request(&asked(&tenant, &[]))).await, 302, "unauthorized_client");
}

#[tokio::test]
async fn a_person_may_deny() {
    let tenant = with_redirect(false).await;
    let page = tenant.send(&page_request(&asked(&tenant, &[]))).await;
    let denied = tenant.send(&Filled::read(&page).set("decision", "deny").request()).await;
    is_sent_back(&denied, 303, "access_denied");
}

#[tokio::test]
async fn a_decision_counts_from_our_form_only() {
    let tenant = with_redirect(false).await;
    let filled = async || {
        let page = tenant.send(&page_request(&asked(&tenant, &[]))).await;
        Filled::read(&page).set("decision", "allow")
    };
    let other = filled().await;
    let forged = [
        Filled { cookie: String::new(), ..filled().await },
        Filled { cookie: other.cookie, ..filled().await },
        Filled { cookie: "jackfield-consent=".to_owned(), ..filled().await },
        filled().await.set("token", ""),
        filled().await.set("token", "AAAAAAAAAAAA"),
        filled().await.set("scope", "profile"),
        filled().await.set("state", "another"),
        filled().await.set("code_challenge", VERIFIER),
        filled().await.set("decision", ""),
        filled().await.set("decision", "ALLOW"),
    ];
    for form in forged {
        let response = tenant.send(&form.request()).await.expect(400);
        assert_eq!(response.header("Location"), None, "{response:?}");
    }
    let good = tenant.send(&filled().await.request()).await;
    assert_eq!(sent_back(&good, 303)[0].0, "code");
}

#[tokio::test]
async fn a_code_is_good_for_what_it_was_asked_for() {
    let (tenant, other) = (with_redirect(false).await, with_redirect(false).await);
    let challenge = s256(VERIFIER);
    let with = code(&tenant, &[("code_challenge", &challenge), ("code_challenge_method", "S256")]).await;
    let without = code(&tenant, &[]).await;
    let is = async |request: Request, error: &str| {
        is_login_error(&tenant.send(&request).await, 400, error);
    };
    is(redeem(&tenant, &with, &[]), "invalid_grant").await;
    is(redeem(&tenant, &with, &[("code_verifier", &challenge)]), "invalid_grant").await;
    is(redeem(&tenant, &with, &[("code_verifier", &VERIFIER[1..])]), "invalid_grant").await;
    is(redeem(&tenant, &without, &[("code_verifier", VERIFIER)]), "invalid_grant").await;
    is(redeem(&tenant, &without, &[("redirect_uri", "https://app.example/back")]), "invalid_grant").await;
    is(redeem(&tenant, &without, &[("redirect_uri", "")]), "invalid_request").await;
    is(redeem(&tenant, "", &[]), "invalid_request").await;
    is(redeem(&tenant, "nonsense", &[]), "invalid_grant").await;
    is(redeem(&tenant, &"A".repeat(50_000), &[]), "invalid_grant").await;
    is(redeem(&tenant, &tenant.token, &[]), "invalid_grant").await;
    for at in [0, 30, without.len() - 2] {
        let old = without.as_bytes()[at];
        let new = if old == b'A' { "B" } else { "A" };
        let forged = format!("{}{new}{}", &without[..at], &without[at + 1..]);
        is(redeem(&tenant, &forged, &[]), "invalid_grant").await;
    }
    // Another organization's client, with its own secret and the same redirect URI.
    is(redeem(&other, &without, &[]), "invalid_grant").await;
    // None of this has spent the codes.
    tokens(&tenant, &tenant.send(&redeem(&tenant, &with, &[("code_verifier", VERIFIER)])).await);
    tokens(&tenant, &tenant.send(&redeem(&tenant, &without, &[])).await);
    // A client proves itself first.
    let stolen = code(&tenant, &[]).await;
    let anonymous = [
        ("grant_type", "authorization_code"),
        ("code", &*stolen),
        ("redirect_uri", BACK),
        ("client_id", &*tenant.client_id),
    ];
    is_login_error(&tenant.send(&token_request(&anonymous)).await, 401, "invalid_client");
    // A revocation takes codes along.
    let target = format!("/admin/v1/clients/{}/revoke-tokens", tenant.client_id);
    tenant.admin.call(&Method::POST, &target, &Value::Null).await.is(200);
    is(redeem(&tenant, &stolen, &[]), "invalid_grant").await;
}

#[tokio::test]
async fn a_code_and_a_form_expire_and_the_journal_says_so() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let tenant = prepared(tenant, false).await;
    let offset = async |seconds: u64| {
        let target = "/admin/v1/clock";
        tenant.admin.call(&Method::PUT, target, &json!({"offset": seconds})).await.is(200);
    };
    let (in_time, late) = (code(&tenant, &[]).await, code(&tenant, &[]).await);
    let form = Filled::read(&tenant.send(&page_request(&asked(&tenant, &[]))).await).set("decision", "allow");
    offset(4 * 60).await;
    tokens(&tenant, &tenant.send(&redeem(&tenant, &in_time, &[])).await);
    offset(5 * 60 + 1).await;
    is_login_error(&tenant.send(&redeem(&tenant, &late, &[])).await, 400, "invalid_grant");
    offset(limit::CONSENT_SECONDS + 1).await;
    tenant.send(&form.request()).await.is(400);
    tenant.send(&redeem(&tenant, &in_time, &[])).await.is(400);
    let entries = tenant.admin.get("/admin/v1/journal?refused=true").await["entries"].clone();
    let refusals: Vec<(&str, &str)> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let refusal = &entry["refusal"];
            (refusal["check"].as_str().unwrap(), refusal["reason"].as_str().unwrap())
        })
        .collect();
    // A code that is spent has expired by now as well.
    let expired = ("grant", "expired_code");
    assert_eq!(refusals, [expired, ("consent", "invalid_request"), expired]);
    for entry in entries.as_array().unwrap() {
        assert_eq!(entry["client_id"], tenant.client_id, "{entry}");
    }
}

#[tokio::test]
async fn a_code_that_comes_twice_takes_back_what_it_gave() {
    let tenant = with_redirect(false).await;
    let (spent, other) = (code(&tenant, &[]).await, code(&tenant, &[]).await);
    let (access, refresh) = tokens(&tenant, &tenant.send(&redeem(&tenant, &spent, &[])).await);
    let (others_access, _) = tokens(&tenant, &tenant.send(&redeem(&tenant, &other, &[])).await);
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    let refreshed = access_token(&tenant.send(&token_request(&with_client(&tenant, &grant))).await);
    assert!(works(&tenant, &access).await && works(&tenant, &refreshed).await);
    is_login_error(&tenant.send(&redeem(&tenant, &spent, &[])).await, 400, "invalid_grant");
    assert!(!works(&tenant, &access).await && !works(&tenant, &refreshed).await, "access is gone");
    is_login_error(&tenant.send(&token_request(&with_client(&tenant, &grant))).await, 400, "invalid_grant");
    is_login_error(&tenant.send(&redeem(&tenant, &spent, &[])).await, 400, "invalid_grant");
    // Nothing else of the client is touched.
    assert!(works(&tenant, &others_access).await && works(&tenant, &tenant.token).await);
}

#[tokio::test]
async fn of_many_redemptions_at_once_one_succeeds() {
    let tenant = with_redirect(false).await;
    for _ in 0..5 {
        let code = code(&tenant, &[]).await;
        let http2 = tenant.again(Version::Http2);
        let requests = vec![redeem(&tenant, &code, &[]); 16];
        let answers = join_all(requests.iter().map(|request| http2.send(request))).await;
        let good: Vec<&Response> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(good.len(), 1, "{answers:?}");
        answers.iter().filter(|answer| answer.status != 200).for_each(|answer| {
            is_login_error(answer, 400, "invalid_grant");
        });
        let (access, _) = tokens(&tenant, good[0]);
        assert!(!works(&tenant, &access).await, "the others have shown that the code was copied");
    }
}

#[tokio::test]
async fn a_spent_code_stays_spent_over_a_kill() {
    let mut server = Server::start(Options::default());
    let tenant = prepared(Tenant::on(server.endpoint(), TenantOptions::default()).await, false).await;
    let (spent, fresh) = (code(&tenant, &[]).await, code(&tenant, &[]).await);
    let (access, refresh) = tokens(&tenant, &tenant.send(&redeem(&tenant, &spent, &[])).await);
    server.kill9();
    server.restart();
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    access_token(&tenant.send(&token_request(&with_client(&tenant, &grant))).await);
    tokens(&tenant, &tenant.send(&redeem(&tenant, &fresh, &[])).await);
    is_login_error(&tenant.send(&redeem(&tenant, &spent, &[])).await, 400, "invalid_grant");
    server.kill9();
    server.restart();
    assert!(!works(&tenant, &access).await);
    is_login_error(&tenant.send(&redeem(&tenant, &spent, &[])).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_public_client_needs_s256_and_no_secret() {
    let tenant = with_redirect(true).await;
    let challenge = s256(VERIFIER);
    is_sent_back(&tenant.send(&page_request(&asked(&tenant, &[]))).await, 302, "invalid_request");
    let plain = [("code_challenge", VERIFIER), ("code_challenge_method", "plain")];
    is_sent_back(&tenant.send(&page_request(&asked(&tenant, &plain))).await, 302, "invalid_request");
    let with = [("code_challenge", &*challenge), ("code_challenge_method", "S256")];
    let code = code(&tenant, &with).await;
    let bare =
        |pairs: &[(&str, &str)]| token_request(&[pairs, &[("client_id", &*tenant.client_id)]].concat());
    let grant = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK)];
    is_login_error(&tenant.send(&bare(&grant)).await, 400, "invalid_grant");
    let wrong = [&grant[..], &[("code_verifier", &challenge)]].concat();
    is_login_error(&tenant.send(&bare(&wrong)).await, 400, "invalid_grant");
    let right = [&grant[..], &[("code_verifier", VERIFIER)]].concat();
    let (access, first) = tokens(&tenant, &tenant.send(&bare(&right)).await);
    assert!(works(&tenant, &access).await);
    // Each refresh without a secret gives a new token; the old one coming back ends both.
    let refresh = |token: &str| bare(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let (_, second) = tokens(&tenant, &tenant.send(&refresh(&first)).await);
    let (access, third) = tokens(&tenant, &tenant.send(&refresh(&second)).await);
    assert!(first != second && second != third);
    assert!(works(&tenant, &access).await);
    is_login_error(&tenant.send(&refresh(&second)).await, 400, "invalid_grant");
    is_login_error(&tenant.send(&refresh(&third)).await, 400, "invalid_grant");
    assert!(!works(&tenant, &access).await);
    // No other grant goes without the secret.
    let credentials = [("grant_type", "client_credentials"), ("scope", SCOPE)];
    is_login_error(&tenant.send(&bare(&credentials)).await, 401, "invalid_client");
    let target = format!("/admin/v1/clients/{}/refresh-tokens", tenant.client_id);
    let issued = tenant.admin.create(&target, &json!({})).await["refresh_token"].as_str().unwrap().to_owned();
    tenant.endpoint().keep_secret(&issued);
    is_login_error(&tenant.send(&refresh(&issued)).await, 401, "invalid_client");
    // A wrong secret is not the same as none.
    let wrong = token_request(
        &[&right[..], &[("client_id", &*tenant.client_id), ("client_secret", "wrong")]].concat(),
    );
    is_login_error(&tenant.send(&wrong).await, 401, "invalid_client");
}
