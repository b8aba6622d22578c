//! Operations on communication profiles.

pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod find;
pub(crate) mod get;
pub(crate) mod update;

use jackfield_model::wire;
use jackfield_store::registry;

/// The profile as it stands on the wire.
fn shown(profile: registry::Profile) -> wire::Profile {
    wire::Profile::new(profile.unit, profile.id, profile.name)
}
