//! `jackfield org`.

use clap::{Args, Subcommand};
use jackfield_model::admin::{Organization, OrganizationPatch, Quotas, Secret};
use jackfield_model::{Country, OrganizationId, Vertical};

use super::list::ListArgs;
use super::password;
use super::value::{Switch, country, vertical};
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional, switch};

/// The flags of `org`.
#[derive(Args)]
pub(crate) struct OrgArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: OrgCommand,
}

#[derive(Subcommand)]
enum OrgCommand {
    /// Make an organization
    Create {
        /// A name for people
        name: String,
        /// Where it does business
        #[arg(long, value_name = "CODE", value_parser = country())]
        country: Country,
        /// Its line of business
        #[arg(long, value_name = "KIND", value_parser = vertical())]
        vertical: Vertical,
        /// Whether it has the WebRTC add-on, which all but profiles need
        #[arg(long, value_enum, value_name = "SWITCH", default_value = "off")]
        webrtc: Switch,
        /// Whether associations must name a profile of the organization
        #[arg(long, value_enum, value_name = "SWITCH", default_value = "off")]
        strict_profiles: Switch,
        /// Whether a profile must speak for a unit that is kept here
        #[arg(long, value_enum, value_name = "SWITCH", default_value = "off")]
        strict_units: Switch,
        /// Whether numbers for ids and token parameters in the query string are taken
        #[arg(long, value_enum, value_name = "SWITCH", default_value = "on")]
        lenient: Switch,
        #[command(flatten)]
        quotas: QuotaArgs,
        /// Its id; issued when absent
        #[arg(long)]
        id: Option<OrganizationId>,
    },
    /// List the organizations
    List(ListArgs),
    /// Show an organization
    Get {
        /// Its id
        #[arg(value_name = "ORG_ID")]
        id: OrganizationId,
    },
    /// Change an organization: one thing or more; what is not named stays
    #[command(override_usage = "jackfield org update [OPTIONS] <ORG_ID>")]
    Update(UpdateArgs),
    /// Set the password that its consent page asks for; it is read from the terminal, or from standard input
    SetConsentPassword {
        /// Its id
        #[arg(value_name = "ORG_ID")]
        id: OrganizationId,
        /// Take the password away: then nobody can allow access, where the server asks for one
        #[arg(long)]
        remove: bool,
    },
    /// Remove an organization
    Delete {
        /// Its id
        #[arg(value_name = "ORG_ID")]
        id: OrganizationId,
    },
}

#[derive(Args)]
struct UpdateArgs {
    /// Its id
    #[arg(value_name = "ORG_ID")]
    id: OrganizationId,
    #[command(flatten)]
    change: Change,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// New name
    #[arg(long)]
    name: Option<String>,
    /// New country
    #[arg(long, value_name = "CODE", value_parser = country())]
    country: Option<Country>,
    /// New line of business
    #[arg(long, value_name = "KIND", value_parser = vertical())]
    vertical: Option<Vertical>,
    /// WebRTC add-on on or off
    #[arg(long, value_enum, value_name = "SWITCH")]
    webrtc: Option<Switch>,
    /// Strict profiles on or off
    #[arg(long, value_enum, value_name = "SWITCH")]
    strict_profiles: Option<Switch>,
    /// Strict units on or off
    #[arg(long, value_enum, value_name = "SWITCH")]
    strict_units: Option<Switch>,
    /// Whether numbers for ids and token parameters in the query string are taken
    #[arg(long, value_enum, value_name = "SWITCH")]
    lenient: Option<Switch>,
    // Not `QuotaArgs` flattened: its options would not count as the one change that has to be named.
    /// Most service providers that it may have
    #[arg(long, value_name = "N")]
    max_providers: Option<u32>,
    /// Most clients that it may have
    #[arg(long, value_name = "N")]
    max_clients: Option<u32>,
    /// Most communication profiles that it may have
    #[arg(long, value_name = "N")]
    max_profiles: Option<u32>,
    /// Most units that it may have
    #[arg(long, value_name = "N")]
    max_units: Option<u32>,
    /// Most address books that it may have
    #[arg(long, value_name = "N")]
    max_address_books: Option<u32>,
    /// Most contacts that one of its address books may have
    #[arg(long, value_name = "N")]
    max_contacts: Option<u32>,
}

