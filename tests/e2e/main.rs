//! The end-to-end suite: one binary, one module for each file in this folder.

mod cli;
mod cold;
mod contract;
mod credentials;
mod embed;
mod endpoints;
mod faults;
mod harbor;
mod harness;
mod hooks;
mod kit;
mod large;
mod layering;
mod layouts;
mod licences;
mod plugins;
mod providers;
mod removal;
mod replicate;
mod resources;
mod sandbox;
mod several;
mod state;
mod terraform;
mod tokens;
mod transport;
mod zuul;

/// A file that is not named above is compiled by nobody, and its tests never run.
#[test]
fn every_file_is_a_module() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let stems = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let declared = include_str!("main.rs");
    let forgotten = |stem: &String| stem != "main" && !declared.contains(&format!("mod {stem};\n"));
    let forgotten: Vec<_> = stems.filter(forgotten).collect();
    assert!(forgotten.is_empty(), "add `mod …;` to main.rs for {forgotten:?}");
}
