//! What is said when a command does not succeed, and the exit code.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::output::{columns, wrapped};
use anstyle::{AnsiColor, Style};
use jackfield_client::{ApiError, Error, LoginError, TransportError};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const TRY: Style = AnsiColor::Green.on_default();

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was used wrongly: exit code 2.
    Usage(Said),
    /// It could not do what was asked: exit code 1.
    Failed(Said),
    /// A call to the server failed: exit code 1.
    Call(Error),
    /// No success, and everything about it was said already: this exit code.
    Told(u8),
    /// Standard output was closed by its reader, who has seen enough: exit code 0, nothing said.
    NoReader,
}

/// Words for a person.
#[derive(Debug)]
pub(crate) struct Said {
    message: String,
    hint: Option<String>,
}

/// Which of the server's APIs a command speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Public,
    Admin,
}

impl Failure {
    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(Said { message: message.into(), hint: None })
    }

    /// A failure that is not a call's.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(Said { message: message.into(), hint: None })
    }

    /// The same as wrong usage, where that says that nothing was found out.
    pub(crate) fn into_usage(self) -> Self {
        match self {
            Self::Failed(said) => Self::Usage(said),
            other => other,
        }
    }

    /// The same failure with advice.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Usage(said) | Self::Failed(said) = &mut self {
            said.hint = Some(hint.into());
        }
        self
    }

    /// Says it on standard error, in colour on a terminal that wants it.
    pub(crate) fn report(&self, service: Service) -> ExitCode {
        let (code, message, request_id, hint) = match self {
            Self::NoReader => return ExitCode::SUCCESS,
            Self::Told(code) => return ExitCode::from(*code),
            Self::Usage(said) => (2, said.message.clone(), None, said.hint.clone()),
            Self::Failed(said) => (1, said.message.clone(), None, said.hint.clone()),
            Self::Call(error) => (1, error.to_string(), error.request_id(), advice(error, service)),
        };
        // The words "error:" and "try:" get their colours after the lines are broken.
        let width = columns(&io::stderr());
        let message = wrapped(&format!("error: {message}"), width, "  ");
        let mut text = message.replacen("error:", &format!("{ERROR}error:{ERROR:#}"), 1) + "\n";
        if let Some(id) = request_id {
            text.push_str(&format!("  request id: {id}\n"));
        }
        if let Some(hint) = hint {
            let hint = wrapped(&format!("  try: {hint}"), width, "    ");
            text.push_str(&(hint.replacen("try:", &format!("{TRY}try:{TRY:#}"), 1) + "\n"));
        }
        // Nothing is left to say it to when standard error is closed.
        let _ = anstream::stderr().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::NoReader
        } else {
            Self::failed(format!("the result cannot be written: {error}"))
        }
    }
}

/// What to try after a failed call.
fn advice(error: &Error, service: Service) -> Option<String> {
    let flag = match service {
        Service::Public => "--endpoint",
        Service::Admin => "--admin-endpoint",
    };
    match error {
        Error::Api(error) => advice_on_api(error, service),
        Error::Login(error) => Some(advice_on_login(error)),
        Error::Transport(TransportError::Connect { .. }) => {
            Some(format!("see that the server runs there (`jackfield serve`), or name another with {flag}"))
        }
        Error::Transport(TransportError::TimedOut { .. } | TransportError::Lost { .. }) => {
            Some("if this was a change it may have been made or not: look before repeating it".to_owned())
        }
        Error::UnexpectedAnswer { .. } => {
            Some(format!("see that {flag} names a service of this API and not another"))
        }
        _ => None,
    }
}

fn advice_on_api(error: &ApiError, service: Service) -> Option<String> {
    let later = || match error.retry_after {
        Some(wait) => format!("again in {} s", wait.as_secs()),
        None => "again later".to_owned(),
    };
    let text = match (error.status, service) {
        (401, Service::Public) => {
            "a valid --token, or --client-id and --client-secret, of the provider's own organization"
        }
        (401, Service::Admin) => "--admin-token, or --data-dir with the data directory of the server",
        (403, Service::Public) => {
            "let an operator look at `jackfield org get` (add-on, country, vertical) and `jackfield client get` (scopes)"
        }
        (404, Service::Public) => "`jackfield association list` shows what the provider has",
        (404, Service::Admin) => "`list` in place of this command shows what is there",
        (409, Service::Public) => "`jackfield association update` points an existing one at another profile",
        (429 | 503, _) => return Some(later()),
        (500, _) => "look for the request id in the server's log; it tells the cause",
        _ => return None,
    };
    Some(text.to_owned())
}

fn advice_on_login(error: &LoginError) -> String {
    match (error.error.as_str(), error.retry_after) {
        (_, Some(wait)) => format!("again in {} s", wait.as_secs()),
        ("invalid_client", _) => {
            "check --client-id and --client-secret; `jackfield client rotate-secret` gives a new secret"
                .to_owned()
        }
        ("unauthorized_client", _) => {
            "let an operator look at `jackfield client get`; `jackfield client enable` lets it in again"
                .to_owned()
        }
        ("invalid_grant", _) => "another --refresh-token; this one is not valid for the client".to_owned(),
        ("invalid_scope", _) => {
            "a --scope that the client was granted; `jackfield client get` shows them".to_owned()
        }
        _ => "check --login-url and the client's credentials".to_owned(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(said) | Self::Failed(said) => f.write_str(&said.message),
            Self::Call(error) => error.fmt(f),
            Self::Told(code) => write!(f, "exit code {code}"),
            Self::NoReader => f.write_str("nobody reads the result"),
        }
    }
}
