//! The admin API: accounts, associations, changes and the state of the server, for operators.
//!
//! Every request bears the admin token. Bodies are those of `jackfield_model::admin`.

pub(crate) mod access;
mod account;
pub(crate) mod act;
mod backup;
mod client;
mod directory;
pub(crate) mod host;
mod inspect;
mod keys;
mod profile;
mod provider;
mod refresh;
mod server;
mod token;
pub(crate) mod valid;
mod verify;

pub(crate) use backup::EXPORT_TYPE;
pub(crate) use verify::{LINES_TYPE, Verifying};

use std::sync::Arc;

use http::StatusCode;
use jackfield_model::admin::List;
use jackfield_model::json::Object;
use jackfield_model::{OrganizationId, limit};
use jackfield_store::registry::Organization;
use jackfield_store::{Origin, RegistryCommand, RegistryOutcome, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::access::Operator;
use crate::app::{App, Call};
use crate::error::{ApiError, Forbidden};
use crate::response::{self, Reply};
use crate::router::AdminOperation;

/// Runs an operation for an operator. `id` is the parameter of the path, where it has one.
pub(crate) async fn run(
    app: &Arc<App>,
    operation: AdminOperation,
    operator: &Operator,
    call: &Call,
    id: &str,
    body: &[u8],
) -> Result<Reply, ApiError> {
    let query = Query::parse(call.head.uri.query());
    let origin = Origin { actor: operator.actor(), request_id: call.request_id, time: Timestamp::now() };
    match operation {
        AdminOperation::CreateOrganization => account::create(app, origin, body).await,
        AdminOperation::ListOrganizations => account::list(app, &query),
        AdminOperation::GetOrganization => account::get(app, id),
        AdminOperation::UpdateOrganization => account::update(app, origin, id, body).await,
        AdminOperation::DeleteOrganization => account::delete(app, origin, id).await,
        AdminOperation::CreateClient => client::create(app, origin, id, body).await,
        AdminOperation::ListClients => client::list(app, id, &query),
        AdminOperation::GetClient => client::get(app, id),
        AdminOperation::UpdateClient => client::update(app, origin, id, body).await,
        AdminOperation::DeleteClient => client::delete(app, origin, id).await,
        AdminOperation::RotateSecret => client::rotate_secret(app, origin, id).await,
        AdminOperation::RevokeTokens => client::revoke_tokens(app, origin, id, body).await,
        AdminOperation::IssueToken => client::issue_token(app, id, body),
        AdminOperation::IssueRefreshToken => refresh::issue(app, origin, id, body).await,
        AdminOperation::ListRefreshTokens => refresh::list(app, id, &query),
        AdminOperation::RevokeRefreshToken => refresh::revoke(app, origin, id).await,
        AdminOperation::CreateProvider => provider::create(app, origin, id, body).await,
        AdminOperation::ListProviders => provider::list(app, id, &query).await,
        AdminOperation::GetProvider => provider::get(app, id).await,
        AdminOperation::UpdateProvider => provider::update(app, origin, id, body).await,
        AdminOperation::DeleteProvider => provider::delete(app, origin, id, &query).await,
        AdminOperation::GetNetwork => provider::get_network(app, id),
        AdminOperation::SetNetwork => provider::set_network(app, origin, id, body).await,
        AdminOperation::DeleteNetwork => provider::delete_network(app, origin, id).await,
        AdminOperation::CreateProfile => profile::create(app, origin, id, body).await,
        AdminOperation::ListProfiles => profile::list(app, id, &query).await,
        AdminOperation::GetProfile => profile::get(app, id).await,
        AdminOperation::UpdateProfile => profile::update(app, origin, id, body).await,
        AdminOperation::DeleteProfile => profile::delete(app, origin, id).await,
        AdminOperation::ListAssociations => directory::associations(app, id, &query).await,
        AdminOperation::ListChanges => directory::changes(app, &query).await,
        AdminOperation::GetMaintenance => server::get_maintenance(app),
        AdminOperation::SetMaintenance => server::set_maintenance(app, origin, body).await,
        AdminOperation::Status => server::status(app).await,
        AdminOperation::ListKeys => keys::list(app),
        AdminOperation::RotateKeys => keys::rotate(app, origin, body).await,
        AdminOperation::ReadJournal => inspect::journal(app, &query).await,
        AdminOperation::CreateFault => inspect::create_fault(app, body),
        AdminOperation::ListFaults => inspect::faults(app),
        AdminOperation::DeleteFault => inspect::delete_fault(app, id),
        AdminOperation::DeleteFaults => inspect::delete_faults(app),
        AdminOperation::GetClock => inspect::clock(app),
        AdminOperation::SetClock => inspect::set_clock(app, body),
        AdminOperation::Reset => inspect::reset(app, origin).await,
        AdminOperation::CreateAdminToken => token::create(app, origin, body).await,
        AdminOperation::ListAdminTokens => token::list(app, &query),
        AdminOperation::DeleteAdminToken => token::delete(app, origin, id).await,
        AdminOperation::Backup => backup::backup(app).await,
        AdminOperation::Verify => verify::verify(app).await,
        // Its body is no page in memory: it is taken care of before.
        AdminOperation::Restore => {
            Err(ApiError::Internal { cause: "a restore without its stream".to_owned() })
        }
    }
}

/// The query parameters of an admin listing.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: Option<&str>) -> Self {
        Self(form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of this type; `default` when absent.
    fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, ApiError>
    where
        T::Err: std::fmt::Display,
    {
        let parse =
            |text: &str| text.parse().map_err(|error| ApiError::BadRequest(format!("{name}: {error}.")));
        self.get(name).map(parse).transpose()
    }

    fn limit(&self) -> Result<usize, ApiError> {
        let limit = self.parsed::<u32>("limit")?.unwrap_or(limit::ADMIN_PAGE_DEFAULT);
        if !(1..=limit::ADMIN_PAGE_MAX).contains(&limit) {
            return Err(ApiError::BadRequest(format!(
                "limit is {limit}; 1 to {} are allowed.",
                limit::ADMIN_PAGE_MAX
            )));
        }
        Ok(limit as usize)
    }
}

/// Reads a body; what is wrong with it is named by the parser.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    parse_nullable(body, &[])
}

