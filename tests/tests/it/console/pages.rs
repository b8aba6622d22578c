//! The main task of each page, as a person does it.

use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Options, Server, Version, poll};
use serde_json::{Value, json};

use super::stage::Stage;

#[tokio::test]
async fn a_request_is_tried_from_the_first_page() {
    let stage = Stage::set().await;
    stage.browser.wait_for("Try it").await;
    stage.press("Send").await;
    stage.browser.wait_for("Answered 201").await;
    stage.check("home-tried").await;
    stage.press("Query").await;
    stage.press("Send").await;
    stage.browser.wait_for("Answered 200").await;
    assert!(stage.browser.text().await.contains("\"totalCount\": 1"));
    stage.press("Delete").await;
    stage.press("Send").await;
    stage.browser.wait_for("Answered 200").await;
    stage.press("Send").await;
    stage.browser.wait_for("Answered 404").await;
    // On to the reason.
    stage.browser.click("//a[.='why, in the journal']").await;
    stage.browser.wait_for("The object is there, and not in the way").await;
    stage.check("journal-refused").await;
    stage.end(&[]).await;
}

#[tokio::test]
async fn an_association_is_made_found_changed_and_deleted() {
    let stage = Stage::set().await;
    for n in 0..30 {
        stage.tenant.create(&format!("room-{n:02}"), "1").await.is(201);
    }
    stage.go("Associations").await;
    stage.browser.wait_for("30 shown of 30").await;
    stage.check("associations").await;
    stage.press("Create").await;
    stage.browser.type_into(&Stage::control("Endpoint"), "lobby").await;
    stage.browser.replace(&Stage::control("Profile"), "nonsense").await;
    stage.browser.click("//dialog//button[.='Create']").await;
    stage.browser.wait_for("amazonId must begin with").await;
    stage.browser.replace(&Stage::control("Profile"), &profile("7")).await;
    stage.browser.click("//dialog//button[.='Create']").await;
    stage.browser.wait_for("31 shown of 31").await;
    assert_eq!(stage.tenant.find("lobby").await.as_deref(), Some("7"));
    stage.browser.type_into(&Stage::control("Endpoint begins with"), "lob").await;
    stage.browser.wait_for("1 shown of 31").await;
    stage.browser.click("//button[.='lobby']").await;
    stage.browser.wait_for("History").await;
    stage.press("Change").await;
    stage.browser.replace(&Stage::control("Profile"), &profile("8")).await;
    stage.browser.click("(//dialog//button[.='Change'])[last()]").await;
    stage.browser.wait_for("lobby was changed").await;
    assert_eq!(stage.tenant.find("lobby").await.as_deref(), Some("8"));
    stage.browser.click("//button[.='lobby']").await;
    stage.browser.wait_for_element("//dialog//td[.='create']").await;
    stage.browser.wait_for_element("//dialog//td[.='update']").await;
    stage.check("association").await;
    stage.browser.click("//dialog//button[@aria-label='Close']").await;
    // By profile, and many at a time.
    stage.browser.replace(&Stage::control("Endpoint begins with"), "room-0").await;
    stage.browser.wait_for("10 shown of 31").await;
    stage.browser.click("//input[@aria-label='Select all that are shown']").await;
    stage.press("Delete 10 selected").await;
    stage.press("Delete").await;
    stage.browser.wait_for("No association matches").await;
    stage.browser.replace(&Stage::control("Endpoint begins with"), "").await;
    stage.browser.type_into(&Stage::control("Profile is"), &profile("8")).await;
    stage.browser.wait_for("1 shown of 21").await;
    assert_eq!(stage.tenant.find("room-05").await, None);
    assert_eq!(stage.tenant.find("room-10").await.as_deref(), Some("1"));
    let changes = stage.tenant.admin.changes(&stage.tenant.provider, 0).await;
    let by_operator = changes.iter().filter(|change| change["actor"] == "admin").count();
    assert_eq!(by_operator, 1 + 1 + 1 + 10, "the provider, a create, an update, ten deletes");
    stage.end(&["400"]).await;
}

