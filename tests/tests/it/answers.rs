//! Snapshots of the answers as users see them: status, what headers matter, and the raw body.

use std::fmt::Write;

use http::Method;
use jackfield_tests::{Request, Response, Tenant, TenantOptions};
use serde_json::json;

use crate::operation::Op;
use crate::operation::directory::{DirectoryOp, fresh, names, network, unit};

/// Collects answers under a title each.
struct Page {
    text: String,
    replacements: Vec<(String, &'static str)>,
}

impl Page {
    fn of(tenant: &Tenant) -> Self {
        let replacements = vec![
            (tenant.provider.clone(), "<provider>"),
            (tenant.client_id.clone(), "<client>"),
            (tenant.client_secret.clone(), "<secret>"),
            (tenant.organization.clone(), "<organization>"),
        ];
        Self { text: String::new(), replacements }
    }

    fn add(&mut self, title: &str, response: &Response) {
        let mut body = response.text().replace(response.request_id(), "<request id>");
        for (from, to) in &self.replacements {
            body = body.replace(from, to);
        }
        writeln!(self.text, "# {title}\n{}", response.status).unwrap();
        for name in ["Content-Type", "Content-Length", "Allow", "WWW-Authenticate", "Cache-Control"] {
            if let Some(value) = response.header(name).filter(|_| name != "Content-Length" || body.is_empty())
            {
                writeln!(self.text, "{name}: {value}").unwrap();
            }
        }
        writeln!(self.text, "{body}\n").unwrap();
    }
}

#[tokio::test]
async fn of_the_operations() {
    let tenant = Tenant::fresh().await;
    let mut page = Page::of(&tenant);
    page.add("create", &tenant.create("7201", "1234").await);
    page.add("create again", &tenant.create("7201", "1234").await);
    page.add("query", &tenant.send(&Op::Query.request(&tenant, "7201")).await);
    page.add("query, no match", &tenant.send(&Op::Query.request(&tenant, "none")).await);
    let after_the_last = json!({"filters": {}, "paginationContext": {"nextToken": "0"}});
    page.add("query after the last page", &tenant.query(&after_the_last).await);
    page.add("update", &tenant.update("7201", "ABC9876").await);
    page.add("update of nothing", &tenant.update("none", "ABC9876").await);
    page.add("delete", &tenant.delete("7201").await);
    page.add("delete of nothing", &tenant.delete("7201").await);
    insta::assert_snapshot!(page.text);
}

#[tokio::test]
async fn of_bad_requests() {
    let tenant = Tenant::fresh().await;
    let mut page = Page::of(&tenant);
    let create = |body: &str| tenant.request(&Method::POST, tenant.path()).body(body.to_owned());
    page.add("no body", &tenant.send(&create("")).await);
    page.add("no JSON", &tenant.send(&create("{\"externalUserId\":")).await);
    page.add("no object", &tenant.send(&create("[]")).await);
    page.add("empty object", &tenant.send(&create("{}")).await);
    page.add("a query sent to create", &tenant.send(&create("{\"filters\":{}}")).await);
    page.add("too long", &tenant.create(&"x".repeat(300), "1").await);
    page.add("bad amazonId", &tenant.create("7201", "a b").await);
    page.add("31 ids", &tenant.query(&json!({"filters": {"externalUserIds": vec!["a"; 31]}})).await);
    let page_size = json!({"filters": {}, "paginationContext": {"maxResults": 101}});
    page.add("page too large", &tenant.query(&page_size).await);
    let forged = json!({"filters": {}, "paginationContext": {"nextToken": "forged"}});
    page.add("forged token", &tenant.query(&forged).await);
    insta::assert_snapshot!(page.text);
}

#[tokio::test]
async fn of_refusals() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let off = Tenant::with(TenantOptions { webrtc: false, ..TenantOptions::default() }).await;
    let abroad = Tenant::with(TenantOptions { country: "JP", ..TenantOptions::default() }).await;
    let mut page = Page::of(&tenant);
    let query = |provider: &str, token: &str| Op::Query.bare_request(provider, "7201").bearer(token);
    page.add("no token", &tenant.send(&Op::Query.bare_request(&tenant.provider, "7201")).await);
    page.add("bad token", &tenant.send(&query(&tenant.provider, "nonsense")).await);
    let expired = tenant.admin.token(&tenant.client_id, &json!({"expires_in": 0})).await;
    page.add("expired token", &tenant.send(&query(&tenant.provider, &expired)).await);
    page.add("refresh token", &tenant.send(&query(&tenant.provider, "Atzr|abc")).await);
    let scopeless = tenant.admin.token(&tenant.client_id, &json!({"scopes": ["profile"]})).await;
    page.add("no scope", &tenant.send(&query(&tenant.provider, &scopeless)).await);
    page.add("unknown provider", &tenant.send(&query("nonsense", &tenant.token)).await);
    page.add("provider of another organization", &tenant.send(&query(&other.provider, &tenant.token)).await);
    page.add("no add-on", &off.send(&Op::Query.request(&off, "7201")).await);
    page.add("not available", &abroad.send(&Op::Query.request(&abroad, "7201")).await);
    page.add("wrong method", &tenant.send(&Request::new(&Method::GET, tenant.path())).await);
    page.add("unknown path", &tenant.send(&Request::new(&Method::GET, "/nothing")).await);
    insta::assert_snapshot!(page.text);
}

