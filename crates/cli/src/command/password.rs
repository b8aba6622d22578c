//! A password that a person types: from the terminal without an echo, or from standard input, and never from the command
//! line, where others can read it.

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::failure::Failure;

/// Reads a password: asked for twice on a terminal, else the first line of standard input.
pub(super) fn read(prompt: &str) -> Result<String, Failure> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return line();
    }
    let _silence = Silence::begin()?;
    let first = asked(prompt)?;
    if asked("The same again: ")? != first {
        return Err(Failure::failed("the two are not the same; nothing was changed"));
    }
    Ok(first)
}

fn asked(prompt: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr();
    // Without a prompt the person still knows what to type.
    let _ = stderr.write_all(prompt.as_bytes()).and_then(|()| stderr.flush());
    let line = line();
    let _ = stderr.write_all(b"\n");
    line
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::failed(format!("the password cannot be read: {error}")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::failed("there is no password on standard input"));
    }
    Ok(password.to_owned())
}

/// While it lives the terminal does not show what is typed.
struct Silence(Termios);

impl Silence {
    fn begin() -> Result<Self, Failure> {
        let failed =
            |error: rustix::io::Errno| Failure::failed(format!("the terminal cannot be silenced: {error}"));
        let before = tcgetattr(io::stdin()).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
