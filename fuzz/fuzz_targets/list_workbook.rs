//! Workbooks of every kind, which their first bytes tell apart: whatever the bytes, no panic.
#![no_main]

use std::sync::Once;

use jackfield_client::sync::{Format, Input, InputOptions};
use libfuzzer_sys::fuzz_target;

/// A panic inside a reader of others is held by ours; only what gets out of it is a finding.
static HELD: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    HELD.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let _ = Input::read(bytes, &InputOptions::new("fuzz.xlsx", Format::Csv));
});
