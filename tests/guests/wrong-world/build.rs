//! Makes a contract that differs from the real one in the type of one field.

use std::{env, fs, path::PathBuf};

const BEFORE: &str = "    authenticated: bool,";
const AFTER: &str = "    authenticated: string,";

fn main() {
    let real = PathBuf::from("../../../wit/v0.1");
    println!("cargo::rerun-if-changed={}", real.display());
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    let folder = out.join("wit");
    fs::create_dir_all(&folder).unwrap();
    let mut changed = 0;
    for file in fs::read_dir(real).unwrap().map(Result::unwrap) {
        let text = fs::read_to_string(file.path()).unwrap();
        changed += text.matches(BEFORE).count();
        fs::write(folder.join(file.file_name()), text.replace(BEFORE, AFTER)).unwrap();
    }
    assert_eq!(changed, 1, "the contract has no field `{BEFORE}` any more: choose another");
    let bindings = format!("wit_bindgen::generate!({{ path: {folder:?}, world: \"adapter\" }});");
    fs::write(out.join("bindings.rs"), bindings).unwrap();
}
