//! The admin API: accounts, associations, changes and the state of the server, for operators.
//!
//! Every request bears the admin token. Bodies are those of `jackfield_model::admin`.

mod access;
pub(crate) mod account;
mod act;
pub(crate) mod address_book;
pub(crate) mod association;
pub(crate) mod attempt;
pub(crate) mod backup;
pub(crate) mod call;
mod change_stream;
pub(crate) mod changes;
pub(crate) mod client;
mod cookie;
mod describe;
pub(crate) mod history;
mod import_api;
pub(crate) mod import_job;
pub(crate) mod inspect;
pub(crate) mod keys;

mod operator;
pub(crate) mod profile;
pub(crate) mod provider;
pub(crate) mod refresh;
mod reset;
pub(crate) mod resource;
pub(crate) mod restore;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod skill;
pub(crate) mod token;
pub(crate) mod unit;
pub(crate) mod verify;
pub(crate) mod webhook;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::StatusCode;
use jackfield_model::admin::{List, Role};
use jackfield_model::json::Object;
use jackfield_model::note::Notes;
use jackfield_model::{OrganizationId, limit};
use jackfield_store::registry::Organization;
use jackfield_store::{Origin, RegistryCommand, RegistryOutcome, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::operator::Operator;

pub(crate) use self::act::keep_telling;
pub(crate) use self::history::keep_history;
pub(crate) use self::session::bootstrap_link;
use crate::description::{Content, Description};
use crate::endpoint::{Endpoint, Incoming, Outcome};
use crate::error::{ApiError, Forbidden};
use crate::notes::{self, ReadAs};
use crate::request::{Call, RequestBody};
use crate::response::{self, Reply};
use crate::router::Operation;
use crate::state::State;

/// JSON Lines, compressed with zstd.
#[derive(JsonSchema)]
#[schemars(with = "String", extend("format" = "binary"))]
enum Export {}

/// An export of the whole store.
const EXPORT: Content = Content::new::<Export>(response::EXPORT_TYPE);

/// An operation of the admin API.
pub(crate) struct AdminOperation {
    operation: Operation,
    /// The least role that may use it.
    pub(crate) role: Role,
    /// Whether it runs without the reset guard: it is a reset, waits for other requests, or reads a snapshot.
    outlasts_resets: bool,
    /// What it accepts from its caller.
    accepts: Accepts,
    /// Whether its handler streams the body.
    streams_body: bool,
    /// What the change record says about it, beside the changes that it makes.
    recorded: Option<Recorded>,
    run: for<'a> fn(Context<'a>) -> BoxFuture<'a, Outcome>,
}

/// By what an operation knows its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accepts {
    /// An admin token, or a session of the console.
    TokenOrSession,
    /// An admin token alone, so that no session outlasts itself.
    Token,
    /// An admin token, or a link, which begins a session.
    TokenOrLink,
}

/// The arguments that handlers of the admin API can use.
struct Context<'a> {
    state: &'a Arc<State>,
    call: &'a Call,
    operator: &'a Operator,
    /// The actor, for the change record.
    origin: Origin,
    /// The parameter of the path; empty where it has none.
    id: &'a str,
    /// The second one; empty where the path has none.
    second_id: &'a str,
    query: &'a Query,
    /// The body; empty where the handler reads it from `upload`.
    body: &'a [u8],
    upload: &'a mut RequestBody,
}

/// What the change record says about an operation that changes no object.
struct Recorded {
    kind: &'static str,
    /// Whether it returns a token or a backup, and therefore fails when it cannot be recorded.
    gives_out: bool,
    /// Adds to the details; says whether there is to be an entry.
    details: fn(&State, &Operator, &Call, &mut Value) -> bool,
}

impl Recorded {
    const fn new(kind: &'static str) -> Self {
        Self { kind, gives_out: false, details: |_, _, _, _| true }
    }

    const fn giving_out(kind: &'static str) -> Self {
        Self { gives_out: true, ..Self::new(kind) }
    }

    const fn with(self, details: fn(&State, &Operator, &Call, &mut Value) -> bool) -> Self {
        Self { details, ..self }
    }
}

impl fmt::Debug for AdminOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

impl AdminOperation {
    const fn new(
        id: &'static str,
        role: Role,
        description: Description,
        run: for<'a> fn(Context<'a>) -> BoxFuture<'a, Outcome>,
    ) -> Self {
        let operation = Operation::for_operators(id, description);
        Self {
            operation,
            role,
            outlasts_resets: false,
            accepts: Accepts::TokenOrSession,
            streams_body: false,
            recorded: None,
            run,
        }
    }

    const fn bearing_a_token(self) -> Self {
        Self { accepts: Accepts::Token, ..self }
    }

    const fn signing_in(self) -> Self {
        Self { accepts: Accepts::TokenOrLink, ..self }
    }

    const fn outlasting_resets(self) -> Self {
        Self { outlasts_resets: true, ..self }
    }

    const fn streaming_its_body(self) -> Self {
        Self { outlasts_resets: true, streams_body: true, ..self }
    }

    const fn recorded(self, recorded: Recorded) -> Self {
        Self { recorded: Some(recorded), ..self }
    }

    async fn serve(&self, incoming: Incoming<'_>) -> Outcome {
        let Incoming { state, call, parameter: id, second_parameter: second_id, body: upload, .. } = incoming;
        let operator = access::admit(state, call, self.role, self.accepts).await?;
        let body = match self.streams_body {
            true => Bytes::new(),
            false => state.limits.bodies.read(call, upload, None).await?,
        };
        // What operators send is noted nowhere.
        let body = notes::of_body(call, body, ReadAs::Json, &mut Notes::default());
        let _guard = if self.outlasts_resets {
            None
        } else {
            state.store.refresh().await?;
            state.sandbox.reset_lock.read_guard().await
        };
        let query = Query::parse(call.head.uri.query());
        let origin = Origin { actor: operator.actor(), request_id: call.request_id, time: Timestamp::now() };
        let operator = &operator;
        let context =
            Context { state, call, operator, origin, id, second_id, query: &query, body: &body, upload };
        let done = (self.run)(context).await?;
        if let Some(recorded) = &self.recorded {
            act::tell(state, operator, recorded, call, id).await?;
        }
        Ok(done)
    }
}

impl Endpoint for AdminOperation {
    fn operation(&self) -> &Operation {
        &self.operation
    }

    fn serve<'a>(&'static self, incoming: Incoming<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.serve(incoming))
    }
}

/// The query parameters of an admin listing.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: Option<&str>) -> Self {
        Self(form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
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
fn organization(state: &State, id: &str) -> Result<Arc<Organization>, ApiError> {
    state.store.registry().organizations.get(id).cloned().ok_or_else(|| not_found("organization"))
}

/// Changes the registry; a conflict becomes an error that names it.
async fn change(state: &State, command: RegistryCommand, origin: Origin) -> Result<(), ApiError> {
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
        RegistryCommand::Webhook(_) => "webhook",
    };
    let conflict = |message: String| Err(ApiError::Conflict(message));
    match state.store.change_registry(command, origin).await? {
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
        RegistryOutcome::TooManyWebhooks => {
            conflict(format!("There are {} webhooks, which is the most allowed.", limit::WEBHOOKS))
        }
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
        RegistryOutcome::InUse if what == "organization" => conflict(
            "The organization has service providers, profiles, units, address books or skills; remove them first."
                .to_owned(),
        ),
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
