//! Page tokens: whatever the bytes, no panic, and none is accepted that the server did not make.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|token: &[u8]| jackfield_server::fuzzing::page_token(token));
