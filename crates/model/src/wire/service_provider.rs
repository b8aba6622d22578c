//! The bodies of the operations on service providers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name;
use crate::json::{InvalidRequest, Object};
use crate::{ServiceProviderId, limit, schema};

/// The locale of a name that says none.
pub const DEFAULT_LOCALE: &str = "en-US";

/// A display name of a service provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisplayName {
    /// BCP 47 language tag, for example `en-US`.
    #[schemars(transform = schema::name)]
    pub locale: String,
    /// The name in that language.
    #[schemars(transform = schema::name)]
    pub value: String,
}

/// A display name in a request, for the API description. It is read as a [`DisplayName`].
#[derive(JsonSchema)]
#[schemars(inline, description = "A name for people.")]
#[expect(dead_code, reason = "it says what a request may have")]
struct NewDisplayName {
    /// BCP 47 language tag; `en-US` when absent.
    #[schemars(transform = schema::name)]
    locale: Option<String>,
    /// The name in that language; without it the entry is left out.
    #[schemars(transform = schema::name)]
    value: Option<String>,
}

impl DisplayName {
    /// Bytes of locale and value.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.locale.len() + self.value.len()
    }
}

/// A service provider to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    rename = "NewProvider",
    extend("examples" = [{
        "serviceProviderLogicalId": "front-desk",
        "displayName": [{ "locale": "en-US", "value": "Front desk" }],
    }])
)]
pub struct NewServiceProvider {
    /// The organization's own name for it, unique in the organization.
    #[schemars(transform = schema::name)]
    pub service_provider_logical_id: String,
    /// Names for people, one a locale.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        with = "Option<Vec<NewDisplayName>>",
        length(min = 1, max = limit::DISPLAY_NAMES),
        extend("uniqueItems" = true)
    )]
    pub display_name: Vec<DisplayName>,
}

/// What of a service provider is to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    rename = "ProviderUpdate",
    extend("examples" = [{ "displayName": [{ "locale": "en-US", "value": "Front desk" }] }])
)]
pub struct ServiceProviderUpdate {
    /// The names for people as they are to be, one a locale, in place of all there were. Absent: the names stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        with = "Option<Vec<NewDisplayName>>",
        length(min = 1, max = limit::DISPLAY_NAMES),
        extend("uniqueItems" = true)
    )]
    pub display_name: Option<Vec<DisplayName>>,
}

/// A service provider, as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Provider")]
pub struct ServiceProvider {
    /// Its id.
    pub service_provider_id: ServiceProviderId,
    /// The organization's own name for it.
    #[schemars(transform = schema::name)]
    pub service_provider_logical_id: String,
    /// Names for people, one a locale. Empty only for a provider that an operator made without.
    #[schemars(length(max = limit::DISPLAY_NAMES))]
    pub display_name: Vec<DisplayName>,
}

impl NewServiceProvider {
    /// Reads the body of a create.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let object = Object::parse(body)?;
        Ok(Self {
            service_provider_logical_id: name(&object, "serviceProviderLogicalId")?,
            display_name: display_names(&object)?.unwrap_or_default(),
        })
    }
}

impl ServiceProviderUpdate {
    /// Reads the body of an update, which may be none: the vendor's request collection sends an update without.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { display_name: None });
        }
        Ok(Self { display_name: display_names(&Object::parse(body)?)? })
    }
}

/// The names that a body has. An entry without a value names nothing; nothing is left where no entry does.
fn display_names(object: &Object<'_>) -> Result<Option<Vec<DisplayName>>, InvalidRequest> {
    if object.get("displayName")?.is_none() {
        return Ok(None);
    }
    let values = object.array("displayName")?;
    if !(1..=limit::DISPLAY_NAMES).contains(&values.len()) {
        return Err(InvalidRequest(format!(
            "displayName holds {} names; 1 to {} are allowed.",
            values.len(),
            limit::DISPLAY_NAMES
        )));
    }
    let mut names: Vec<DisplayName> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let place = format!("displayName[{index}]");
        let Some(next) = value.object(&place, display_name)? else { continue };
        if names.iter().any(|other| other.locale == next.locale) {
            return Err(InvalidRequest(format!(
                "{place}.locale stands in an earlier name; each locale has one."
            )));
        }
        names.push(next);
    }
    let bytes = names.iter().map(DisplayName::bytes).sum::<usize>();
    if bytes > limit::DISPLAY_NAMES_BYTES {
        return Err(InvalidRequest(format!(
            "displayName is {bytes} bytes long, all names and locales together; at most {} are allowed.",
            limit::DISPLAY_NAMES_BYTES
        )));
    }
    Ok(if names.is_empty() { None } else { Some(names) })
}

