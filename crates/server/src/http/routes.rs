//! The whole URL map on one screen.
//!
//! [`ROUTES`] is the only list of routes: the router, `openapi.json` and the coverage tests walk it. What stands behind an
//! arrow is a value beside the handler of the operation.

use http::Method;
use jackfield_model::path;

use crate::admin;
use crate::endpoint::Endpoint;
use crate::operation::association::AssociationOperation;
use crate::operation::{
    address_book, association, contact, contact_setting, network, profile, provider, reciprocal_association,
    signaling, unit, unit_association,
};
use crate::router::{Audience, Listener, Operation, Router, Served};
use crate::sandbox::fault;
use crate::{console, oauth, probes};

/// One method on one path.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) served: Served,
    pub(crate) handler: Handler,
}

/// What serves a route.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// The operations on associations, called statically.
    Association(&'static AssociationOperation),
    /// Every other kind, called in its own way.
    Endpoint(&'static dyn Endpoint),
}

impl Handler {
    /// The operation that is served.
    pub(crate) fn operation(self) -> &'static Operation {
        match self {
            Self::Association(association) => &association.operation,
            Self::Endpoint(endpoint) => endpoint.operation(),
        }
    }
}

macro_rules! routes {
    ($($served:ident $method:ident $path:expr => $room:ident $(::$rest:ident)+;)*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            served: Served::$served,
            handler: routes!(@ $room $(::$rest)+),
        }),*]
    };
    (@ association::$operation:ident) => { Handler::Association(&association::$operation) };
    (@ $($operation:tt)+) => { Handler::Endpoint(&$($operation)+) };
}

