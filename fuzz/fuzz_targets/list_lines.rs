//! Lists of JSON Lines: whatever the bytes, no panic.
#![no_main]

use jackfield_client::sync::{Format, Input, InputOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = InputOptions::new("fuzz.jsonl", Format::JsonLines);
    if let Ok(input) = Input::read(bytes, &options) {
        input.write_rejects(std::io::sink()).expect("nothing is written anywhere");
    }
});
