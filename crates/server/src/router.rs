//! Maps method and path to what is served there.
//!
//! What it leads to is not the router's business: the table of routes is in `http::routes`. One trailing slash is
//! accepted everywhere (a published client sends it); a parameter is percent-decoded once.

use std::borrow::Cow;
use std::fmt;

use http::Method;

use crate::description::Description;

/// Which listener a request came in on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// For clients.
    Public,
    /// For operators.
    Admin,
}

/// Where a route is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Public,
    Admin,
    Both,
}

impl Served {
    pub(crate) const fn on(self, listener: Listener) -> bool {
        match (self, listener) {
            (Self::Both, _) | (Self::Public, Listener::Public) | (Self::Admin, Listener::Admin) => true,
            (Self::Public, Listener::Admin) | (Self::Admin, Listener::Public) => false,
        }
    }
}

/// Who uses an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Clients, with an access token or at the login. The request log records them, and fault rules apply to them.
    Client,
    /// Operators, with an admin token.
    Operator,
    /// Anyone who can reach the listener.
    Anyone,
}

/// What is known of an operation apart from how it is served.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The `operationId` in the API document; no other operation has it.
    pub(crate) id: &'static str,
    /// The name in logs, metrics and fault rules. Operations that are alike share one.
    pub(crate) name: &'static str,
    /// What the API document says of it.
    pub(crate) description: Description,
    pub(crate) audience: Audience,
    /// Whether its response may be so large that it begins only when the client has read earlier ones.
    pub(crate) large_answer: bool,
    /// Whether pages of other origins may use it, where the server allows their origin.
    pub(crate) cross_origin: bool,
}

impl Operation {
    /// One that clients use, from pages of other origins too.
    pub(crate) const fn for_clients(id: &'static str, name: &'static str, description: Description) -> Self {
        Self { cross_origin: true, ..Self::new(id, name, description, Audience::Client) }
    }

    /// One that operators use.
    pub(crate) const fn for_operators(id: &'static str, description: Description) -> Self {
        Self::new(id, "admin", description, Audience::Operator)
    }

    /// One that is open to anyone.
    pub(crate) const fn for_anyone(id: &'static str, name: &'static str, description: Description) -> Self {
        Self::new(id, name, description, Audience::Anyone)
    }

    const fn new(id: &'static str, name: &'static str, description: Description, audience: Audience) -> Self {
        Self { id, name, description, audience, large_answer: false, cross_origin: false }
    }

    pub(crate) const fn with_large_answer(self) -> Self {
        Self { large_answer: true, ..self }
    }

    /// The name of a request's operation, where it has one.
    pub(crate) fn name_of(operation: Option<&Self>) -> &'static str {
        operation.map_or("other", |operation| operation.name)
    }
}

/// The decoded parameters of a path, which has at most two.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters<'p> {
    first: Option<Cow<'p, str>>,
    second: Option<Cow<'p, str>>,
}

impl Parameters<'_> {
    /// The first; empty where the path has none.
    pub(crate) fn first(&self) -> &str {
        self.first.as_deref().unwrap_or_default()
    }

    /// The second; empty where the path has none.
    pub(crate) fn second(&self) -> &str {
        self.second.as_deref().unwrap_or_default()
    }
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'p, T> {
    /// To this, with the decoded parameters of the path.
    Found(T, Parameters<'p>),
    /// The path is known, the method is not: something that is there, and the methods that are.
    MethodNotAllowed(T, String),
    /// No such path.
    NotFound,
}

impl<T: Copy> Target<'_, T> {
    /// What is at the path: what was found, or what is there under another method.
    pub(crate) const fn at_path(&self) -> Option<T> {
        match self {
            Self::Found(route, _) | Self::MethodNotAllowed(route, _) => Some(*route),
            Self::NotFound => None,
        }
    }
}

/// Finds what is served at a path for a method.
pub(crate) struct Router<T> {
    all: matchit::Router<Vec<(Method, T)>>,
    /// Templates that are tried first: those of the hot path, each compared at a fifth of the cost of a search.
    first: Vec<Template<T>>,
}

/// A template of a path with one parameter.
struct Template<T> {
    before: &'static str,
    after: &'static str,
    served: Vec<(Method, T)>,
}