#[tokio::test]
async fn a_long_list_scrolls_without_loading_all() {
    let stage = Stage::set().await;
    let fast = stage.tenant.again(Version::Http2);
    for chunk in (0..1_600).collect::<Vec<_>>().chunks(100) {
        let creates = chunk
            .iter()
            .map(|n| stage.tenant.create_request(&association(&format!("n{n:05}"), &profile("1"))));
        let creates: Vec<_> = creates.collect();
        let answers = fast.client.send_together(&creates).await.unwrap();
        assert!(answers.iter().all(|answer| answer.status == 201));
    }
    stage.go("Associations").await;
    stage.browser.wait_for("500 and more shown of 1,600").await;
    let lines = "document.querySelectorAll('.list .line').length";
    assert!(stage.browser.evaluate(lines).await.as_u64().unwrap() < 80, "what cannot be seen is not drawn");
    for _ in 0..4 {
        stage
            .browser
            .run("const list = document.querySelector('.list'); list.scrollTop = list.scrollHeight")
            .await;
        let loaded = async || {
            let rows =
                "document.querySelector('.rows').offsetHeight - document.querySelector('.list').scrollTop";
            (stage.browser.evaluate(rows).await.as_f64()? > 0.0).then_some(())
        };
        poll::until_async("the list goes on", poll::PATIENCE, loaded).await;
    }
    let to_the_end = async || {
        stage
            .browser
            .run("const list = document.querySelector('.list'); list.scrollTop = list.scrollHeight")
            .await;
        let text = stage.browser.text().await;
        (text.contains("1,600 shown of 1,600") && text.contains("n01599")).then_some(())
    };
    poll::until_async("all are loaded", poll::PATIENCE, to_the_end).await;
    assert!(stage.browser.evaluate(lines).await.as_u64().unwrap() < 80);
    stage.end(&[]).await;
}

#[tokio::test]
async fn a_refused_request_is_followed_to_its_explanation() {
    let stage = Stage::set().await;
    stage.go("Journal").await;
    // As it comes.
    let late = stage.tenant.admin.token(&stage.tenant.client_id, &json!({"expires_in": 0})).await;
    let body = association("7201", &profile("1"));
    let request =
        jackfield_tests::Request::new(&http::Method::POST, stage.tenant.path()).bearer(&late).json(&body);
    let refused = stage.tenant.send(&request).await;
    refused.is(401);
    stage.tenant.create("7201", "1").await.is(201);
    stage.browser.wait_for("The access token has expired").await;
    stage.browser.wait_for_element("//td[.='201']").await;
    stage.check("journal").await;
    stage.browser.click("//label[contains(., 'Refused only')]/input").await;
    let one = async || (!stage.browser.text().await.contains("\n201")).then_some(());
    poll::until_async("what was answered is gone", poll::PATIENCE, one).await;
    stage.browser.type_into(&Stage::control("Request id"), refused.request_id()).await;
    stage.browser.wait_for("What would be right").await;
    let text = stage.browser.text().await;
    for part in
        ["authentication: expired", "Get a fresh token", "curl -i -X POST", "$TOKEN", refused.request_id()]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains(&late[..40]), "no token is shown");
    stage.check("journal-entry").await;
    stage.end(&[]).await;
}

