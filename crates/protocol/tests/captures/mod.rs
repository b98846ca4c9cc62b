//! Finds captures of a real server, which are not part of the project.

use std::path::PathBuf;

/// The folder of captures: `$EFFUSION_CAPTURES`, or one beside the checkout; `None`, and a word on it, if there is none.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("EFFUSION_CAPTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures"),
        PathBuf::from,
    );
    if folder.is_dir() {
        Some(folder)
    } else {
        eprintln!("SKIPPED: there are no captures at {}", folder.display());
        None
    }
}
