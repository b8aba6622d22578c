//! Operations on communication profiles.

pub(super) mod batch;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod find;
pub(super) mod get;
pub(super) mod update;

use jackfield_model::wire;
use jackfield_store::registry;

/// The profile as it stands on the wire.
fn shown(profile: registry::Profile) -> wire::Profile {
    wire::Profile::new(profile.unit, profile.id, profile.name)
}
