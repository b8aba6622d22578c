//! A typed client of the account association API and of Jackfield's admin API.
//!
//! It promises: an answer is a typed value or a typed [`Error`]; a write whose answer was lost is never sent again
//! by itself; waits are bounded and follow the server's `Retry-After`; tokens are renewed before they expire;
//! secrets and tokens stand in no error and no debug output. Redirects are not followed: a token goes to the
//! endpoint that was named and nowhere else.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use jackfield_client::{Client, Endpoint, Grant, LoginTokens, Options, Transport};
//! use jackfield_model::admin::Secret;
//!
//! let endpoint: Endpoint = "http://127.0.0.1:8080".parse()?;
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
//! while let Some(association) = all.next().await? {
//!     println!("{} -> {}", association.external_user_id, association.amazon_id);
//! }
//! # Ok(())
//! # }
//! ```

pub mod admin;
mod client;
mod endpoint;
mod error;
mod family;
mod login;
mod paging;
mod retry;
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
pub use transport::{Download, Options, SetupError, Transport};
