//! The operations on units, address books, contacts and what ties them together, enumerated, for tests that have rows for
//! each.

use http::Method;
use jackfield_model::path;
use jackfield_tests::{Request, Tenant};
use serde_json::{Value, json};

use super::directory::{add_profile, fresh};

/// An operation on a resource.
pub(crate) struct ResourceOp {
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    /// What follows the path.
    query: fn(&Prepared) -> String,
    body: fn(&Prepared) -> Value,
    /// The status of a success.
    pub(crate) success: u16,
}

/// What the good requests are about. Each object is there and can go.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) unit: String,
    pub(crate) profile: String,
    pub(crate) other: String,
    pub(crate) book: String,
    pub(crate) contact: String,
}

impl Prepared {
    /// Makes all that the good requests are about.
    pub(crate) async fn new(tenant: &Tenant) -> Self {
        let (profile, other) = (add_profile(tenant, &fresh()).await, add_profile(tenant, &fresh()).await);
        let unit = created(tenant, path::UNITS, &named("Room"), "id").await;
        let book =
            created(tenant, path::ADDRESS_BOOKS, &json!({"name": "Front desk"}), "addressBookId").await;
        let contacts = path::CONTACTS.replace("{addressBookId}", &book);
        let contact = created(tenant, &contacts, &number("Taxi"), "contactId").await;
        let associations = path::UNIT_ASSOCIATIONS.replace("{addressBookId}", &book);
        // A unit to which the book belongs cannot go, so it is another one.
        let holder = created(tenant, path::UNITS, &named("Lobby"), "id").await;
        created(tenant, &associations, &json!({"unitId": holder}), "unitId").await;
        let reciprocal = path::RECIPROCAL_ASSOCIATIONS.replace("{amazonId}", &profile);
        let body = json!({"contact": {"id": contact}});
        tenant.send(&tenant.request(&Method::POST, reciprocal).json(&body)).await.is(201);
        Self { unit, profile, other, book, contact }
    }
}

/// Creates an object, and answers its id.
pub(crate) async fn created(tenant: &Tenant, target: &str, body: &Value, id: &str) -> String {
    let request = tenant.request(&Method::POST, target.to_owned()).json(body);
    let answer = tenant.send(&request).await.expect(201).json();
    answer[id].as_str().unwrap().to_owned()
}

/// A unit with this name.
pub(crate) fn named(name: &str) -> Value {
    json!({"name": {"type": "PLAIN", "value": {"text": name}}})
}

/// A contact with a telephone number.
pub(crate) fn number(name: &str) -> Value {
    json!({"contact": {"name": name, "phoneNumbers": [{"number": "+12065550100"}]}})
}

const NOTHING: fn(&Prepared) -> String = |_| String::new();
const NO_BODY: fn(&Prepared) -> Value = |_| Value::Null;

const fn op(
    method: Method,
    template: &'static str,
    query: fn(&Prepared) -> String,
    body: fn(&Prepared) -> Value,
    success: u16,
) -> ResourceOp {
    ResourceOp { method, template, query, body, success }
}

