//! `jackfield dev`: a server with demo data, and the commands to try it with.
//!
//! The demo credentials are the same on every machine and at every start, so that scripts and notes keep working.
//! They are public: `dev` has a data directory of its own, and listens on this machine only unless told otherwise.

mod reach;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jackfield_model::admin::{Demo, Secret};
use jackfield_model::{ClientId, path};
use jackfield_server::{JournalScope, OnUnavailable, SeedSource, Server, Settings};

use self::reach::Reach;
use super::serve;

const SEED: &str = include_str!("demo.toml");
const CLIENT_ID: &str = "amzn1.application-oa2-client.5f1c0ffee5f1c0ffee5f1c0ffee5f1c0";
const CLIENT_SECRET: &str = "amzn1.oa2-cs.v1.jackfield-demo-secret-known-to-everybody";
const REFRESH_TOKEN: &str = "Atzr|jackfield-demo-refresh-token-known-to-everybody";
const PROVIDER: &str = "amzn1.comms.csp.id.d3b0c0de-0000-4000-8000-000000000001";
/// Long enough for a day of trying; a login gives tokens of the usual hour.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What `jackfield dev` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct DevArgs {
    /// Keep everything in memory: nothing survives the process
    #[arg(long, conflicts_with = "store")]
    ephemeral: bool,
    /// Speak TLS under the names that published clients call, with a local CA in ./jackfield-dev-tls
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    tls: bool,
    /// Settings in a TOML file, named like the flags; flags and environment win over it
    #[arg(long, value_name = "FILE", env = "JACKFIELD_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// Serves demo data until SIGTERM or SIGINT.
pub(crate) fn run(args: DevArgs) -> ExitCode {
    let DevArgs { ephemeral, tls, config, mut settings } = args;
    if ephemeral {
        settings.store = Some("memory:".into());
    }
    match serve::configure(config.as_deref(), settings, defaults(tls)) {
        Ok(mut config) => {
            config.seeds.insert(0, SeedSource::BuiltIn(SEED));
            config.demo = demo();
            let listening = [Some(&config.listen), config.plain_listen.as_ref()];
            for address in listening.into_iter().flatten().filter(|address| !address.is_loopback()) {
                eprintln!(
                    "warning: the demo credentials are public, and {address} is reachable from elsewhere"
                );
            }
            let kept = match config.store.directory() {
                Some(directory) => format!("kept in {}", directory.display()),
                None => "kept in memory only".to_owned(),
            };
            // What is to be tried has to be there.
            serve::serve(config, OnUnavailable::End, move |server, out| greet(server, &kept, out))
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// What `dev` takes where nobody says otherwise.
fn defaults(tls: bool) -> Settings {
    // A sandbox is there to look into and to begin again with.
    let defaults = Settings {
        store: Some("embedded:./jackfield-dev".into()),
        journal_scope: Some(JournalScope::All),
        allow_reset: Some(true),
        // Whoever tries it is the person who allows.
        consent_login: "open".parse().ok(),
        cors_origin: "loopback".parse().ok().map(|origin| vec![origin]),
        ..Settings::default()
    };
    if tls { reach::with_tls(defaults) } else { defaults }
}

/// The credentials of the demo data, for the console.
fn demo() -> Option<Demo> {
    Some(Demo {
        client_id: CLIENT_ID.parse().ok()?,
        client_secret: Secret(CLIENT_SECRET.to_owned()),
        refresh_token: Secret(REFRESH_TOKEN.to_owned()),
        service_provider_id: PROVIDER.parse().ok()?,
    })
}

fn greet(server: &Server, kept: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let client: ClientId = CLIENT_ID.parse().map_err(std::io::Error::other)?;
    let token = server
        .issue_access_token(&client, TOKEN_LIFE)
        .ok_or_else(|| std::io::Error::other("the demo client is missing"))?;
    let reach = Reach::of(server)?;
    let endpoint = &reach.api;
    let users = format!("{endpoint}{}", path::EXTERNAL_USERS.replace("{serviceProviderId}", PROVIDER));
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (bold, plain) = if coloured { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let call = |method: &str, url: &str, body: &str| {
        format!(
            "{} -i -X {method} '{url}' -H 'Authorization: Bearer {}' -d '{body}'",
            reach.curl_api, token.0
        )
    };
    let association = |profile: &str| {
        format!(
            r#"{{"externalUserId":"7201","amazonId":"amzn1.alexa.communications.profile.did.{profile}","amazonIdType":"communication-profile"}}"#
        )
    };
    writeln!(out, "{bold}Jackfield{plain} is running with demo data, {kept}.\n")?;
    let link = server.console_link()?;
    if let Some(link) = &link {
        writeln!(out, "  console           {}", link.0)?;
        writeln!(out, "                    (signs in once, within 10 minutes)\n")?;
    }
    writeln!(out, "  endpoint          {endpoint}")?;
    if reach.login != reach.api {
        writeln!(out, "  login             {}", reach.login)?;
    }
    writeln!(out, "  page              {endpoint}/docs")?;
    writeln!(out, "  admin             {}", server.admin_url()?)?;
    writeln!(out, "  client id         {CLIENT_ID}")?;
    writeln!(out, "  client secret     {CLIENT_SECRET}")?;
    writeln!(out, "  refresh token     {REFRESH_TOKEN}")?;
    writeln!(out, "  service provider  {PROVIDER}")?;
    writeln!(out, "  access token      {}", token.0)?;
    if let Some(file) = server.admin_token_file() {
        writeln!(out, "  admin token       in {}", file.display())?;
    }
    writeln!(out)?;
    reach.explain(out, bold, plain)?;
    let steps = [
        ("Create an association", call("POST", &users, &association("1234"))),
        ("Query it", call("POST", &format!("{users}/query"), r#"{"filters":{"externalUserIds":["7201"]}}"#)),
        ("Update it", call("PUT", &users, &association("ABC9876"))),
        ("Delete it", call("DELETE", &users, r#"{"externalUserId":"7201"}"#)),
        (
            "Get a fresh access token",
            format!(
                "{} -i -X POST '{}{}' -d grant_type=client_credentials -d scope=amazon_communication::service_provider -d client_id={CLIENT_ID} -d client_secret={CLIENT_SECRET}",
                reach.curl_login,
                reach.login,
                path::TOKEN
            ),
        ),
    ];
    // The first lines have left the screen by now.
    let browser = link.map(|link| ("Or do all this in a browser", link.0));
    for (what, command) in steps.into_iter().chain(admin_step(server)?).chain(browser) {
        writeln!(out, "{bold}{what}:{plain}\n  {command}\n")?;
    }
    Ok(())
}

/// How to reach the admin API with this program.
fn admin_step(server: &Server) -> std::io::Result<Option<(&'static str, String)>> {
    let Some(file) = server.admin_token_file() else { return Ok(None) };
    let program =
        std::env::current_exe().map_or_else(|_| "jackfield".to_owned(), |path| path.display().to_string());
    Ok(Some((
        "Ask the admin API",
        format!(
            "JACKFIELD_ADMIN_TOKEN=$(cat '{}') '{program}' status --admin-endpoint {}",
            file.display(),
            server.admin_url()?
        ),
    )))
}