impl<T> Template<T> {
    /// The parameter of a path, when it has this form and needs no decoding.
    fn parameter<'p>(&self, path: &'p str) -> Option<&'p str> {
        let parameter = path.strip_prefix(self.before)?.strip_suffix(self.after)?;
        let is_one = !parameter.is_empty() && memchr::memchr2(b'/', b'%', parameter.as_bytes()).is_none();
        is_one.then_some(parameter)
    }
}

impl<T> fmt::Debug for Router<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Router")
    }
}

impl<T: Copy> Router<T> {
    /// A router of these: method, template of the path, and what is served there. Templates must not conflict.
    pub(crate) fn new(routes: &[(Method, &'static str, T)]) -> Self {
        let mut all = matchit::Router::new();
        for (place, (_, path, _)) in routes.iter().enumerate() {
            if routes[..place].iter().any(|(_, earlier, _)| earlier == path) {
                continue;
            }
            let same_path = routes.iter().filter(|(_, other, _)| other == path);
            let methods = same_path.map(|(method, _, served)| (method.clone(), *served)).collect();
            all.insert(*path, methods).expect("the templates of the routes do not conflict");
        }
        Self { all, first: Vec::new() }
    }

    /// One that tries these templates first, which have one parameter each.
    pub(crate) fn with_first(mut self, templates: &[&'static str]) -> Self {
        for template in templates {
            let (before, rest) = template.split_once('{').expect("it has a parameter");
            let (_, after) = rest.split_once('}').expect("it ends");
            let found = self.all.at(template).expect("it is a template of this router");
            self.first.push(Template { before, after, served: found.value.clone() });
        }
        self
    }

    /// Where a request with this method and path goes. HEAD is answered like GET, without the body.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Target<'p, T> {
        let path = match path.strip_suffix('/') {
            Some(shorter) if !shorter.is_empty() => shorter,
            _ => path,
        };
        let first = self.first.iter().find_map(|template| Some((template, template.parameter(path)?)));
        if let Some((template, parameter)) = first {
            let parameters = Parameters { first: Some(Cow::Borrowed(parameter)), second: None };
            return Self::served(&template.served, method, parameters);
        }
        let Ok(found) = self.all.at(path) else { return Target::NotFound };
        let mut values = found.params.iter().map(|(_, value)| decode(value));
        match (values.next().transpose(), values.next().transpose()) {
            (Ok(first), Ok(second)) => Self::served(found.value, method, Parameters { first, second }),
            // No identifier has bytes that are not UTF-8.
            _ => Target::NotFound,
        }
    }

    fn served<'p>(served: &[(Method, T)], method: &Method, parameters: Parameters<'p>) -> Target<'p, T> {
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        match served.iter().find(|(candidate, _)| candidate == wanted) {
            Some((_, served)) => Target::Found(*served, parameters),
            None => Target::MethodNotAllowed(served[0].1, allow(served)),
        }
    }
}

/// A parameter as it is meant. Identifiers seldom need to be encoded.
fn decode(parameter: &str) -> Result<Cow<'_, str>, std::str::Utf8Error> {
    match parameter.contains('%') {
        true => percent_encoding::percent_decode_str(parameter).decode_utf8(),
        false => Ok(Cow::Borrowed(parameter)),
    }
}

