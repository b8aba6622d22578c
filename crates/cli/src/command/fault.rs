//! `jackfield fault`: rules that spoil answers of the public API, to see what a client makes of it.

use clap::{Args, Subcommand, ValueEnum};
use jackfield_model::inspect::{DeliverAs, DeviceFault, DropWhen, FaultRule};
use jackfield_model::{ClientId, ServiceProviderId, limit};
use jackfield_server::HumanDuration;

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `fault`.
#[derive(Args)]
pub(crate) struct FaultArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: FaultCommand,
}

#[derive(Subcommand)]
enum FaultCommand {
    /// Make a rule: a status, a latency or a closed connection
    Add(Box<AddArgs>),
    /// List the rules, with how often each was met
    List,
    /// Delete a rule
    Delete {
        /// Id of the rule
        id: u64,
    },
    /// Delete every rule
    Clear,
}

#[derive(Args)]
struct AddArgs {
    /// Only this operation: create, update, delete, query, token, skill_request
    /// and so on
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,
    /// Only this client
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<ClientId>,
    /// Only this service provider
    #[arg(long, value_name = "PROVIDER_ID")]
    provider: Option<ServiceProviderId>,
    /// Answer with this status, without carrying out the operation
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(400..=599),
          conflicts_with = "drop", required_unless_present_any = ["latency", "drop", "deliver", "device"])]
    status: Option<u16>,
    /// Seconds of the Retry-After header that goes with the status
    #[arg(long, value_name = "SECONDS", requires = "status",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(limit::RETRY_AFTER_MAX_SECONDS)))]
    retry_after: Option<u32>,
    /// Wait first: 200ms, or a range like 100ms..300ms to draw from
    #[arg(long, value_name = "TIME")]
    latency: Option<Latency>,
    /// Close the connection instead of answering: before the operation is
    /// carried out, or after it, so that only the answer is lost
    #[arg(long, value_enum, value_name = "WHEN")]
    drop: Option<When>,
    /// How a message of a call gets to a skill: twice, or after the one that
    /// follows it
    #[arg(long, value_enum, value_name = "HOW", conflicts_with_all = ["status", "drop"])]
    deliver: Option<How>,
    /// What is wrong with the device of a call: it has no media, or cannot use
    /// the session description of the endpoint
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with_all = ["status", "drop", "deliver", "latency"])]
    device: Option<What>,
    /// At most so many times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    times: Option<u64>,
    /// Only the nth call of those that the rule selects
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..),
          conflicts_with_all = ["every", "probability"])]
    nth: Option<u64>,
    /// Only every nth call
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..),
          conflicts_with = "probability")]
    every: Option<u64>,
    /// Only with this probability, 0 to 1
    #[arg(long, value_name = "P")]
    probability: Option<f64>,
    /// Decides which calls a probability takes: the same seed, the same calls
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum When {
    // No doc comments: they would stand in every help text.
    Before,
    After,
}

#[derive(Clone, Copy, ValueEnum)]
enum How {
    Twice,
    AfterNext,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    NoMedia,
    RejectSdp,
}

/// A latency in milliseconds, or the least and the most.
#[derive(Clone, Copy)]
struct Latency(u64, Option<u64>);

impl std::str::FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = |text: &str| {
            let span: HumanDuration =
                text.trim().parse().map_err(|_| "200ms or 100ms..300ms is expected".to_owned())?;
            u64::try_from(span.0.as_millis()).map_err(|error| error.to_string())
        };
        Ok(match text.split_once("..") {
            None => Self(span(text)?, None),
            Some((least, most)) => Self(span(least)?, Some(span(most)?)),
        })
    }
}

impl AddArgs {
    fn rule(self) -> FaultRule {
        FaultRule {
            operation: self.operation,
            client_id: self.client,
            service_provider_id: self.provider,
            status: self.status,
            retry_after: self.retry_after,
            latency_ms: self.latency.map(|latency| latency.0),
            latency_max_ms: self.latency.and_then(|latency| latency.1),
            drop: self.drop.map(|when| match when {
                When::Before => DropWhen::Before,
                When::After => DropWhen::After,
            }),
            deliver: self.deliver.map(|how| match how {
                How::Twice => DeliverAs::Twice,
                How::AfterNext => DeliverAs::AfterNext,
            }),
            device: self.device.map(|what| match what {
                What::NoMedia => DeviceFault::NoMedia,
                What::RejectSdp => DeviceFault::RejectSdp,
            }),
            times: self.times,
            nth: self.nth,
            every: self.every,
            probability: self.probability,
            seed: self.seed,
            ..FaultRule::default()
        }
    }
}

impl FaultArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        match self.command {
            FaultCommand::Add(args) => output.object(&admin.create_fault(&args.rule()).await?)?,
            FaultCommand::List => {
                let mut list = output.list();
                for rule in &admin.faults().await?.faults {
                    list.push(rule)?;
                }
                list.finish()?;
            }
            FaultCommand::Delete { id } => {
                admin.delete_fault(id).await?;
                output.done("deleted", "id", &id.to_string())?;
            }
            FaultCommand::Clear => {
                admin.delete_faults().await?;
                output.done("deleted", "id", "all")?;
            }
        }
        Ok(())
    }
}

impl Show for FaultRule {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let latency = self.latency_ms.map(|least| match self.latency_max_ms {
            None => format!("latency {least} ms"),
            Some(most) => format!("latency {least} to {most} ms"),
        });
        let drop = self.drop.map(|when| match when {
            DropWhen::Before => "drop before".to_owned(),
            DropWhen::After => "drop after".to_owned(),
        });
        let deliver = self.deliver.map(|how| match how {
            DeliverAs::Twice => "deliver twice".to_owned(),
            DeliverAs::AfterNext => "deliver after next".to_owned(),
        });
        let device = self.device.map(|what| match what {
            DeviceFault::NoMedia => "device without media".to_owned(),
            DeviceFault::RejectSdp => "device rejects the sdp".to_owned(),
        });
        let status = self.status.map(|status| format!("status {status}"));
        let effects = [latency, status, drop, deliver, device];
        let which = [
            self.nth.map(|n| format!("nth {n}")),
            self.every.map(|n| format!("every {n}")),
            self.probability.map(|p| format!("probability {p}")),
            self.times.map(|n| format!("times {n}")),
        ];
        vec![
            ("id", optional(self.id.as_ref())),
            ("operation", optional(self.operation.as_ref())),
            ("client", optional(self.client_id.as_ref())),
            ("provider", optional(self.service_provider_id.as_ref())),
            ("effect", joined(effects)),
            ("which", joined(which)),
            ("calls", optional(self.calls.as_ref())),
            ("hits", optional(self.hits.as_ref())),
        ]
    }
}

fn joined(parts: impl IntoIterator<Item = Option<String>>) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}
