//! A fresh organization with a client, a service provider and a token, and the four operations in its name.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::admin::Admin;
use crate::check::check;
use crate::creator::Creator;
use crate::endpoint::{Endpoint, Listener};
use crate::http::{Client, Failure, Request, Response, Version};
use crate::server::Server;
use crate::shared;

/// The scope that the four operations want.
pub const SCOPE: &str = jackfield_model::scope::SERVICE_PROVIDER;

/// What kind of organization and client to make.
#[derive(Clone, Debug)]
pub struct TenantOptions {
    /// Country of the organization.
    pub country: &'static str,
    /// Vertical of the organization.
    pub vertical: &'static str,
    /// Whether it has the add-on.
    pub webrtc: bool,
    /// Whether it has strict profiles.
    pub strict: bool,
    /// Rate limit of the client; 0 for none, `None` for the server's default.
    pub rate_limit: Option<u32>,
}

impl Default for TenantOptions {
    fn default() -> Self {
        Self { country: "US", vertical: "hospitality", webrtc: true, strict: false, rate_limit: Some(0) }
    }
}

/// An organization that no other test knows.
#[derive(Debug)]
pub struct Tenant {
    /// Its id.
    pub organization: String,
    /// Its client.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: String,
    /// Its service provider.
    pub provider: String,
    /// An access token of the client with the scope that the operations want.
    pub token: String,
    /// The operator's API.
    pub admin: Admin,
    /// The public API.
    pub client: Client,
    /// Keeps a shared server alive as long as a test uses it. Declared last: dropped last.
    server: Option<Arc<Server>>,
}

/// An `amazonId` that ends in `suffix`.
#[must_use]
pub fn profile(suffix: &str) -> String {
    format!("{}{suffix}", jackfield_model::AmazonId::PREFIX)
}

/// A create or update body.
#[must_use]
pub fn association(external_user_id: &str, amazon_id: &str) -> Value {
    json!({"externalUserId": external_user_id, "amazonId": amazon_id, "amazonIdType": "communication-profile"})
}

impl Tenant {
    /// An organization that may do everything, on the shared server.
    pub async fn fresh() -> Self {
        Self::with(TenantOptions::default()).await
    }

    /// An organization on the shared server.
    pub async fn with(options: TenantOptions) -> Self {
        let server = shared::server();
        let mut tenant = Self::on(server.endpoint(), options).await;
        tenant.server = Some(server);
        tenant
    }

    /// An organization on another server.
    ///
    /// # Panics
    /// When the admin API refuses to make it.
    pub async fn on(endpoint: &Endpoint, options: TenantOptions) -> Self {
        let admin = Admin::new(endpoint);
        let organization = json!({
            "name": "Test", "country": options.country, "vertical": options.vertical,
            "webrtc": options.webrtc, "strict_profiles": options.strict,
        });
        let organization = text(&admin.create("/admin/v1/organizations", &organization).await["id"]);
        let body = options.rate_limit.map_or(json!({}), |limit| json!({"rate_limit": limit}));
        let client = admin.create(&format!("/admin/v1/organizations/{organization}/clients"), &body).await;
        let (client_id, client_secret) = (text(&client["id"]), text(&client["secret"]));
        endpoint.keep_secret(&client_secret);
        let token = admin.token(&client_id, &json!({})).await;
        let mut tenant = Self {
            organization,
            client_id,
            client_secret,
            provider: String::new(),
            token,
            admin,
            client: Client::new(endpoint, Listener::Public, Version::Http1),
            server: None,
        };
        tenant.provider = tenant.new_provider("switchboard").await;
        tenant
    }

    /// The same organization on another server that holds the same directory: another node, or what it moved to.
    #[must_use]
    pub fn at(&self, endpoint: &Endpoint, version: Version) -> Self {
        for secret in [&self.client_secret, &self.token] {
            endpoint.keep_secret(secret);
        }
        self.through(endpoint, version, None)
    }

    /// The same organization through connections of its own: for another task or another protocol.
    #[must_use]
    pub fn again(&self, version: Version) -> Self {
        self.through(self.endpoint(), version, self.server.clone())
    }

    fn through(&self, endpoint: &Endpoint, version: Version, server: Option<Arc<Server>>) -> Self {
        Self {
            organization: self.organization.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            provider: self.provider.clone(),
            token: self.token.clone(),
            admin: Admin::new(endpoint),
            client: Client::new(endpoint, Listener::Public, version),
            server,
        }
    }