fn allow<T>(methods: &[(Method, T)]) -> String {
    let mut names: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use jackfield_model::path;

    use super::*;

    const CREATE: u8 = 1;
    const HEALTH: u8 = 2;

    fn find<'p>(method: &Method, path: &'p str) -> Target<'p, u8> {
        let router = Router::new(&[
            (Method::POST, path::EXTERNAL_USERS, CREATE),
            (Method::PUT, path::EXTERNAL_USERS, 3),
            (Method::GET, path::PROFILE, 4),
            (Method::DELETE, path::CONTACT, 5),
            (Method::GET, path::ADDRESS_BOOK, 6),
            (Method::GET, path::UNIT_ASSOCIATIONS_OF_UNIT, 7),
            (Method::GET, "/healthz", HEALTH),
        ]);
        router.find(method, path)
    }

    #[test]
    fn templates_that_are_tried_first_lead_where_the_search_leads() {
        let routes = [
            (Method::POST, path::EXTERNAL_USERS, 1),
            (Method::PUT, path::EXTERNAL_USERS, 2),
            (Method::POST, path::EXTERNAL_USERS_QUERY, 3),
            (Method::GET, path::SERVICE_PROVIDER, 4),
        ];
        let searching = Router::new(&routes);
        let direct = Router::new(&routes).with_first(&[path::EXTERNAL_USERS_QUERY, path::EXTERNAL_USERS]);
        for path in [
            "/v1/communications/serviceProviders/p/externalUsers",
            "/v1/communications/serviceProviders/p/externalUsers/",
            "/v1/communications/serviceProviders/p/externalUsers//",
            "/v1/communications/serviceProviders/p/externalUsers/query",
            "/v1/communications/serviceProviders/p/externalUsers/query/",
            "/v1/communications/serviceProviders//externalUsers",
            "/v1/communications/serviceProviders/externalUsers",
            "/v1/communications/serviceProviders/externalUsers/query",
            "/v1/communications/serviceProviders/a/b/externalUsers",
            "/v1/communications/serviceProviders/a%2fb/externalUsers",
            "/v1/communications/serviceProviders/%ff/externalUsers",
            "/v1/communications/serviceProviders/p/externalUsers/externalUsers",
            "/v1/communications/serviceProviders/p/externalUser",
            "/v1/communications/serviceProviders/p",
        ] {
            for method in [Method::POST, Method::PUT, Method::GET, Method::HEAD] {
                assert_eq!(direct.find(&method, path), searching.find(&method, path), "{method} {path}");
            }
        }
    }

    #[test]
    fn paths_are_found_with_and_without_a_trailing_slash() {
        for path in [
            "/v1/communications/serviceProviders/p%2e1/externalUsers",
            "/v1/communications/serviceProviders/p%2e1/externalUsers/",
        ] {
            let parameters = Parameters { first: Some("p.1".into()), second: None };
            assert_eq!(find(&Method::POST, path), Target::Found(CREATE, parameters), "{path}");
        }
        for path in [
            "/",
            "//",
            "///v1/communications/serviceProviders/p/externalUsers",
            "/v1/communications/serviceProviders/p/externalUsers//",
            "/v1/communications/serviceProviders//externalUsers",
            "/v1/communications/serviceProviders/p/q/externalUsers",
            "/v1/communications/profile/p/q",
            "/v1/communications/profiles",
            "/v1/communications/serviceProviders/%ff/externalUsers",
        ] {
            assert_eq!(find(&Method::POST, path), Target::NotFound, "{path}");
        }
    }

    #[test]
    fn a_parameter_is_decoded_once() {
        let target = find(&Method::POST, "/v1/communications/serviceProviders/a%252Fb/externalUsers");
        let Target::Found(_, parameters) = target else { panic!("{target:?}") };
        assert_eq!((parameters.first(), parameters.second()), ("a%2Fb", ""));
        let target = find(&Method::DELETE, "/v1/addressBooks/a%2Fb/contacts/c%20d");
        let Target::Found(_, parameters) = target else { panic!("{target:?}") };
        assert_eq!((parameters.first(), parameters.second()), ("a/b", "c d"));
    }

    #[test]
    fn a_path_without_a_parameter_is_found_before_one_with_it() {
        for (path, found) in [("/v1/addressBooks/unitAssociations", 7), ("/v1/addressBooks/b", 6)] {
            assert!(
                matches!(find(&Method::GET, path), Target::Found(served, _) if served == found),
                "{path}"
            );
        }
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let path = "/v1/communications/serviceProviders/p/externalUsers";
        assert_eq!(find(&Method::GET, path), Target::MethodNotAllowed(CREATE, "POST, PUT".to_owned()));
        let wrong = find(&Method::POST, "/healthz");
        assert_eq!(wrong, Target::MethodNotAllowed(HEALTH, "GET, HEAD".to_owned()));
        assert_eq!(find(&Method::HEAD, "/healthz"), Target::Found(HEALTH, Parameters::default()));
    }
}
