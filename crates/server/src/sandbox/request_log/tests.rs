use jackfield_model::inspect::Refusal;

use super::*;

fn request(operation: &str, status: u16) -> JournalEntry {
    JournalEntry {
        sequence: 0,
        time: String::new(),
        request_id: RequestId::random(),
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: None,
        operation: operation.to_owned(),
        client_id: None,
        service_provider_id: None,
        status: Some(status),
        latency_us: 1,
        kind: None,
        message: None,
        refusal: (status >= 400).then(Refusal::default),
        fault: None,
        notes: vec![],
        dropped: false,
    }
}

fn journal(capacity: usize, pushes: u64) -> Journal {
    let journal = Journal::new(capacity, JournalScope::All);
    for n in 0..pushes {
        journal
            .push(request(if n % 2 == 0 { "create" } else { "query" }, if n % 3 == 0 { 400 } else { 200 }));
    }
    journal
}

fn sequences(page: &Page) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.sequence).collect()
}

async fn read(journal: &Journal, filter: Filter, after: Option<u64>, limit: usize) -> Page {
    journal.read(&filter, after, limit, Duration::ZERO).await
}

#[tokio::test]
async fn it_keeps_the_newest_and_says_what_is_lost() {
    let journal = journal(10, 25);
    let page = read(&journal, Filter::default(), None, 100).await;
    assert_eq!((sequences(&page), page.lost, page.more), ((16..=25).collect(), 0, false));
    let page = read(&journal, Filter::default(), Some(3), 4).await;
    assert_eq!(
        (sequences(&page), page.lost, page.more, page.next_after),
        (vec![16, 17, 18, 19], 12, true, 19)
    );
    let page = read(&journal, Filter::default(), Some(19), 100).await;
    assert_eq!((sequences(&page), page.lost, page.more), ((20..=25).collect(), 0, false));
    let page = read(&journal, Filter::default(), Some(1_000), 100).await;
    assert_eq!((page.entries.len(), page.next_after), (0, 25), "a number of another life of the server");
    journal.clear();
    journal.push(request("create", 201));
    let page = read(&journal, Filter::default(), Some(20), 100).await;
    assert_eq!((sequences(&page), page.lost), (vec![26], 5));
}

#[tokio::test]
async fn filters_narrow_and_go_on_where_they_looked() {
    let journal = journal(2_000, 1_000);
    let filter = Filter { operation: Some("create".to_owned()), refused: true, ..Filter::default() };
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = read(&journal, filter.clone(), after, 7).await;
        found.extend(sequences(&page));
        after = Some(page.next_after);
        if !page.more {
            break;
        }
    }
    let expected: Vec<u64> = (1..=1_000).filter(|n| (n - 1) % 6 == 0).collect();
    assert_eq!(found, expected);
    assert_eq!(after, Some(1_000));
}

#[tokio::test]
async fn a_reader_waits_for_news_and_for_the_end() {
    let journal = Arc::new(Journal::new(10, JournalScope::All));
    let filter = Filter { status: Some(429), ..Filter::default() };
    let wait = |after| {
        let (journal, filter) = (Arc::clone(&journal), filter.clone());
        tokio::spawn(async move { journal.read(&filter, after, 10, Duration::from_secs(600)).await })
    };
    let waiting = wait(None);
    for status in [200, 400, 429] {
        tokio::task::yield_now().await;
        journal.push(request("create", status));
    }
    assert_eq!(sequences(&waiting.await.unwrap()), [3]);
    let waiting = wait(Some(3));
    tokio::task::yield_now().await;
    journal.close();
    assert_eq!(sequences(&waiting.await.unwrap()), [0_u64; 0]);
}