/// Every route of the service.
#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = routes! {
    Public POST   path::EXTERNAL_USERS       => association::CREATE;
    Public PUT    path::EXTERNAL_USERS       => association::UPDATE;
    Public DELETE path::EXTERNAL_USERS       => association::DELETE;
    Public POST   path::EXTERNAL_USERS_QUERY => association::QUERY;

    Public POST   path::SERVICE_PROVIDERS    => provider::create::CREATE;
    Public GET    path::SERVICE_PROVIDER     => provider::get::GET;
    Public PUT    path::SERVICE_PROVIDER     => provider::update::UPDATE;
    Public DELETE path::SERVICE_PROVIDER     => provider::delete::DELETE;
    Public POST   path::NETWORK              => network::create::CREATE;
    Public GET    path::NETWORK              => network::get::GET;
    Public PUT    path::NETWORK              => network::update::UPDATE;
    Public DELETE path::NETWORK              => network::delete::DELETE;
    Public POST   path::PROFILES             => profile::create::CREATE;
    Public GET    path::PROFILES             => profile::find::FIND;
    Public GET    path::PROFILE              => profile::get::GET;
    Public PUT    path::PROFILE              => profile::update::UPDATE;
    Public DELETE path::PROFILE              => profile::delete::DELETE;
    Public POST   path::PROFILES_BATCH       => profile::batch::BATCH;

    Public POST   path::RECIPROCAL_ASSOCIATIONS => reciprocal_association::CREATE;
    Public GET    path::RECIPROCAL_ASSOCIATIONS => reciprocal_association::GET;
    Public DELETE path::RECIPROCAL_ASSOCIATIONS => reciprocal_association::DELETE;
    Public PUT    path::DROP_IN              => contact_setting::SET_DROP_IN;
    Public GET    path::DROP_IN              => contact_setting::GET_DROP_IN;
    Public PUT    path::BLOCK                => contact_setting::SET_BLOCK;
    Public GET    path::BLOCK                => contact_setting::LIST_BLOCKED;

    Public POST   path::UNITS                => unit::CREATE;
    Public GET    path::UNITS                => unit::LIST;
    Public GET    path::UNIT                 => unit::GET;
    Public PUT    path::UNIT                 => unit::UPDATE;
    Public DELETE path::UNIT                 => unit::DELETE;

    Public POST   path::ADDRESS_BOOKS        => address_book::CREATE;
    Public GET    path::ADDRESS_BOOKS        => address_book::LIST;
    Public GET    path::ADDRESS_BOOK         => address_book::GET;
    Public PUT    path::ADDRESS_BOOK         => address_book::UPDATE;
    Public DELETE path::ADDRESS_BOOK         => address_book::DELETE;
    Public POST   path::CONTACTS             => contact::CREATE;
    Public GET    path::CONTACTS             => contact::LIST;
    Public POST   path::CONTACTS_BATCH       => contact::BATCH;
    Public GET    path::CONTACT              => contact::GET;
    Public PUT    path::CONTACT              => contact::UPDATE;
    Public DELETE path::CONTACT              => contact::DELETE;
    Public POST   path::UNIT_ASSOCIATIONS    => unit_association::CREATE;
    Public GET    path::UNIT_ASSOCIATIONS    => unit_association::LIST;
    Public DELETE path::UNIT_ASSOCIATIONS    => unit_association::DELETE;
    Public POST   path::UNIT_ASSOCIATIONS_BATCH   => unit_association::BATCH;
    Public GET    path::UNIT_ASSOCIATIONS_OF_UNIT => unit_association::LIST_OF_UNIT;

    Public POST   path::SIGNALING            => signaling::SIGNAL;

    Public POST   path::TOKEN                => oauth::TOKEN;
    Public POST   path::TOKEN_ALTERNATE      => oauth::TOKEN;
    Public GET    path::TOKEN_INFO           => oauth::TOKEN_INFO;
    Public GET    path::TOKEN_INFO_ALTERNATE => oauth::TOKEN_INFO;
    Public GET    path::USER_PROFILE         => oauth::USER_PROFILE;
    Public GET    path::CONSENT              => oauth::CONSENT_PAGE;
    Public POST   path::CONSENT              => oauth::CONSENT_DECISION;

    Admin  POST   "/admin/v1/organizations"                       => admin::account::CREATE;
    Admin  GET    "/admin/v1/organizations"                       => admin::account::LIST;
    Admin  GET    "/admin/v1/organizations/{id}"                  => admin::account::GET;
    Admin  PATCH  "/admin/v1/organizations/{id}"                  => admin::account::UPDATE;
    Admin  DELETE "/admin/v1/organizations/{id}"                  => admin::account::DELETE;
    Admin  POST   "/admin/v1/organizations/{id}/clients"          => admin::client::CREATE;
    Admin  GET    "/admin/v1/organizations/{id}/clients"          => admin::client::LIST;
    Admin  POST   "/admin/v1/organizations/{id}/serviceProviders" => admin::provider::CREATE;
    Admin  GET    "/admin/v1/organizations/{id}/serviceProviders" => admin::provider::LIST;
    Admin  POST   "/admin/v1/organizations/{id}/profiles"         => admin::profile::CREATE;
    Admin  GET    "/admin/v1/organizations/{id}/profiles"         => admin::profile::LIST;
    Admin  GET    "/admin/v1/clients/{id}"                        => admin::client::GET;
    Admin  PATCH  "/admin/v1/clients/{id}"                        => admin::client::UPDATE;
    Admin  DELETE "/admin/v1/clients/{id}"                        => admin::client::DELETE;
    Admin  POST   "/admin/v1/clients/{id}/rotate-secret"          => admin::client::ROTATE_SECRET;
    Admin  POST   "/admin/v1/clients/{id}/revoke-tokens"          => admin::client::REVOKE_TOKENS;
    Admin  POST   "/admin/v1/clients/{id}/tokens"                 => admin::client::ISSUE_TOKEN;
    Admin  POST   "/admin/v1/clients/{id}/refresh-tokens"         => admin::refresh::ISSUE;
    Admin  GET    "/admin/v1/clients/{id}/refresh-tokens"         => admin::refresh::LIST;
    Admin  DELETE "/admin/v1/refresh-tokens/{id}"                 => admin::refresh::REVOKE;
    Admin  GET    "/admin/v1/serviceProviders/{id}"               => admin::provider::GET;
    Admin  PATCH  "/admin/v1/serviceProviders/{id}"               => admin::provider::UPDATE;
    Admin  DELETE "/admin/v1/serviceProviders/{id}"               => admin::provider::DELETE;
    Admin  GET    "/admin/v1/serviceProviders/{id}/network"       => admin::provider::GET_NETWORK;
    Admin  PUT    "/admin/v1/serviceProviders/{id}/network"       => admin::provider::SET_NETWORK;
    Admin  DELETE "/admin/v1/serviceProviders/{id}/network"       => admin::provider::DELETE_NETWORK;
    Admin  GET    "/admin/v1/serviceProviders/{id}/associations"  => admin::association::LIST;
    Admin  POST   "/admin/v1/serviceProviders/{id}/associations"  => admin::association::CREATE;
    Admin  PUT    "/admin/v1/serviceProviders/{id}/associations"  => admin::association::UPDATE;
    Admin  DELETE "/admin/v1/serviceProviders/{id}/associations"  => admin::association::DELETE;
    Admin  GET    "/admin/v1/profiles/{id}"                       => admin::profile::GET;
    Admin  PATCH  "/admin/v1/profiles/{id}"                       => admin::profile::UPDATE;
    Admin  DELETE "/admin/v1/profiles/{id}"                       => admin::profile::DELETE;
    Admin  GET    "/admin/v1/organizations/{id}/resources"        => admin::resource::LIST;
    Admin  POST   "/admin/v1/organizations/{id}/units"            => admin::unit::CREATE;
    Admin  GET    "/admin/v1/organizations/{id}/units"            => admin::unit::LIST;
    Admin  GET    "/admin/v1/units/{id}"                          => admin::unit::GET;
    Admin  PATCH  "/admin/v1/units/{id}"                          => admin::unit::UPDATE;
    Admin  DELETE "/admin/v1/units/{id}"                          => admin::unit::DELETE;
    Admin  POST   "/admin/v1/organizations/{id}/addressBooks"     => admin::address_book::CREATE;
    Admin  GET    "/admin/v1/organizations/{id}/addressBooks"     => admin::address_book::LIST;
    Admin  GET    "/admin/v1/addressBooks/{id}"                   => admin::address_book::GET;
    Admin  PATCH  "/admin/v1/addressBooks/{id}"                   => admin::address_book::UPDATE;
    Admin  DELETE "/admin/v1/addressBooks/{id}"                   => admin::address_book::DELETE;
    Admin  GET    "/admin/v1/addressBooks/{id}/units"             => admin::address_book::UNITS;
    Admin  PUT    "/admin/v1/addressBooks/{id}/units/{unitId}"    => admin::address_book::ADD_UNIT;
    Admin  DELETE "/admin/v1/addressBooks/{id}/units/{unitId}"    => admin::address_book::REMOVE_UNIT;
    Admin  POST   "/admin/v1/addressBooks/{id}/contacts"          => admin::address_book::CREATE_CONTACT;
    Admin  GET    "/admin/v1/addressBooks/{id}/contacts"          => admin::address_book::CONTACTS;
    Admin  GET    "/admin/v1/addressBooks/{id}/contacts/{contactId}" => admin::address_book::GET_CONTACT;
    Admin  PUT    "/admin/v1/addressBooks/{id}/contacts/{contactId}" => admin::address_book::UPDATE_CONTACT;
    Admin  DELETE "/admin/v1/addressBooks/{id}/contacts/{contactId}" => admin::address_book::DELETE_CONTACT;
    Admin  GET    "/admin/v1/skills"                              => admin::skill::LIST;
    Admin  GET    "/admin/v1/skills/{id}"                         => admin::skill::GET;
    Admin  PUT    "/admin/v1/skills/{id}"                         => admin::skill::SET;
    Admin  DELETE "/admin/v1/skills/{id}"                         => admin::skill::DELETE;
    Admin  POST   "/admin/v1/skills/{id}/ping"                    => admin::skill::PING;
    Admin  POST   "/admin/v1/skills/{id}/grant"                   => admin::skill::GRANT;
    Admin  POST   "/admin/v1/calls"                               => admin::call::CREATE;
    Admin  GET    "/admin/v1/calls"                               => admin::call::LIST;
    Admin  GET    "/admin/v1/calls/{sessionId}"                   => admin::call::GET;
    Admin  POST   "/admin/v1/calls/{sessionId}/answer"            => admin::call::ANSWER;
    Admin  POST   "/admin/v1/calls/{sessionId}/update"            => admin::call::UPDATE;
    Admin  POST   "/admin/v1/calls/{sessionId}/hang-up"           => admin::call::HANG_UP;
    Admin  GET    "/admin/v1/profiles/{id}/device"                => admin::call::GET_DEVICE;
    Admin  PUT    "/admin/v1/profiles/{id}/device"                => admin::call::SET_DEVICE;
    Admin  GET    "/admin/v1/changes"                             => admin::changes::CHANGES;
    Admin  POST   "/admin/v1/webhooks"                            => admin::webhook::CREATE;
    Admin  GET    "/admin/v1/webhooks"                            => admin::webhook::LIST;
    Admin  GET    "/admin/v1/webhooks/{id}"                       => admin::webhook::GET;
    Admin  DELETE "/admin/v1/webhooks/{id}"                       => admin::webhook::DELETE;
    Admin  POST   "/admin/v1/webhooks/{id}/pause"                 => admin::webhook::PAUSE;
    Admin  POST   "/admin/v1/webhooks/{id}/resume"                => admin::webhook::RESUME;
    Admin  GET    "/admin/v1/maintenance"                         => admin::server::GET_MAINTENANCE;
    Admin  PUT    "/admin/v1/maintenance"                         => admin::server::SET_MAINTENANCE;
    Admin  GET    "/admin/v1/status"                              => admin::server::STATUS;
    Admin  GET    "/admin/v1/journal"                             => admin::inspect::JOURNAL;
    Admin  POST   "/admin/v1/faults"                              => admin::inspect::CREATE_FAULT;
    Admin  GET    "/admin/v1/faults"                              => admin::inspect::FAULTS;
    Admin  DELETE "/admin/v1/faults"                              => admin::inspect::DELETE_FAULTS;
    Admin  DELETE "/admin/v1/faults/{id}"                         => admin::inspect::DELETE_FAULT;
    Admin  GET    "/admin/v1/clock"                               => admin::inspect::CLOCK;
    Admin  PUT    "/admin/v1/clock"                               => admin::inspect::SET_CLOCK;
    Admin  GET    "/admin/v1/keys"                                => admin::keys::LIST;
    Admin  POST   "/admin/v1/keys/rotate"                         => admin::keys::ROTATE;
    Admin  POST   "/admin/v1/reset"                               => admin::inspect::RESET;
    Admin  POST   "/admin/v1/tokens"                              => admin::token::CREATE;
    Admin  GET    "/admin/v1/tokens"                              => admin::token::LIST;
    Admin  DELETE "/admin/v1/tokens/{id}"                         => admin::token::DELETE;
    Admin  POST   "/admin/v1/try"                                 => admin::attempt::TRY;
    Admin  GET    "/admin/v1/demo"                                => admin::attempt::DEMO;
    Admin  POST   "/admin/v1/serviceProviders/{id}/imports"       => admin::import_job::UPLOAD;
    Admin  GET    "/admin/v1/imports"                             => admin::import_job::LIST;
    Admin  GET    "/admin/v1/imports/{id}"                        => admin::import_job::GET;
    Admin  DELETE "/admin/v1/imports/{id}"                        => admin::import_job::DELETE;
    Admin  POST   "/admin/v1/imports/{id}/preview"                => admin::import_job::PREVIEW;
    Admin  POST   "/admin/v1/imports/{id}/plan"                   => admin::import_job::PLAN;
    Admin  POST   "/admin/v1/imports/{id}/apply"                  => admin::import_job::APPLY;
    Admin  POST   "/admin/v1/imports/{id}/cancel"                 => admin::import_job::CANCEL;
    Admin  GET    "/admin/v1/imports/{id}/rejects"                => admin::import_job::REJECTS;
    Admin  GET    "/admin/v1/history"                             => admin::history::HISTORY;
    Admin  POST   "/admin/v1/session"                             => admin::session::BEGIN;
    Admin  GET    "/admin/v1/session"                             => admin::session::GET;
    Admin  DELETE "/admin/v1/session"                             => admin::session::END;
    Admin  POST   "/admin/v1/session/links"                       => admin::session::LINK;
    Admin  GET    "/admin/v1/backup"                              => admin::backup::BACKUP;
    Admin  POST   "/admin/v1/restore"                             => admin::restore::RESTORE;
    Admin  GET    "/admin/v1/verify"                              => admin::verify::VERIFY;

    Admin  GET    "/console"        => console::PAGE;
    Admin  GET    "/console/{file}" => console::FILE;
    Both   GET    "/"               => console::HOME;
    Both   GET    "/docs/{file}"    => console::DOCS_FILE;
    Admin  GET    "/metrics"      => probes::METRICS;
    Both   GET    "/healthz"      => probes::HEALTH;
    Both   GET    "/readyz"       => probes::READINESS;
    Public GET    "/echo.api/{name}" => probes::CHAIN;
    Both   GET    "/openapi.json" => probes::OPENAPI;
    Both   GET    "/docs"         => probes::DOCS;
};