fn display_name(object: &Object<'_>) -> Result<Option<DisplayName>, InvalidRequest> {
    let part = |property: &str| object.get(property)?.map(|_| name(object, property)).transpose();
    let locale = part("locale")?.unwrap_or_else(|| DEFAULT_LOCALE.to_owned());
    Ok(part("value")?.map(|value| DisplayName { locale, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(display_name: &str) -> String {
        format!(r#"{{"serviceProviderLogicalId":"desk","displayName":{display_name}}}"#)
    }

    fn refusal(body: &str) -> String {
        NewServiceProvider::parse(body.as_bytes()).unwrap_err().0
    }

    #[test]
    fn a_provider_is_read_and_written() {
        let body = body(r#"[{"locale":"en-US","value":"Front desk"},{"locale":"de-DE","value":"Empfang"}]"#);
        let provider = NewServiceProvider::parse(body.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&provider).unwrap(), body);
        let update = ServiceProviderUpdate::parse(body.as_bytes()).unwrap();
        assert_eq!(update.display_name, Some(provider.display_name));
    }

    #[test]
    fn refusals_name_the_property_and_the_rule() {
        assert_eq!(refusal("{}"), "serviceProviderLogicalId is missing; it is required.");
        assert_eq!(
            refusal(r#"{"serviceProviderLogicalId":""}"#),
            "serviceProviderLogicalId is 0 characters long; 1 to 256 are allowed."
        );
        assert_eq!(refusal(&body("{}")), "displayName is an object; an array is expected.");
        assert_eq!(refusal(&body("[]")), "displayName holds 0 names; 1 to 50 are allowed.");
        assert_eq!(refusal(&body("[7]")), "displayName[0] is a number; an object is expected.");
        assert_eq!(refusal(&body("null")), "displayName is null; an array is expected.");
        assert_eq!(
            refusal(&body(r#"[{"value":null}]"#)),
            "displayName[0].value is null; a string is expected."
        );
        assert_eq!(
            refusal(&body(r#"[{"locale":"en-US","value":"a\n"}]"#)),
            "displayName[0].value holds a control character (at character 2)."
        );
        assert_eq!(
            refusal(&body(r#"[{"locale":"a","value":"b"},{"locale":"a","value":"c"}]"#)),
            "displayName[1].locale stands in an earlier name; each locale has one."
        );
    }

    #[test]
    fn names_and_their_parts_may_be_left_out() {
        let names = |display_name: &str| {
            let parsed = NewServiceProvider::parse(body(display_name).as_bytes()).unwrap().display_name;
            parsed.into_iter().map(|name| (name.locale, name.value)).collect::<Vec<_>>()
        };
        let one = |locale: &str| vec![(locale.to_owned(), "F".to_owned())];
        assert_eq!(names(r#"[{"value":"F"}]"#), one("en-US"));
        assert_eq!(names(r#"[{"locale":"en-US"},{"locale":"de-DE","value":"F"},{}]"#), one("de-DE"));
        assert_eq!(names(r#"[{"locale":"en-US"},{"locale":"en-US","value":"F"}]"#), one("en-US"));
        assert_eq!(names("[{}]"), []);
        let without = NewServiceProvider::parse(br#"{"serviceProviderLogicalId":"desk"}"#).unwrap();
        assert_eq!(serde_json::to_string(&without).unwrap(), r#"{"serviceProviderLogicalId":"desk"}"#);
        for nothing in ["", " \n", "{}", r#"{"displayName":[{"locale":"en-US"}]}"#] {
            let update = ServiceProviderUpdate::parse(nothing.as_bytes()).unwrap();
            assert_eq!(update.display_name, None, "{nothing:?}");
        }
    }

    #[test]
    fn the_list_of_names_is_bounded() {
        let names = |count: usize| {
            let name = |number| format!(r#"{{"locale":"l{number}","value":"a"}}"#);
            body(&format!("[{}]", (0..count).map(name).collect::<Vec<_>>().join(",")))
        };
        for count in [1, limit::DISPLAY_NAMES - 1, limit::DISPLAY_NAMES] {
            assert!(NewServiceProvider::parse(names(count).as_bytes()).is_ok(), "{count}");
        }
        assert!(refusal(&names(limit::DISPLAY_NAMES + 1)).contains("51 names"));
        // 16 names of 1,024 bytes are as long as all names together may be.
        let long = |chars: usize| {
            let value = "\u{1f3e8}".repeat(chars);
            let name = |n| format!(r#"{{"locale":"{n:0256}","value":"{value}"}}"#);
            body(&format!("[{}]", (0..16).map(name).collect::<Vec<_>>().join(",")))
        };
        for chars in [191, 192] {
            assert!(NewServiceProvider::parse(long(chars).as_bytes()).is_ok(), "{chars}");
        }
        assert!(refusal(&long(193)).contains("16448 bytes long"), "{}", refusal(&long(193)));
    }
}
