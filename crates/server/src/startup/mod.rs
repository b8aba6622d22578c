//! From a configuration to what a server needs before it serves: the admin token, the open store with its seed, the state.

mod admin_token;
mod error;
mod pending_store;
mod usable_memory;

pub use admin_token::ADMIN_TOKEN_FILE;
pub use error::StartError;
pub use pending_store::OnUnavailable;
pub(crate) use pending_store::PendingStore;
