//! `jackfield webhook`: what it sends and shows.

use jackfield_client::testing::Step;
use serde_json::{Value, json};

use super::{ORG, PROVIDER, admin};

const ID: &str = "6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";
const SECRET: &str = "whsec_bm9ib2R5LWtub3dzLXRoaXMta2V5LWF0LWFsbC0xMjM0";

fn webhook(more: &Value) -> Value {
    let mut webhook = json!({
        "id": ID, "url": "https://hooks.example.com/a", "batch": 1, "timeout": "10s", "park_after": 50,
        "created": "2026-01-01T00:00:00.000Z", "state": "active", "after": 7, "lag_changes": 0, "failures": 0,
    });
    webhook.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    webhook
}

#[tokio::test]
async fn a_webhook_is_added_with_what_was_said() {
    let script = vec![Step::json(201, &webhook(&json!({"secret": SECRET})).to_string())];
    let (run, seen) = admin(&["webhook", "add", "https://hooks.example.com/a"], script).await;
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains(&format!("secret       {SECRET}\n")), "{}", run.out);
    assert_eq!(
        (seen[0].path.as_str(), seen[0].body.as_str()),
        ("/admin/v1/webhooks", r#"{"url":"https://hooks.example.com/a"}"#)
    );
    let words = [
        "webhook",
        "add",
        "http://there/",
        "--secret",
        SECRET,
        "--provider",
        PROVIDER,
        "--organization",
        ORG,
        "--operation",
        "association.",
        "--batch",
        "100",
        "--timeout",
        "5s",
        "--park-after",
        "9",
        "--after",
        "0",
    ];
    let (run, seen) = admin(&words, vec![Step::json(201, &webhook(&json!({})).to_string())]).await;
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(!run.out.contains("secret"), "{}", run.out);
    let sent: Value = serde_json::from_str(&seen[0].body).unwrap();
    let expected = json!({
        "url": "http://there/", "secret": SECRET, "service_provider_id": PROVIDER, "organization_id": ORG,
        "operation": "association.", "batch": 100, "timeout": "5s", "park_after": 9, "after": 0,
    });
    assert_eq!(sent, expected);
    for wrong in [["--batch", "101"], ["--batch", "0"], ["--park-after", "0"], ["--after", "-1"]] {
        let (run, _) = admin(&["webhook", "add", "http://there/", wrong[0], wrong[1]], vec![]).await;
        assert_eq!(run.code, 2, "{wrong:?}: {}", run.err);
    }
}

#[tokio::test]
async fn a_webhook_is_listed_paused_resumed_and_deleted() {
    let parked = json!({"state": "parked", "failures": 50, "last_error": "it answered 500", "lag_changes": 12, "lag_seconds": 3});
    let list = json!({"items": [webhook(&parked)]}).to_string();
    let (run, _) = admin(&["webhook", "list"], vec![Step::json(200, &list)]).await;
    assert_eq!(run.code, 0, "{}", run.err);
    let row = run.out.lines().nth(1).unwrap();
    assert!(row.contains("parked  7      12   3            50        it answered 500"), "{}", run.out);
    for (verb, path) in [("get", ""), ("pause", "/pause"), ("resume", "/resume")] {
        let (run, seen) =
            admin(&["webhook", verb, ID], vec![Step::json(200, &webhook(&json!({})).to_string())]).await;
        assert_eq!(run.code, 0, "{}", run.err);
        assert_eq!(seen[0].path, format!("/admin/v1/webhooks/{ID}{path}"));
    }
    let (run, _) = admin(&["webhook", "delete", ID], vec![Step::json(204, "")]).await;
    assert_eq!((run.code, run.out.as_str()), (0, format!("deleted {ID}\n").as_str()), "{}", run.err);
}
