//! …/profile/{profileId}/contacts/settings/DropIn and Block: who may drop in on a profile, and whose calls it does not get.

use http::StatusCode;
use jackfield_model::AmazonId;
use jackfield_model::wire::{
    ContactSetting, ListAnswer, SettingName, SettingOfContact, SettingValue, Switch,
};
use jackfield_store::registry::Profile;
use jackfield_store::resource::{Kind, Refusal, ResourceChange, setting_id};
use schemars::JsonSchema;

use super::BearerOperation;
use super::resource::{Page, PageQuery, optional_parameter, required_parameter};
use crate::auth::{Held, OfHeld};
use crate::description::{Description, Status, Tag, UPDATED};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

/// Operations on what the profile of the path has.
type HeldProfileOperation = BearerOperation<OfHeld<Profile>>;

const fn describe(summary: &'static str) -> Description {
    super::resource::describe(Tag::Profiles, summary)
}

const NO_PROFILE: Status = (404, "No such communication profile, in the path or in the query string.");
const KIND: &str = "setting";

/// About which profile.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct AboutQuery {
    /// The profile of the contact.
    alexa_communication_profile_id: AmazonId,
}

pub(crate) static SET_DROP_IN: HeldProfileOperation = BearerOperation::new(
    Operation::for_clients(
        "setDropIn",
        "set_drop_in",
        describe("Set whether another profile may drop in")
            .query::<AboutQuery>()
            .request::<SettingValue>()
            .successes(UPDATED)
            .errors(&[NO_PROFILE]),
    ),
    Group::Profiles,
    |context| {
        Box::pin(async move {
            set(context.handle, SettingName::DropIn, context.query_string, &context.body).await
        })
    },
);

pub(crate) static SET_BLOCK: HeldProfileOperation = BearerOperation::new(
    Operation::for_clients(
        "setBlock",
        "set_block",
        describe("Set whether the calls of another profile are blocked")
            .query::<AboutQuery>()
            .request::<SettingValue>()
            .successes(UPDATED)
            .errors(&[NO_PROFILE]),
    ),
    Group::Profiles,
    |context| {
        Box::pin(
            async move { set(context.handle, SettingName::Block, context.query_string, &context.body).await },
        )
    },
);

async fn set(
    Held { directory, object }: Held<'_, Profile>,
    setting: SettingName,
    query_string: Option<&str>,
    body: &[u8],
) -> Result<Reply, ApiError> {
    let SettingValue { value } = SettingValue::parse(body)?;
    let about = required_parameter(query_string, "alexaCommunicationProfileId")?;
    let about = directory.held::<Profile>(&about).await?;
    let setting =
        ContactSetting { profile_id: object.id, alexa_communication_profile_id: about.id, setting, value };
    // Off is what a setting is that was never made.
    let change = match value {
        Switch::Enabled => ResourceChange::Put(setting.into()),
        Switch::Disabled => ResourceChange::Delete(setting.into()),
    };
    match directory.change_one(change).await? {
        Ok(()) => Ok(response::empty(StatusCode::OK)),
        Err(Refusal::NotFound) if value == Switch::Disabled => Ok(response::empty(StatusCode::OK)),
        Err(refused) => Err(ApiError::of_resource(refused, KIND)),
    }
}

pub(crate) static GET_DROP_IN: HeldProfileOperation = BearerOperation::new(
    Operation::for_clients(
        "getDropIn",
        "get_drop_in",
        describe("Get whether another profile may drop in")
            .query::<AboutQuery>()
            .response::<SettingValue>()
            .errors(&[NO_PROFILE]),
    ),
    Group::Profiles,
    |context| Box::pin(get_drop_in(context.handle, context.query_string)),
);

async fn get_drop_in(
    Held { directory, object }: Held<'_, Profile>,
    query_string: Option<&str>,
) -> Result<Reply, ApiError> {
    let about = required_parameter(query_string, "alexaCommunicationProfileId")?;
    let about = directory.held::<Profile>(&about).await?;
    let id = setting_id(SettingName::DropIn, about.id.suffix());
    let found = directory.find::<ContactSetting>(object.id.suffix(), &id).await?;
    let value = found.map_or(Switch::Disabled, |found| found.value);
    Ok(response::json(StatusCode::OK, &SettingValue { value }))
}

/// Which profiles.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct BlockedQuery {
    /// `ENABLED`, the default: those whose calls are blocked. `DISABLED`: none, for what is off is not kept.
    #[schemars(with = "Option<String>", extend("enum" = ["ENABLED", "DISABLED"]))]
    value: Option<String>,
    #[schemars(flatten)]
    page: PageQuery,
}

pub(crate) static LIST_BLOCKED: HeldProfileOperation = BearerOperation::new(
    Operation::for_clients(
        "listBlocked",
        "list_blocked",
        describe("List the profiles whose calls are blocked")
            .text("Sorted by id.")
            .query::<BlockedQuery>()
            .response::<ListAnswer<SettingOfContact>>()
            .errors(&[(404, "No such communication profile.")]),
    )
    .with_large_answer(),
    Group::Profiles,
    |context| Box::pin(list_blocked(context.handle, context.query_string)),
);

async fn list_blocked(
    Held { directory, object }: Held<'_, Profile>,
    query_string: Option<&str>,
) -> Result<Reply, ApiError> {
    let value = match optional_parameter(query_string, "value")?.as_deref() {
        None | Some("ENABLED") => Switch::Enabled,
        Some("DISABLED") => Switch::Disabled,
        Some(_) => {
            let message = "value in the query string must be \"ENABLED\" or \"DISABLED\".";
            return Err(ApiError::BadRequest(message.to_owned()));
        }
    };
    let profile = object.id.suffix();
    let page = Page::parse(query_string, vec!["blocked by", profile])?;
    let first = setting_id(SettingName::Block, "");
    let after = page.place(&directory).await?.max(first);
    let mut found = directory.list::<ContactSetting>(profile, &after, page.limit + 1).await?;
    // The settings of a profile are one list; others follow in it.
    found.retain(|found| found.setting == SettingName::Block && found.value == value);
    Ok(page.answer_first(&directory, found, Kind::id, |found| SettingOfContact {
        alexa_communication_profile_id: found.alexa_communication_profile_id,
        value: found.value,
    }))
}
