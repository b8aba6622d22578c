//! Identifiers, valid by construction: past the edge no code checks them again.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use smol_str::SmolStr;
use thiserror::Error;
use uuid::Uuid;

use crate::{limit, schema, unseen};

/// Why a text is no identifier. The text itself is never repeated: it may be long or private.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidId {
    /// Nothing at all.
    #[error("is empty; 1 to {max} characters are allowed")]
    Empty {
        /// Most characters allowed.
        max: usize,
    },
    /// More characters than allowed.
    #[error("is {len} characters long; at most {max} are allowed")]
    TooLong {
        /// Characters found.
        len: usize,
        /// Most characters allowed.
        max: usize,
    },
    /// A control character.
    #[error("holds a control character (at character {position})")]
    ControlCharacter {
        /// Where it stands, counted from one.
        position: usize,
    },
    /// White space at an end.
    #[error("begins or ends with white space")]
    OuterWhiteSpace,
    /// The fixed beginning is missing.
    #[error("must begin with \"{prefix}\"")]
    Prefix {
        /// The beginning that is expected.
        prefix: &'static str,
    },
    /// The part after the fixed beginning is empty, too long or has a forbidden character.
    #[error("must continue after \"{prefix}\" with 1 to {max} characters of {alphabet}")]
    Suffix {
        /// The fixed beginning.
        prefix: &'static str,
        /// Most characters after it.
        max: usize,
        /// The characters allowed after it.
        alphabet: &'static str,
    },
    /// Not a UUID after the fixed beginning.
    #[error("must continue after \"{prefix}\" with a UUID in its hyphenated form")]
    Uuid {
        /// The fixed beginning.
        prefix: &'static str,
    },
}

/// An endpoint of a provider's network: no control characters, no white space at the ends. Ids are compared and sorted
/// byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(
    with = "String",
    extend(
        "minLength" = 1,
        "maxLength" = limit::EXTERNAL_USER_ID_CHARS,
        "pattern" = r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$",
        "examples" = ["7201", "TestUserId@test.com"],
    )
)]
pub struct ExternalUserId(SmolStr);

/// Which bytes are visible ASCII characters or spaces.
static IS_VISIBLE: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], b' ');
    while byte <= b'~' {
        table[byte as usize] = true;
        byte += 1;
    }
    table
};

impl ExternalUserId {
    /// Checks an external user id.
    ///
    /// # Errors
    /// [`InvalidId`] naming the rule that is broken.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }

    /// The id that a text is, when it is one whose characters a person sees.
    pub(crate) fn plain(text: &str) -> Option<Self> {
        let is_ascii = Self::check(text).ok()?;
        (is_ascii || unseen::is_plain(text)).then(|| Self(text.into()))
    }

    /// Checks a text; answers whether it is of visible ASCII characters and spaces.
    fn check(text: &str) -> Result<bool, InvalidId> {
        let max = limit::EXTERNAL_USER_ID_CHARS;
        if text.is_empty() {
            return Err(InvalidId::Empty { max });
        }
        // Fewer bytes than the bound cannot be more characters than the bound.
        if text.len() > max {
            let len = text.chars().count();
            if len > max {
                return Err(InvalidId::TooLong { len, max });
            }
        }
        // Most ids are plain ASCII, of which bytes tell enough. All of them are looked at: that is fewer instructions than to
        // stop at the first that is not.
        let plain = text.bytes().fold(true, |plain, byte| plain & IS_VISIBLE[usize::from(byte)]);
        if !plain && let Some(at) = text.chars().position(char::is_control) {
            return Err(InvalidId::ControlCharacter { position: at + 1 });
        }
        let outer = match plain {
            true => text.starts_with(' ') || text.ends_with(' '),
            false => text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace),
        };
        if outer {
            return Err(InvalidId::OuterWhiteSpace);
        }
        Ok(plain)
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Identifiers of the form `<fixed prefix><1 to 255 characters of an alphabet>`.
macro_rules! prefixed_id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal, $alphabet:literal, $class:literal, $allowed:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        #[schemars(with = "String", extend("pattern" = schema::id_pattern($prefix, $class)))]
        pub struct $name(SmolStr);

        impl $name {
            /// The fixed beginning of every such identifier.
            pub const PREFIX: &'static str = $prefix;

            /// Checks an identifier.
            ///
            /// # Errors
            /// [`InvalidId`] when the prefix is missing or the rest is empty, too long or has a character
            /// outside the alphabet.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let Some(suffix) = text.strip_prefix(Self::PREFIX) else {
                    return Err(InvalidId::Prefix { prefix: Self::PREFIX });
                };
                Self::check(suffix)?;
                Ok(Self(text.into()))
            }

            /// Checks the part after [`Self::PREFIX`] and makes the identifier of it.
            ///
            /// # Errors
            /// [`InvalidId`] when it is empty, too long or has a character outside the alphabet.
            pub fn from_suffix(suffix: &str) -> Result<Self, InvalidId> {
                Self::check(suffix)?;
                Ok(Self([Self::PREFIX, suffix].concat().into()))
            }

            fn check(suffix: &str) -> Result<(), InvalidId> {
                // All bytes are looked at, several at once: quicker than to stop at the first that is not allowed.
                let allowed = || suffix.bytes().fold(true, |allowed, byte| allowed & ($allowed)(byte));
                if (1..=limit::ID_SUFFIX_CHARS).contains(&suffix.len()) && allowed() {
                    return Ok(());
                }
                Err(InvalidId::Suffix {
                    prefix: Self::PREFIX,
                    max: limit::ID_SUFFIX_CHARS,
                    alphabet: $alphabet,
                })
            }

            /// The identifier as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The part after [`Self::PREFIX`].
            #[must_use]
            pub fn suffix(&self) -> &str {
                &self.0[Self::PREFIX.len()..]
            }
        }

        text_id!($name);
    };
}

