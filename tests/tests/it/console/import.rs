//! A list becomes associations, as property staff do it.

use std::fmt::Write as _;

use http::Method;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Options, Request, Server, poll};
use serde_json::{Value, json};

use super::stage::{Stage, link};

/// Where a file is chosen.
const FILE: &str = "//input[@id='list']";

fn rows(count: usize) -> String {
    let mut text = String::from("Room;Guest;Alexa profile\n");
    for n in 0..count {
        let profile = match n {
            17 => "amzn1.alexa.communication.profile.did.typo".to_owned(),
            4_711 => String::new(),
            9_998 => "#N/A".to_owned(),
            n => profile(&format!("p{}", n % 500)),
        };
        writeln!(text, "room-{n:05};Guest {n};{profile}").unwrap();
    }
    text
}

#[tokio::test]
async fn ten_thousand_rows_of_which_three_are_bad() {
    let stage = Stage::set().await;
    stage.tenant.create("room-00000", "old").await.is(201);
    stage.tenant.create("room-00001", "p1").await.is(201);
    let home = tempfile::TempDir::new().unwrap();
    let file = home.path().join("rooms.csv");
    std::fs::write(&file, rows(10_000)).unwrap();
    stage.go("Import").await;
    stage.browser.wait_for("Drop a list here").await;
    stage.check("import").await;
    stage.browser.type_into(FILE, file.to_str().unwrap()).await;
    // The columns have other names than the API: they are proposed, and shown in the first rows.
    stage.browser.wait_for("10,000 rows").await;
    let text = stage.browser.text().await;
    for part in
        ["3 not valid", "9,997 valid", "Look whether they are right", "columns separated by ;", "4,713"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    stage.check("import-list").await;
    stage.press("Make the plan").await;
    stage.browser.wait_for("Make 9,996 changes").await;
    let text = stage.browser.text().await;
    assert!(text.contains("…did.old") && text.contains("Download the rejected rows"), "{text}");
    stage.check("import-plan").await;
    assert_eq!(stage.tenant.find("room-00002").await, None, "a plan changes nothing");
    stage.browser.click("//label[contains(., 'Go on without the 3 rows')]/input").await;
    stage.press("Make 9,996 changes").await;
    stage.browser.wait_for("You may close this page").await;
    // It goes on without a page.
    stage.browser.open("about:blank").await;
    let done = async || {
        let imports = stage.tenant.admin.get("/admin/v1/imports").await;
        (imports["imports"][0]["state"] == "done").then_some(())
    };
    poll::until_async("the server goes on", poll::PATIENCE * 4, done).await;
    stage.browser.open(&format!("{}/console/#/import", stage.origin)).await;
    stage.browser.wait_for("9,995 created, 1 updated").await;
    stage.browser.click("//td/a[.='rooms.csv']").await;
    stage.browser.wait_for("The service provider matches the list").await;
    stage.check("import-report").await;
    // The rejected rows, as the page hands them out.
    let saved = "window.saved = null; const make = URL.createObjectURL; \
                 URL.createObjectURL = blob => { blob.text().then(text => { window.saved = text; }); return make(blob); }";
    stage.browser.run(saved).await;
    stage.press("Download the rejected rows").await;
    let text = async || stage.browser.evaluate("window.saved").await.as_str().map(str::to_owned);
    let rejects = poll::until_async("the rejects are handed out", poll::PATIENCE, text).await;
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!(lines.len(), 4, "{rejects}");
    assert_eq!(lines[0], "problem;Room;Guest;Alexa profile");
    assert!(lines[3].ends_with("room-09998;Guest 9998;#N/A"), "{rejects}");
    assert_eq!(stage.tenant.find("room-00000").await.as_deref(), Some("p0"));
    assert_eq!(stage.tenant.find("room-09999").await.as_deref(), Some("p499"));
    assert_eq!(stage.tenant.find("room-00017").await, None);
    stage.end(&[]).await;
}

#[tokio::test]
async fn a_dropped_list_is_mapped_and_deletes_are_confirmed() {
    let stage = Stage::on(Server::start(Options::with_flags(&["--journal-scope", "all"]))).await;
    for n in 0..4 {
        stage.tenant.create(&format!("70{n}"), "1").await.is(201);
    }
    stage.go("Import").await;
    stage.browser.wait_for("Drop a list here").await;
    let text = format!("a,b,c\n700,x,{0}\n701,y,{0}\n702,z,{1}\n", profile("1"), profile("2"));
    let drop = format!(
        "const data = new DataTransfer(); data.items.add(new File([{}], 'phones.txt', {{ type: 'text/plain' }})); \
         document.querySelector('.drop').dispatchEvent(new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }}))",
        json!(text)
    );
    stage.browser.run(&drop).await;
    stage.browser.wait_for_element(&Stage::control("Endpoint column")).await;
    // The column of the profiles is known by its values; that of the endpoint is not known.
    stage.browser.choose(&Stage::control("Endpoint column"), "a").await;
    stage.browser.wait_for("all valid").await;
    stage.browser.click("//label[contains(., 'Delete associations')]/input").await;
    stage.browser.type_into(&Stage::control("Delete at most"), "50%").await;
    stage.press("Make the plan").await;
    stage.browser.wait_for("Make 2 changes").await;
    stage.press("Make 2 changes").await;
    stage.browser.wait_for("Delete 1 associations?").await;
    stage.browser.click("//dialog//button[.='Delete and go on']").await;
    stage.browser.wait_for("The service provider matches the list").await;
    assert_eq!(stage.tenant.find("703").await, None);
    assert_eq!(stage.tenant.find("702").await.as_deref(), Some("2"));
    stage.go("Import").await;
    stage.browser.wait_for("1 updated, 1 deleted").await;
    stage.browser.click("//button[@aria-label='Remove phones.txt']").await;
    stage.browser.click("//dialog//button[.='Remove']").await;
    stage.browser.wait_for("No import yet").await;
    stage.end(&[]).await;
}

#[tokio::test]
async fn who_only_looks_begins_no_import() {
    let stage = Stage::set().await;
    let body = json!({"name": "looks", "role": "viewer"});
    let made = stage.tenant.admin.create("/admin/v1/tokens", &body).await;
    let token = made["token"].as_str().unwrap();
    stage.tenant.endpoint().keep_secret(token);
    let path = format!("/admin/v1/serviceProviders/{}/imports", stage.tenant.provider);
    let upload = |token: &str| Request::new(&Method::POST, &path).bearer(token).body("a,b\n");
    stage.tenant.admin.send(&upload(token)).await.is_error(403, "role");
    let own = stage.tenant.endpoint().admin_token();
    let import = stage.tenant.admin.send(&upload(own)).await.expect(201).json();
    for act in ["preview", "plan", "apply", "cancel"] {
        let target = format!("/admin/v1/imports/{}/{act}", import["id"].as_str().unwrap());
        let request = Request::new(&Method::POST, target).bearer(token).json(&json!({}));
        stage.tenant.admin.send(&request).await.is_error(403, "role");
    }
    stage.browser.open("about:blank").await;
    stage.browser.open(&link(&stage.tenant, &stage.origin, token).await).await;
    stage.browser.wait_for("Sign out").await;
    stage.go("Import").await;
    stage.browser.wait_for("Your role may look at imports").await;
    assert_eq!(
        stage.browser.evaluate("document.querySelectorAll('input[type=file]').length").await,
        json!(0)
    );
    stage.browser.click("//td/a[.='list.csv']").await;
    stage.browser.wait_for("All imports").await;
    let buttons = stage
        .browser
        .evaluate("[...document.querySelectorAll('main button')].map(one => one.textContent)")
        .await;
    assert_eq!(buttons, Value::Array(Vec::new()));
    stage.end(&[]).await;
}
