//! The page of calls: what is said in them, and a device in the browser that talks to the page of the example.

use jackfield_tests::browser::Browser;
use jackfield_tests::{Version, poll};
use serde_json::json;

use super::stage::Stage;
use crate::calls::device::Stage as Calls;
use crate::calls::example::Example;
use crate::calls::integration::Endpoint;

/// The number before this text on the page.
async fn number(browser: &Browser, after: &str) -> Option<u64> {
    let text = browser.text().await;
    let (before, _) = text.split_once(after)?;
    before.rsplit(char::is_whitespace).next()?.replace(',', "").parse().ok()
}

/// Waits until both browsers have heard this many packets more.
async fn hear_each_other(device: &Browser, page: &Browser) {
    let count = async || Some((number(device, " heard").await?, number(page, " packets heard").await?));
    let first = poll::until_async("both browsers count", poll::PATIENCE, count).await;
    let more = async || {
        let (device, page) = count().await?;
        (device > first.0 + 20 && page > first.1 + 20).then_some(())
    };
    poll::until_async("device and page hear each other", poll::PATIENCE, more).await;
}

#[tokio::test]
async fn a_device_in_the_browser_calls_and_is_called() {
    let console = Stage::set().await;
    let calls = Calls::of(console.tenant.again(Version::Http1), Endpoint::Silent).await;
    let (_example, page) = Example::set(&calls).await;
    let device = &console.browser;
    console.go("Calls").await;
    device.wait_for("No call yet").await;
    device.replace(&Stage::control("Profile"), &calls.profile).await;
    console.press("Switch on").await;
    device.wait_for("Ready.").await;

    device.type_into(&Stage::control("Endpoint"), "front-desk").await;
    console.press("Call").await;
    page.click("//button[@id='accept' and not(@hidden)]").await;
    device.wait_for("In a call with front-desk.").await;
    hear_each_other(device, &page).await;
    console.press("Hold").await;
    device.wait_for("On hold: front-desk").await;
    device.wait_for_element("(//strong[.='CallUpdateAck'])[1]").await;
    console.press("Hold").await;
    device.wait_for("In a call with front-desk.").await;
    device.wait_for_element("(//strong[.='CallUpdateAck'])[2]").await;
    // The page offers as well, and the device answers.
    page.click("//button[@id='update']").await;
    device.wait_for_element("//tr[td[.='to skill'] and .//strong[.='CallUpdateResponse']]").await;
    device.wait_for_element("//tr[td[.='from cloud'] and .//strong[.='CallUpdateAck']]").await;
    hear_each_other(device, &page).await;
    console.check("calls").await;
    device.click("//td//button[starts-with(., '…')]").await;
    device.wait_for("the device calls an endpoint").await;
    console.check("call").await;
    device.click("//dialog//button[@aria-label='Close']").await;
    console.press("Hang up").await;
    page.wait_for("ended: SUCCESS The device hung up.").await;
    device.wait_for("Ended: SUCCESS The device hung up.").await;

    page.evaluate("document.getElementById('to').value = 'room-7201'").await;
    page.click("//button[@id='call']").await;
    console.press("Answer").await;
    page.wait_for("in a call").await;
    device.wait_for("In a call with front-desk.").await;
    hear_each_other(device, &page).await;
    console.press("Mute").await;
    device.wait_for_element("//button[.='Mute' and @aria-pressed='true']").await;
    page.click("//button[@id='end']").await;
    device.wait_for("Ended: SUCCESS The endpoint hung up.").await;

    page.click("//button[@id='call']").await;
    console.press("Decline").await;
    page.wait_for("ended: DEVICE_BUSY The device declined the call.").await;
    page.close().await;
    console.end(&[]).await;
}

/// A call of a device of the server, from the form to its transcript, and the rule of a device.
#[tokio::test]
async fn a_call_is_started_and_a_rule_set() {
    let console = Stage::set().await;
    let calls = Calls::of(console.tenant.again(Version::Http1), Endpoint::Answers).await;
    let device = &console.browser;
    console.go("Calls").await;
    console.press("Start a call").await;
    device.replace(&Stage::control("From profile"), "nonsense").await;
    device.type_into(&Stage::control("To endpoint"), "front-desk").await;
    device.click("//dialog//button[.='Call']").await;
    device.wait_for("amzn1.alexa.communications.profile.did.").await;
    device.replace(&Stage::control("From profile"), &calls.profile).await;
    console.check("call-start").await;
    device.click("//dialog//button[.='Call']").await;
    device.wait_for("the device calls an endpoint").await;
    device.wait_for("CallAcceptedAck").await;
    device.click("(//dialog//summary)[1]").await;
    device.wait_for("a=ice-ufrag:").await;
    console.press("Hang up for the device").await;
    device.wait_for("SUCCESS: The device hung up.").await;
    device.click("//dialog//button[@aria-label='Close']").await;
    device.replace(&Stage::control("Profile"), &calls.profile).await;
    device.choose(&Stage::control("When a call comes in"), "It answers by itself").await;
    device.type_into(&Stage::control("After"), "2s").await;
    console.press("Save the rule").await;
    device.wait_for("The device follows the rule").await;
    let target = format!("/admin/v1/profiles/{}/device", calls.profile);
    assert_eq!(calls.tenant.admin.get(&target).await, json!({ "onCall": "accept", "after": "2s" }));
    console.end(&["400"]).await;
}
