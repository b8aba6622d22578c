//! A kill, or a power cut, under write load: no acknowledged write is lost, none is invented, counts and the change
//! record agree.
//!
//! SIGKILL takes what a process has not handed to the system; a power cut takes what the system has not put on stable
//! storage as well. `JACKFIELD_CRASH_CYCLES` says how often to kill (50 unless set), `JACKFIELD_TEST_SEED` repeats
//! a run's choices; what the machine interleaves is new each time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use jackfield_tests::namespace::PowerCutDisk;
use jackfield_tests::{Options, Server, seed};
use rustix::process::{Pid, Signal, kill_process};

use crate::load::{Course, Load};

/// A server and its writers.
pub(crate) struct Crash {
    pub(crate) server: Server,
    pub(crate) load: Load,
    pub(crate) rng: Rng,
}

impl Crash {
    pub(crate) async fn new(mut options: Options, mut rng: Rng) -> Self {
        options.environment.push(("JACKFIELD_LOG_LEVEL".to_owned(), "warn".to_owned()));
        let server = Server::start(options);
        let load = Load::on(&[&server], &mut rng).await;
        Self { server, load, rng }
    }

    /// Lets the writers write and kills the server. At an acknowledgement: if a write is ever answered before it is
    /// safe, then now. Else at a moment of its own.
    pub(crate) async fn kill_under_load(&mut self, at_acknowledgement: bool) {
        let left = AtomicI64::new(if at_acknowledgement { self.rng.i64(1..300) } else { i64::MAX });
        let process = i32::try_from(self.server.pid()).ok().and_then(Pid::from_raw).unwrap();
        let course = Course::to_the_end(move || {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                kill_process(process, Signal::KILL).unwrap();
            }
        });
        let moment = Duration::from_millis(self.rng.u64(50..400));
        let kill = async {
            if !at_acknowledgement {
                tokio::time::sleep(moment).await;
                self.server.kill9();
            }
        };
        self.load.during(&course, kill).await;
        // Dead by an acknowledgement, it is still to be waited for.
        self.server.kill9();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_and_none_invented() {
    let cycles = seed::count("JACKFIELD_CRASH_CYCLES", 50);
    let mut crash = Crash::new(Options::default(), seed::rng("crash")).await;
    for cycle in 0..cycles {
        crash.kill_under_load(cycle % 2 == 0).await;
        if cycle % 5 == 4 {
            // Recovery is killed as well.
            crash.server.interrupted_start(Duration::from_millis(crash.rng.u64(0..150)));
        }
        crash.server.restart();
        crash.load.verify().await;
    }
    crash.load.report(cycles);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_takes_no_acknowledged_write() {
    let cycles = seed::count("JACKFIELD_CRASH_CYCLES", 50).div_ceil(5);
    let Some(mut disk) = PowerCutDisk::new() else {
        eprintln!("NOT TESTED: this system lets nobody mount an image, so no power can be cut");
        return;
    };
    let store = format!("embedded:{}", disk.path("store").display());
    let options = Options { store: Some(store), wrapper: disk.wrapper(), ..Options::default() };
    let mut crash = Crash::new(options, seed::rng("power cut")).await;
    for _ in 0..cycles {
        crash.kill_under_load(true).await;
        disk.cut_power();
        crash.server.options().wrapper = disk.wrapper();
        crash.server.restart();
        crash.load.verify().await;
    }
    crash.load.report(cycles);
}
