#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| iluma_sandbox::fuzzing::foreign(data));