#[tokio::test]
async fn a_fault_rule_is_made_and_hit_and_the_clock_is_moved() {
    let seed = "[[organization]]\nid = \"amzn1.alexa.unit.did.seeded\"\nname = \"Seeded\"\ncountry = \"US\"\n\
                vertical = \"hospitality\"\nwebrtc = true\n";
    let home = tempfile::TempDir::new().unwrap();
    let file = home.path().join("seed.toml");
    std::fs::write(&file, seed).unwrap();
    let server = Server::start(Options {
        seed: Some(file),
        ..Options::with_flags(&["--journal-scope", "all", "--allow-reset"])
    });
    let stage = Stage::on(server).await;
    stage.go("Faults and clock").await;
    stage.press("Add a rule").await;
    stage.browser.choose(&Stage::control("On which operation"), "create").await;
    stage.check("fault-rule").await;
    stage.browser.click("//dialog//button[.='Add the rule']").await;
    stage.browser.wait_for("answer 429, Retry-After 2 s").await;
    stage.tenant.create("7201", "1").await.is(429);
    stage.browser.wait_for_element("//td/a[.='1']").await;
    stage.press("+1 day").await;
    stage.browser.wait_for_element("//dd[.='+1 d']").await;
    stage.tenant.query(&json!({"filters": {}})).await.is_error(401, "expired");
    stage.check("faults").await;
    stage.press("Back to now").await;
    stage.browser.wait_for_element("//dd[.='none']").await;
    stage.browser.click("//button[@aria-label='Delete rule 1']").await;
    stage.browser.wait_for("No rule").await;
    stage.press("Switch on").await;
    stage.browser.click("//dialog//button[.='Switch on']").await;
    stage.browser.wait_for("The public operations answer 503").await;
    stage.tenant.create("7201", "1").await.is(503);
    stage.press("Switch off").await;
    stage.browser.wait_for("The public operations are served").await;
    stage.tenant.create("7201", "1").await.is(201);
    stage.press("Reset to the seed").await;
    stage.browser.click("//dialog//button[.='Reset']").await;
    stage.browser.wait_for("Reset: 1 organizations").await;
    let left = stage.tenant.admin.get("/admin/v1/organizations").await;
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    stage.end(&[]).await;
}

#[tokio::test]
async fn accounts_are_made_and_a_secret_is_rotated() {
    let stage = Stage::set().await;
    stage.go("Accounts").await;
    stage.browser.wait_for("Clients (1)").await;
    stage.check("accounts").await;
    stage.browser.click(&format!("//button[@aria-label='Open client {}']", stage.tenant.client_id)).await;
    stage.press("Rotate secret").await;
    stage.browser.wait_for("The present secret stops working at once").await;
    stage.browser.click("//dialog//button[.='Rotate']").await;
    stage.browser.wait_for("Shown this once").await;
    let shown = "[...document.querySelectorAll('dialog .value')].map(one => one.textContent).find(text => text.startsWith('amzn1.oa2-cs'))";
    let secret = stage.browser.evaluate(shown).await;
    stage.check("secret").await;
    let secret = secret.as_str().unwrap();
    stage.tenant.endpoint().keep_secret(secret);
    let login = |secret: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", jackfield_tests::tenant::SCOPE),
            ("client_id", &*stage.tenant.client_id),
            ("client_secret", secret),
        ];
        crate::login::token_request(&form.map(|(name, value)| (name, value)))
    };
    stage.tenant.send(&login(&stage.tenant.client_secret)).await.is(401);
    stage.tenant.send(&login(secret)).await.is(200);
    stage.press("I have it").await;
    stage.press("Disable").await;
    stage.browser.click("(//dialog//button[.='Disable'])[last()]").await;
    stage.browser.wait_for("disabled").await;
    stage.tenant.create("7201", "1").await.is(401);
    stage.press("New organization").await;
    stage.browser.type_into(&Stage::control("Name"), "Harbour").await;
    stage.browser.click("//dialog//button[.='Create']").await;
    stage.browser.wait_for("No service provider yet").await;
    stage.press("New service provider").await;
    stage.browser.type_into(&Stage::control("Logical id"), "front-desk").await;
    stage.browser.click("//dialog//button[.='Create']").await;
    stage.browser.wait_for("Service providers (1)").await;
    stage.press("New client").await;
    stage.browser.click("//dialog//button[.='Create']").await;
    stage.browser.wait_for("The client was made").await;
    stage.press("I have it").await;
    stage.end(&[]).await;
}

