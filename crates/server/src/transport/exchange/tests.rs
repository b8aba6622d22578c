use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::transport::outbox::Unsent;
use jackfield_model::limit;

const MOST: usize = limit::UNSENT_BYTES_OF_CONNECTION;

fn connection(all: &Arc<Unsent>) -> Deadlines {
    let long = Duration::from_secs(60);
    Deadlines::new(long, long, Arc::clone(all))
}

#[test]
fn what_is_unsent_is_counted_until_it_is_sent_or_dropped() {
    let all = Arc::new(Unsent::default());
    let connection = connection(&all);
    let mut exchange = Exchange::begin(&connection, true);
    assert!(exchange.try_room(1_000));
    exchange.settle(30);
    assert_eq!(all.bytes(), 30);
    let mut part = Piece::part(Bytes::from(vec![0; 10]), Some(&mut exchange));
    let last = Piece::last(Bytes::from(vec![0; 20]), Some(exchange));
    assert_eq!((all.bytes(), connection.outbox().handed()), (30, 30));
    part.advance(4);
    assert_eq!((all.bytes(), connection.outbox().handed(), connection.outbox().sent()), (26, 26, 4));
    drop(part);
    assert_eq!((all.bytes(), connection.outbox().handed()), (20, 20));
    drop(last);
    assert_eq!((all.bytes(), connection.outbox().handed(), connection.outbox().sent()), (0, 0, 4));
}

#[test]
fn a_connection_that_owes_nothing_always_has_room_for_one() {
    let all = Arc::new(Unsent::default());
    all.0.store(limit::UNSENT_BYTES, Ordering::Relaxed);
    let connection = connection(&all);
    let first = Exchange::begin(&connection, true);
    assert!(first.try_room(MOST * 2), "whatever others leave unread");
    assert!(!Exchange::begin(&connection, true).try_room(1));
    drop(first);
    assert_eq!(all.bytes(), limit::UNSENT_BYTES);
}

#[test]
fn the_bound_of_a_connection_holds() {
    let connection = connection(&Arc::default());
    let exchanges: Vec<_> = (0..4).map(|_| Exchange::begin(&connection, true)).collect();
    for exchange in &exchanges {
        assert!(exchange.try_room(MOST / 4));
    }
    assert!(!Exchange::begin(&connection, true).try_room(1));
}

#[tokio::test]
async fn who_waits_gets_the_room_that_others_leave() {
    let connection = connection(&Arc::default());
    let full = Exchange::begin(&connection, true);
    assert!(full.try_room(MOST));
    let others = [
        Exchange::begin(&connection, true),
        Exchange::begin(&connection, true),
        Exchange::begin(&connection, true),
    ];
    let mut waits: Vec<_> = others.iter().map(|other| Box::pin(other.room(MOST / 2))).collect();
    for wait in &mut waits {
        assert!(wait.as_mut().now_or_never().is_none());
    }
    drop(full);
    // One that was told and goes away does not take the room with it.
    drop(waits.remove(0));
    for wait in &mut waits {
        wait.as_mut().now_or_never().expect("there is room for two");
    }
    drop(waits);
    assert_eq!(connection.outbox().waiting.load(Ordering::Relaxed), 0);
}
