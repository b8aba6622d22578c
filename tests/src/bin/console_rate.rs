//! What the console costs: how long search and scroll take on many associations, how much of the query path ten open
//! consoles take, and when the first page shows something.
//!
//! Searches are measured one at a time, as a person makes them, at the client of the admin listener. The query path is
//! measured in short rounds, in turn without and with ten sessions that ask what an open page asks; the figure is the
//! median of the ratios of neighbouring rounds. It prints figures and judges nothing: they are the machine's. Arguments:
//! how many associations (1,000,000) and how many rounds (20).

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::browser::Browser;
use jackfield_tests::creator::Creator;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Listener, Options, Request, Server, Tenant, TenantOptions, Version, binary};
use serde_json::json;

/// Connections that create, and that query.
const CONNECTIONS: u64 = 32;
/// Consoles that are open.
const CONSOLES: usize = 10;
/// How often each search is made.
const SEARCHES: u64 = 100;
/// How long a round of queries lasts.
const ROUND: Duration = Duration::from_secs(2);

/// One connection: creates until none are left.
async fn create(mut creator: Creator, next: Arc<AtomicU64>, count: u64) {
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= count {
            return;
        }
        let profile = profile(&format!("p{}", n % 50_000));
        let body = json!({"externalUserId": format!("room-{n:07}"), "amazonId": profile, "amazonIdType": "communication-profile"})
            .to_string();
        creator.prepare(format_args!("{body}"), body.len());
        creator.send().await;
    }
}

async fn fill(tenant: &Tenant, count: u64) {
    let next = Arc::new(AtomicU64::new(0));
    let mut running = Vec::new();
    for _ in 0..CONNECTIONS {
        let creator = tenant.creator().await;
        running.push(tokio::spawn(create(creator, Arc::clone(&next), count)));
    }
    for connection in running {
        connection.await.expect("a client does not panic");
    }
}

/// Times of one search, made for changing places: median, 99 of 100, and the longest, in milliseconds.
async fn search(tenant: &Tenant, target: impl Fn(u64) -> String) -> (f64, f64, f64) {
    let mut times = Vec::new();
    for n in 0..SEARCHES {
        let started = Instant::now();
        tenant.admin.get(&target(n)).await;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1])
}

/// Queries that were answered in a round.
async fn queries(tenant: &Tenant, count: u64) -> f64 {
    let end = Instant::now() + ROUND;
    let started = Instant::now();
    let mut running = Vec::new();
    for connection in 0..CONNECTIONS {
        let tenant = tenant.again(Version::Http1);
        running.push(tokio::spawn(async move {
            let (mut n, mut answered) = (connection * 7_919, 0_u32);
            while Instant::now() < end {
                n = (n + 104_729) % count;
                let filter = json!({"filters": {"externalUserIds": [format!("room-{n:07}")]}});
                tenant.query(&filter).await.is(200);
                answered += 1;
            }
            answered
        }));
    }
    let mut answered = 0;
    for connection in running {
        answered += connection.await.expect("a client does not panic");
    }
    f64::from(answered) / started.elapsed().as_secs_f64()
}

/// What an open first page asks: the history every five seconds, status and health every few; and a journal that waits.
async fn open_console(tenant: Tenant, looked_at: Arc<AtomicBool>) {
    let mut after = 0;
    loop {
        if looked_at.load(Ordering::Relaxed) {
            let history = tenant.admin.get(&format!("/admin/v1/history?after={after}")).await;
            after = history["samples"]
                .as_array()
                .and_then(|all| all.last()?["sequence"].as_u64())
                .unwrap_or(after);
            tenant.admin.get("/admin/v1/status").await;
            tenant.admin.get("/admin/v1/journal?limit=200").await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// From the address to the first content, in milliseconds, as the browser measures it.
async fn first_paint(tenant: &Tenant, server: &Server) -> f64 {
    let origin = format!("http://{}", server.endpoint().address(Listener::Admin));
    let request =
        Request::new(&Method::POST, "/admin/v1/session/links").bearer(server.endpoint().admin_token());
    let link = tenant.admin.send(&request).await.expect(201).json();
    let browser = Browser::start(1_440, 900).await;
    browser
        .open(&format!("{origin}/console/#token={}", link["token"].as_str().expect("a token is text")))
        .await;
    browser.wait_for("What runs here").await;
    let mut paints = Vec::new();
    for _ in 0..5 {
        browser.open("about:blank").await;
        browser.open(&format!("{origin}/console/")).await;
        browser.wait_for("What runs here").await;
        let paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null";
        paints.extend(browser.evaluate(paint).await.as_f64());
    }
    browser.close().await;
    paints.sort_by(f64::total_cmp);
    paints.get(paints.len() / 2).copied().unwrap_or(f64::NAN)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("arguments are numbers"));
    let count: u64 = arguments.next().unwrap_or(1_000_000);
    let rounds: u64 = arguments.next().unwrap_or(20);
    let server = Server::start(Options::quiet());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let mut out = std::io::stdout().lock();
    writeln!(out, "binary: {}, {count} associations", binary::path().display())?;
    fill(&tenant, count).await;
    let list = format!("/admin/v1/serviceProviders/{}/associations", tenant.provider);
    let at = |n: u64| n * 9_973 % count;
    let history = |n: u64| {
        let provider = &tenant.provider;
        format!("/admin/v1/changes?serviceProviderId={provider}&externalUserId=room-{:07}&limit=1000", at(n))
    };
    for (what, (median, most, longest)) in [
        ("first page of 500", search(&tenant, |_| format!("{list}?limit=500")).await),
        ("by prefix", search(&tenant, |n| format!("{list}?limit=500&prefix=room-{:05}", at(n) / 100)).await),
        (
            "scrolled to anywhere",
            search(&tenant, |n| format!("{list}?limit=500&after=room-{:07}", at(n))).await,
        ),
        (
            "by profile, a call of 20,000 rows",
            search(&tenant, |n| {
                format!("{list}?limit=500&amazonId={}", profile(&format!("p{}", at(n) % 50_000)))
            })
            .await,
        ),
        ("history of one, a call of 20,000 changes", search(&tenant, history).await),
    ] {
        writeln!(
            out,
            "{what}: median {median:.1} ms, 99 of 100 within {most:.1} ms, longest {longest:.1} ms"
        )?;
    }
    writeln!(out, "first content of the first page: {:.0} ms", first_paint(&tenant, &server).await)?;
    let looked_at = Arc::new(AtomicBool::new(false));
    for _ in 0..CONSOLES {
        tokio::spawn(open_console(tenant.again(Version::Http1), Arc::clone(&looked_at)));
    }
    queries(&tenant, count).await;
    let mut ratios = Vec::new();
    for round in 0..rounds {
        // Either comes first, in turn.
        let with_first = round % 2 == 1;
        looked_at.store(with_first, Ordering::Relaxed);
        let first = queries(&tenant, count).await;
        looked_at.store(!with_first, Ordering::Relaxed);
        let second = queries(&tenant, count).await;
        let (without, with) = if with_first { (second, first) } else { (first, second) };
        ratios.push(with / without);
        writeln!(
            out,
            "round {}: {without:.0} queries a second alone, {with:.0} beside {CONSOLES} consoles",
            round + 1
        )?;
    }
    ratios.sort_by(f64::total_cmp);
    writeln!(
        out,
        "beside {CONSOLES} open consoles: {:.1} % of the queries alone",
        ratios[ratios.len() / 2] * 100.0
    )?;
    Ok(())
}
