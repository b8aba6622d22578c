//! Access tokens and where they come from.

use std::fmt;

use async_trait::async_trait;
use http::HeaderValue;
use jackfield_model::admin::Secret;
use thiserror::Error;

use crate::error::Error;

/// A bearer token, ready to be sent. Its debug form hides the text.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// `Bearer <token>`, marked sensitive.
    header: HeaderValue,
}

/// A token that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a token is made of visible ASCII characters, without spaces, and is not empty")]
pub struct InvalidToken;

/// Gives access tokens to a client, call by call. [`StaticToken`] and [`crate::LoginTokens`] are such sources; another
/// one takes a few lines:
///
/// ```
/// use async_trait::async_trait;
/// use jackfield_client::{AccessToken, Error, TokenSource};
/// use jackfield_model::admin::Secret;
///
/// /// A token that something else keeps fresh in the environment.
/// #[derive(Debug)]
/// struct FromEnvironment(&'static str);
///
/// #[async_trait]
/// impl TokenSource for FromEnvironment {
///     async fn token(&self) -> Result<AccessToken, Error> {
///         let none = |reason: String| Error::NoToken { reason };
///         let text = std::env::var(self.0).map_err(|error| none(format!("{}: {error}", self.0)))?;
///         AccessToken::new(&Secret(text)).map_err(|error| none(error.to_string()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = FromEnvironment("NOT_SET_ANYWHERE").token().await.unwrap_err();
/// assert_eq!(error.to_string(), "no access token: NOT_SET_ANYWHERE: environment variable not found");
/// # }
/// ```
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// A token that is valid now.
    ///
    /// # Errors
    /// [`enum@Error`] when there is none to be had.
    async fn token(&self) -> Result<AccessToken, Error>;

    /// Told that the server refused this token although it should be valid, for example because it was revoked.
    /// Answers whether [`Self::token`] would give another one.
    async fn refused(&self, _token: &AccessToken) -> bool {
        false
    }
}

/// One token, used until it expires.
#[derive(Clone, Debug)]
pub struct StaticToken(AccessToken);

impl AccessToken {
    /// Checks a token.
    ///
    /// # Errors
    /// [`InvalidToken`] when it is empty or has characters that no token has.
    pub fn new(token: &Secret) -> Result<Self, InvalidToken> {
        if token.0.is_empty() || !token.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken);
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.0)).map_err(|_| InvalidToken)?;
        header.set_sensitive(true);
        Ok(Self { header })
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

impl StaticToken {
    /// A source of this one token.
    ///
    /// # Errors
    /// [`InvalidToken`] when it cannot be sent.
    pub fn new(token: &Secret) -> Result<Self, InvalidToken> {
        AccessToken::new(token).map(Self)
    }
}

#[async_trait]
impl TokenSource for StaticToken {
    async fn token(&self) -> Result<AccessToken, Error> {
        Ok(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_one_visible_word() {
        assert!(AccessToken::new(&Secret("Atza|a-b_c.d".to_owned())).is_ok());
        for bad in ["", "a b", "a\nb", "é"] {
            assert_eq!(AccessToken::new(&Secret(bad.to_owned())), Err(InvalidToken), "{bad:?}");
        }
    }
}