#[tokio::test]
async fn changes_are_filtered_and_opened() {
    let stage = Stage::set().await;
    stage.tenant.create("7201", "1").await.is(201);
    stage.tenant.update("7201", "2").await.is(200);
    let webhook = json!({"url": "http://127.0.0.1:1/changes", "park_after": 1, "after": 0});
    let webhook = stage.tenant.admin.create("/admin/v1/webhooks", &webhook).await;
    stage.tenant.endpoint().keep_secret(webhook["secret"].as_str().unwrap());
    stage.go("Changes").await;
    stage.browser.wait_for("association.update").await;
    stage.browser.wait_for("Connection refused").await;
    stage.check("changes").await;
    stage.press("Resume").await;
    poll::until_async("it is tried again, and parked again", poll::PATIENCE, async || {
        let record = stage.tenant.admin.get("/admin/v1/changes?operation=webhook.update").await;
        (record["changes"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    stage.tenant.create("live", "3").await.is(201);
    stage.browser.wait_for("live").await;
    stage.browser.type_into(&Stage::control("Endpoint"), "7201").await;
    stage.browser.wait_for("2 shown").await;
    stage.browser.type_into(&Stage::control("Operation begins with"), "association.update").await;
    stage.browser.wait_for("1 shown").await;
    stage.browser.click("//td/button[contains(@aria-label, 'Open change')]").await;
    stage.browser.wait_for("Before").await;
    let text = stage.browser.text().await;
    assert!(text.contains(&profile("1")) && text.contains(&profile("2")), "{text}");
    stage.check("change").await;
    stage.end(&[]).await;
}

#[tokio::test]
async fn the_reference_is_searched() {
    let stage = Stage::set().await;
    stage.browser.open(&format!("{}/docs", stage.origin)).await;
    stage.browser.wait_for("Create an account association").await;
    let text = stage.browser.evaluate("document.body.innerText").await;
    let text = text.as_str().unwrap();
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is not in the reference"));
    assert!(
        place("Create an account association") < place("Login")
            && place("Login") < place("List organizations")
    );
    assert!(
        text.contains("curl -i -X POST \"$ENDPOINT/v1/communications/serviceProviders/amzn1.comms.csp.id.")
    );
    let shown = "[...document.querySelectorAll('main article')].filter(one => one.checkVisibility()).length";
    let all = stage.browser.evaluate(shown).await.as_u64().unwrap();
    stage.browser.type_into("//input[@type='search']", "rotate secret").await;
    let fewer = async || (stage.browser.evaluate(shown).await.as_u64()? < all / 10).then_some(());
    poll::until_async("the search finds few", poll::PATIENCE, fewer).await;
    stage.browser.wait_for("Issue a new secret").await;
    stage.browser.replace("//input[@type='search']", "account association").await;
    stage.browser.wait_for("Create an account association").await;
    // All operations look alike; axe takes a minute for all of them.
    stage.check("docs").await;
    stage.browser.replace("//input[@type='search']", "nothing has these words").await;
    stage.browser.wait_for("Nothing has all of these words").await;
    stage.browser.replace("//input[@type='search']", "").await;
    stage.browser.wait_for("Create an account association").await;
    stage.end(&[]).await;
}

/// What the admin API has for the console, without a browser.
#[tokio::test]
async fn the_admin_api_writes_and_searches_associations() {
    let tenant = jackfield_tests::Tenant::fresh().await;
    let path = format!("/admin/v1/serviceProviders/{}/associations", tenant.provider);
    let call = async |method: &http::Method, body: &Value| tenant.admin.call(method, &path, body).await;
    let (post, put, delete) = (http::Method::POST, http::Method::PUT, http::Method::DELETE);
    let body = association("7201", &profile("1"));
    assert_eq!(call(&post, &body).await.expect(201).json(), body);
    call(&post, &body).await.is_error(409, "already");
    call(&post, &json!({"externalUserId": "7201"})).await.is_error(400, "amazonId");
    assert_eq!(
        call(&put, &association("7201", &profile("2"))).await.expect(200).json()["amazonId"],
        profile("2")
    );
    call(&put, &association("7202", &profile("2"))).await.is(404);
    assert_eq!(tenant.find("7201").await.as_deref(), Some("2"));
    for n in 0..5 {
        tenant.create(&format!("8{n}"), if n % 2 == 0 { "2" } else { "3" }).await.is(201);
    }
    let search = async |more: &str| {
        let found = tenant.admin.get(&format!("{path}?amazonId={}{more}", profile("2"))).await;
        let ids = found["associations"].as_array().unwrap().iter();
        let ids: Vec<String> = ids.map(|one| one["externalUserId"].as_str().unwrap().to_owned()).collect();
        (ids, found["next_after"].as_str().map(str::to_owned))
    };
    assert_eq!(search("").await, (["7201", "80", "82", "84"].map(str::to_owned).to_vec(), None));
    assert_eq!(
        search("&prefix=8&limit=2").await,
        (["80", "82"].map(str::to_owned).to_vec(), Some("82".to_owned()))
    );
    assert_eq!(search("&prefix=8&after=82").await, (["84"].map(str::to_owned).to_vec(), None));
    call(&delete, &json!({"externalUserId": "7201"})).await.is(204);
    call(&delete, &json!({"externalUserId": "7201"})).await.is(404);
    let changes = async |filter: &str| {
        let found = tenant
            .admin
            .get(&format!("/admin/v1/changes?serviceProviderId={}&{filter}", tenant.provider))
            .await;
        let found = found["changes"].as_array().unwrap().iter();
        found.map(|change| change["operation"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of_7201 = ["association.create", "association.update", "association.delete"];
    assert_eq!(changes("externalUserId=7201").await, of_7201);
    assert_eq!(changes("externalUserId=7201&operation=association.u").await, ["association.update"]);
    assert_eq!(changes(&format!("actor={}", tenant.client_id)).await.len(), 5);
    assert_eq!(changes("actor=nobody").await, [""; 0]);
}

#[tokio::test]
async fn a_tried_request_passes_the_checks_of_a_client() {
    let tenant = jackfield_tests::Tenant::fresh().await;
    let attempt = async |method: &str, path: &str, body: Value| {
        let request =
            json!({"client_id": tenant.client_id, "method": method, "path": path, "body": body.to_string()});
        tenant.admin.call(&http::Method::POST, "/admin/v1/try", &request).await
    };
    let created =
        attempt("POST", &tenant.path(), association("7201", &profile("1"))).await.expect(200).json();
    assert_eq!((&created["status"], &created["body"]), (&json!(201), &json!("")));
    let again = attempt("POST", &tenant.path(), association("7201", &profile("1"))).await.expect(200).json();
    assert!(again["status"] == 409 && again["body"].as_str().unwrap().contains("CONFLICT"), "{again}");
    let other = jackfield_tests::Tenant::fresh().await;
    let foreign = attempt("POST", &other.path(), association("7201", &profile("1"))).await.expect(200).json();
    assert_eq!(foreign["status"], 401, "the client may use its own providers alone");
    for path in ["/auth/o2/token", "/admin/v1/organizations", "/v1", "http://other/v1/"] {
        attempt("POST", path, json!({})).await.is_error(400, "path must begin");
    }
    attempt("PATCH", &tenant.path(), json!({})).await.is_error(400, "method");
    let changes = tenant.admin.changes(&tenant.provider, 0).await;
    assert_eq!(changes.last().unwrap()["actor"], json!(tenant.client_id), "the record names the client");
}
