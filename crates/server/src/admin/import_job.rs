//! Imports: a list is uploaded, looked at, planned and applied, and the job goes on when whoever began it leaves.

use std::fs::File;
use std::future::ready;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, header};
use http_body_util::BodyExt;
use hyper::body::Body;
use jackfield_model::admin::{
    ApplyImport, ImportJob, ImportJobList, ImportPreview, ImportReading, NewImportPlan, Role,
};
use jackfield_model::{ServiceProviderId, limit};
use schemars::JsonSchema;

use super::describe::{ITEM_ERRORS, TOP_ERRORS, WRITE_ERRORS, describe};
use super::import_api::InName;
use super::{
    AdminOperation, Context, Recorded, client, created, no_content, not_found, ok, parse, parse_or_default,
    provider,
};
use crate::description::{BAD_REQUEST, CREATED, Content, NO_CONTENT, Status};
use crate::error::ApiError;
use crate::imports::{ImportApi, Refusal, Upload, too_large};
use crate::request::RequestBody;
use crate::response::{self, Reply, StreamBroken};
use crate::state::State;

/// A list, as a file has it.
#[derive(JsonSchema)]
#[schemars(with = "String", extend("format" = "binary"))]
enum ListFile {}

/// What an upload says of itself.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
struct UploadQuery {
    /// The name of the file; its end says whether text is CSV, TSV or JSON Lines. Without one it is `list.csv`.
    #[schemars(length(max = limit::IMPORT_NAME_CHARS))]
    name: Option<String>,
}

const LIST_FILE: Content = Content::new::<ListFile>("application/octet-stream");
const REJECTS_FILE: Content = Content::new::<ListFile>("text/csv");
/// The type of a file of rejects.
const REJECTS_TYPE: &str = "text/csv; charset=utf-8";
const ACCEPTED: &[Status] = &[(200, "It has begun; the import says how far it is.")];
/// Bytes of a file that are sent at a time, and how many of these wait.
const PIECE_BYTES: usize = 64 * 1024;
const AHEAD: usize = 2;

pub(crate) static UPLOAD: AdminOperation = AdminOperation::new(
    "uploadImport",
    Role::Admin,
    describe("Upload a list to import")
        .text(
            "CSV, TSV, JSON Lines or a workbook, compressed by gzip or not, at most 32 MiB and 250,000 rows. Nothing is \
             changed by it. A server keeps 20 imports; the oldest that rests makes room for one more.",
        )
        .query::<UploadQuery>()
        .request_as(LIST_FILE)
        .successes(CREATED)
        .response::<ImportJob>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(upload(context)),
)
.streaming_its_body()
.recorded(Recorded::new("import_uploaded"));

async fn upload(context: Context<'_>) -> Result<Reply, ApiError> {
    let Context { state, operator, id, query, upload: body, .. } = context;
    state.store.refresh().await?;
    let provider = provider::find(state, id)?;
    let name = query.get("name").unwrap_or_default();
    if name.chars().count() > limit::IMPORT_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(ApiError::BadRequest(format!(
            "name has control characters or is longer than {} characters.",
            limit::IMPORT_NAME_CHARS
        )));
    }
    let name = Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("list.csv");
    if body.size_hint().lower() > limit::IMPORT_BYTES {
        return Err(refused(too_large()));
    }
    let actor = operator.actor().to_string();
    let upload = state.imports.upload(provider.id, name.to_owned(), actor).await.map_err(refused)?;
    let received = tokio::time::timeout(limit::IMPORT_UPLOAD_TIME, receive(state, body, upload)).await;
    created(&received.map_err(|_| broken_off("took too long"))??)
}

async fn receive(state: &State, body: &mut RequestBody, mut upload: Upload) -> Result<ImportJob, ApiError> {
    let patience = state.limits.bodies.patience();
    loop {
        match tokio::time::timeout(patience, body.frame()).await.map_err(|_| broken_off("stood still"))? {
            None => return upload.finish().await.map_err(refused),
            Some(Err(_)) => return Err(broken_off("was broken off")),
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    upload.push(piece).await.map_err(refused)?;
                }
            }
        }
    }
}

fn broken_off(how: &str) -> ApiError {
    ApiError::BadRequest(format!("The upload {how}; nothing of it is kept."))
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listImports",
    Role::Viewer,
    describe("List the imports").response::<ImportJobList>().errors(TOP_ERRORS),
    |context| Box::pin(ready(ok(&ImportJobList { imports: context.state.imports.list() }))),
)
.outlasting_resets();

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "getImport",
    Role::Viewer,
    describe("Get an import")
        .text("With its plan, how far it is, and what became of it.")
        .response::<ImportJob>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(ready(shown(context.state.imports.get(context.id)))),
)
.outlasting_resets();

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "deleteImport",
    Role::Admin,
    describe("Remove an import")
        .text("Its list, its plan and its rejects go; what it changed stays.")
        .successes(NO_CONTENT)
        .errors(WRITE_ERRORS),
    |context| Box::pin(delete(context.state, context.id)),
)
.outlasting_resets();

async fn delete(state: &State, id: &str) -> Result<Reply, ApiError> {
    state.imports.remove(id).await.map_err(refused)?;
    no_content()
}

pub(crate) static PREVIEW: AdminOperation = AdminOperation::new(
    "previewImport",
    Role::Admin,
    describe("Look at the list of an import")
        .text("What it is, its columns and first rows, and what is wrong with it, when it is read so. Nothing is changed.")
        .optional_request::<ImportReading>()
        .response::<ImportPreview>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(preview(context.state, context.id, context.body)),
)
.outlasting_resets();

