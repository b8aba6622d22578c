//! Webhooks.

use jackfield_model::admin::{List, NewWebhook, Webhook};

use super::{AdminClient, NO_BODY, Page};
use crate::error::Error;

impl AdminClient {
    /// Makes a webhook. A secret that the server made is in the answer, this once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_webhook(&self, new: &NewWebhook) -> Result<Webhook, Error> {
        self.post("/admin/v1/webhooks", new).await
    }

    /// A page of the webhooks, with how far each has got.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn webhooks(&self, page: &Page) -> Result<List<Webhook>, Error> {
        self.get(&page.path("/admin/v1/webhooks")).await
    }

    /// One webhook, with how far it has got.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.get(&path(id, "")).await
    }

    /// Lets a webhook rest.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn pause_webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.act(&path(id, "/pause"), NO_BODY).await
    }

    /// Resumes a webhook that rests or is parked.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn resume_webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.act(&path(id, "/resume"), NO_BODY).await
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_webhook(&self, id: &str) -> Result<(), Error> {
        self.remove(&path(id, "")).await
    }
}

/// The path of a webhook, whose id may be whatever somebody typed.
fn path(id: &str, rest: &str) -> String {
    let id = form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
    format!("/admin/v1/webhooks/{id}{rest}")
}
