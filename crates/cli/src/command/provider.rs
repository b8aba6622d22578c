//! `jackfield provider`.

mod associate;
mod network;

use clap::{Args, Subcommand};
use jackfield_client::admin::{AdminClient, AssociationQuery};
use jackfield_model::admin::{DisplayName, ServiceProvider, ServiceProviderPatch};
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};

use super::list::{ListArgs, page_size};
use super::value::display_name;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `provider`.
#[derive(Args)]
pub(crate) struct ProviderArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ProviderCommand,
}

#[derive(Subcommand)]
enum ProviderCommand {
    /// Make a service provider
    Create {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        /// The organization's own name for it, unique in the organization
        logical_id: String,
        /// A name for people; repeat for more locales
        #[arg(long = "display-name", value_name = "LOCALE=NAME", value_parser = display_name)]
        display_names: Vec<DisplayName>,
        /// Its id; issued when absent
        #[arg(long)]
        id: Option<ServiceProviderId>,
    },
    /// List the service providers of an organization
    List {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show a service provider
    Get(Named),
    /// Change the names for people of a service provider
    #[command(override_usage = "jackfield provider update [OPTIONS] <PROVIDER_ID>\n       \
                                --display-name <LOCALE=NAME>")]
    Update {
        #[command(flatten)]
        provider: Named,
        /// A name for people, in place of all there were; repeat for more
        #[arg(long = "display-name", value_name = "LOCALE=NAME", value_parser = display_name, required = true)]
        display_names: Vec<DisplayName>,
    },
    /// Remove a service provider
    Delete {
        #[command(flatten)]
        provider: Named,
        /// Take its associations with it, all or none
        #[arg(long)]
        cascade: bool,
    },
    /// Say, show or forget how its network is reached
    #[command(subcommand)]
    Network(network::NetworkCommand),
    /// List the associations of a service provider, as an operator
    Associations(AssociationsArgs),
    /// Make or change an association of a service provider, as an operator
    #[command(override_usage = "jackfield provider associate [OPTIONS] <PROVIDER_ID>\n       \
                                <EXTERNAL_USER_ID> <AMAZON_ID>")]
    Associate(associate::AssociateArgs),
    /// Delete an association of a service provider, as an operator
    Dissociate(associate::DissociateArgs),
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "PROVIDER_ID")]
    id: ServiceProviderId,
}

#[derive(Args)]
struct AssociationsArgs {
    #[command(flatten)]
    provider: Named,
    /// Only external user ids that begin with this
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
    /// Only associations with this profile
    #[arg(long, value_name = "AMAZON_ID")]
    amazon_id: Option<AmazonId>,
    /// Only external user ids after this one
    #[arg(long, value_name = "ID")]
    after: Option<ExternalUserId>,
    /// At most this many; all when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl ProviderArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let provider = match self.command {
            ProviderCommand::Create { organization, logical_id, display_names, id } => {
                let new = ServiceProvider {
                    id,
                    organization_id: None,
                    logical_id,
                    display_name: display_names,
                    network: None,
                    associations: None,
                };
                admin.create_service_provider(&organization, &new).await?
            }
            ProviderCommand::List { organization, list } => {
                return list
                    .show(output, async |page| admin.service_providers(&organization, page).await)
                    .await;
            }
            ProviderCommand::Get(provider) => admin.service_provider(provider.id).await?,
            ProviderCommand::Update { provider, display_names } => {
                let patch = ServiceProviderPatch { display_name: display_names };
                admin.update_service_provider(provider.id, &patch).await?
            }
            ProviderCommand::Delete { provider, cascade } => {
                match cascade {
                    true => admin.delete_service_provider_with_associations(provider.id).await?,
                    false => admin.delete_service_provider(provider.id).await?,
                }
                return Ok(output.done("deleted", "id", &provider.id.to_string())?);
            }
            ProviderCommand::Network(command) => return command.run(&admin, output).await,
            ProviderCommand::Associations(args) => return args.run(&admin, output).await,
            ProviderCommand::Associate(args) => return args.run(&admin, output).await,
            ProviderCommand::Dissociate(args) => return args.run(&admin, output).await,
        };
        Ok(output.object(&provider)?)
    }
}

impl AssociationsArgs {
    async fn run(self, admin: &AdminClient, output: &mut Output) -> Result<(), Failure> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut query = AssociationQuery {
            prefix: self.prefix,
            amazon_id: self.amazon_id,
            after: self.after,
            limit: None,
        };
        let mut list = output.list();
        loop {
            query.limit = Some(page_size(left));
            let page = admin.associations(self.provider.id, &query).await?;
            for association in &page.associations {
                list.push(association)?;
            }
            left = left.saturating_sub(page.associations.len() as u64);
            if left == 0 || page.next_after.is_none() || page.next_after == query.after {
                return Ok(list.finish()?);
            }
            query.after = page.next_after;
        }
    }
}

impl Show for ServiceProvider {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let names: Vec<String> =
            self.display_name.iter().map(|name| format!("{}={}", name.locale, name.value)).collect();
        vec![
            ("id", optional(self.id.as_ref())),
            ("organization", optional(self.organization_id.as_ref())),
            ("logical id", self.logical_id.clone()),
            ("display name", names.join(", ")),
            ("network", optional(self.network.as_ref().map(|network| &network.skill_configuration.skill_id))),
            ("associations", optional(self.associations.as_ref())),
        ]
    }
}
