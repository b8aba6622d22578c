//! The page Changes while it is open: changes come to it as they are made.

use jackfield_tests::proxy::{Proxy, Way};
use jackfield_tests::{Listener, poll};
use serde_json::Value;

use super::stage::{Stage, link};
use crate::feed::events::{Events, Reader};
use crate::feed::stream::until_open;

/// Has the page take itself for hidden, or for looked at.
async fn hide(stage: &Stage, hidden: bool) {
    let script = format!(
        "Object.defineProperty(document, 'hidden', {{ configurable: true, get: () => {hidden} }});
         document.dispatchEvent(new Event('visibilitychange'));"
    );
    stage.browser.run(&script).await;
}

/// Requests for the change record since the last time.
async fn asked(stage: &Stage) -> usize {
    let requested = stage.browser.requested().await;
    requested.iter().filter(|url| url.path() == "/admin/v1/changes").count()
}

#[tokio::test]
async fn changes_come_to_the_open_page_by_themselves() {
    let stage = Stage::set().await;
    let tenant = &stage.tenant;
    stage.go("Changes").await;
    until_open(tenant, 1.0).await;
    asked(&stage).await;
    for n in 0..3 {
        tenant.create(&format!("live-{n}"), "1").await.is(201);
        stage.browser.wait_for(&format!("live-{n}")).await;
    }
    assert_eq!(asked(&stage).await, 0, "nothing was asked for");
    // A page that nobody looks at asks for nothing, and goes on where it was.
    hide(&stage, true).await;
    until_open(tenant, 0.0).await;
    tenant.create("unseen", "1").await.is(201);
    hide(&stage, false).await;
    stage.browser.wait_for("unseen").await;
    until_open(tenant, 1.0).await;
    // The same for who switches it off.
    stage.browser.click("//main//label[.='Live']").await;
    until_open(tenant, 0.0).await;
    tenant.create("unwatched", "1").await.is(201);
    stage.browser.click("//main//label[.='Live']").await;
    stage.browser.wait_for("unwatched").await;
    // Filters hold for what comes, and take the place of the stream before them.
    stage.browser.type_into(&Stage::control("Endpoint"), "live-1").await;
    stage.browser.wait_for("1 shown").await;
    until_open(tenant, 1.0).await;
    tenant.update("live-2", "2").await.is(200);
    tenant.update("live-1", "2").await.is(200);
    stage.browser.wait_for("2 shown").await;
    stage.go("Home").await;
    until_open(tenant, 0.0).await;
    stage.end(&[]).await;
}

#[tokio::test]
async fn changes_are_asked_for_where_there_is_no_place_for_a_stream() {
    const MOST: usize = jackfield_model::limit::CHANGE_STREAMS;
    let stage = Stage::set().await;
    let mut open: Vec<Events> = Vec::new();
    for _ in 0..MOST {
        open.push(Reader::of(&stage.server).open("", None).await);
    }
    stage.go("Changes").await;
    for n in 0..2 {
        stage.tenant.create(&format!("live-{n}"), "1").await.is(201);
        stage.browser.wait_for(&format!("live-{n}")).await;
    }
    assert!(asked(&stage).await >= 3, "a stream, and a page for each change");
    drop(open);
    stage.go("Home").await;
    stage.go("Changes").await;
    until_open(&stage.tenant, 1.0).await;
    stage.end(&["503"]).await;
}

#[tokio::test]
async fn a_stream_that_breaks_is_taken_up_where_it_was() {
    let mut stage = Stage::set().await;
    let proxy = Proxy::to(stage.server.endpoint().address(Listener::Admin).port());
    stage.origin = format!("http://{}", proxy.address());
    let link = link(&stage.tenant, &stage.origin, stage.tenant.endpoint().admin_token()).await;
    stage.browser.open("about:blank").await;
    stage.browser.open(&link).await;
    stage.browser.wait_for("Sign out").await;
    stage.go("Changes").await;
    until_open(&stage.tenant, 1.0).await;
    // Also while nobody answers for some attempts.
    for way in [Way::Open, Way::Closed] {
        proxy.set_way(way);
        proxy.cut();
        until_open(&stage.tenant, 0.0).await;
        let id = format!("missed-{way:?}");
        stage.tenant.create(&id, "1").await.is(201);
        if way == Way::Closed {
            poll::until_async("it was tried again", poll::PATIENCE, async || {
                (asked(&stage).await > 0).then_some(())
            })
            .await;
            proxy.set_way(Way::Open);
        }
        stage.browser.wait_for(&id).await;
    }
    let rows =
        "[...document.querySelectorAll('main td')].filter(one => one.title.startsWith('missed-')).length";
    assert_eq!(stage.browser.evaluate(rows).await, Value::from(2), "each once");
    let complaints = stage.browser.complaints().await;
    assert!(complaints.iter().all(|line| line.contains("net::ERR_")), "{complaints:?}");
    stage.browser.close().await;
}
