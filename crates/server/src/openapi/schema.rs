//! The schemas of bodies and identifiers. They come from the types.

use jackfield_model::admin::{self, List};
use jackfield_model::schema::{AdminTokenId, RefreshTokenId, wire_conventions};
use jackfield_model::{
    AmazonId, ClientId, ExternalUserId, OrganizationId, ServiceProviderId, UnitId, inspect, wire,
};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::http::routes;
use crate::{oauth, probes};

/// Any JSON object.
#[derive(JsonSchema)]
struct Document {}

/// Any text.
#[derive(JsonSchema)]
#[schemars(with = "String")]
enum Text {}

/// JSON Lines, compressed with zstd.
#[derive(JsonSchema)]
#[schemars(with = "String", extend("format" = "binary"))]
enum Export {}

/// JSON Lines: `{"finding": {"place", "problem"}}` for each finding, at most 1,000; `{"progress": …}`; at the end
/// `{"done": {"accounts", "profiles", "associations", "changes", "findings"}}`.
#[derive(JsonSchema)]
#[schemars(with = "String")]
enum VerifyLines {}

/// What bodies and parameters are made of. Types that stand in one of these come with it.
const TYPES: &[fn(&mut SchemaGenerator) -> Schema] = &[
    of::<AdminTokenId>,
    of::<AmazonId>,
    of::<ClientId>,
    of::<ExternalUserId>,
    of::<OrganizationId>,
    of::<RefreshTokenId>,
    of::<ServiceProviderId>,
    of::<UnitId>,
    of::<wire::AssociationRequest>,
    of::<wire::BatchAnswer>,
    of::<wire::BatchRequest>,
    of::<wire::DeleteRequest>,
    of::<wire::ErrorBody>,
    of::<wire::Network>,
    of::<wire::NewProfile>,
    of::<wire::NewServiceProvider>,
    of::<wire::Profile>,
    of::<wire::ProfileUpdate>,
    of::<wire::QueryRequest>,
    of::<wire::QueryResponse>,
    of::<wire::ServiceProvider>,
    of::<wire::ServiceProviderUpdate>,
    of::<oauth::ConsentForm>,
    of::<oauth::GrantErrorBody<'static>>,
    of::<oauth::TokenInfo<'static>>,
    of::<oauth::TokenRequest>,
    of::<oauth::User>,
    of::<List<admin::AdminToken>>,
    of::<List<admin::Client>>,
    of::<List<admin::Organization>>,
    of::<List<admin::Profile>>,
    of::<List<admin::RefreshToken>>,
    of::<List<admin::ServiceProvider>>,
    of::<admin::AssociationList>,
    of::<admin::ChangeList>,
    of::<admin::ClientPatch>,
    of::<admin::Maintenance>,
    of::<admin::NewAdminToken>,
    of::<admin::NewClient>,
    of::<admin::NewRefreshToken>,
    of::<admin::NewToken>,
    of::<admin::OrganizationPatch>,
    of::<admin::ProfilePatch>,
    of::<admin::RevokeTokens>,
    of::<admin::RotateKeys>,
    of::<admin::ServiceProviderPatch>,
    of::<admin::SigningKeyList>,
    of::<admin::Status>,
    of::<admin::Token>,
    of::<inspect::Clock>,
    of::<inspect::FaultList>,
    of::<inspect::Journal>,
    of::<inspect::ResetDone>,
    of::<inspect::RestoreDone>,
    of::<inspect::SetClock>,
    of::<probes::Health>,
    of::<Document>,
    of::<Export>,
    of::<Text>,
    of::<VerifyLines>,
];

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Every schema, by name.
pub(super) fn all() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .with_transform(RecursiveTransform(wire_conventions));
    let mut generator = settings.into_generator();
    for add in TYPES {
        add(&mut generator);
    }
    let mut schemas = generator.take_definitions(true);
    // Which operations there are, the route table alone knows.
    schemas["FaultRule"]["properties"]["operation"]["enum"] = routes::fault_operations().into();
    Value::Object(schemas)
}
