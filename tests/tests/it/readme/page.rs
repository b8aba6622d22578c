//! The commands of a page: in its blocks of code and in its sentences.

/// What a page asks its reader to type, in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Lines that start a server, which goes on until somebody ends it.
    pub(super) servers: Vec<String>,
    /// Targets of `make` that end by themselves.
    pub(super) targets: Vec<String>,
    /// Other commands.
    pub(super) scripts: Vec<String>,
    /// Commands with what they print.
    pub(super) transcripts: Vec<(String, String)>,
}

impl Page {
    /// Reads a page in Markdown.
    ///
    /// Commands are the blocks `sh`, the lines after `$` in blocks `console`, and in sentences each text in backticks that has
    /// more than one word.
    ///
    /// # Panics
    /// At a block of another kind: nobody would run what is in it.
    pub(super) fn read(text: &str) -> Self {
        let mut page = Self::default();
        for (place, part) in text.split("```").enumerate() {
            if place % 2 == 0 { page.read_sentences(part) } else { page.read_block(part) }
        }
        page
    }

    fn read_sentences(&mut self, text: &str) {
        for quoted in text.split('`').skip(1).step_by(2) {
            let words: Vec<_> = quoted.split_whitespace().collect();
            if words.len() > 1 {
                self.take(&words.join(" "));
            }
        }
    }

    fn read_block(&mut self, block: &str) {
        let (kind, text) = block.split_once('\n').expect("a block has lines");
        match kind {
            "sh" => self.take(text.trim_end()),
            "console" => {
                let (before, commands) = text.split_once("$ ").expect("a session has a command");
                assert_eq!(before, "", "it begins with a command");
                for entry in commands.split("\n$ ") {
                    match entry.trim_end().split_once('\n') {
                        Some((command, printed)) => {
                            self.transcripts.push((command.to_owned(), printed.to_owned()));
                        }
                        None => self.take(entry.trim_end()),
                    }
                }
            }
            _ => panic!("a block of {kind:?}: nothing here runs it"),
        }
    }

    fn take(&mut self, command: &str) {
        let words = command.split('#').next().unwrap_or_default().split_whitespace();
        let one_line = !command.contains('\n');
        if one_line && words.into_iter().any(|word| word == "dev") {
            self.servers.push(command.to_owned());
        } else if let Some(target) = command.strip_prefix("make ") {
            self.targets.push(target.to_owned());
        } else {
            self.scripts.push(command.to_owned());
        }
    }
}

#[test]
fn commands_are_found_where_they_stand() {
    let page = Page::read(
        "See `make` and `make test`, or `x dev\n--tls` at `/etc`.\n\n```console\n$ pip x && x dev\n$ curl $A\nno\nnever\n```\n\n\
         ```sh\nA=1   # as root\ncurl -i\n```\nThen `x status`.\n\n```sh\nsudo x dev  # after `make`\n```\n",
    );
    let expected = Page {
        servers: ["x dev --tls", "pip x && x dev", "sudo x dev  # after `make`"].map(str::to_owned).into(),
        targets: vec!["test".to_owned()],
        scripts: ["A=1   # as root\ncurl -i", "x status"].map(str::to_owned).into(),
        transcripts: vec![("curl $A".to_owned(), "no\nnever".to_owned())],
    };
    assert_eq!(page, expected);
}

#[test]
#[should_panic(expected = "nothing here runs it")]
fn a_block_that_nothing_runs_is_refused() {
    Page::read("```powershell\njackfield dev\n```\n");
}
