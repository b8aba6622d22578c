//! The description of an operation for the API document. It is beside the operation's handler; `openapi` builds the
//! document from it.

use jackfield_model::wire::ErrorBody;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// Makes the schema of a type, or a reference to it.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A status and what it means.
pub(crate) type Status = (u16, &'static str);

const JSON: &str = "application/json";

pub(crate) const CREATED: &[Status] = &[(201, "Created.")];
pub(crate) const UPDATED: &[Status] = &[(200, "Updated.")];
pub(crate) const DELETED: &[Status] = &[(200, "Deleted.")];
pub(crate) const NO_CONTENT: &[Status] = &[(204, "Done.")];

pub(crate) const BAD_REQUEST: Status =
    (400, "A property or the body is not valid; the message names it and the rule.");
pub(crate) const INTERNAL: Status =
    (500, "The server failed; the request id leads to the details in its log.");

/// Any text.
#[derive(JsonSchema)]
#[schemars(with = "String")]
pub(crate) enum Text {}

/// Whether what depends on an object goes with it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
pub(crate) struct CascadeQuery {
    /// Whether its associations go with it, all in one commit; at most 100,000.
    #[schemars(extend("default" = false))]
    cascade: Option<bool>,
}

/// What an operation is about, in the order of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tag {
    Associations,
    Login,
    Providers,
    Profiles,
    Units,
    AddressBooks,
    Calls,
    Admin,
    Server,
}

impl Tag {
    pub(crate) const ALL: [Self; 9] = [
        Self::Associations,
        Self::Login,
        Self::Providers,
        Self::Profiles,
        Self::Units,
        Self::AddressBooks,
        Self::Calls,
        Self::Admin,
        Self::Server,
    ];

    /// The name, and what it is about.
    pub(crate) const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Associations => {
                ("Account association", "Which communication profile answers for which endpoint.")
            }
            Self::Login => ("Login", "Access tokens, as Login with Amazon issues them."),
            Self::Providers => (
                "Service providers",
                "The service providers of the caller's organization, and how their networks are reached.",
            ),
            Self::Profiles => (
                "Communication profiles",
                "The communication profiles of the units of the caller's organization.",
            ),
            Self::Units => {
                ("Units", "The buildings, floors and rooms of the caller's organization, as a tree.")
            }
            Self::AddressBooks => (
                "Address books",
                "Whom the devices of a unit can call by name: address books, their contacts, and the units that have them.",
            ),
            Self::Calls => {
                ("Calls", "What an integrator's cloud says of calls between devices and its endpoints.")
            }
            Self::Admin => ("Admin", "Accounts, changes and the state of the server; on the admin listener."),
            Self::Server => ("Server", "Health, metrics and documentation; open."),
        }
    }
}

/// A body: its media type, and the schema of its type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    pub(crate) media: &'static str,
    pub(crate) schema: SchemaOf,
}

impl Content {
    pub(crate) const fn new<T: JsonSchema>(media: &'static str) -> Self {
        Self { media, schema: |generator| generator.subschema_for::<T>() }
    }

    pub(crate) const fn json<T: JsonSchema>() -> Self {
        Self::new::<T>(JSON)
    }
}

/// Operations that can follow: for people who read, and for testers that walk from one operation to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    /// Their ids.
    pub(crate) operations: &'static [&'static str],
    /// The parameter that they need, and the expression that finds its value in the request or the answer.
    pub(crate) parameter: (&'static str, &'static str),
    /// Their body, with expressions for values.
    pub(crate) body: Option<fn() -> Value>,
}

impl Links {
    pub(crate) const fn new(
        operations: &'static [&'static str],
        parameter: (&'static str, &'static str),
    ) -> Self {
        Self { operations, parameter, body: None }
    }

    pub(crate) const fn with_body(self, body: fn() -> Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// What stands in the document about an operation besides its method, its path and its id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description {
    pub(crate) tag: Tag,
    pub(crate) summary: &'static str,
    pub(crate) text: &'static str,
    /// The security schemes of which one is enough; an empty name is none at all.
    pub(crate) security: &'static [&'static str],
    /// An object whose properties are the parameters of the query string.
    pub(crate) query: Option<SchemaOf>,
    /// The body, and whether it must be there.
    pub(crate) request: Option<(Content, bool)>,
    pub(crate) successes: &'static [Status],
    pub(crate) response: Option<Content>,
    /// Another form of the response, for those who ask for it.
    pub(crate) other_response: Option<Content>,
    /// Refusals of this operation. They come before the common ones.
    pub(crate) errors: &'static [Status],
    /// Refusals of all operations of its kind.
    pub(crate) common_errors: &'static [Status],
    /// The bodies of a refusal with this status.
    pub(crate) error_contents: fn(u16) -> Vec<Content>,
    pub(crate) links: &'static [Links],
}

impl Description {
    pub(crate) const fn new(tag: Tag, summary: &'static str) -> Self {
        Self {
            tag,
            summary,
            text: "",
            security: &[],
            query: None,
            request: None,
            successes: &[(200, "Done.")],
            response: None,
            other_response: None,
            errors: &[],
            common_errors: &[],
            error_contents: |_| vec![Content::json::<ErrorBody>()],
            links: &[],
        }
    }

    pub(crate) const fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    pub(crate) const fn security(self, security: &'static [&'static str]) -> Self {
        Self { security, ..self }
    }

    pub(crate) const fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(T::json_schema), ..self }
    }

    pub(crate) const fn request<T: JsonSchema>(self) -> Self {
        self.request_as(Content::json::<T>())
    }

    pub(crate) const fn request_as(self, content: Content) -> Self {
        Self { request: Some((content, true)), ..self }
    }

    pub(crate) const fn optional_request<T: JsonSchema>(self) -> Self {
        Self { request: Some((Content::json::<T>(), false)), ..self }
    }

    pub(crate) const fn successes(self, successes: &'static [Status]) -> Self {
        Self { successes, ..self }
    }

    pub(crate) const fn response<T: JsonSchema>(self) -> Self {
        self.response_as(Content::json::<T>())
    }

    pub(crate) const fn response_as(self, content: Content) -> Self {
        Self { response: Some(content), ..self }
    }

    pub(crate) const fn or_as(self, content: Content) -> Self {
        Self { other_response: Some(content), ..self }
    }

    pub(crate) const fn errors(self, errors: &'static [Status]) -> Self {
        Self { errors, ..self }
    }

    pub(crate) const fn links(self, links: &'static [Links]) -> Self {
        Self { links, ..self }
    }
}
