//! What the words of account association mean.
//!
//! A leaf crate: identifiers that are valid by construction, the bodies that travel on the wire, the route
//! templates and every bound, shared by the server and the client. It knows no HTTP library, no store and no
//! clock. The rules come from the Account Association REST API reference; where it is silent the decision is
//! recorded in `docs/contract.md`.

pub mod admin;
pub mod id;
pub mod inspect;
pub mod json;
pub mod limit;
pub mod note;
pub mod organization;
pub mod path;
pub mod schema;
pub mod scope;
pub mod unseen;
pub mod wire;

pub use id::{
    AddressBookId, AmazonId, ClientId, ContactId, ExternalUserId, InvalidId, OrganizationId, RequestId,
    ServiceProviderId, SkillId, UnitId,
};
pub use organization::{Country, Vertical};
pub use scope::{Scope, ScopeSet};
