//! The generator against a server that answers what it is told: right answers are counted, a wrong one ends the run.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use jackfield_bench::load::{Load, Numbers, SAMPLE, Work};
use jackfield_bench::workload::{Directory, answer};

/// A server that gives this answer to whatever comes in one piece.
fn server(status: &str, body: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                while matches!(stream.read(&mut request), Ok(read) if read > 0) {
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn load(address: SocketAddr) -> Load {
    let directory = Arc::new(Directory { providers: 1, token: "t".to_owned() });
    Load { address, directory, connections: 4, cores: Vec::new() }
}

/// Asks until told to stop, or until an answer is wrong.
fn queries(body: &str) -> anyhow::Result<u64> {
    let work = Work::Query { ids: 2, known: 2, fixed: true };
    let running = load(server("200 OK", body)).start(&work)?;
    running.record();
    std::thread::sleep(Duration::from_millis(500));
    let outcome = running.stop()?;
    assert_eq!(outcome.latencies.total(), outcome.answers, "all were recorded");
    Ok(outcome.answers)
}

#[test]
fn right_answers_are_counted_and_a_wrong_one_ends_the_run() {
    assert!(queries(&answer(&[0, 1])).unwrap() > SAMPLE * 8, "each thread has checked some");
    for wrong in [answer(&[0]), answer(&[0, 2]), "{}".to_owned()] {
        queries(&wrong).unwrap_err();
    }
}

#[test]
fn each_number_is_created_once_and_must_be_acknowledged() {
    load(server("201 Created", "")).create_all(0..1_000).unwrap();
    let refused = load(server("409 Conflict", "")).create_all(0..1_000).unwrap_err();
    assert!(refused.to_string().contains("not a 201"), "{refused}");

    let numbers = Arc::new(Numbers::new(5..500));
    let outcome = load(server("201 Created", "")).start(&Work::Create(Arc::clone(&numbers))).unwrap();
    let outcome = outcome.wait().unwrap();
    assert_eq!((outcome.answers, numbers.taken()), (495, 500));
    assert!(!outcome.created.is_empty() && outcome.created.iter().all(|number| (5..500).contains(number)));
}
