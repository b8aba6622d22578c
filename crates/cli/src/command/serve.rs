//! `jackfield serve`: the server, until it is told to stop.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use jackfield_server::{Config, ConfigError, OnUnavailable, Server, Settings, StartError, Supervisor, Trust};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::importer::Importer;

/// Exit status for a configuration that is wrong.
const EXIT_CONFIGURATION: u8 = 2;

/// What `jackfield serve` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Settings in a TOML file, named like the flags; flags and environment win over it
    #[arg(long, value_name = "FILE", env = "JACKFIELD_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(args: ServeArgs) -> ExitCode {
    match configure(args.config.as_deref(), args.settings, Settings::default()) {
        Ok(config) => serve(config, OnUnavailable::Wait, |server, _| {
            // Standard output has the ready line and nothing else.
            if server.consent_is_open() {
                tracing::warn!(
                    "--consent-login open: whoever reaches the consent page can allow access to an organization"
                );
            }
            if let Some(trust) = server.trust() {
                log_trust(&trust);
            }
            Ok(())
        }),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(EXIT_CONFIGURATION)
        }
    }
}

/// The configuration of these settings; what is absent comes from the file, if any, and then from `defaults`.
pub(super) fn configure(
    file: Option<&Path>,
    settings: Settings,
    defaults: Settings,
) -> Result<Config, ConfigError> {
    let read = file.map(Settings::read).transpose()?.unwrap_or_default();
    let holds_secret = read.hold_secret();
    let mut config = settings.or(read).or(defaults).resolve()?;
    config.secret_files.extend(file.filter(|_| holds_secret).map(Path::to_owned));
    Ok(config)
}

/// What a client needs for a server with a local CA, a line each.
fn log_trust(trust: &Trust) {
    if let Some(line) = trust.hosts_line() {
        tracing::info!("for /etc/hosts of a client: {line}");
    }
    for line in trust.environment() {
        tracing::info!("for a client to trust this server: {line}");
    }
    tracing::info!("to try it: {} {}/healthz", trust.curl(""), trust.origin(""));
}

/// Starts a server, lets `greet` write to standard output, prints the ready line, and serves.
pub(super) fn serve(
    mut config: Config,
    on_unavailable: OnUnavailable,
    greet: impl FnOnce(&Server, &mut dyn Write) -> std::io::Result<()>,
) -> ExitCode {
    jackfield_server::logs::start(&config.log_level, config.log_format);
    config.open_files = raise_open_files();
    config.imports = Some(Arc::new(Importer));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the threads of the server cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let stop = match Stop::new() {
            Ok(stop) => stop,
            Err(error) => {
                eprintln!("error: signals cannot be awaited: {error}");
                return ExitCode::FAILURE;
            }
        };
        let server = match Server::start(config, on_unavailable).await {
            Ok(server) => server,
            Err(error) => return refuse(&error),
        };
        if let Err(error) = announce(&server, greet) {
            eprintln!("error: standard output cannot be written: {error}");
            return ExitCode::FAILURE;
        }
        match server.run(stop.signalled(), &Supervisor::from_environment()).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&error),
        }
    })
}

/// Connections and store files need descriptors, and the usual soft limit of 1,024 is soon used up. The hard limit
/// stays as the operator set it. Answers what holds now.
fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::warn!(%error, "the limit of open files stays at {:?}", limit.current);
    }
    getrlimit(Resource::Nofile).current
}

fn refuse(error: &StartError) -> ExitCode {
    eprintln!("error: {error}");
    if error.is_configuration() { ExitCode::from(EXIT_CONFIGURATION) } else { ExitCode::FAILURE }
}

/// The one line that scripts wait for. Both listeners accept when it is there.
fn announce(
    server: &Server,
    greet: impl FnOnce(&Server, &mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    greet(server, &mut stdout)?;
    write!(
        stdout,
        "ready public={} admin={} store={}",
        server.public_url()?,
        server.admin_url()?,
        server.store_kind()
    )?;
    // At the end, and only when it was asked for: scripts rely on the beginning.
    if let Some(address) = server.plain_address()? {
        write!(stdout, " plain=http://{address}")?;
    }
    writeln!(stdout)?;
    stdout.flush()
}

/// SIGTERM and SIGINT, listened for from the start so that neither is missed.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn signalled(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
