//! Brings a service provider to the state of a list, with a token source of one's own.
//!
//! `cargo run -p jackfield-client --example rooms -- rooms.csv` shows the plan; a second word `apply` makes the changes.
//! Endpoint, provider and token come from `JACKFIELD_ENDPOINT`, `JACKFIELD_PROVIDER` and the file that
//! `JACKFIELD_TOKEN_FILE` names.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use jackfield_client::sync::{Desired, Format, Input, InputOptions, Options, Session, Stop};
use jackfield_client::{AccessToken, Client, Options as Connection, TokenSource, Transport};
use jackfield_model::admin::Secret;

/// Takes the token from a file that something else keeps fresh.
#[derive(Debug)]
struct TokenFile(PathBuf);

#[async_trait]
impl TokenSource for TokenFile {
    async fn token(&self) -> Result<AccessToken, jackfield_client::Error> {
        let unusable = |reason: String| jackfield_client::Error::NoToken { reason };
        let text = std::fs::read_to_string(&self.0).map_err(|error| unusable(error.to_string()))?;
        AccessToken::new(&Secret(text.trim().to_owned())).map_err(|error| unusable(error.to_string()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let list = words.next().ok_or("a list is expected")?;
    let connection = Connection { request_timeout: Duration::from_secs(10), ..Connection::default() };
    let client = Client::new(
        Transport::new(&connection)?,
        std::env::var("JACKFIELD_ENDPOINT")?.parse()?,
        TokenFile(std::env::var_os("JACKFIELD_TOKEN_FILE").ok_or("JACKFIELD_TOKEN_FILE is not set")?.into()),
    );
    let provider = std::env::var("JACKFIELD_PROVIDER")?.parse()?;

    let input = Input::read(BufReader::new(File::open(&list)?), &InputOptions::new(&list, Format::Csv))?;
    if let Some(problem) = input.problems().next() {
        return Err(problem.to_string().into());
    }
    let desired = Desired::from_rows(input.rows);
    let session = Session::new(&client, provider, Options::default());
    let plan = session.plan(&desired).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{:?}, {} unchanged", plan.counts(), plan.unchanged)?;
    if words.next().as_deref() == Some("apply") {
        let report = session.apply(&plan, None, &Stop::default()).await;
        for failure in &report.failed {
            writeln!(out, "{}: {}", failure.change.external_user_id, failure.reason)?;
        }
        writeln!(out, "{:?} in {:?}", report.done, report.elapsed)?;
        let left = session.plan(&desired).await?;
        writeln!(out, "{} changes left", left.changes.len())?;
    }
    Ok(())
}
