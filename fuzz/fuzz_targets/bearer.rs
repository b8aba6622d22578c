//! `Authorization` headers: whatever the bytes, no panic, and no token is accepted that the server did not issue.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &[u8]| jackfield_server::fuzzing::bearer_header(header));
