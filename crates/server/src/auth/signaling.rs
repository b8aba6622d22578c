//! The handle of signaling: bound to the caller's organization, and to its client.

use std::sync::Arc;

use jackfield_model::{ClientId, OrganizationId, RequestId};

use super::{Caller, Grant};
use crate::error::ApiError;
use crate::group::Group;
use crate::state::State;

/// Whose calls a caller may signal for.
pub(crate) struct Signaling {
    pub(crate) organization: OrganizationId,
    pub(crate) client: Arc<ClientId>,
}

/// Grants the calls of the caller's organization.
pub(crate) enum OfSignaling {}

impl Grant for OfSignaling {
    type Handle<'a> = Signaling;

    async fn grant(
        _: &State,
        caller: &Caller,
        group: Group,
        _: &str,
        _: RequestId,
    ) -> Result<Signaling, ApiError> {
        let organization = caller.check_organization_access(group)?.id.clone();
        Ok(Signaling { organization, client: Arc::clone(&caller.client().id) })
    }
}
