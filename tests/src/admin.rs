//! The operator's API, as a test uses it.

use http::Method;
use serde_json::{Value, json};

use crate::check::check;
use crate::endpoint::{Endpoint, Listener};
use crate::http::{Client, Request, Response, Version};

/// A client of the admin listener. Every answer passes [`check`].
#[derive(Debug)]
pub struct Admin {
    client: Client,
}

impl Admin {
    /// A client with the operator's token.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Self {
        Self { client: Client::new(endpoint, Listener::Admin, Version::Http1) }
    }

    /// Sends a request as it is.
    ///
    /// # Panics
    /// When no answer comes, or it breaks a rule.
    pub async fn send(&self, request: &Request) -> Response {
        let response = self.client.send(request).await.expect("the admin listener answers");
        check(self.client.endpoint(), Listener::Admin, request, &response);
        response
    }

    /// Sends a request with the operator's token and, unless it is null, a JSON body.
    ///
    /// # Panics
    /// When no answer comes, or it breaks a rule.
    pub async fn call(&self, method: &Method, target: &str, body: &Value) -> Response {
        let request = Request::new(method, target).bearer(self.client.endpoint().admin_token());
        self.send(&if body.is_null() { request } else { request.json(body) }).await
    }

    /// A GET that is expected to succeed.
    ///
    /// # Panics
    /// When it does not.
    pub async fn get(&self, target: &str) -> Value {
        self.call(&Method::GET, target, &Value::Null).await.expect(200).json()
    }

    /// A POST that is expected to create something.
    ///
    /// # Panics
    /// When it does not.
    pub async fn create(&self, target: &str, body: &Value) -> Value {
        self.call(&Method::POST, target, body).await.expect(201).json()
    }

    /// A PATCH that is expected to succeed.
    ///
    /// # Panics
    /// When it does not.
    pub async fn patch(&self, target: &str, body: &Value) -> Value {
        self.call(&Method::PATCH, target, body).await.expect(200).json()
    }

    /// A DELETE that is expected to succeed.
    ///
    /// # Panics
    /// When it does not.
    pub async fn delete(&self, target: &str) {
        self.call(&Method::DELETE, target, &Value::Null).await.is(204);
    }

    /// Issues an access token for a client. `request` is the body: scopes and life.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn token(&self, client_id: &str, request: &Value) -> String {
        let target = format!("/admin/v1/clients/{client_id}/tokens");
        let answer = self.call(&Method::POST, &target, request).await.expect(200).json();
        let token = answer["access_token"].as_str().expect("an access token is text").to_owned();
        self.client.endpoint().keep_secret(&token);
        token
    }

    /// Turns maintenance mode on or off.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn maintenance(&self, enabled: bool, retry_after: u32) {
        let body = json!({"enabled": enabled, "retry_after": retry_after});
        self.call(&Method::PUT, "/admin/v1/maintenance", &body).await.is(200);
    }

    /// All changes of a provider after a sequence number, oldest first.
    ///
    /// # Panics
    /// When the server refuses, or its pages do not get on.
    pub async fn changes(&self, provider: &str, after: u64) -> Vec<Value> {
        let mut changes = Vec::new();
        let mut after = after;
        loop {
            let target = format!("/admin/v1/changes?serviceProviderId={provider}&after={after}&limit=1000");
            let mut page = self.get(&target).await;
            let Value::Array(found) = page["changes"].take() else { panic!("changes is an array: {page}") };
            changes.extend(found);
            let next = page["next_after"].as_u64().expect("next_after is a number");
            if page["more"] == false {
                return changes;
            }
            assert!(next > after, "a page of changes gets on");
            after = next;
        }
    }
}
