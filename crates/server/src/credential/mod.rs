//! Tokens, codes, secrets and passwords: their forms and the keys that make them. Nothing here knows a request.

pub(crate) mod access_token;
pub(crate) mod claims;
pub(crate) mod code;
pub(crate) mod encoding;
pub(crate) mod keys;
pub(crate) mod list_token;
pub(crate) mod page_token;
pub(crate) mod password;
mod place_token;
pub(crate) mod refresh_token;
pub(crate) mod sealing;
pub(crate) mod signing;
