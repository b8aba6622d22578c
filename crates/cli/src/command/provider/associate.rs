//! `jackfield provider associate` and `dissociate`: associations, written by an operator.

use clap::Args;
use jackfield_client::admin::AdminClient;
use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};

use crate::failure::Failure;
use crate::output::Output;

/// The flags of `associate`.
#[derive(Args)]
pub(super) struct AssociateArgs {
    /// Its id
    #[arg(value_name = "PROVIDER_ID")]
    id: ServiceProviderId,
    /// The endpoint of the network
    #[arg(value_name = "EXTERNAL_USER_ID")]
    external_user_id: ExternalUserId,
    /// The communication profile that answers for it
    #[arg(value_name = "AMAZON_ID")]
    amazon_id: AmazonId,
    /// Change the association that is there, instead of making one
    #[arg(long)]
    update: bool,
}

/// The flags of `dissociate`.
#[derive(Args)]
pub(super) struct DissociateArgs {
    /// Its id
    #[arg(value_name = "PROVIDER_ID")]
    id: ServiceProviderId,
    /// The endpoint of the network
    #[arg(value_name = "EXTERNAL_USER_ID")]
    external_user_id: ExternalUserId,
}

impl AssociateArgs {
    pub(super) async fn run(self, admin: &AdminClient, output: &mut Output) -> Result<(), Failure> {
        let association = Association::new(self.external_user_id, self.amazon_id);
        let stored = match self.update {
            true => admin.update_association(self.id, &association).await?,
            false => admin.create_association(self.id, &association).await?,
        };
        Ok(output.object(&stored)?)
    }
}

impl DissociateArgs {
    pub(super) async fn run(self, admin: &AdminClient, output: &mut Output) -> Result<(), Failure> {
        admin.delete_association(self.id, &self.external_user_id).await?;
        Ok(output.done("deleted", "externalUserId", self.external_user_id.as_str())?)
    }
}
