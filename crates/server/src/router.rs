//! The whole URL map on one screen.
//!
//! [`ROUTES`] is the only list of routes: the router, `openapi.json` and the coverage tests walk it. One trailing
//! slash is accepted everywhere (a published client sends it); a parameter is percent-decoded once.

use std::borrow::Cow;

use http::Method;
use jackfield_model::admin::Role;
use jackfield_model::path;

/// Something that a request can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// The public API, for bearers of an access token.
    Association(AssociationOperation),
    /// The rest of the public API, for bearers of an access token: service providers and profiles.
    Family(FamilyOperation),
    /// The token endpoint of Login with Amazon, for clients with their credentials.
    Token,
    /// The rest of Login with Amazon: what tells of a token, and the consent page.
    Login(LoginOperation),
    /// The admin API, for bearers of the admin token.
    Admin(AdminOperation),
    /// Open to everybody who can reach the listener.
    Open(OpenOperation),
}

/// The four operations of the account association API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AssociationOperation {
    Create,
    Update,
    Delete,
    Query,
}

/// The operations around account association, by what the caller must be allowed to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FamilyOperation {
    /// The caller's organization.
    Organization(OrganizationOperation),
    /// The service provider of the path.
    Provider(ProviderOperation),
    /// The communication profile of the path.
    Profile(ProfileOperation),
}

/// Operations that add to the caller's organization or search it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OrganizationOperation {
    CreateProvider,
    CreateProfile,
    CreateProfiles,
    FindProfile,
}

/// Operations on a service provider and its network mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProviderOperation {
    Get,
    Update,
    Delete,
    CreateNetwork,
    GetNetwork,
    UpdateNetwork,
    DeleteNetwork,
}

/// Operations on a communication profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProfileOperation {
    Get,
    Update,
    Delete,
}

/// What Login with Amazon serves beside the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LoginOperation {
    TokenInfo,
    UserProfile,
    ConsentPage,
    ConsentDecision,
}

/// Operations of the admin API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AdminOperation {
    CreateOrganization,
    ListOrganizations,
    GetOrganization,
    UpdateOrganization,
    DeleteOrganization,
    CreateClient,
    ListClients,
    GetClient,
    UpdateClient,
    DeleteClient,
    RotateSecret,
    RevokeTokens,
    IssueToken,
    IssueRefreshToken,
    ListRefreshTokens,
    RevokeRefreshToken,
    CreateProvider,
    ListProviders,
    GetProvider,
    UpdateProvider,
    DeleteProvider,
    GetNetwork,
    SetNetwork,
    DeleteNetwork,
    CreateProfile,
    ListProfiles,
    GetProfile,
    UpdateProfile,
    DeleteProfile,
    ListAssociations,
    ListChanges,
    GetMaintenance,
    SetMaintenance,
    Status,
    ReadJournal,
    CreateFault,
    ListFaults,
    DeleteFault,
    DeleteFaults,
    GetClock,
    SetClock,
    ListKeys,
    RotateKeys,
    Reset,
    Backup,
    Verify,
    Restore,
    CreateAdminToken,
    ListAdminTokens,
    DeleteAdminToken,
}

/// Operations without authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OpenOperation {
    Health,
    Ready,
    Metrics,
    OpenApi,
    Docs,
}

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

/// One method on one path.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) operation: Operation,
    pub(crate) served: Served,
    /// The least role that may ask for it, for operations of the admin API.
    pub(crate) role: Option<Role>,
}

