//! `jackfield call`.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand, ValueEnum};
use jackfield_client::admin::AdminClient;
use jackfield_model::admin::{
    AnswerCall, Call, CallState, DeviceRule, HangUp, MessageDirection, NewCall, OnCall, TimeSpan,
    TranscriptEntry, UpdateCall,
};
use jackfield_model::{AmazonId, ServiceProviderId, limit};
use jackfield_server::HumanDuration;

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Format, Output, Show, optional};

/// The flags of `call`.
#[derive(Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: CallCommand,
}

#[derive(Subcommand)]
enum CallCommand {
    /// Have a device call an endpoint
    Start {
        /// The communication profile whose device calls
        #[arg(long, value_name = "PROFILE_ID")]
        from: AmazonId,
        /// The endpoint: its external user id, or the id of a contact
        #[arg(long, value_name = "ENDPOINT")]
        to: String,
        /// Its service provider, where several have a network
        #[arg(long, value_name = "PROVIDER_ID")]
        provider: Option<ServiceProviderId>,
        /// Signal alone, without media
        #[arg(long)]
        no_media: bool,
        #[command(flatten)]
        expected: Expected,
    },
    /// Have a device answer a call that rings
    Answer {
        #[command(flatten)]
        call: Named,
        #[command(flatten)]
        expected: Expected,
    },
    /// Have a device renegotiate a call
    Update {
        #[command(flatten)]
        call: Named,
        /// What it is for
        #[arg(long = "for", value_name = "PURPOSE", value_enum, default_value_t = Purpose::Update)]
        purpose: Purpose,
    },
    /// Have a device hang up, or decline
    HangUp {
        #[command(flatten)]
        call: Named,
        /// The code of the result [default: SUCCESS]
        #[arg(long)]
        code: Option<String>,
        /// The message of the result
        #[arg(long)]
        message: Option<String>,
    },
    /// List the calls, newest first
    List {
        /// At most this many
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(limit::ADMIN_PAGE_MAX)))]
        limit: Option<u32>,
        /// Those of the device of this communication profile alone
        #[arg(long, value_name = "PROFILE_ID")]
        device: Option<AmazonId>,
    },
    /// Show a call with its transcript
    Show {
        #[command(flatten)]
        call: Named,
        /// Go on with what is said, until the call ends
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        expected: Expected,
    },
    /// Say what a device does about calls that come in
    Device {
        /// The communication profile
        #[arg(value_name = "PROFILE_ID")]
        profile: AmazonId,
        /// What it does
        #[arg(long, value_name = "WHAT", value_enum)]
        on_call: Reaction,
        /// How long it rings before, for example 5s
        #[arg(long, value_name = "TIME")]
        after: Option<String>,
    },
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "SESSION_ID")]
    id: String,
}

#[derive(Args)]
struct Expected {
    /// Wait for this state; exit with 1 when the call does not reach it
    #[arg(long, value_name = "STATE", value_enum)]
    expect: Option<Wanted>,
    /// How long to wait for it
    #[arg(long, value_name = "TIME", default_value = "10s", requires = "expect")]
    within: HumanDuration,
    /// Wait for media from the endpoint, too
    #[arg(long, requires = "expect")]
    media: bool,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Wanted {
    Ringing,
    InProgress,
    Accepted,
    Ended,
}

#[derive(Clone, Copy, ValueEnum)]
enum Purpose {
    Update,
    Hold,
    Resume,
}

#[derive(Clone, Copy, ValueEnum)]
enum Reaction {
    Accept,
    Decline,
    Ring,
}

impl CallArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        match self.command {
            CallCommand::Start { from, to, provider, no_media, expected } => {
                let new = NewCall {
                    from,
                    to,
                    service_provider_id: provider,
                    sdp: None,
                    media: no_media.then_some(false),
                };
                expected.show(&admin, admin.create_call(&new).await?, output).await
            }
            CallCommand::Answer { call, expected } => {
                let answered = admin.answer_call(&call.id, &AnswerCall::default()).await?;
                expected.show(&admin, answered, output).await
            }
            CallCommand::Update { call, purpose } => {
                let kind = match purpose {
                    Purpose::Update => "CALL_UPDATE",
                    Purpose::Hold => "CALL_HOLD",
                    Purpose::Resume => "CALL_RESUME",
                };
                let update = UpdateCall { sdp: None, renegotiation_type: Some(kind.to_owned()) };
                Ok(output.object(&admin.update_call(&call.id, &update).await?)?)
            }
            CallCommand::HangUp { call, code, message } => {
                Ok(output.object(&admin.hang_up_call(&call.id, &HangUp { code, message }).await?)?)
            }
            CallCommand::List { limit, device } => {
                let calls = admin.calls(limit, device.as_ref()).await?;
                let mut list = output.list();
                calls.items.iter().try_for_each(|call| list.push(call))?;
                Ok(list.finish()?)
            }
            CallCommand::Show { call, follow: true, expected } => {
                let call = follow(&admin, &call.id, output).await?;
                expected.judge(&call)
            }
            CallCommand::Show { call, expected, .. } => {
                let call = admin.call(&call.id, 0, None).await?;
                expected.show(&admin, call, output).await
            }
            CallCommand::Device { profile, on_call, after } => {
                let on_call = match on_call {
                    Reaction::Accept => OnCall::Accept,
                    Reaction::Decline => OnCall::Decline,
                    Reaction::Ring => OnCall::Ring,
                };
                let rule = DeviceRule { on_call, after: after.map(TimeSpan::Text) };
                admin.set_device(&profile, &rule).await?;
                Ok(output.done("set the device of", "profile", profile.as_str())?)
            }
        }
    }
}

