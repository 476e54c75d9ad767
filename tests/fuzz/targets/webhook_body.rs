#![no_main]
#[path = "../src/webhook_body.rs"]
mod webhook_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| webhook_body::run(data));