macro_rules! routes {
    ($($served:ident $method:ident $path:expr => $kind:ident $(($operation:ident))? $(for $role:ident)?;)*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            operation: routes!(@ $kind $($operation)?),
            served: Served::$served,
            role: routes!(# $($role)?),
        }),*]
    };
    (@ Association $operation:ident) => { Operation::Association(AssociationOperation::$operation) };
    (@ Organization $operation:ident) => {
        Operation::Family(FamilyOperation::Organization(OrganizationOperation::$operation))
    };
    (@ Provider $operation:ident) => {
        Operation::Family(FamilyOperation::Provider(ProviderOperation::$operation))
    };
    (@ Profile $operation:ident) => {
        Operation::Family(FamilyOperation::Profile(ProfileOperation::$operation))
    };
    (@ Admin $operation:ident) => { Operation::Admin(AdminOperation::$operation) };
    (@ Open $operation:ident) => { Operation::Open(OpenOperation::$operation) };
    (@ Login $operation:ident) => { Operation::Login(LoginOperation::$operation) };
    (# $role:ident) => { Some(Role::$role) };
    (#) => { None };
    (@ Token) => { Operation::Token };
}

/// Every route of the service.
pub(crate) const ROUTES: &[Route] = routes! {
    Public POST   path::EXTERNAL_USERS       => Association(Create);
    Public PUT    path::EXTERNAL_USERS       => Association(Update);
    Public DELETE path::EXTERNAL_USERS       => Association(Delete);
    Public POST   path::EXTERNAL_USERS_QUERY => Association(Query);

    Public POST   path::SERVICE_PROVIDERS    => Organization(CreateProvider);
    Public GET    path::SERVICE_PROVIDER     => Provider(Get);
    Public PUT    path::SERVICE_PROVIDER     => Provider(Update);
    Public DELETE path::SERVICE_PROVIDER     => Provider(Delete);
    Public POST   path::NETWORK              => Provider(CreateNetwork);
    Public GET    path::NETWORK              => Provider(GetNetwork);
    Public PUT    path::NETWORK              => Provider(UpdateNetwork);
    Public DELETE path::NETWORK              => Provider(DeleteNetwork);
    Public POST   path::PROFILES             => Organization(CreateProfile);
    Public GET    path::PROFILES             => Organization(FindProfile);
    Public GET    path::PROFILE              => Profile(Get);
    Public PUT    path::PROFILE              => Profile(Update);
    Public DELETE path::PROFILE              => Profile(Delete);
    Public POST   path::PROFILES_BATCH       => Organization(CreateProfiles);

    Public POST   path::TOKEN                => Token;
    Public POST   path::TOKEN_ALTERNATE      => Token;
    Public GET    path::TOKEN_INFO           => Login(TokenInfo);
    Public GET    path::TOKEN_INFO_ALTERNATE => Login(TokenInfo);
    Public GET    path::USER_PROFILE         => Login(UserProfile);
    Public GET    path::CONSENT              => Login(ConsentPage);
    Public POST   path::CONSENT              => Login(ConsentDecision);

    Admin  POST   "/admin/v1/organizations"                       => Admin(CreateOrganization) for Admin;
    Admin  GET    "/admin/v1/organizations"                       => Admin(ListOrganizations) for Viewer;
    Admin  GET    "/admin/v1/organizations/{id}"                  => Admin(GetOrganization) for Viewer;
    Admin  PATCH  "/admin/v1/organizations/{id}"                  => Admin(UpdateOrganization) for Admin;
    Admin  DELETE "/admin/v1/organizations/{id}"                  => Admin(DeleteOrganization) for Admin;
    Admin  POST   "/admin/v1/organizations/{id}/clients"          => Admin(CreateClient) for Admin;
    Admin  GET    "/admin/v1/organizations/{id}/clients"          => Admin(ListClients) for Viewer;
    Admin  POST   "/admin/v1/organizations/{id}/serviceProviders" => Admin(CreateProvider) for Admin;
    Admin  GET    "/admin/v1/organizations/{id}/serviceProviders" => Admin(ListProviders) for Viewer;
    Admin  POST   "/admin/v1/organizations/{id}/profiles"         => Admin(CreateProfile) for Admin;
    Admin  GET    "/admin/v1/organizations/{id}/profiles"         => Admin(ListProfiles) for Viewer;
    Admin  GET    "/admin/v1/clients/{id}"                        => Admin(GetClient) for Viewer;
    Admin  PATCH  "/admin/v1/clients/{id}"                        => Admin(UpdateClient) for Admin;
    Admin  DELETE "/admin/v1/clients/{id}"                        => Admin(DeleteClient) for Admin;
    Admin  POST   "/admin/v1/clients/{id}/rotate-secret"          => Admin(RotateSecret) for Admin;
    Admin  POST   "/admin/v1/clients/{id}/revoke-tokens"          => Admin(RevokeTokens) for Operator;
    Admin  POST   "/admin/v1/clients/{id}/tokens"                 => Admin(IssueToken) for Operator;
    Admin  POST   "/admin/v1/clients/{id}/refresh-tokens"         => Admin(IssueRefreshToken) for Operator;
    Admin  GET    "/admin/v1/clients/{id}/refresh-tokens"         => Admin(ListRefreshTokens) for Viewer;
    Admin  DELETE "/admin/v1/refresh-tokens/{id}"                 => Admin(RevokeRefreshToken) for Operator;
    Admin  GET    "/admin/v1/serviceProviders/{id}"               => Admin(GetProvider) for Viewer;
    Admin  PATCH  "/admin/v1/serviceProviders/{id}"               => Admin(UpdateProvider) for Admin;
    Admin  DELETE "/admin/v1/serviceProviders/{id}"               => Admin(DeleteProvider) for Admin;
    Admin  GET    "/admin/v1/serviceProviders/{id}/network"       => Admin(GetNetwork) for Viewer;
    Admin  PUT    "/admin/v1/serviceProviders/{id}/network"       => Admin(SetNetwork) for Admin;
    Admin  DELETE "/admin/v1/serviceProviders/{id}/network"       => Admin(DeleteNetwork) for Admin;
    Admin  GET    "/admin/v1/serviceProviders/{id}/associations"  => Admin(ListAssociations) for Viewer;
    Admin  GET    "/admin/v1/profiles/{id}"                       => Admin(GetProfile) for Viewer;
    Admin  PATCH  "/admin/v1/profiles/{id}"                       => Admin(UpdateProfile) for Admin;
    Admin  DELETE "/admin/v1/profiles/{id}"                       => Admin(DeleteProfile) for Admin;
    Admin  GET    "/admin/v1/changes"                             => Admin(ListChanges) for Viewer;
    Admin  GET    "/admin/v1/maintenance"                         => Admin(GetMaintenance) for Viewer;
    Admin  PUT    "/admin/v1/maintenance"                         => Admin(SetMaintenance) for Operator;
    Admin  GET    "/admin/v1/status"                              => Admin(Status) for Viewer;
    Admin  GET    "/admin/v1/journal"                             => Admin(ReadJournal) for Operator;
    Admin  POST   "/admin/v1/faults"                              => Admin(CreateFault) for Operator;
    Admin  GET    "/admin/v1/faults"                              => Admin(ListFaults) for Viewer;
    Admin  DELETE "/admin/v1/faults"                              => Admin(DeleteFaults) for Operator;
    Admin  DELETE "/admin/v1/faults/{id}"                         => Admin(DeleteFault) for Operator;
    Admin  GET    "/admin/v1/clock"                               => Admin(GetClock) for Viewer;
    Admin  PUT    "/admin/v1/clock"                               => Admin(SetClock) for Operator;
    Admin  GET    "/admin/v1/keys"                                => Admin(ListKeys) for Viewer;
    Admin  POST   "/admin/v1/keys/rotate"                         => Admin(RotateKeys) for Admin;
    Admin  POST   "/admin/v1/reset"                               => Admin(Reset) for Admin;
    Admin  POST   "/admin/v1/tokens"                              => Admin(CreateAdminToken) for Admin;
    Admin  GET    "/admin/v1/tokens"                              => Admin(ListAdminTokens) for Admin;
    Admin  DELETE "/admin/v1/tokens/{id}"                         => Admin(DeleteAdminToken) for Admin;
    Admin  GET    "/admin/v1/backup"                              => Admin(Backup) for Operator;
    Admin  POST   "/admin/v1/restore"                             => Admin(Restore) for Admin;
    Admin  GET    "/admin/v1/verify"                              => Admin(Verify) for Operator;

    Admin  GET    "/metrics"      => Open(Metrics);
    Both   GET    "/healthz"      => Open(Health);
    Both   GET    "/readyz"       => Open(Ready);
    Both   GET    "/openapi.json" => Open(OpenApi);
    Both   GET    "/docs"         => Open(Docs);
};

impl Operation {
    /// The name in logs and metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Association(AssociationOperation::Create) => "create",
            Self::Association(AssociationOperation::Update) => "update",
            Self::Association(AssociationOperation::Delete) => "delete",
            Self::Association(AssociationOperation::Query) => "query",
            Self::Family(operation) => operation.name(),
            Self::Token => "token",
            Self::Login(LoginOperation::TokenInfo) => "tokeninfo",
            Self::Login(LoginOperation::UserProfile) => "user_profile",
            Self::Login(LoginOperation::ConsentPage | LoginOperation::ConsentDecision) => "consent",
            Self::Admin(_) => "admin",
            Self::Open(OpenOperation::Health | OpenOperation::Ready) => "health",
            Self::Open(OpenOperation::Metrics) => "metrics",
            Self::Open(OpenOperation::OpenApi | OpenOperation::Docs) => "docs",
        }
    }

    /// Whether an answer may be so large that it is begun only when earlier ones were read.
    pub(crate) const fn has_large_answer(self) -> bool {
        matches!(
            self,
            Self::Association(AssociationOperation::Query)
                | Self::Family(
                    FamilyOperation::Organization(OrganizationOperation::CreateProfiles)
                        | FamilyOperation::Provider(ProviderOperation::Get)
                )
        )
    }
}

