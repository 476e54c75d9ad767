//! What the fuzz targets begin with, and what they once failed on, is run through them here.
#[path = "../fuzz/src/expression.rs"]
mod expression;
#[path = "../fuzz/src/flow_file.rs"]
mod flow_file;
#[path = "../fuzz/src/webhook_body.rs"]
mod webhook_body;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

fn all(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("a readable entry").path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{}: {} files", folder.display(), files.len());
    for file in files {
        let bytes = fs::read(&file).expect("a readable file");
        assert!(catch_unwind(|| run(&bytes)).is_ok(), "{} fails in the target {target}", file.display());
    }
}

#[test]
fn every_seed_of_the_target_expression_passes() {
    all("expression", expression::run);
}

#[test]
fn every_seed_of_the_target_flow_file_passes() {
    all("flow_file", flow_file::run);
}

#[test]
fn every_seed_of_the_target_webhook_body_passes() {
    all("webhook_body", webhook_body::run);
}
