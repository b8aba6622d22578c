//! Bodies of the admin API, shared by the server and the command line.
//!
//! Registry objects use the names of the seed file; associations look as in the public API.

mod admin_token;
mod attempt;
mod call;
mod change;
mod client;
mod client_token;
mod directory;
mod history;
mod import_job;
mod organization;
mod resource;
mod server;
mod session;
mod skill;
mod webhook;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::admin_token::{AdminToken, NewAdminToken, Role};
pub use self::attempt::{Demo, TriedAnswer, TriedRequest};
pub use self::call::{
    AnswerCall, Call, CallDirection, CallList, CallMedia, CallResult, CallState, DeviceRule, HangUp,
    MessageDirection, NewCall, OnCall, TranscriptEntry, UpdateCall,
};
pub use self::change::{Change, ChangeList};
pub use self::client::{Client, ClientPatch, NewClient, RevokeTokens};
pub use self::client_token::{NewRefreshToken, NewToken, RefreshToken, Token};
pub use self::directory::{AssociationList, Profile, ProfilePatch, ServiceProvider, ServiceProviderPatch};
pub use self::history::{History, HistorySample};
pub use self::import_job::{
    ApplyImport, ImportChange, ImportCounts, ImportFailure, ImportJob, ImportJobList, ImportPlan,
    ImportPreview, ImportProblem, ImportProgress, ImportReading, ImportReport, ImportRow, ImportState,
    NewImportPlan,
};
pub use self::organization::{Organization, OrganizationPatch, Quotas};
pub use self::resource::{AddressBook, Contact, NamePatch, Unit};
pub use self::server::{Maintenance, RotateKeys, SigningKey, SigningKeyList, Status};
pub use self::session::{Session, SessionLink};
pub use self::skill::{Skill, SkillAnswer, SkillProblem, TimeSpan};
pub use self::webhook::{NewWebhook, Webhook, WebhookState};
pub use crate::wire::DisplayName;

/// A secret on its way in or out. Its debug form hides the text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// The objects, sorted by id.
    pub items: Vec<T>,
    /// What to send as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<String>,
}