/// The template of the path of an operation.
pub(super) fn template_of(operation: &Operation) -> Option<&'static str> {
    ROUTES.iter().find(|route| std::ptr::eq(route.handler.operation(), operation)).map(|route| route.path)
}

/// The router of a listener.
pub(crate) fn router(listener: Listener) -> Router<Handler> {
    let served = ROUTES.iter().filter(|route| route.served.on(listener));
    let routes: Vec<_> = served.map(|route| (route.method.clone(), route.path, route.handler)).collect();
    let router = Router::new(&routes);
    match listener {
        Listener::Public => router.with_first(&[path::EXTERNAL_USERS_QUERY, path::EXTERNAL_USERS]),
        Listener::Admin => router,
    }
}

/// The names of operations that a fault rule can select, in the order of their routes.
pub(crate) fn fault_operations() -> Vec<&'static str> {
    let operations = ROUTES.iter().map(|route| route.handler.operation());
    let mut names: Vec<&str> = operations
        .filter(|operation| operation.audience == Audience::Client)
        .map(|operation| operation.name)
        .collect();
    names.dedup();
    // What is sent to skills, and devices, are no operations, and can be spoiled like them.
    names.extend([fault::TO_SKILL, fault::DEVICE]);
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_id_is_that_of_one_operation() {
        let mut known: BTreeMap<&str, &Operation> = BTreeMap::new();
        for route in ROUTES {
            let operation = route.handler.operation();
            let first = known.entry(operation.id).or_insert(operation);
            assert!(std::ptr::eq(*first, operation), "{}", operation.id);
        }
    }

    #[test]
    fn operators_are_served_on_their_own_listener_alone() {
        for route in ROUTES {
            let for_operators = route.handler.operation().audience == Audience::Operator;
            assert!(!for_operators || route.served == Served::Admin, "{} {}", route.method, route.path);
        }
    }
}
