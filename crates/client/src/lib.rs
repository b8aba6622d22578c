//! A typed client of the account association API and of Jackfield's admin API.
//!
//! It promises: an answer is a typed value or a typed [`Error`]; a write whose answer was lost is never sent again
//! by itself; waits are bounded and follow the server's `Retry-After`; tokens are renewed before they expire;
//! secrets and tokens stand in no error and no debug output. Redirects are not followed: a token goes to the
//! endpoint that was named and nowhere else.
//!
//! ```
//! # use jackfield_client::testing::{ScriptedServer, Step};
//! use jackfield_client::{Client, Endpoint, Grant, LoginTokens, Options, Transport};
//! use jackfield_model::admin::Secret;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let token = r#"{"access_token":"Atza|t","token_type":"bearer","expires_in":3600}"#;
//! # let page = r#"{"paginationContext":{"totalCount":1,"nextPageToken":"0"},"accountAssociations":[{"externalUserId":
//! #   "7201","amazonId":"amzn1.alexa.communications.profile.did.p1","amazonIdType":"communication-profile"}]}"#;
//! # let server = ScriptedServer::start([Step::json(200, token), Step::json(200, page)]).await;
//! # let url = server.endpoint().to_string();
//! // let url = "http://127.0.0.1:8080";
//! let endpoint: Endpoint = url.parse()?;
//! let transport = Transport::new(&Options::default())?;
//! let tokens = LoginTokens::new(
//!     transport.clone(),
//!     &endpoint,
//!     "amzn1.application-oa2-client.0a1b".to_owned(),
//!     Secret("the secret".to_owned()),
//!     Grant::ClientCredentials { scope: jackfield_model::scope::SERVICE_PROVIDER.to_owned() },
//! );
//! let client = Client::new(transport, endpoint, tokens);
//! let provider = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".parse()?;
//! let mut all = client.associations(provider);
//! let mut found = Vec::new();
//! while let Some(association) = all.next().await? {
//!     found.push(association.external_user_id.to_string());
//! }
//! assert_eq!(found, ["7201"]);
//! # Ok(())
//! # }
//! ```
//!
//! | what | where |
//! |---|---|
//! | the public API, one method an operation | [`Client`] |
//! | pages and what is on them, fetched when they are needed | [`Pages`], [`Associations`] |
//! | tokens: one, a client's credentials, a refresh token, a source of one's own | [`StaticToken`], [`LoginTokens`] with a [`Grant`], [`TokenSource`] |
//! | time-outs, certificates, when to try again | [`Options`], [`RetryPolicy`] |
//! | from a list to associations | [`sync`] |
//! | the operator's API | [`admin`] |
//!
//! Each try is an event of the `tracing` crate at debug, with method, path, status and request id. Nothing else of a
//! request or an answer is in it.

pub mod admin;
mod client;
mod directory;
mod endpoint;
mod error;
mod login;
mod paging;
mod property;
mod retry;
pub mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod transport;

pub use client::Client;
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::{ApiError, Error, LoginError, TransportError};
pub use login::{Grant, LoginTokens};
pub use paging::{Associations, Pages};
pub use retry::RetryPolicy;
pub use token::{AccessToken, InvalidToken, StaticToken, TokenSource};
pub use transport::{Download, Exchange, Identity, Options, SetupError, Transport};
