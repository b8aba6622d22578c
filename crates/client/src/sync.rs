//! From a list to associations: read it, plan, apply, verify.
//!
//! The API has no batch operation. This module turns a list into single writes, as many at a time as the server
//! bears, and promises: nothing is written before a plan could be made of the whole list; a write whose answer was
//! lost is settled by a query and never repeated blindly; what the plan needs and no more is read; a run that was
//! interrupted goes on from its [`Journal`], and ends in the same state.
//!
//! ```
//! # use jackfield_client::testing::{ScriptedServer, Step};
//! use jackfield_client::sync::{Desired, Format, Input, InputOptions, Options, Session, Stop};
//! # use jackfield_client::{Client, StaticToken, Transport};
//! # use jackfield_model::admin::Secret;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let page = r#"{"paginationContext":{"totalCount":0,"nextPageToken":"0"},"accountAssociations":[]}"#;
//! # let server = ScriptedServer::start([Step::json(200, page), Step::json(201, "")]).await;
//! # let token = StaticToken::new(&Secret("Atza|t".to_owned()))?;
//! # let client = Client::new(Transport::new(&Default::default())?, server.endpoint(), token);
//! # let provider = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".parse()?;
//! let rooms = "externalUserId,amazonId\n7201,amzn1.alexa.communications.profile.did.p1\n";
//! let input = Input::read(rooms.as_bytes(), &InputOptions::new("rooms.csv", Format::Csv))?;
//! let desired = Desired::from_rows(input.rows);
//! let session = Session::new(&client, provider, Options::default());
//! let plan = session.plan(&desired).await?;
//! assert_eq!(plan.counts().create, 1);
//! let report = session.apply(&plan, None, &Stop::default()).await;
//! assert_eq!(report.done.create, 1);
//! # Ok(())
//! # }
//! ```

mod apply;
mod export;
mod input;
mod job;
mod journal;
mod pace;
mod plan;
mod property;
mod report;
mod run;
mod session;
mod settle;
mod threads;
mod writes;

pub use export::ExportWriter;
pub use input::{
    Allowed, Beginning, Changed, Doubt, Encoding, Example, Format, Input, InputError, InputOptions,
    InvalidDoubt, InvalidEncoding, Parts, Problem, PropertyRow, Reject, Row, ShownRow, Taken, Understanding,
};
pub use journal::{Journal, JournalError, Unfinished};
pub use plan::{Change, Counts, Desired, InvalidMaxDelete, Kind, MaxDelete, Only, Plan, TooManyDeletes};
pub use property::{
    AssociationChange, ContactChange, MadeCounts, ProfileChange, PropertyError, PropertyFailure,
    PropertyJournal, PropertyOptions, PropertyPlan, PropertyReport, PropertySession, Subject, Unchanged,
    UnfinishedProperty, UnitChange,
};
pub use report::{Failure, Report, Stopped};
pub use session::{Options, Phase, Progress, Session, Stop};
