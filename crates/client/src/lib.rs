//! A typed client of the account association API.