#[derive(Args)]
struct QuotaArgs {
    /// Most service providers that it may have
    #[arg(long, value_name = "N")]
    max_providers: Option<u32>,
    /// Most clients that it may have
    #[arg(long, value_name = "N")]
    max_clients: Option<u32>,
    /// Most communication profiles that it may have
    #[arg(long, value_name = "N")]
    max_profiles: Option<u32>,
    /// Most units that it may have
    #[arg(long, value_name = "N")]
    max_units: Option<u32>,
    /// Most address books that it may have
    #[arg(long, value_name = "N")]
    max_address_books: Option<u32>,
    /// Most contacts that one of its address books may have
    #[arg(long, value_name = "N")]
    max_contacts: Option<u32>,
}

impl QuotaArgs {
    const fn quotas(&self) -> Quotas {
        Quotas {
            service_providers: self.max_providers,
            clients: self.max_clients,
            profiles: self.max_profiles,
            units: self.max_units,
            address_books: self.max_address_books,
            contacts: self.max_contacts,
        }
    }
}

impl OrgArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let organization = match self.command {
            OrgCommand::Create {
                name,
                country,
                vertical,
                webrtc,
                strict_profiles,
                strict_units,
                lenient,
                quotas,
                id,
            } => {
                let new = Organization {
                    id,
                    name,
                    country,
                    vertical,
                    webrtc: webrtc.is_on(),
                    strict_profiles: strict_profiles.is_on(),
                    strict_units: strict_units.is_on(),
                    quotas: quotas.quotas(),
                    consent_password: None,
                    has_consent_password: false,
                    lenient: lenient.is_on(),
                };
                admin.create_organization(&new).await?
            }
            OrgCommand::List(list) => {
                return list.show(output, async |page| admin.organizations(page).await).await;
            }
            OrgCommand::Get { id } => admin.organization(&id).await?,
            OrgCommand::Update(UpdateArgs { id, change }) => {
                let quotas = Quotas {
                    service_providers: change.max_providers,
                    clients: change.max_clients,
                    profiles: change.max_profiles,
                    units: change.max_units,
                    address_books: change.max_address_books,
                    contacts: change.max_contacts,
                };
                let patch = OrganizationPatch {
                    name: change.name,
                    country: change.country,
                    vertical: change.vertical,
                    webrtc: change.webrtc.map(Switch::is_on),
                    strict_profiles: change.strict_profiles.map(Switch::is_on),
                    strict_units: change.strict_units.map(Switch::is_on),
                    quotas: (!quotas.is_empty()).then_some(quotas),
                    consent_password: None,
                    lenient: change.lenient.map(Switch::is_on),
                };
                admin.update_organization(&id, &patch).await?
            }
            OrgCommand::SetConsentPassword { id, remove } => {
                let password =
                    if remove { None } else { Some(Secret(password::read("Consent password: ")?)) };
                let patch =
                    OrganizationPatch { consent_password: Some(password), ..OrganizationPatch::default() };
                admin.update_organization(&id, &patch).await?
            }
            OrgCommand::Delete { id } => {
                admin.delete_organization(&id).await?;
                return Ok(output.done("deleted", "id", id.as_str())?);
            }
        };
        Ok(output.object(&organization)?)
    }
}

impl Show for Organization {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", optional(self.id.as_ref())),
            ("name", self.name.clone()),
            ("country", self.country.to_string()),
            ("vertical", self.vertical.to_string()),
            ("webrtc", switch(self.webrtc)),
            ("strict profiles", switch(self.strict_profiles)),
            ("strict units", switch(self.strict_units)),
            ("most providers", optional(self.quotas.service_providers.as_ref())),
            ("most clients", optional(self.quotas.clients.as_ref())),
            ("most profiles", optional(self.quotas.profiles.as_ref())),
            ("most units", optional(self.quotas.units.as_ref())),
            ("most address books", optional(self.quotas.address_books.as_ref())),
            ("most contacts", optional(self.quotas.contacts.as_ref())),
            ("consent password", if self.has_consent_password { "set" } else { "none" }.to_owned()),
            ("lenient", switch(self.lenient)),
        ]
    }
}