/// Conversions that every identifier held as text shares.
macro_rules! text_id {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text)
            }
        }

        /// Lets maps be searched with the text of an id, without making one.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}

text_id!(ExternalUserId);

const fn word_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

prefixed_id!(
    /// An Alexa communication profile: the `amazonId` of an association.
    AmazonId, "amzn1.alexa.communications.profile.did.", "A-Z, a-z, 0-9, '.', '_' and '-'", "[A-Za-z0-9._-]", word_character
);
prefixed_id!(
    /// A unit of a smart property: what a communication profile speaks for.
    UnitId, "amzn1.alexa.unit.did.", "A-Z, a-z, 0-9, '.', '_' and '-'", "[A-Za-z0-9._-]", word_character
);
prefixed_id!(
    /// An organization, which is the topmost unit.
    OrganizationId, "amzn1.alexa.unit.did.", "A-Z, a-z, 0-9, '.', '_' and '-'", "[A-Za-z0-9._-]", word_character
);
prefixed_id!(
    /// An address book of an organization.
    AddressBookId, "amzn1.alexa.addressbook.did.", "A-Z, a-z, 0-9, '.', '_' and '-'", "[A-Za-z0-9._-]", word_character
);
prefixed_id!(
    /// A contact of an address book.
    ContactId, "amzn1.alexa.contacts.did.", "A-Z, a-z, 0-9, '.', '_' and '-'", "[A-Za-z0-9._-]", word_character
);
prefixed_id!(
    /// An Alexa skill: what a service provider's network is mapped to.
    SkillId, "amzn1.ask.skill.", "A-Z, a-z, 0-9, '.', '_' and '-'", "[A-Za-z0-9._-]", word_character
);
prefixed_id!(
    /// A client (a security profile of Login with Amazon). Ids issued here end in 32 hexadecimal digits.
    ClientId, "amzn1.application-oa2-client.", "A-Z, a-z and 0-9", "[A-Za-z0-9]", |byte: u8| byte.is_ascii_alphanumeric()
);

impl From<OrganizationId> for UnitId {
    /// The organization as the unit that it is: the root of its units.
    fn from(organization: OrganizationId) -> Self {
        Self(organization.0)
    }
}

/// A service provider: `amzn1.comms.csp.id.<uuid>`, written in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend(
    "pattern" = r"^amzn1\.comms\.csp\.id\.[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
))]
pub struct ServiceProviderId(Uuid);

impl ServiceProviderId {
    /// The fixed beginning of every service provider id.
    pub const PREFIX: &'static str = "amzn1.comms.csp.id.";

    /// The provider with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID, which is the key of the provider in the stores.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl FromStr for ServiceProviderId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(suffix) = text.strip_prefix(Self::PREFIX) else {
            return Err(InvalidId::Prefix { prefix: Self::PREFIX });
        };
        // `Uuid` also reads the forms without hyphens, in braces and as a URN: those are other strings.
        if suffix.len() != 36 {
            return Err(InvalidId::Uuid { prefix: Self::PREFIX });
        }
        Uuid::try_parse(suffix).map(Self).map_err(|_| InvalidId::Uuid { prefix: Self::PREFIX })
    }
}

impl TryFrom<String> for ServiceProviderId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ServiceProviderId> for String {
    fn from(id: ServiceProviderId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for ServiceProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0)
    }
}

impl fmt::Debug for ServiceProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// The id of a request: in the answer's `X-Amzn-RequestId`, in the logs and in the change record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, with = "String", extend("format" = "uuid"))]
pub struct RequestId(Uuid);

impl RequestId {
    /// A fresh random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_user_ids_are_bounded_in_characters() {
        for good in ["7201", "TestUserId@test.com", "a b", "é", &"é".repeat(256)] {
            assert_eq!(ExternalUserId::new(good).unwrap().as_str(), good);
        }
        let message = |text: &str| ExternalUserId::new(text).unwrap_err().to_string();
        assert_eq!(message(""), "is empty; 1 to 256 characters are allowed");
        assert_eq!(message(&"é".repeat(257)), "is 257 characters long; at most 256 are allowed");
        assert_eq!(message("a\u{7}b"), "holds a control character (at character 2)");
        assert_eq!(message("a\u{85}b"), "holds a control character (at character 2)");
        assert_eq!(message(" a"), "begins or ends with white space");
        assert_eq!(message("a\u{a0}"), "begins or ends with white space");
    }

    #[test]
    fn amazon_ids_are_bounded() {
        let id = |suffix: &str| AmazonId::new(&format!("{}{suffix}", AmazonId::PREFIX));
        assert_eq!(id("1234").unwrap().suffix(), "1234");
        assert!(id(&"a".repeat(255)).is_ok());
        assert!(id("A.b_c-9").is_ok());
        for bad in ["", "a b", "é", &"a".repeat(256)] {
            assert!(matches!(id(bad), Err(InvalidId::Suffix { .. })), "{bad:?}");
        }
        assert!(matches!(AmazonId::new("1234"), Err(InvalidId::Prefix { .. })));
    }

    #[test]
    fn service_provider_ids_have_one_form() {
        let text = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";
        assert_eq!(text.parse::<ServiceProviderId>().unwrap().to_string(), text);
        for bad in [
            "amzn1.comms.csp.id.6f1b9a526c5e4d0c9a5b2f3f0a8f6f10",
            "amzn1.comms.csp.id.{6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f1}",
            "amzn1.comms.csp.id.",
            "6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10",
        ] {
            assert!(bad.parse::<ServiceProviderId>().is_err(), "{bad}");
        }
    }
}
