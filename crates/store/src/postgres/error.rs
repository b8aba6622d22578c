//! What went wrong at the database, told apart by its code and by whether the statement may have taken effect.

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::StoreError;

/// Why a statement did not answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It took no effect, and will not when sent again now.
    Refused(String),
    /// It was not sent: the connection had ended before.
    Unsent(String),
    /// It took no effect because it met another; sent again it may.
    Met(String),
    /// It took no effect: the service provider went away meanwhile.
    ProviderGone,
    /// Nobody knows whether it took effect: the connection ended before the answer.
    Lost(String),
    /// The answer makes no sense.
    Corrupt(String),
}

/// What the functions of the schema raise when the provider goes away under them.
const PROVIDER_GONE: &str = "JF001";

impl Failure {
    pub(super) fn cause(&self) -> &str {
        match self {
            Self::Refused(cause)
            | Self::Unsent(cause)
            | Self::Met(cause)
            | Self::Lost(cause)
            | Self::Corrupt(cause) => cause,
            Self::ProviderGone => "the service provider went away",
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) const fn ends_connection(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Unsent(_))
    }

    /// The statement did not end in time.
    pub(super) fn late() -> Self {
        Self::Lost("the database did not answer in time".to_owned())
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return if error.is_closed()
                || std::error::Error::source(&error).is_some_and(|source| source.is::<std::io::Error>())
            {
                Self::Lost(describe(&error))
            } else {
                Self::Corrupt(describe(&error))
            };
        };
        // An error ends the transaction; what is worse ends the connection, perhaps after the commit.
        if !matches!(db.parsed_severity(), Some(Severity::Error)) {
            return Self::Lost(describe_db(db));
        }
        match db.code() {
            code if code.code() == PROVIDER_GONE => Self::ProviderGone,
            &SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE => {
                Self::Met(describe_db(db))
            }
            _ => Self::Refused(describe_db(db)),
        }
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Refused(match error {
            PoolError::Backend(error) => describe(&error),
            PoolError::Timeout(TimeoutType::Wait) => "all connections to the database are busy".to_owned(),
            PoolError::Timeout(_) => "the database could not be reached in time".to_owned(),
            PoolError::Closed => super::CLOSED.to_owned(),
            other => other.to_string(),
        })
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Corrupt(cause) => Self::Corrupt { cause },
            Failure::Lost(cause) => Self::InDoubt { cause },
            other => Self::Unavailable { cause: other.cause().to_owned() },
        }
    }
}

/// An error of a connection beside the pool: nothing is in doubt, for a load is looked at again before it goes on.
pub(super) fn failed(error: tokio_postgres::Error) -> StoreError {
    match Failure::from(error) {
        Failure::Corrupt(cause) => StoreError::Corrupt { cause },
        other => StoreError::Unavailable { cause: other.cause().to_owned() },
    }
}

/// What cannot be understood, without the content: it may be private.
pub(super) fn corrupt(what: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { cause: format!("{what}: {why}") }
}

/// A failure in the words of an operator. What the database was given is not repeated.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return describe_db(db);
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn describe_db(db: &DbError) -> String {
    format!("{} ({} {})", db.message(), db.severity(), db.code().code())
}