impl Operation {
    /// Whether it says how the server is, and nothing else.
    pub(crate) const fn is_health(self) -> bool {
        matches!(self, Self::Open(OpenOperation::Health | OpenOperation::Ready))
    }
}

impl FamilyOperation {
    const fn name(self) -> &'static str {
        match self {
            Self::Organization(OrganizationOperation::CreateProvider) => "create_provider",
            Self::Organization(OrganizationOperation::CreateProfile) => "create_profile",
            Self::Organization(OrganizationOperation::CreateProfiles) => "create_profiles",
            Self::Organization(OrganizationOperation::FindProfile) | Self::Profile(ProfileOperation::Get) => {
                "get_profile"
            }
            Self::Provider(ProviderOperation::Get) => "get_provider",
            Self::Provider(ProviderOperation::Update) => "update_provider",
            Self::Provider(ProviderOperation::Delete) => "delete_provider",
            Self::Provider(ProviderOperation::CreateNetwork) => "create_network",
            Self::Provider(ProviderOperation::GetNetwork) => "get_network",
            Self::Provider(ProviderOperation::UpdateNetwork) => "update_network",
            Self::Provider(ProviderOperation::DeleteNetwork) => "delete_network",
            Self::Profile(ProfileOperation::Update) => "update_profile",
            Self::Profile(ProfileOperation::Delete) => "delete_profile",
        }
    }
}