/// The same where null is a value of these properties: none, or the server's default.
fn parse_nullable<T: DeserializeOwned>(body: &[u8], nullable: &[&str]) -> Result<T, ApiError> {
    // The derived readers would take an array for an object, its items in the order of the properties, and null for
    // an absent value.
    if let Some(name) = Object::parse(body)?.null_besides(nullable) {
        return Err(ApiError::BadRequest(format!("{name} is null; leave it out or give it a value.")));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::BadRequest(format!("The body is not valid: {error}.")))
}

/// Reads a body that may be absent.
fn parse_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    if body.is_empty() { Ok(T::default()) } else { parse(body) }
}

/// The page of `items` after `query`'s `after`, sorted by id.
fn page<T>(mut items: Vec<(String, T)>, query: &Query) -> Result<List<T>, ApiError> {
    let limit = query.limit()?;
    let after = query.get("after").unwrap_or_default();
    items.retain(|(id, _)| id.as_str() > after);
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    let more = items.len() > limit;
    items.truncate(limit);
    let next_after = items.last().filter(|_| more).map(|(id, _)| id.clone());
    Ok(List { items: items.into_iter().map(|(_, item)| item).collect(), next_after })
}

fn ok(value: &impl Serialize) -> Result<Reply, ApiError> {
    Ok(response::json(StatusCode::OK, value))
}

fn created(value: &impl Serialize) -> Result<Reply, ApiError> {
    Ok(response::json(StatusCode::CREATED, value))
}

fn no_content() -> Result<Reply, ApiError> {
    Ok(response::empty(StatusCode::NO_CONTENT))
}

fn not_found(what: &str) -> ApiError {
    ApiError::NotFound(format!("There is no such {what}."))
}

