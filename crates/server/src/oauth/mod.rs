//! Login with Amazon: the token endpoint POST /auth/o2/token, the consent page, and information about tokens.
//!
//! Errors have the form of RFC 6749 (section 5.2), not that of the API.

mod authorization_request;
mod consent;
mod credentials;
mod endpoint;
mod error;
mod form;
mod grant;
mod info;
mod page;
mod person;
mod seal;
mod token;

pub(crate) use endpoint::{CONSENT_DECISION, CONSENT_PAGE, TOKEN, TOKEN_INFO, USER_PROFILE};