impl AdminOperation {
    /// The least role that may ask for it. One without a route is for nobody but the highest.
    pub(crate) fn role(self) -> Role {
        let route = ROUTES.iter().find(|route| route.operation == Operation::Admin(self));
        route.and_then(|route| route.role).unwrap_or(Role::Admin)
    }

    /// Whether a reset may happen in the middle of it: it is one, waits for other requests, or reads as of one moment.
    pub(crate) const fn outlasts_resets(self) -> bool {
        matches!(self, Self::Reset | Self::ReadJournal | Self::Backup | Self::Verify)
    }
}

impl Served {
    const fn on(self, listener: Listener) -> bool {
        match (self, listener) {
            (Self::Both, _) | (Self::Public, Listener::Public) | (Self::Admin, Listener::Admin) => true,
            (Self::Public, Listener::Admin) | (Self::Admin, Listener::Public) => false,
        }
    }
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'p> {
    /// To an operation, with the decoded parameter of the path.
    Found(Operation, Option<Cow<'p, str>>),
    /// The path is known, the method is not: an operation that is there, and the methods that are.
    MethodNotAllowed(Operation, String),
    /// No such path.
    NotFound,
}

impl Target<'_> {
    /// An operation of the path: the one that was found, or one in whose place another method was used.
    pub(crate) const fn operation(&self) -> Option<Operation> {
        match self {
            Self::Found(operation, _) | Self::MethodNotAllowed(operation, _) => Some(*operation),
            Self::NotFound => None,
        }
    }
}