/// The organization of the path.
fn organization(app: &App, id: &str) -> Result<Arc<Organization>, ApiError> {
    app.store.registry().organizations.get(id).cloned().ok_or_else(|| not_found("organization"))
}

/// Changes the registry; what stands in the way becomes an error that names it.
pub(crate) async fn change(app: &App, command: RegistryCommand, origin: Origin) -> Result<(), ApiError> {
    let what = match &command {
        RegistryCommand::CreateOrganization(_)
        | RegistryCommand::UpdateOrganization(..)
        | RegistryCommand::DeleteOrganization(_) => "organization",
        RegistryCommand::CreateClient(_)
        | RegistryCommand::UpdateClient(..)
        | RegistryCommand::DeleteClient(_) => "client",
        RegistryCommand::ChangeGrants(..) => "refresh token",
        RegistryCommand::CreateServiceProvider(_)
        | RegistryCommand::UpdateServiceProvider(..)
        | RegistryCommand::DeleteServiceProvider(_)
        | RegistryCommand::DeleteServiceProviderWithAssociations(..)
        | RegistryCommand::ChangeNetwork(..) => "service provider",
        RegistryCommand::SetMaintenance(_) => "maintenance mode",
        RegistryCommand::CreateAdminToken(_) | RegistryCommand::DeleteAdminToken(_) => "admin token",
        RegistryCommand::Note(_) => "record",
        RegistryCommand::RotateKeys(_) => "key",
    };
    let conflict = |message: String| Err(ApiError::Conflict(message));
    match app.store.change_registry(command, origin).await? {
        RegistryOutcome::Done => Ok(()),
        RegistryOutcome::Exists if what == "admin token" => {
            conflict("There is an admin token with this name already.".to_owned())
        }
        RegistryOutcome::TooManyAdminTokens => conflict(format!(
            "There are {} admin tokens, which is the most allowed; revoke those that have expired.",
            limit::ADMIN_TOKENS
        )),
        RegistryOutcome::Exists => conflict(format!("There is a {what} with this id already.")),
        RegistryOutcome::NotFound => Err(not_found(what)),
        RegistryOutcome::NoSuchOrganization => Err(not_found("organization")),
        RegistryOutcome::LogicalIdTaken => {
            conflict("The organization has a service provider with this logical_id already.".to_owned())
        }
        RegistryOutcome::RefreshTokenTaken => conflict("The refresh_token is another client's.".to_owned()),
        RegistryOutcome::TooManyRefreshTokens => conflict(format!(
            "The client holds {} refresh tokens, which is the most allowed.",
            limit::REFRESH_TOKENS
        )),
        RegistryOutcome::TooManyKeys => conflict(format!(
            "Tokens of {} keys may still be good, which is the most allowed; rotate later, or with revoke.",
            limit::SIGNING_KEYS
        )),
        RegistryOutcome::NetworkExists => {
            conflict("The service provider has a network mapping already.".to_owned())
        }
        RegistryOutcome::NoNetwork => Err(not_found("network mapping")),
        RegistryOutcome::QuotaReached(most) => {
            let of = if what == "client" { "clients" } else { "service providers" };
            Err(ApiError::Forbidden(Forbidden::Quota { of, most }))
        }
        RegistryOutcome::CodeSpent => conflict("The code was redeemed before.".to_owned()),
        RegistryOutcome::RefreshTokenReused => conflict("The refresh token was used before.".to_owned()),
        RegistryOutcome::InUse if what == "organization" => {
            conflict("The organization has service providers or profiles; remove them first.".to_owned())
        }
        RegistryOutcome::InUse => conflict(format!(
            "The {what} has associations; remove them first, or with ?cascade=true up to {} together with it.",
            limit::CASCADE_ASSOCIATIONS
        )),
    }
}

/// The id of the path, when it is one of an organization.
fn organization_id(id: &str) -> Result<OrganizationId, ApiError> {
    id.parse().map_err(|_| not_found("organization"))
}
