//! What a person does in terminals: programs that go on, and a shell. For pages of the documentation that are run as they stand.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_tests::server::clean_environment;
use jackfield_tests::{binary, poll};

/// A command in a directory that is its home, with the binary under test on its `PATH`.
pub(crate) fn command(program: &str, home: &Path, environment: &[(&str, String)]) -> Command {
    let directory_of_binary = binary::path().parent().unwrap();
    let path = format!("{}:{}", directory_of_binary.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(program);
    clean_environment(&mut command);
    command.current_dir(home).env("PATH", &path).env("HOME", home);
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    command
}

/// A program and what it has printed. It ends with the value.
pub(crate) struct Program {
    child: Child,
    printed: Arc<Mutex<String>>,
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let printed = Arc::new(Mutex::new(String::new()));
        let (lines, into) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&printed));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
                into.push_str(&line);
                into.push('\n');
            }
        });
        Self { child, printed }
    }

    fn printed(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it as Ctrl-C does, and waits until it has ended.
    pub(crate) fn interrupt(mut self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// The word after this text, once it is printed.
    pub(crate) async fn word(&mut self, after: &str) -> String {
        let found = async || {
            let printed = self.printed();
            if let Some((_, rest)) = printed.split_once(after) {
                return rest.split_once(char::is_whitespace).map(|(word, _)| word.to_owned());
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status} before {after:?}:\n{printed}");
            }
            None
        };
        poll::until_async(after, poll::PATIENCE, found).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shell that keeps what was exported, and says when it is done with a block.
pub(crate) struct Shell {
    program: Program,
    input: ChildStdin,
    blocks: usize,
}

impl Shell {
    pub(crate) fn start(mut command: Command) -> Self {
        command.args(["-e", "-u"]).stdin(Stdio::piped());
        let mut program = Program::start(command);
        let input = program.child.stdin.take().unwrap();
        Self { program, input, blocks: 0 }
    }

    pub(crate) fn give(&mut self, commands: &str) {
        self.blocks += 1;
        writeln!(self.input, "{commands}\necho done-with-{} .", self.blocks).unwrap();
    }

    pub(crate) async fn settle(&mut self) {
        if self.blocks > 0 {
            self.program.word(&format!("done-with-{} ", self.blocks)).await;
        }
    }

    /// What the last block printed, once it is done.
    pub(crate) async fn printed(&mut self) -> String {
        self.settle().await;
        let all = self.program.printed();
        let before = all.rfind(&format!("done-with-{} ", self.blocks)).unwrap();
        let (printed, last) = (&all[..before], format!("done-with-{} .\n", self.blocks - 1));
        printed.rsplit_once(&last).map_or(printed, |(_, printed)| printed).to_owned()
    }
}
