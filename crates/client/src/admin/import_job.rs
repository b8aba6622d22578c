//! Imports: a list becomes associations, in a job of the server.

use std::io;

use bytes::Bytes;
use jackfield_model::ServiceProviderId;
use jackfield_model::admin::{
    ApplyImport, ImportJob, ImportJobList, ImportPreview, ImportReading, NewImportPlan,
};

use super::{AdminClient, NO_BODY, with_query};
use crate::error::Error;
use crate::transport::Download;

impl AdminClient {
    /// Uploads a list; `next` gives its bytes, and none at the end. Nothing is changed by it.
    ///
    /// # Errors
    /// [`Error`]; a 409 when as many lists are being uploaded as there may be.
    pub async fn upload_import(
        &self,
        provider: ServiceProviderId,
        name: &str,
        mut next: impl FnMut() -> io::Result<Option<Bytes>>,
    ) -> Result<ImportJob, Error> {
        let path = format!("/admin/v1/serviceProviders/{provider}/imports");
        let path = with_query(&path, &[("name", Some(name.to_owned()))]);
        let feed = async |sender| super::backup::feed(sender, &mut next).await;
        self.api.upload(&path, "application/octet-stream", feed).await
    }

    /// The imports that the server keeps, newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn imports(&self) -> Result<ImportJobList, Error> {
        self.get("/admin/v1/imports").await
    }

    /// An import.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn import(&self, id: &str) -> Result<ImportJob, Error> {
        self.get(&path(id, "")).await
    }

    /// What the list is like when it is read so.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn preview_import(&self, id: &str, reading: &ImportReading) -> Result<ImportPreview, Error> {
        self.post(&path(id, "/preview"), reading).await
    }

    /// Begins to plan.
    ///
    /// # Errors
    /// [`Error`]; a 409 when that or another import of the service provider is being worked on.
    pub async fn plan_import(&self, id: &str, plan: &NewImportPlan) -> Result<ImportJob, Error> {
        self.post(&path(id, "/plan"), plan).await
    }

    /// Begins to apply the plan, or goes on with it.
    ///
    /// # Errors
    /// [`Error`]; a 409 when there is none, or rows are not valid and are not to be skipped.
    pub async fn apply_import(&self, id: &str, skip_invalid: bool) -> Result<ImportJob, Error> {
        self.post(&path(id, "/apply"), &ApplyImport { skip_invalid }).await
    }

    /// Asks what works on an import to end.
    ///
    /// # Errors
    /// [`Error`]; a 409 when nothing does.
    pub async fn cancel_import(&self, id: &str) -> Result<ImportJob, Error> {
        self.act(&path(id, "/cancel"), NO_BODY).await
    }

    /// The rows that are not valid, each behind what is wrong with it.
    ///
    /// # Errors
    /// [`Error`]; a 409 when there are none.
    pub async fn import_rejects(&self, id: &str) -> Result<Download, Error> {
        self.api.download(&path(id, "/rejects")).await
    }

    /// Removes an import with its files.
    ///
    /// # Errors
    /// [`Error`]; a 409 while it is worked on.
    pub async fn delete_import(&self, id: &str) -> Result<(), Error> {
        self.remove(&path(id, "")).await
    }
}

fn path(id: &str, act: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/admin/v1/imports/{}{act}", id.replace('+', "%20"))
}
