#![no_main]
#[path = "../src/flow_file.rs"]
mod flow_file;

libfuzzer_sys::fuzz_target!(|data: &[u8]| flow_file::run(data));