/// Finds the operation of a request.
#[derive(Debug)]
pub(crate) struct Router {
    public: matchit::Router<Vec<(Method, Operation)>>,
    admin: matchit::Router<Vec<(Method, Operation)>>,
}

impl Router {
    pub(crate) fn new() -> Self {
        Self { public: Self::of(Listener::Public), admin: Self::of(Listener::Admin) }
    }

    fn of(listener: Listener) -> matchit::Router<Vec<(Method, Operation)>> {
        let mut router = matchit::Router::new();
        let served: Vec<&Route> = ROUTES.iter().filter(|route| route.served.on(listener)).collect();
        for route in &served {
            let methods = served
                .iter()
                .filter(|other| other.path == route.path)
                .map(|other| (other.method.clone(), other.operation))
                .collect();
            if router.at(route.path).is_err() {
                router.insert(route.path, methods).expect("the templates of ROUTES do not conflict");
            }
        }
        router
    }

    /// Where a request with this method and path goes. HEAD is answered like GET, without the body.
    pub(crate) fn find<'p>(&self, listener: Listener, method: &Method, path: &'p str) -> Target<'p> {
        let router = match listener {
            Listener::Public => &self.public,
            Listener::Admin => &self.admin,
        };
        let path = match path.strip_suffix('/') {
            Some(shorter) if !shorter.is_empty() => shorter,
            _ => path,
        };
        let Ok(found) = router.at(path) else { return Target::NotFound };
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let Some((_, operation)) = found.value.iter().find(|(own, _)| own == wanted) else {
            return Target::MethodNotAllowed(found.value[0].1, allow(found.value));
        };
        let parameter = found.params.iter().next().map(|(_, value)| value);
        match parameter.map(decode).transpose() {
            Ok(parameter) => Target::Found(*operation, parameter),
            // No identifier has bytes that are not UTF-8.
            Err(_) => Target::NotFound,
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

fn allow(methods: &[(Method, Operation)]) -> String {
    let mut names: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'p>(method: &Method, path: &'p str) -> Target<'p> {
        Router::new().find(Listener::Public, method, path)
    }

    #[test]
    fn paths_are_found_with_and_without_a_trailing_slash() {
        let create = Operation::Association(AssociationOperation::Create);
        for path in [
            "/v1/communications/serviceProviders/p%2e1/externalUsers",
            "/v1/communications/serviceProviders/p%2e1/externalUsers/",
        ] {
            assert_eq!(find(&Method::POST, path), Target::Found(create, Some("p.1".into())), "{path}");
        }
        for path in [
            "/",
            "//",
            "/v1/communications/serviceProviders/p/externalUsers//",
            "/v1/communications/serviceProviders//externalUsers",
            "/v1/communications/serviceProviders/p/q/externalUsers",
            "/v1/communications/profile/p/q",
            "/v1/communications/profiles",
            "/v1/communications/serviceProviders/%ff/externalUsers",
            "/admin/v1/organizations",
        ] {
            assert_eq!(find(&Method::POST, path), Target::NotFound, "{path}");
        }
    }

    #[test]
    fn every_operation_of_operators_states_its_role_and_no_other_does() {
        for route in ROUTES {
            let admin = matches!(route.operation, Operation::Admin(_));
            assert_eq!(route.role.is_some(), admin, "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn a_parameter_is_decoded_once() {
        let target = find(&Method::POST, "/v1/communications/serviceProviders/a%252Fb/externalUsers");
        let Target::Found(_, Some(parameter)) = target else { panic!("{target:?}") };
        assert_eq!(parameter, "a%2Fb");
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let path = "/v1/communications/serviceProviders/p/externalUsers";
        let create = Operation::Association(AssociationOperation::Create);
        assert_eq!(
            find(&Method::GET, path),
            Target::MethodNotAllowed(create, "POST, PUT, DELETE".to_owned())
        );
        let health = Operation::Open(OpenOperation::Health);
        assert_eq!(find(&Method::POST, "/healthz"), Target::MethodNotAllowed(health, "GET, HEAD".to_owned()));
        assert_eq!(
            find(&Method::HEAD, "/healthz"),
            Target::Found(Operation::Open(OpenOperation::Health), None)
        );
    }
}