    /// The server.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        self.client.endpoint()
    }

    /// Makes another service provider in the organization.
    ///
    /// # Panics
    /// When the admin API refuses.
    pub async fn new_provider(&self, logical_id: &str) -> String {
        let target = format!("/admin/v1/organizations/{}/serviceProviders", self.organization);
        text(&self.admin.create(&target, &json!({"logical_id": logical_id})).await["id"])
    }

    /// The path of the provider's external users.
    #[must_use]
    pub fn path(&self) -> String {
        external_users(&self.provider)
    }

    /// The path of the query.
    #[must_use]
    pub fn query_path(&self) -> String {
        self.path() + "/query"
    }

    /// Sends a request as it is.
    ///
    /// # Panics
    /// When no answer comes, or it breaks a rule.
    pub async fn send(&self, request: &Request) -> Response {
        self.try_send(request).await.unwrap_or_else(|failure| {
            panic!("{} {} is not answered: {failure:?}", request.method, request.target)
        })
    }

    /// Sends a request to a server that may go away meanwhile.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer.
    ///
    /// # Panics
    /// When the answer breaks a rule.
    pub async fn try_send(&self, request: &Request) -> Result<Response, Failure> {
        let response = self.client.send(request).await?;
        check(self.endpoint(), Listener::Public, request, &response);
        Ok(response)
    }

    /// A request with the tenant's token.
    #[must_use]
    pub fn request(&self, method: &Method, target: impl Into<String>) -> Request {
        Request::new(method, target).bearer(&self.token)
    }

    /// A create with this body.
    #[must_use]
    pub fn create_request(&self, body: &Value) -> Request {
        self.request(&Method::POST, self.path()).json(body)
    }

    /// A connection of its own that creates associations of the provider.
    ///
    /// # Panics
    /// When the server does not accept.
    pub async fn creator(&self) -> Creator {
        let address = self.endpoint().public();
        let (path, token) = (self.path(), &self.token);
        let head = format!(
            "POST {path} HTTP/1.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\nhost: {address}\r\n"
        );
        Creator::connect(address, head.into()).await
    }

    /// An update with this body.
    #[must_use]
    pub fn update_request(&self, body: &Value) -> Request {
        self.request(&Method::PUT, self.path()).json(body)
    }

    /// A delete with this body.
    #[must_use]
    pub fn delete_request(&self, body: &Value) -> Request {
        self.request(&Method::DELETE, self.path()).json(body)
    }

    /// A query with this body.
    #[must_use]
    pub fn query_request(&self, body: &Value) -> Request {
        self.request(&Method::POST, self.query_path()).json(body)
    }

    /// Creates an association with the profile that ends in `suffix`.
    pub async fn create(&self, external_user_id: &str, suffix: &str) -> Response {
        self.send(&self.create_request(&association(external_user_id, &profile(suffix)))).await
    }

    /// Updates an association to the profile that ends in `suffix`.
    pub async fn update(&self, external_user_id: &str, suffix: &str) -> Response {
        self.send(&self.update_request(&association(external_user_id, &profile(suffix)))).await
    }

    /// Deletes an association.
    pub async fn delete(&self, external_user_id: &str) -> Response {
        self.send(&self.delete_request(&json!({"externalUserId": external_user_id}))).await
    }

    /// Sends a query.
    pub async fn query(&self, body: &Value) -> Response {
        self.send(&self.query_request(body)).await
    }

    /// The suffix of the profile that stands for an id, if one does.
    ///
    /// # Panics
    /// When the answer is not what a query of one id gets.
    pub async fn find(&self, external_user_id: &str) -> Option<String> {
        let body = json!({"filters": {"externalUserIds": [external_user_id]}});
        let answer = self.query(&body).await.expect(200).json();
        let found = answer["accountAssociations"].as_array().expect("an array of associations");
        assert_eq!(answer["paginationContext"], json!({"totalCount": found.len(), "nextPageToken": "0"}));
        let one = found.first()?;
        assert_eq!((found.len(), &one["externalUserId"]), (1, &json!(external_user_id)));
        let amazon_id = one["amazonId"].as_str().expect("amazonId is text");
        Some(amazon_id.strip_prefix(jackfield_model::AmazonId::PREFIX).expect("the prefix").to_owned())
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.endpoint().check_log();
        }
    }
}

/// The path of a provider's external users. The provider is put in as it is.
#[must_use]
pub fn external_users(provider: &str) -> String {
    format!("/v1/communications/serviceProviders/{provider}/externalUsers")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not text")).to_owned()
}
