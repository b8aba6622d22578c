use super::*;

const OPERATIONS: &[&str] = &["create", "query", "token"];

const STATUS: FaultRule = FaultRule {
    id: None,
    operation: None,
    client_id: None,
    service_provider_id: None,
    status: Some(429),
    retry_after: None,
    latency_ms: None,
    latency_max_ms: None,
    drop: None,
    deliver: None,
    device: None,
    times: None,
    nth: None,
    every: None,
    probability: None,
    seed: None,
    calls: None,
    hits: None,
};

/// Which of the first `count` calls a rule spoils.
fn spoilt(rule: FaultRule, count: u64) -> Vec<u64> {
    let faults = Faults::default();
    faults.add(rule).unwrap();
    let context = FaultContext { operation: "create", ..FaultContext::default() };
    (1..=count).filter(|_| faults.evaluate(context).is_some()).collect()
}

#[test]
fn a_rule_takes_the_calls_that_it_names() {
    assert_eq!(spoilt(STATUS, 3), [1, 2, 3]);
    assert_eq!(spoilt(FaultRule { times: Some(2), ..STATUS }, 4), [1, 2]);
    assert_eq!(spoilt(FaultRule { nth: Some(3), ..STATUS }, 9), [3]);
    assert_eq!(spoilt(FaultRule { every: Some(3), ..STATUS }, 9), [3, 6, 9]);
    assert_eq!(spoilt(FaultRule { every: Some(3), times: Some(2), ..STATUS }, 9), [3, 6]);
    assert_eq!(spoilt(FaultRule { operation: Some("query".to_owned()), ..STATUS }, 9), [0_u64; 0]);
    assert_eq!(spoilt(FaultRule { probability: Some(0.0), ..STATUS }, 100), [0_u64; 0]);
    assert_eq!(spoilt(FaultRule { probability: Some(1.0), ..STATUS }, 100).len(), 100);
}

#[test]
fn the_seed_decides_what_a_probability_takes() {
    let some = |seed| spoilt(FaultRule { probability: Some(0.3), seed: Some(seed), ..STATUS }, 1_000);
    assert_eq!(some(7), some(7));
    assert_ne!(some(7), some(8));
    assert!((240..360).contains(&some(7).len()), "{}", some(7).len());
}

#[test]
fn the_first_rule_that_fires_decides() {
    let faults = Faults::default();
    let second = FaultRule { status: Some(503), ..STATUS };
    for rule in [FaultRule { nth: Some(2), ..STATUS }, second] {
        faults.add(rule).unwrap();
    }
    let met: Vec<u64> = (0..3).map(|_| faults.evaluate(FaultContext::default()).unwrap().rule).collect();
    assert_eq!(met, [2, 1, 2]);
    let counts: Vec<_> = faults.list().iter().map(|rule| (rule.calls, rule.hits)).collect();
    assert_eq!(counts, [(Some(3), Some(1)), (Some(2), Some(2))]);
    assert!(faults.remove(1) && !faults.remove(1));
    faults.clear();
    assert!(!faults.any() && faults.evaluate(FaultContext::default()).is_none());
    assert_eq!(faults.add(STATUS).unwrap().id, Some(3), "ids are not given twice");
}

#[test]
fn a_drawn_latency_stays_in_its_range() {
    let faults = Faults::default();
    let rule = FaultRule { status: None, latency_ms: Some(100), latency_max_ms: Some(300), ..STATUS };
    faults.add(rule).unwrap();
    let drawn: Vec<Duration> =
        (0..100).map(|_| faults.evaluate(FaultContext::default()).unwrap().latency).collect();
    let range = Duration::from_millis(100)..=Duration::from_millis(300);
    assert!(drawn.iter().all(|latency| range.contains(latency)), "{drawn:?}");
    assert!(
        drawn.iter().max().unwrap().saturating_sub(*drawn.iter().min().unwrap()) > range.start().div_f32(1.0)
    );
}

#[test]
fn rules_are_bounded_in_number() {
    let faults = Faults::default();
    assert_eq!((0..200).filter(|_| faults.add(STATUS).is_some()).count(), limit::FAULTS);
}

#[test]
fn a_wrong_rule_is_named() {
    assert_eq!(check(&STATUS, OPERATIONS), Ok(()));
    let good = FaultRule { status: None, latency_ms: Some(1), drop: Some(DropWhen::After), ..STATUS };
    assert_eq!(check(&good, OPERATIONS), Ok(()));
    for (name, rule) in [
        ("operation", FaultRule { operation: Some("admin".to_owned()), ..STATUS }),
        ("status", FaultRule { status: Some(399), ..STATUS }),
        ("status", FaultRule { status: Some(600), ..STATUS }),
        ("drop", FaultRule { drop: Some(DropWhen::Before), ..STATUS }),
        ("one of", FaultRule { status: None, ..STATUS }),
        ("retry_after", FaultRule { retry_after: Some(1), status: None, latency_ms: Some(1), ..STATUS }),
        ("retry_after", FaultRule { retry_after: Some(0), ..STATUS }),
        ("latency_ms", FaultRule { latency_ms: Some(limit::FAULT_LATENCY_MAX_MS + 1), ..STATUS }),
        ("latency_max_ms", FaultRule { latency_max_ms: Some(5), ..STATUS }),
        ("latency_max_ms", FaultRule { latency_ms: Some(6), latency_max_ms: Some(5), ..STATUS }),
        ("times", FaultRule { times: Some(0), ..STATUS }),
        ("nth", FaultRule { nth: Some(0), ..STATUS }),
        ("every", FaultRule { every: Some(0), ..STATUS }),
        ("exclude", FaultRule { every: Some(1), probability: Some(0.5), ..STATUS }),
        ("probability", FaultRule { probability: Some(1.1), ..STATUS }),
        ("hits", FaultRule { hits: Some(0), ..STATUS }),
    ] {
        let message = check(&rule, OPERATIONS).unwrap_err();
        assert!(message.contains(name), "{name}: {message}");
    }
}
