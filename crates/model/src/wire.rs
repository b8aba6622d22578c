//! The bodies of the public API: of the four operations on associations here, of the others in files of their own.
//!
//! Requests are read with `parse`, which answers with a value that needs no further check or with the message of
//! the 400. The same types serialize, for the client.

mod external_user_id;
mod network;
mod profile;
mod service_provider;

use serde::{Deserialize, Serialize};

use crate::json::{InvalidRequest, Json, Object};
use crate::note::{Note, Reading};
use crate::{AmazonId, ExternalUserId, InvalidId, limit};

pub use network::{Network, NetworkType, SkillConfiguration};
pub use profile::{
    BatchAnswer, BatchItem, BatchRequest, BatchResult, Entity, EntityType, ItemId, NewBatchItem, NewProfile,
    Profile, ProfileId, ProfileUpdate,
};
pub use service_provider::{
    DEFAULT_LOCALE, DisplayName, NewServiceProvider, ServiceProvider, ServiceProviderUpdate,
};

/// The only value of `amazonIdType`.
pub const AMAZON_ID_TYPE: &str = "communication-profile";

/// The `nextPageToken` of a last page.
pub const LAST_PAGE_TOKEN: &str = "0";

/// An account association: which communication profile answers for which endpoint.
///
/// It is also the body of create and update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// The endpoint of the provider's network.
    pub external_user_id: ExternalUserId,
    /// The communication profile that answers for it.
    pub amazon_id: AmazonId,
    /// Always `communication-profile`.
    pub amazon_id_type: AmazonIdType,
}

/// The constant `communication-profile`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AmazonIdType {
    /// A communication profile: the only type there is.
    #[default]
    #[serde(rename = "communication-profile")]
    CommunicationProfile,
}

/// The body of a delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteRequest {
    /// The endpoint whose association goes.
    pub external_user_id: ExternalUserId,
}

/// The body of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryRequest {
    /// The endpoints asked for, sorted and without repeats; nothing means all of the provider's.
    pub external_user_ids: Option<Vec<ExternalUserId>>,
    /// Most associations on the page, 1 to [`limit::PAGE_MAX`].
    pub max_results: u32,
    /// The token of the previous page.
    pub next_token: Option<String>,
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryResponse {
    /// How many match and where to go on.
    pub pagination_context: PaginationContext,
    /// The associations of this page, sorted by the bytes of `externalUserId`.
    pub account_associations: Vec<Association>,
}

/// The pagination part of an answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaginationContext {
    /// Associations that match the filter, over all pages.
    pub total_count: u64,
    /// Opaque while more pages follow, [`LAST_PAGE_TOKEN`] on the last page, absent after it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_page_token: Option<String>,
}

/// The body of every answer with a status of 400 or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The kind of error, for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong and what would be right, for people.
    pub message: String,
}

impl Association {
    /// The association of an endpoint with a profile.
    #[must_use]
    pub const fn new(external_user_id: ExternalUserId, amazon_id: AmazonId) -> Self {
        Self { external_user_id, amazon_id, amazon_id_type: AmazonIdType::CommunicationProfile }
    }

    /// Reads the body of a create. A query body sent here, which a published client does, gets a hint.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse_create(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        let object = Object::parse(body)?;
        // `filters` is unknown here, so that nothing is wrong with it where the rest is right.
        if object.get("externalUserId")?.is_none() && !matches!(object.get("filters"), Ok(None)) {
            return Err(InvalidRequest(
                "filters belongs to a query, which is a POST to …/externalUsers/query; \
                 externalUserId is missing for a create."
                    .to_owned(),
            ));
        }
        Self::from_object(&object, reading)
    }

    /// Reads the body of an update.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse_update(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        Self::from_object(&Object::parse(body)?, reading)
    }

    fn from_object(object: &Object<'_>, reading: &mut Reading) -> Result<Self, InvalidRequest> {
        let external_user_id = external_user_id(object, reading)?;
        let amazon_id = AmazonId::new(object.text("amazonId")?).map_err(|e| named("amazonId", &e))?;
        let amazon_id_type = object.text("amazonIdType")?;
        if amazon_id_type != AMAZON_ID_TYPE {
            return Err(InvalidRequest(format!("amazonIdType must be \"{AMAZON_ID_TYPE}\".")));
        }
        ignore_others(object, &["externalUserId", "amazonId", "amazonIdType"], reading);
        Ok(Self::new(external_user_id, amazon_id))
    }
}

