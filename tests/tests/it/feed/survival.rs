//! Every change gets to a webhook, whatever dies meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use jackfield_tests::postgres::Database;
use jackfield_tests::{Options, Server, Tenant, TenantOptions, Version, poll};
use serde_json::{Value, json};

use super::events::fill;
use super::receiver::{Receiver, SECRET};
use super::webhook::{add, started, until};

/// How many changes there are: `make webhook-feed` has 100,000 of them.
const VARIABLE: &str = "JACKFIELD_TEST_FEED_CHANGES";
const CHANGES: usize = 5_000;
/// How often the receiver dies.
const DEATHS: usize = 20;

/// The changes of associations as the record has them.
async fn recorded(tenant: &Tenant) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let target = format!("/admin/v1/changes?operation=association.&limit=1000&after={after}");
        let mut page = tenant.admin.get(&target).await;
        let Value::Array(changes) = page["changes"].take() else { panic!("{page}") };
        all.extend(changes);
        if page["more"] == false {
            return all;
        }
        after = page["next_after"].as_u64().unwrap();
    }
}

/// Each change was taken at least once, none before one that is before it in the record. Answers how many were taken again.
fn assert_delivered(taken: &[Value], recorded: &[Value]) -> usize {
    let place: HashMap<u64, usize> =
        recorded.iter().enumerate().map(|(n, change)| (change["sequence"].as_u64().unwrap(), n)).collect();
    let (mut next, mut again) = (0, 0);
    for event in taken {
        let n = place[&event["data"]["sequence"].as_u64().unwrap()];
        assert_eq!(event["data"], recorded[n]);
        assert!(n <= next, "{n} came before {next}");
        if n == next { next += 1 } else { again += 1 }
    }
    assert_eq!(next, recorded.len(), "none is missing");
    again
}

fn of_each(all: &[Value]) -> usize {
    let mut providers: Vec<&str> =
        all.iter().map(|change| change["service_provider_id"].as_str().unwrap()).collect();
    providers.sort_unstable();
    providers.dedup();
    providers.len()
}

#[tokio::test]
async fn a_receiver_that_dies_twenty_times_misses_nothing() {
    let count = std::env::var(VARIABLE).map_or(CHANGES, |text| text.parse().unwrap());
    let (mut server, tenant) = started(&[]).await;
    for n in 0..4 {
        let mut tenant = tenant.again(Version::Http1);
        tenant.provider = tenant.new_provider(&n.to_string()).await;
        fill(&tenant, "room", count / 4).await;
    }
    let mut receiver = Receiver::start().await;
    let path = add(&tenant, &receiver, json!({"operation": "association.", "after": 0})).await;
    let patience = Duration::from_secs(60) + Duration::from_millis(2 * count as u64);
    for death in 1..=DEATHS {
        let enough = count * death / (DEATHS + 1);
        poll::until_async("deliveries go on", patience, async || (receiver.count() >= enough).then_some(()))
            .await;
        // At whatever moment: with a delivery that it has got and not answered, or with none.
        receiver.die().await;
        match death {
            7 => {
                server.kill9();
                server.restart();
            }
            14 => {
                server.terminate();
                server.restart();
            }
            _ => {
                until(&tenant, &path, "nobody takes it", |webhook| webhook["failures"] != 0).await;
            }
        }
        receiver.come_back().await;
    }
    poll::until_async("the last ones come", patience, async || {
        let webhook = tenant.admin.get(&path).await;
        // What follows the associations in the record is the webhook itself.
        (webhook["lag_changes"] == 0).then_some(())
    })
    .await;
    let recorded = recorded(&tenant).await;
    assert_eq!((recorded.len(), of_each(&recorded)), (count / 4 * 4, 4));
    let taken = receiver.taken();
    let again = assert_delivered(&taken, &recorded);
    eprintln!("{count} changes, {} taken, {again} of them again", taken.len());
    // A second of deliveries may come again after SIGKILL; a death of the receiver costs one at most.
    assert!(again < count / 2, "{again} of {count} came again");
}

#[tokio::test]
async fn one_of_two_nodes_delivers_and_the_other_goes_on() {
    let database = Database::fresh();
    let mut nodes = [0, 1].map(|_| Server::start(Options::on(&database)));
    nodes.iter().for_each(|node| node.endpoint().keep_secret(SECRET));
    let one = Tenant::on(nodes[0].endpoint(), TenantOptions::default()).await;
    let other = one.at(nodes[1].endpoint(), Version::Http1);
    let receiver = Receiver::start().await;
    let path = add(&one, &receiver, json!({"operation": "association.", "after": 0})).await;
    for (turn, tenant) in [&one, &other].into_iter().enumerate() {
        fill(tenant, &format!("both-{turn}"), 200).await;
    }
    until(&other, &path, "all is delivered", |webhook| webhook["lag_changes"] == 0).await;
    assert_eq!(assert_delivered(&receiver.taken(), &recorded(&other).await), 0, "by one of them, once");
    // Whichever it was: the one that is killed first, or the other after it.
    for victim in 0..2 {
        let survivor = [&other, &one][victim];
        nodes[victim].kill9();
        fill(survivor, &format!("one-{victim}"), 200).await;
        until(survivor, &path, "the survivor delivers", |webhook| webhook["lag_changes"] == 0).await;
        assert_delivered(&receiver.taken(), &recorded(survivor).await);
        nodes[victim].restart();
    }
}
