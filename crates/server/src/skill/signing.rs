//! The thread that signs requests to skills.
//!
//! Two signatures take milliseconds of a processor. They are made one at a time, on a thread that runs while no other
//! one wants the processor: calls may wait a little, requests to the directory must not. A processor that is never idle
//! would not let it run at all; then a thread as any other signs.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::signature::{Signatures, Signer};

/// How long signing gives way to everything else.
const PATIENCE: Duration = Duration::from_millis(20);

/// A body to sign, and who waits for its signatures.
type Job = (Bytes, oneshot::Sender<Signatures>);

/// The thread, and the keys that it signs with. It ends with this handle.
#[derive(Debug)]
pub(super) struct Signing {
    signer: Arc<Signer>,
    jobs: mpsc::Sender<Job>,
}

impl Signing {
    /// Starts the thread.
    pub(super) fn start(signer: Signer) -> Self {
        let signer = Arc::new(signer);
        let (jobs, waiting) = mpsc::channel::<Job>();
        let signs = Arc::clone(&signer);
        let run = move || {
            give_way();
            for (body, asks) in waiting {
                // Whoever asked may have run out of time: then the signatures are not made.
                if !asks.is_closed() {
                    let _ = asks.send(signs.sign(&body));
                }
            }
        };
        std::thread::Builder::new()
            .name("sign-skill".to_owned())
            .spawn(run)
            .expect("a thread can be started");
        Self { signer, jobs }
    }

    /// What it signs with.
    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The signatures of a body.
    pub(super) async fn sign(&self, body: Bytes) -> Signatures {
        let (asks, signed) = oneshot::channel();
        self.jobs.send((body.clone(), asks)).expect("the thread lives as long as this");
        if let Ok(signed) = tokio::time::timeout(PATIENCE, signed).await {
            return signed.expect("a body can be signed");
        }
        let signer = Arc::clone(&self.signer);
        tokio::task::spawn_blocking(move || signer.sign(&body)).await.expect("a body can be signed")
    }
}

/// Lets every other thread go first, where the system knows such threads. Where it refuses, this one is as the others.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
            tracing::debug!("the thread that signs has the priority of the others: {error}");
        }
    }
}
