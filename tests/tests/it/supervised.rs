//! A service manager hears how the server is: ready, alive, stopping.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use jackfield_tests::{Options, Server, poll};
use rustix::process::Signal;

/// Reads a datagram, or nothing when none comes for this long.
fn next(manager: &UnixDatagram, patience: Duration) -> Option<String> {
    let mut buffer = [0; 512];
    manager.set_read_timeout(Some(patience)).unwrap();
    let length = manager.recv(&mut buffer).ok()?;
    Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
}

fn await_line(manager: &UnixDatagram, line: &str) {
    let start = Instant::now();
    loop {
        let told = next(manager, poll::PATIENCE).unwrap_or_else(|| panic!("nobody says {line}"));
        if told.lines().any(|told| told == line) {
            return;
        }
        assert!(start.elapsed() < poll::PATIENCE, "other things are said, and not {line}");
    }
}

#[test]
fn a_manager_hears_of_ready_alive_and_stopping() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let environment = vec![
        ("NOTIFY_SOCKET".to_owned(), path.to_str().unwrap().to_owned()),
        ("WATCHDOG_USEC".to_owned(), "400000".to_owned()),
    ];
    let mut server = Server::start(Options { environment, ..Options::default() });
    await_line(&manager, "READY=1");
    for _ in 0..3 {
        await_line(&manager, "WATCHDOG=1");
    }
    // A process that does not get on says nothing.
    server.signal(Signal::STOP);
    let quiet = || next(&manager, Duration::from_millis(400)).is_none().then_some(());
    poll::until("it is quiet", poll::PATIENCE, quiet);
    server.signal(Signal::CONT);
    await_line(&manager, "WATCHDOG=1");
    server.begin_terminate();
    await_line(&manager, "STOPPING=1");
    assert_eq!(server.wait().status.code(), Some(0));
}
