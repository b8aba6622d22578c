//! Lists of text: whatever the bytes, no panic, and no more rows than lines.
#![no_main]

use jackfield_client::sync::{Format, Input, InputOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for clean in [false, true] {
        let mut options = InputOptions::new("fuzz.csv", Format::Csv);
        (options.clean, options.until_blank_row) = (clean, clean);
        if let Ok(input) = Input::read(bytes, &options) {
            assert!(input.rows.len() + input.rejects.len() <= bytes.len());
            input.write_rejects(std::io::sink()).expect("nothing is written anywhere");
        }
    }
});