impl Expected {
    /// Shows a call once it is as expected, or time is over; then it is a failure.
    async fn show(&self, admin: &AdminClient, mut call: Call, output: &mut Output) -> Result<(), Failure> {
        let deadline = Instant::now() + self.within.0;
        while let Some(wanted) = self.state().filter(|wanted| call.state < *wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let wait = left.as_millis().div_ceil(1_000).min(limit::CALL_WAIT_MAX_SECONDS.into());
            call = admin.call(&call.session_id, u32::try_from(wait).unwrap_or(1), Some(wanted)).await?;
        }
        while self.media && call.state < CallState::Ended && !heard(&call) && Instant::now() < deadline {
            tokio::time::sleep(LISTEN).await;
            call = admin.call(&call.session_id, 0, None).await?;
        }
        output.object(&call)?;
        if output.format() == Format::Table && call.transcript.is_some() {
            output.line("")?;
            let mut list = output.stream();
            call.transcript.iter().flatten().try_for_each(|entry| list.push(entry))?;
            list.finish()?;
        }
        self.judge(&call)
    }

    /// Whether a call went as far as expected. One that ended is no accepted one.
    fn judge(&self, call: &Call) -> Result<(), Failure> {
        let reached = |wanted: CallState| {
            let passed = call.transcript.iter().flatten().any(|entry| entry.state == wanted);
            call.state == wanted || (passed && call.state > wanted)
        };
        match self.state() {
            Some(wanted) if !reached(wanted) => {
                let result =
                    call.result.as_ref().map(|result| format!(": {} {}", result.code, result.message));
                Err(Failure::failed(format!(
                    "the call is {}, not {}{}",
                    call.state.to_wire(),
                    wanted.to_wire(),
                    result.unwrap_or_default()
                )))
            }
            _ if self.media && !heard(call) => Err(Failure::failed("no media came from the endpoint")),
            _ => Ok(()),
        }
    }

    fn state(&self) -> Option<CallState> {
        self.expect.map(|wanted| match wanted {
            Wanted::Ringing => CallState::Ringing,
            Wanted::InProgress => CallState::InProgress,
            Wanted::Accepted => CallState::Accepted,
            Wanted::Ended => CallState::Ended,
        })
    }
}

/// Whether packets of the endpoint came.
fn heard(call: &Call) -> bool {
    call.media.is_some_and(|media| media.packets_received > 0)
}

/// Between two looks for packets.
const LISTEN: Duration = Duration::from_millis(100);

/// How long a change of a call is waited for at a time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes what is said in a call, until it ends.
async fn follow(admin: &AdminClient, id: &str, output: &mut Output) -> Result<Call, Failure> {
    let mut list = output.stream();
    let mut shown = 0;
    let mut call = admin.call(id, 0, None).await?;
    loop {
        // The answer of a message comes after it: what is not answered yet waits, so that lines are not written twice.
        let entries = call.transcript.as_deref().unwrap_or_default();
        let ended = call.state == CallState::Ended;
        let settled = |entry: &&TranscriptEntry| ended || entry.status.is_some() || entry.note.is_some();
        for entry in entries.iter().skip(shown).take_while(settled) {
            list.push(entry)?;
            list.flush()?;
            shown += 1;
        }
        if ended {
            list.finish()?;
            return Ok(call);
        }
        let wait = u32::try_from(PATIENCE.as_secs()).unwrap_or(1);
        call = admin.changed_call(id, wait, call.version).await?;
    }
}

impl Show for Call {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let result = self.result.as_ref().map(|result| format!("{} {}", result.code, result.message));
        let media = self.media.map(|media| {
            format!(
                "{} packets sent, {} received, {} lost",
                media.packets_sent, media.packets_received, media.packets_lost
            )
        });
        vec![
            ("session", self.session_id.clone()),
            ("direction", self.direction.to_wire().to_owned()),
            ("state", self.state.to_wire().to_owned()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("skill", optional(self.skill_id.as_ref())),
            ("started", self.started.clone()),
            ("ended", optional(self.ended.as_ref())),
            ("media", optional(media.as_ref())),
            ("result", optional(result.as_ref().map(|result| result.trim_end().to_owned()).as_ref())),
        ]
    }
}

impl Show for TranscriptEntry {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let direction = match self.direction {
            MessageDirection::ToSkill => "to skill",
            MessageDirection::FromCloud => "from cloud",
        };
        let name = self.kind.rsplit('.').next().unwrap_or_default();
        vec![
            ("time", self.time.clone()),
            ("direction", direction.to_owned()),
            ("message", name.to_owned()),
            ("status", optional(self.status.as_ref())),
            ("state", self.state.to_wire().to_owned()),
            ("note", optional(self.note.as_ref())),
        ]
    }
}
