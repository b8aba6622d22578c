//! DELETE …/network: forgets how the network of a service provider is reached.
//!
//! 200 means removed durably; 404 where there is no mapping.

use http::StatusCode;
use jackfield_store::registry::NetworkChange;

use super::super::provider::done;
use crate::auth::Provider;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(in super::super) async fn handle(provider: Provider<'_>) -> Result<Reply, ApiError> {
    done(provider.change_network(NetworkChange::Remove).await?)?;
    Ok(response::empty(StatusCode::OK))
}