async fn preview(state: &State, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    ok(&state.imports.preview(id, parse_or_default(body)?).await.map_err(refused)?)
}

pub(crate) static PLAN: AdminOperation = AdminOperation::new(
    "planImport",
    Role::Admin,
    describe("Plan an import")
        .text(
            "It compares the list with the associations of the service provider, through the public API in the name of \
             the client. Two imports are planned or applied at a time, one for each service provider.",
        )
        .request::<NewImportPlan>()
        .successes(ACCEPTED)
        .response::<ImportJob>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(plan(context)),
)
.recorded(Recorded::giving_out("import_planned"));

async fn plan(context: Context<'_>) -> Result<Reply, ApiError> {
    let Context { state, id, body, .. } = context;
    let import = state.imports.get(id).map_err(refused)?;
    let wanted: NewImportPlan = parse(body)?;
    if wanted.delete_missing {
        let there = state.store.count_associations(import.service_provider_id).await?;
        if there > limit::IMPORT_COMPARED {
            return Err(ApiError::BadRequest(format!(
                "delete_missing compares at most {} associations, and the service provider has {there}; `jackfield \
                 sync` compares more.",
                limit::IMPORT_COMPARED
            )));
        }
    }
    let api = in_name(&context, import.service_provider_id, &wanted)?;
    ok(&state.imports.plan(id, wanted, api).map_err(refused)?)
}

pub(crate) static APPLY: AdminOperation = AdminOperation::new(
    "applyImport",
    Role::Admin,
    describe("Apply the plan of an import")
        .text(
            "It makes the changes as `jackfield sync` does, through the public API in the name of the client, whose rate \
             and whose entries in the record of changes they are. One that stopped goes on.",
        )
        .optional_request::<ApplyImport>()
        .successes(ACCEPTED)
        .response::<ImportJob>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(apply(context)),
)
.recorded(Recorded::giving_out("import_applied"));

async fn apply(context: Context<'_>) -> Result<Reply, ApiError> {
    let Context { state, id, body, .. } = context;
    let ApplyImport { skip_invalid } = parse_or_default(body)?;
    let import = state.imports.get(id).map_err(refused)?;
    let wanted = import.wanted.ok_or_else(|| ApiError::Conflict("There is no plan yet.".to_owned()))?;
    let api = in_name(&context, import.service_provider_id, &wanted)?;
    ok(&state.imports.apply(id, skip_invalid, api).map_err(refused)?)
}

/// The public API in the name of the client, which has to be one of the service provider's organization.
fn in_name(
    context: &Context<'_>,
    provider: ServiceProviderId,
    wanted: &NewImportPlan,
) -> Result<Arc<dyn ImportApi>, ApiError> {
    let Context { state, call, .. } = context;
    let provider = provider::find(state, &provider.to_string())?;
    let client = client::find(state, wanted.client_id.as_str())?;
    if client.organization != provider.organization {
        return Err(ApiError::BadRequest(
            "client_id is a client of another organization than the service provider's.".to_owned(),
        ));
    }
    Ok(InName::of(wanted.client_id.clone(), call.peer, state))
}

pub(crate) static CANCEL: AdminOperation = AdminOperation::new(
    "cancelImport",
    Role::Admin,
    describe("Cancel the work on an import")
        .text("What is in flight is finished. A plan that was applied in part goes on when it is applied again.")
        .successes(ACCEPTED)
        .response::<ImportJob>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(ready(shown(context.state.imports.cancel(context.id)))),
)
.outlasting_resets();

pub(crate) static REJECTS: AdminOperation = AdminOperation::new(
    "getImportRejects",
    Role::Admin,
    describe("Get the rows of an import that are not valid")
        .text("As they stand in the list, each behind what is wrong with it. Corrected, they are a list like any other.")
        .response_as(REJECTS_FILE)
        .errors(&[BAD_REQUEST, super::describe::NOT_FOUND, (409, "There is no plan, or all its rows are valid.")]),
    |context| Box::pin(rejects(context.state, context.id)),
)
.outlasting_resets();

async fn rejects(state: &State, id: &str) -> Result<Reply, ApiError> {
    let (import, path) = state.imports.rejects(id).map_err(refused)?;
    let internal = |error: &dyn std::fmt::Display| ApiError::Internal { cause: format!("rejects: {error}") };
    let opened = tokio::task::spawn_blocking(move || File::open(path)).await;
    let mut file = opened.map_err(|error| internal(&error))?.map_err(|error| internal(&error))?;
    let (mut reply, mut sender) = response::stream(REJECTS_TYPE, AHEAD);
    let name: String = Path::new(&import.name).file_stem().unwrap_or_default().to_string_lossy().into();
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect();
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{plain}.rejects.csv\"")) {
        reply.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    tokio::spawn(async move {
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; PIECE_BYTES];
                file.read(&mut piece).map(|read| (piece, read, file))
            });
            match read.await {
                Ok(Ok((_, 0, _))) => return,
                Ok(Ok((mut piece, read, rest))) => {
                    piece.truncate(read);
                    file = rest;
                    if sender.send_data(Bytes::from(piece)).await.is_err() {
                        return;
                    }
                }
                _ => return sender.abort(StreamBroken),
            }
        }
    });
    Ok(reply)
}

fn shown(import: Result<ImportJob, Refusal>) -> Result<Reply, ApiError> {
    ok(&import.map_err(refused)?)
}

fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::NoRunner => not_found("thing as an import in this server"),
        Refusal::NoSuchImport => not_found("import"),
        Refusal::NotNow(message) => ApiError::Conflict(message),
        Refusal::Wrong(message) => ApiError::BadRequest(message),
        Refusal::Io(cause) => ApiError::Internal { cause },
    }
}
