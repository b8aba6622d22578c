//! Tokens from Login with Amazon, or from Jackfield in its place: fetched, kept, renewed before they expire.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, Uri};
use jackfield_model::admin::{Secret, Token};
use jackfield_model::path;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::endpoint::Endpoint;
use crate::error::{Error, LoginError, request_id};
use crate::token::{AccessToken, InvalidToken, TokenSource};
use crate::transport::{Call, Content, Repeat, Transport};

/// What is shown to the login service to get an access token.
#[derive(Clone, Debug)]
pub enum Grant {
    /// The client's own id and secret.
    ClientCredentials {
        /// The scopes wanted, separated by spaces.
        scope: String,
    },
    /// A refresh token, beside the client's id and secret.
    RefreshToken(Secret),
}

/// A source of tokens that asks the login service and keeps what it got. One request at a time goes out, however
/// many calls wait for a token.
pub struct LoginTokens {
    transport: Transport,
    url: Uri,
    client_id: String,
    client_secret: Secret,
    grant: Mutex<Grant>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: AccessToken,
    renew_at: Instant,
}

impl LoginTokens {
    /// Tokens of a client from the login service at `login`, whose path is `/auth/o2/token`.
    #[must_use]
    pub fn new(
        transport: Transport,
        login: &Endpoint,
        client_id: String,
        client_secret: Secret,
        grant: Grant,
    ) -> Self {
        Self {
            transport,
            url: login.join(path::TOKEN),
            client_id,
            client_secret,
            grant: Mutex::new(grant),
            kept: Mutex::new(None),
        }
    }

    /// Asks for a token now, whatever is kept, and keeps it.
    ///
    /// # Errors
    /// [`Error::Login`] when the service refuses, others when it cannot be asked.
    pub async fn fetch(&self) -> Result<Token, Error> {
        let mut kept = self.kept.lock().await;
        let (token, fresh) = self.ask().await?;
        *kept = Some(fresh);
        Ok(token)
    }

    async fn ask(&self) -> Result<(Token, Kept), Error> {
        let mut grant = self.grant.lock().await;
        let asked_at = Instant::now();
        let call = Call {
            method: Method::POST,
            uri: self.url.clone(),
            content: Some(Content::Form(self.form(&grant))),
            // A token too many does no harm, so that a lost answer is asked for again.
            repeat: Repeat::Read,
            traceparent: None,
        };
        let reply = self.transport.send(&call, None).await?;
        if !reply.status.is_success() {
            return Err(LoginError::read(reply.status, &reply.headers, &reply.body).into());
        }
        let unexpected =
            |reason: String| Error::UnexpectedAnswer { reason, request_id: request_id(&reply.headers) };
        // The parser's message could repeat a piece of the answer, which is a secret.
        let token: Token = serde_json::from_slice(&reply.body)
            .map_err(|_| unexpected("the login service sent no token object".to_owned()))?;
        let access = AccessToken::new(&token.access_token)
            .map_err(|error: InvalidToken| unexpected(error.to_string()))?;
        if let (Grant::RefreshToken(current), Some(next)) = (&mut *grant, &token.refresh_token) {
            current.clone_from(next);
        }
        let kept = Kept { token: access, renew_at: asked_at + renew_after(token.expires_in) };
        Ok((token, kept))
    }

    fn form(&self, grant: &Grant) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match grant {
            Grant::ClientCredentials { scope } => {
                form.append_pair("grant_type", "client_credentials").append_pair("scope", scope)
            }
            Grant::RefreshToken(token) => {
                form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", &token.0)
            }
        }
        .append_pair("client_id", &self.client_id)
        .append_pair("client_secret", &self.client_secret.0)
        .finish()
    }
}

/// How long a token with this life, in seconds, is used: a tenth of it, a minute at most, is left unused, for
/// clocks and requests under way.
fn renew_after(expires_in: u64) -> Duration {
    // No token lives longer than a year as far as this client cares: the sum with "now" cannot overflow.
    let life = Duration::from_secs(expires_in.min(365 * 24 * 60 * 60));
    life - (life / 10).min(Duration::from_secs(60))
}

#[async_trait]
impl TokenSource for LoginTokens {
    async fn token(&self) -> Result<AccessToken, Error> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = &*kept
            && Instant::now() < kept.renew_at
        {
            return Ok(kept.token.clone());
        }
        let (_, fresh) = self.ask().await?;
        Ok(kept.insert(fresh).token.clone())
    }

    async fn refused(&self, token: &AccessToken) -> bool {
        let mut kept = self.kept.lock().await;
        // Another call may have renewed it meanwhile.
        if kept.as_ref().is_some_and(|kept| kept.token == *token) {
            *kept = None;
        }
        true
    }
}

impl fmt::Debug for LoginTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginTokens")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_renewed_a_little_before_they_expire() {
        for (life, used) in [(3_600, 3_540), (100, 90), (10, 9), (0, 0)] {
            assert_eq!(renew_after(life), Duration::from_secs(used));
        }
        assert!(renew_after(u64::MAX) < Duration::from_secs(366 * 24 * 60 * 60));
    }
}
