//! What a page of contacts, a create and a delete cost in an address book of 100,000 contacts, compared with one of 1,000.
//!
//! `cargo run --release -p jackfield-store --features testing --example contact_growth -- STORE`, where STORE is
//! `memory:`, `embedded:DIR` of a new directory, or `postgres://…` of an empty database. Small and large book take turns,
//! so that the machine's noise meets both.

#![allow(clippy::print_stdout, reason = "the printed ratios are the result")]

use std::time::{Duration, Instant};

use jackfield_model::admin::Quotas as NamedQuotas;
use jackfield_model::wire::{AddressBook, Contact, ContactCard, ContactTarget, NumberEntry, PhoneNumber};
use jackfield_model::{AddressBookId, ContactId};
use jackfield_store::conformance::world::{organization, organization_id, origin};
use jackfield_store::registry::{Organization, Quotas};
use jackfield_store::resource::{ResourceChange, ResourceOutcome};
use jackfield_store::{RegistryCommand, RegistryOutcome, Store, StoreOptions, StoreUrl, list_resources};

const SMALL: usize = 1_000;
const LARGE: usize = 100_000;
const BATCH: usize = 100;
const ROUNDS: usize = 300;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let url = std::env::args().nth(1).expect("STORE is the argument");
    let url: StoreUrl = url.parse().expect("STORE is the URL of a store");
    let store = url.open(StoreOptions::default()).await.expect("the store opens");
    let quotas = NamedQuotas { contacts: Some(10_000_000), ..NamedQuotas::default() };
    let north = Organization { quotas: Quotas::default().with(quotas), ..organization("north") };
    let made = store.change_registry(RegistryCommand::CreateOrganization(north), origin()).await;
    assert_eq!(made.expect("the store is available"), RegistryOutcome::Done);
    let books = [("small", SMALL), ("large", LARGE)];
    for (book, count) in books {
        let id = AddressBookId::from_suffix(book).expect("a valid id");
        let new = AddressBook { address_book_id: id, name: book.to_owned() };
        change(&*store, vec![ResourceChange::Create(new.into())]).await;
        let began = Instant::now();
        for first in (0..count).step_by(BATCH) {
            let batch = (first..first + BATCH).map(|at| ResourceChange::Create(contact(book, at).into()));
            change(&*store, batch.collect()).await;
        }
        println!(
            "{book}: {count} contacts in batches of {BATCH} took {:.1} s",
            began.elapsed().as_secs_f64()
        );
    }
    let mut times: [[Vec<Duration>; 3]; 2] = Default::default();
    for round in 0..ROUNDS {
        for ((book, count), times) in books.iter().zip(&mut times) {
            let new = contact(book, count + round);
            // From the middle of the book.
            let after = format!("{:08}", count / 2);
            times[0].push(timed(page(&*store, book, &after)).await);
            times[1].push(timed(change(&*store, vec![ResourceChange::Create(new.clone().into())])).await);
            times[2].push(timed(change(&*store, vec![ResourceChange::Delete(new.into())])).await);
        }
    }
    let [small, large] = times.map(|kinds| kinds.map(median));
    for (at, kind) in ["list page", "create", "delete"].iter().enumerate() {
        let ratio = large[at].as_secs_f64() / small[at].as_secs_f64();
        println!("{kind}: {:?} at {SMALL}, {:?} at {LARGE}, ratio {ratio:.2}", small[at], large[at]);
    }
    store.close().await;
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    work.await;
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn page(store: &dyn Store, book: &str, after: &str) {
    let found: Vec<Contact> = list_resources(store, &organization_id("north"), book, after, 100)
        .await
        .expect("the store is available");
    assert_eq!(found.len(), 100);
}

async fn change(store: &dyn Store, changes: Vec<ResourceChange>) {
    let outcomes = store.change_resources(&organization_id("north"), changes, origin()).await;
    let outcomes = outcomes.expect("the store is available");
    assert!(outcomes.iter().all(ResourceOutcome::is_ok), "{outcomes:?}");
}

fn contact(book: &str, number: usize) -> Contact {
    let phone = PhoneNumber::new("+12065550100").expect("a valid number");
    Contact {
        address_book_id: AddressBookId::from_suffix(book).expect("a valid id"),
        contact_id: ContactId::from_suffix(&format!("{number:08}.{book}")).expect("a valid id"),
        contact: ContactCard {
            name: format!("Room {number}"),
            target: ContactTarget::PhoneNumbers(vec![NumberEntry { number: phone }]),
        },
    }
}
