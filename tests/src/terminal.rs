//! A terminal: the binary runs in a real pseudo-terminal, and what a person would see of it is read from a screen.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::poll;
use crate::server::DEADLINE;

/// Lines of the screen: more than any command writes here, so that nothing scrolls away.
const ROWS: u16 = 160;

/// A program in a terminal. Dropping it kills the program.
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<vt100::Parser>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts a program in a terminal with so many columns.
    ///
    /// # Panics
    /// When the machine gives no terminal, or the program cannot be run.
    #[must_use]
    pub fn start(mut command: Command, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("the machine has terminals");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("a new terminal is one's own");
        let name = ptsname(&master, Vec::new()).expect("a terminal has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&name, flags, Mode::empty()).expect("the other end can be opened");
        let room = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, room).expect("a terminal has a size");
        let end = || Stdio::from(slave.try_clone().expect("a descriptor can be copied"));
        command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm-256color").env_remove("NO_COLOR");
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        // The command holds copies of the other end; the reader ends when the last one is closed.
        drop((command, slave));
        let size = |count| NonZeroU16::new(count).expect("a screen has a size");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size(ROWS), size(columns), 0)));
        let keyboard = File::from(master);
        let mut output = keyboard.try_clone().expect("a descriptor can be copied");
        let shown = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().expect("no holder panics").process(&bytes[..count]);
            }
        });
        Self { child, keyboard, screen, reader: Some(reader) }
    }

    /// Types a text.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the terminal takes what is typed");
    }

    /// The lines of the screen, without the blanks behind them and the empty lines at the end. Each comes with whether
    /// it goes on in the next one for lack of room.
    ///
    /// # Panics
    /// Never: no holder of the screen panics.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, bool)> {
        let parser = self.screen.lock().expect("no holder panics");
        let screen = parser.screen();
        let (_, columns) = screen.size();
        let rows = screen.rows(0, columns.get()).zip(0..);
        let mut lines: Vec<(String, bool)> =
            rows.map(|(text, row)| (text.trim_end().to_owned(), screen.row_wrapped(row))).collect();
        while lines.last().is_some_and(|(text, _)| text.is_empty()) {
            lines.pop();
        }
        lines
    }

    /// What the screen shows.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines().into_iter().map(|(line, _)| line + "\n").collect()
    }

    /// Waits until the screen shows this.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn await_text(&self, text: &str) {
        let start = Instant::now();
        while !self.text().contains(text) {
            assert!(start.elapsed() < poll::PATIENCE, "the screen does not show {text:?}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the program has shown this, for as long as it may take.
    ///
    /// # Panics
    /// When it does not in time, or ends before.
    pub fn await_text_within(&mut self, text: &str, deadline: Duration) {
        let start = Instant::now();
        loop {
            let ended = self.child.try_wait().expect("a child can be waited for");
            let shown = self.text();
            if shown.contains(text) {
                return;
            }
            let waits = ended.is_none() && start.elapsed() < deadline;
            assert!(waits, "{text:?} is not shown, {ended:?}:\n{shown}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the program has ended and all that it wrote was read.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn wait(&mut self) -> ExitStatus {
        let status = poll::until("the program in the terminal ended", DEADLINE, || {
            self.child.try_wait().expect("a child can be waited for")
        });
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
