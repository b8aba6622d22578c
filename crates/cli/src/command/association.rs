//! `jackfield association`: the public API, against any endpoint that speaks it.

mod export;

use clap::{Args, Subcommand};
use jackfield_client::Client;
use jackfield_model::wire::{Association, LAST_PAGE_TOKEN, QueryRequest};
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId, limit};

use crate::connection::PublicArgs;
use crate::failure::Failure;
use crate::output::{Format, Output, Show};

/// The flags of `association`.
#[derive(Args)]
pub(crate) struct AssociationArgs {
    /// The service provider whose associations these are
    /// [env: JACKFIELD_PROVIDER]
    #[arg(long, global = true, value_name = "PROVIDER_ID", help_heading = "Connection")]
    provider: Option<String>,
    #[command(flatten)]
    public: PublicArgs,
    #[command(subcommand)]
    command: AssociationCommand,
}

#[derive(Subcommand)]
enum AssociationCommand {
    /// Store an association
    Create(Pair),
    /// Show the association of an endpoint; exits with 1 when there is none
    Get(Named),
    /// Point an existing association at another profile
    Update(Pair),
    /// Remove an association
    Delete(Named),
    /// List all associations of the provider
    List,
    /// Ask for one page, as the API answers it
    Query(QueryArgs),
    /// Write all associations of the provider as a list that `sync` reads
    Export(export::ExportArgs),
}

#[derive(Args)]
struct Pair {
    /// The endpoint of your network
    #[arg(value_name = "EXTERNAL_USER_ID")]
    external_user_id: ExternalUserId,
    /// The communication profile that answers for it
    #[arg(value_name = "AMAZON_ID")]
    amazon_id: AmazonId,
}

#[derive(Args)]
struct Named {
    /// The endpoint of your network
    #[arg(value_name = "EXTERNAL_USER_ID")]
    external_user_id: ExternalUserId,
}

#[derive(Args)]
struct QueryArgs {
    /// Only these endpoints, 30 at most; all of the provider when absent
    #[arg(value_name = "EXTERNAL_USER_ID", num_args = 0..=limit::QUERY_IDS)]
    external_user_ids: Vec<ExternalUserId>,
    /// Most associations on the page
    #[arg(long, value_name = "N", default_value_t = limit::PAGE_DEFAULT,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(limit::PAGE_MAX)))]
    max_results: u32,
    /// The nextPageToken of the page before
    #[arg(long, value_name = "TOKEN")]
    next_token: Option<String>,
}

impl AssociationArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let (client, provider) = self.public.connect(self.provider)?;
        match self.command {
            AssociationCommand::Create(pair) => {
                let association = pair.association();
                client.create(provider, &association).await?;
                output.object(&association)?;
            }
            AssociationCommand::Get(Named { external_user_id }) => {
                match client.get(provider, &external_user_id).await? {
                    Some(association) => output.object(&association)?,
                    None => return Err(missing(provider, &external_user_id)),
                }
            }
            AssociationCommand::Update(pair) => {
                let association = pair.association();
                client.update(provider, &association).await?;
                output.object(&association)?;
            }
            AssociationCommand::Delete(Named { external_user_id }) => {
                client.delete(provider, &external_user_id).await?;
                output.done("deleted", "externalUserId", external_user_id.as_str())?;
            }
            AssociationCommand::List => {
                let mut all = client.associations(provider);
                let mut list = output.list();
                while let Some(association) = all.next().await? {
                    list.push(&association)?;
                }
                list.finish()?;
            }
            AssociationCommand::Query(args) => args.run(&client, provider, output).await?,
            AssociationCommand::Export(args) => args.run(&client, provider).await?,
        }
        Ok(())
    }
}

impl Pair {
    fn association(self) -> Association {
        Association::new(self.external_user_id, self.amazon_id)
    }
}

impl QueryArgs {
    async fn run(
        mut self,
        client: &Client,
        provider: ServiceProviderId,
        output: &mut Output,
    ) -> Result<(), Failure> {
        self.external_user_ids.sort_unstable();
        self.external_user_ids.dedup();
        let query = QueryRequest {
            external_user_ids: Some(self.external_user_ids).filter(|ids| !ids.is_empty()),
            max_results: self.max_results,
            next_token: self.next_token,
        };
        let page = client.query(provider, &query).await?;
        if output.format() == Format::Json {
            return Ok(output.json(&page)?);
        }
        let mut list = output.list();
        for association in &page.account_associations {
            list.push(association)?;
        }
        list.finish()?;
        output.line(&format!("{} in all", page.pagination_context.total_count))?;
        if let Some(token) = page.pagination_context.next_page_token
            && token != LAST_PAGE_TOKEN
        {
            output.line(&format!("next page: --next-token {token}"))?;
        }
        Ok(())
    }
}

fn missing(provider: ServiceProviderId, id: &ExternalUserId) -> Failure {
    Failure::failed(format!("{provider} has no association of {id:?}"))
        .hint("`jackfield association list` shows what it has; ids are case-sensitive")
}

impl Show for Association {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("external user id", self.external_user_id.to_string()),
            ("amazon id", self.amazon_id.to_string()),
        ]
    }
}