pub(crate) static RESOURCE_OPS: [ResourceOp; 28] = [
    op(Method::POST, path::UNITS, NOTHING, |_| named("Room 7201"), 201),
    op(Method::GET, path::UNITS, |_| "?expand=all&queryDepth=all&maxResults=50".to_owned(), NO_BODY, 200),
    op(Method::GET, path::UNIT, NOTHING, NO_BODY, 200),
    op(Method::PUT, path::UNIT, NOTHING, |_| named("Room 7202"), 200),
    op(Method::DELETE, path::UNIT, NOTHING, NO_BODY, 200),
    op(Method::POST, path::ADDRESS_BOOKS, NOTHING, |_| json!({"name": "Bar"}), 201),
    op(Method::GET, path::ADDRESS_BOOKS, NOTHING, NO_BODY, 200),
    op(Method::GET, path::ADDRESS_BOOK, NOTHING, NO_BODY, 200),
    op(Method::PUT, path::ADDRESS_BOOK, NOTHING, |_| json!({"name": "Bar"}), 200),
    op(Method::DELETE, path::ADDRESS_BOOK, NOTHING, NO_BODY, 200),
    op(Method::POST, path::CONTACTS, NOTHING, |_| number("Taxi"), 201),
    op(Method::GET, path::CONTACTS, NOTHING, NO_BODY, 200),
    op(Method::POST, path::CONTACTS_BATCH, NOTHING, contacts, 200),
    op(Method::GET, path::CONTACT, NOTHING, NO_BODY, 200),
    op(Method::PUT, path::CONTACT, NOTHING, |_| number("Bus"), 200),
    op(Method::DELETE, path::CONTACT, NOTHING, NO_BODY, 200),
    op(Method::POST, path::UNIT_ASSOCIATIONS, NOTHING, |made| json!({"unitId": made.unit}), 201),
    op(Method::POST, path::UNIT_ASSOCIATIONS_BATCH, NOTHING, unit_associations, 200),
    op(Method::GET, path::UNIT_ASSOCIATIONS, NOTHING, NO_BODY, 200),
    op(Method::GET, path::UNIT_ASSOCIATIONS_OF_UNIT, |made| format!("?unitId={}", made.unit), NO_BODY, 200),
    op(
        Method::POST,
        path::RECIPROCAL_ASSOCIATIONS,
        NOTHING,
        |made| json!({"contact": {"id": made.contact}}),
        201,
    ),
    op(
        Method::GET,
        path::RECIPROCAL_ASSOCIATIONS,
        |made| format!("?contactId={}", made.contact),
        NO_BODY,
        200,
    ),
    op(
        Method::DELETE,
        path::RECIPROCAL_ASSOCIATIONS,
        |made| format!("?contactId={}", made.contact),
        NO_BODY,
        200,
    ),
    op(Method::PUT, path::DROP_IN, about, |_| json!({"value": "ENABLED"}), 200),
    op(Method::GET, path::DROP_IN, about, NO_BODY, 200),
    op(Method::PUT, path::BLOCK, about, |_| json!({"value": "ENABLED"}), 200),
    op(Method::GET, path::BLOCK, |_| "?value=ENABLED".to_owned(), NO_BODY, 200),
    // The unit of the association is in the query string: it has to be there for a success.
    op(Method::DELETE, path::UNIT_ASSOCIATIONS, |made| format!("?unitId={}", made.unit), NO_BODY, 404),
];

fn about(made: &Prepared) -> String {
    format!("?alexaCommunicationProfileId={}", made.other)
}

fn contacts(made: &Prepared) -> Value {
    json!({"items": [
        {"itemId": "1", "contact": {"name": "Desk", "providerContact": {"id": "7201"}}},
        {"itemId": 2, "contact": {"name": "Lobby", "alexaCommunicationProfileId": made.profile}},
    ]})
}

fn unit_associations(made: &Prepared) -> Value {
    json!({"items": [{"itemId": "1", "unitId": made.unit}]})
}

impl ResourceOp {
    /// The names of the parameters of its path.
    pub(crate) fn parameters(&self) -> Vec<&'static str> {
        self.template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// A good request, without a token. Where `ids` says so, the path has another id.
    pub(crate) fn bare_request(&self, made: &Prepared, ids: &[(&str, &str)]) -> Request {
        let good = [
            ("unitId", made.unit.as_str()),
            ("addressBookId", &made.book),
            ("contactId", &made.contact),
            ("amazonId", &made.profile),
        ];
        let mut target = self.template.to_owned();
        for (name, id) in ids.iter().chain(&good) {
            target = target.replace(&format!("{{{name}}}"), id);
        }
        let request = Request::new(&self.method, target + &(self.query)(made));
        match (self.body)(made) {
            Value::Null => request,
            body => request.json(&body),
        }
    }
}

impl std::fmt::Debug for ResourceOp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.template)
    }
}