#[tokio::test]
async fn of_the_token_endpoint() {
    let tenant = Tenant::fresh().await;
    let mut page = Page::of(&tenant);
    let login = |grant: &str| {
        let form = format!("client_id={}&client_secret={}&{grant}", tenant.client_id, tenant.client_secret);
        Request::new(&Method::POST, "/auth/o2/token").body(form)
    };
    let good = tenant
        .send(&login("grant_type=client_credentials&scope=amazon_communication::service_provider"))
        .await;
    let token = good.json()["access_token"].as_str().unwrap().to_owned();
    page.replacements.push((token, "<access token>"));
    page.add("client credentials", &good);
    page.add("no grant type", &tenant.send(&login("")).await);
    page.add("unknown grant type", &tenant.send(&login("grant_type=password")).await);
    page.add("scope not granted", &tenant.send(&login("grant_type=client_credentials&scope=other")).await);
    page.add(
        "bad refresh token",
        &tenant.send(&login("grant_type=refresh_token&refresh_token=Atzr%7Cx")).await,
    );
    page.add(
        "bad secret",
        &tenant.send(&login("").body("client_id=a&client_secret=b&grant_type=client_credentials")).await,
    );
    insta::assert_snapshot!(page.text);
}

#[tokio::test]
async fn of_the_directory() {
    let tenant = Tenant::with(TenantOptions { strict: true, ..TenantOptions::default() }).await;
    let mut page = Page::of(&tenant);
    let send = async |op: DirectoryOp, id: &str, body: serde_json::Value| {
        let request = tenant.request(&op.method(), op.target(id));
        tenant.send(&if body.is_null() { request } else { request.json(&body) }).await
    };
    let none = serde_json::Value::Null;
    let desk = json!({"serviceProviderLogicalId": "desk", "displayName": names("Front desk")});
    let created = send(DirectoryOp::CreateProvider, "", desk.clone()).await;
    let provider = created.json()["serviceProviderId"].as_str().unwrap().to_owned();
    page.replacements.push((provider.clone(), "<new provider>"));
    page.add("create provider", &created);
    page.add("create provider again", &send(DirectoryOp::CreateProvider, "", desk).await);
    page.add("get provider", &send(DirectoryOp::GetProvider, &provider, none.clone()).await);
    let update = json!({"displayName": names("Desk")});
    page.add("update provider", &send(DirectoryOp::UpdateProvider, &provider, update).await);
    page.add("no network", &send(DirectoryOp::GetNetwork, &provider, none.clone()).await);
    page.add("create network", &send(DirectoryOp::CreateNetwork, &provider, network("a")).await);
    page.add("create network again", &send(DirectoryOp::CreateNetwork, &provider, network("a")).await);
    page.add("get network", &send(DirectoryOp::GetNetwork, &provider, none.clone()).await);
    page.add("update network", &send(DirectoryOp::UpdateNetwork, &provider, network("b")).await);
    page.add("delete network", &send(DirectoryOp::DeleteNetwork, &provider, none.clone()).await);
    let lobby = fresh();
    page.replacements.push((lobby.clone(), "<lobby>"));
    let entity = json!({"type": "UNIT", "id": unit(&lobby)});
    let body = json!({"entity": entity, "name": "Lobby"});
    let created = send(DirectoryOp::CreateProfile, "", body).await;
    let profile = created.json()["profileId"]["profileId"].as_str().unwrap().to_owned();
    let suffix = profile.strip_prefix(jackfield_model::AmazonId::PREFIX).unwrap().to_owned();
    page.replacements.push((suffix.clone(), "<new profile>"));
    page.add("create profile", &created);
    page.add("get profile", &send(DirectoryOp::GetProfile, &profile, none.clone()).await);
    page.add("find profile", &send(DirectoryOp::FindProfile, &lobby, none.clone()).await);
    page.add("update profile", &send(DirectoryOp::UpdateProfile, &profile, json!({"name": "Hall"})).await);
    let items = json!({"items": [{"itemId": "1", "entity": entity}]});
    page.add("batch", &send(DirectoryOp::CreateProfiles, "", items).await);
    let items = json!({"items": [{"itemId": "1", "entity": entity}, {"itemId": "2"}]});
    page.add("batch with a bad item", &send(DirectoryOp::CreateProfiles, "", items).await);
    let mut moved = tenant.again(tenant.client.version());
    moved.provider = provider.clone();
    moved.create("7201", &suffix).await.is(201);
    page.add("delete profile in use", &send(DirectoryOp::DeleteProfile, &profile, none.clone()).await);
    page.add("delete provider in use", &send(DirectoryOp::DeleteProvider, &provider, none.clone()).await);
    let cascade =
        tenant.request(&Method::DELETE, DirectoryOp::DeleteProvider.target(&provider) + "?cascade=true");
    page.add("delete provider and associations", &tenant.send(&cascade).await);
    page.add("delete profile", &send(DirectoryOp::DeleteProfile, &profile, none.clone()).await);
    page.add("no such profile", &send(DirectoryOp::GetProfile, &profile, none.clone()).await);
    let other = Tenant::fresh().await;
    let theirs = DirectoryOp::GetProfile.prepare(&other).await;
    page.add("profile of another organization", &send(DirectoryOp::GetProfile, &theirs, none.clone()).await);
    let theirs = json!({"entity": {"type": "UNIT", "id": other.organization}});
    page.add("unit of another organization", &send(DirectoryOp::CreateProfile, "", theirs).await);
    insta::assert_snapshot!(page.text);
}