impl DeleteRequest {
    /// Reads a delete from its body, its `externalUserId` query parameter, or both when they are the same.
    ///
    /// # Errors
    /// [`InvalidRequest`] when neither names a valid id, or they differ.
    pub fn parse(
        body: &[u8],
        parameter: Option<&str>,
        reading: &mut Reading,
    ) -> Result<Self, InvalidRequest> {
        let read = |text| ExternalUserId::new(text).map_err(|error| named("externalUserId", &error));
        let from_parameter = parameter.map(read).transpose()?;
        if from_parameter.is_some() {
            reading.note(Note::DeleteQuery);
        }
        if body.is_empty()
            && let Some(external_user_id) = from_parameter
        {
            return Ok(Self { external_user_id });
        }
        let object = Object::parse(body)?;
        let external_user_id = external_user_id(&object, reading)?;
        ignore_others(&object, &["externalUserId"], reading);
        if from_parameter.is_some_and(|other| other != external_user_id) {
            return Err(InvalidRequest(
                "externalUserId in the body and in the query string differ; one of them is enough."
                    .to_owned(),
            ));
        }
        Ok(Self { external_user_id })
    }
}

impl QueryResponse {
    /// The answer as JSON, as its `Serialize` has it. Only the parts that come from outside can have anything to
    /// escape: looking through the others as well, as serializing does, makes a query of 30 ids dearer by two fifths
    /// (`make instructions`).
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        const ASSOCIATION_BYTES: usize = 192;
        let PaginationContext { total_count, next_page_token } = &self.pagination_context;
        let mut json = Vec::with_capacity(ASSOCIATION_BYTES * (self.account_associations.len() + 1));
        json.extend(br#"{"paginationContext":{"totalCount":"#);
        put_json(&mut json, total_count);
        if let Some(token) = next_page_token {
            json.extend(br#","nextPageToken":"#);
            put_text(&mut json, token);
        }
        json.extend(br#"},"accountAssociations":["#);
        for (place, association) in self.account_associations.iter().enumerate() {
            let Association { external_user_id, amazon_id, amazon_id_type } = association;
            json.extend(if place == 0 { &br#"{"externalUserId":"#[..] } else { br#",{"externalUserId":"# });
            put_text(&mut json, external_user_id.as_str());
            json.extend(br#","amazonId":"#);
            put_plain(&mut json, amazon_id.as_str());
            json.extend(br#","amazonIdType":"#);
            let AmazonIdType::CommunicationProfile = amazon_id_type;
            put_plain(&mut json, AMAZON_ID_TYPE);
            json.push(b'}');
        }
        json.extend(b"]}");
        json
    }
}

fn put_text(json: &mut Vec<u8>, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return put_json(json, text);
    }
    put_plain(json, text);
}

/// A text whose alphabet has nothing to escape.
fn put_plain(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    json.extend(text.as_bytes());
    json.push(b'"');
}

fn put_json(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(json, value).expect("texts and numbers can be written to memory");
}

impl QueryRequest {
    /// Reads the body of a query.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        let object = Object::parse(body)?;
        let external_user_ids = match object.get("filters")? {
            None => return Err(InvalidRequest("filters is missing; it is required.".to_owned())),
            Some(Json::Object(filters)) => filter_ids(filters, reading)?,
            Some(other) => return Err(other.wrong_type("filters", "an object")),
        };
        let context = match object.get("paginationContext")? {
            None => &Object::default(),
            Some(Json::Object(context)) => context,
            Some(other) => return Err(other.wrong_type("paginationContext", "an object")),
        };
        ignore_others(&object, &["filters", "paginationContext"], reading);
        ignore_others(context, &["maxResults", "nextToken", "nextPageToken"], reading);
        Ok(Self {
            external_user_ids,
            max_results: max_results(context)?,
            next_token: next_token(context)?.map(str::to_owned),
        })
    }
}

/// The required property `externalUserId`.
fn external_user_id(object: &Object<'_>, reading: &mut Reading) -> Result<ExternalUserId, InvalidRequest> {
    const NAME: &str = "externalUserId";
    match object.get(NAME)? {
        None => Err(InvalidRequest(format!("{NAME} is missing; it is required."))),
        Some(value) => external_user_id::read(value, reading, || NAME.to_owned()),
    }
}

/// Ignores what an operation does not know. Which properties that were is nobody's business: they may be anything.
fn ignore_others(object: &Object<'_>, known: &[&str], reading: &mut Reading) {
    if object.has_besides(known) {
        reading.note(Note::UnknownProperties);
    }
}

fn named(property: &str, error: &InvalidId) -> InvalidRequest {
    InvalidRequest(format!("{property} {error}."))
}

/// A required text that is a name: 1 to [`limit::NAME_CHARS`] characters, none of them a control character.
fn name(object: &Object<'_>, property: &str) -> Result<String, InvalidRequest> {
    let text = object.text(property)?;
    let count = text.chars().count();
    if !(1..=limit::NAME_CHARS).contains(&count) {
        return Err(InvalidRequest(format!(
            "{property} is {count} characters long; 1 to {} are allowed.",
            limit::NAME_CHARS
        )));
    }
    if let Some(at) = text.chars().position(char::is_control) {
        return Err(InvalidRequest(format!(
            "{property} holds a control character (at character {}).",
            at + 1
        )));
    }
    Ok(text.to_owned())
}

fn filter_ids(
    filters: &Object<'_>,
    reading: &mut Reading,
) -> Result<Option<Vec<ExternalUserId>>, InvalidRequest> {
    const NAME: &str = "filters.externalUserIds";
    ignore_others(filters, &["externalUserIds"], reading);
    let values = match filters.get("externalUserIds").map_err(|e| InvalidRequest(format!("filters.{e}")))? {
        None => return Ok(None),
        Some(Json::Array(values)) => values,
        Some(other) => return Err(other.wrong_type(NAME, "an array of strings")),
    };
    if !(1..=limit::QUERY_IDS).contains(&values.len()) {
        return Err(InvalidRequest(format!(
            "{NAME} holds {len} ids; 1 to {max} are allowed.",
            len = values.len(),
            max = limit::QUERY_IDS
        )));
    }
    let mut ids = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        ids.push(external_user_id::read(value, reading, || format!("{NAME}[{index}]"))?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}

fn max_results(context: &Object<'_>) -> Result<u32, InvalidRequest> {
    const NAME: &str = "paginationContext.maxResults";
    match context.get("maxResults").map_err(|e| InvalidRequest(format!("paginationContext.{e}")))? {
        None => Ok(limit::PAGE_DEFAULT),
        Some(Json::Integer(number)) => {
            u32::try_from(*number).ok().filter(|n| (1..=limit::PAGE_MAX).contains(n)).ok_or_else(|| {
                InvalidRequest(format!("{NAME} is {number}; 1 to {} are allowed.", limit::PAGE_MAX))
            })
        }
        Some(other) => Err(other.wrong_type(NAME, "an integer")),
    }
}

/// The page token, under the name of the reference's request (`nextToken`) or of its response (`nextPageToken`).
fn next_token<'a>(context: &'a Object<'_>) -> Result<Option<&'a str>, InvalidRequest> {
    let token = |name: &str| match context.get(name) {
        Ok(None) => Ok(None),
        Ok(Some(Json::Text(text))) => Ok(Some(text.as_ref())),
        Ok(Some(other)) => Err(other.wrong_type(&format!("paginationContext.{name}"), "a string")),
        Err(error) => Err(InvalidRequest(format!("paginationContext.{error}"))),
    };
    match (token("nextToken")?, token("nextPageToken")?) {
        (Some(one), Some(other)) if one != other => Err(InvalidRequest(
            "paginationContext.nextToken and paginationContext.nextPageToken differ; one of them is enough."
                .to_owned(),
        )),
        (one, other) => Ok(one.or(other)),
    }
}

/// The wire form: `filters` always, the rest only where it says something.
impl Serialize for QueryRequest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Filters<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            external_user_ids: Option<&'a [ExternalUserId]>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Context<'a> {
            max_results: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            next_token: Option<&'a str>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            filters: Filters<'a>,
            pagination_context: Context<'a>,
        }
        Body {
            filters: Filters { external_user_ids: self.external_user_ids.as_deref() },
            pagination_context: Context {
                max_results: self.max_results,
                next_token: self.next_token.as_deref(),
            },
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
