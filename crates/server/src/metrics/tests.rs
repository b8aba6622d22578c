use super::*;
use crate::description::{Description, Tag};

#[test]
fn requests_and_limits_are_counted() {
    let metrics = Metrics::default();
    let create = Operation::for_clients("create", "create", Description::new(Tag::Associations, ""));
    metrics.request(Some(&create), StatusCode::CREATED, Duration::from_millis(1));
    metrics.request(Some(&create), StatusCode::CREATED, Duration::from_millis(1));
    metrics.request(None, StatusCode::IM_A_TEAPOT, Duration::from_millis(1));
    metrics.limited(Limit::Rate);
    let text = String::from_utf8(metrics.render(Some(&StoreStats::default()), &Default::default())).unwrap();
    for line in [
        "jackfield_requests_total{operation=\"create\",status=\"201\"} 2",
        "jackfield_request_duration_seconds_count{operation=\"create\",status=\"201\"} 2",
        "jackfield_requests_total{operation=\"other\",status=\"418\"} 1",
        "jackfield_limited_total{limit=\"rate\"} 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is missing in\n{text}");
    }
}
