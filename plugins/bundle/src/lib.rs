//! The official adapters, built for `wasm32-wasip2` by this crate's build script.
//!
//! Holds bytes and nothing else: the host checks, compiles and grants them like any other plug-in.

#[cfg(test)]
mod sections;

/// One adapter.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Its provider id, e.g. `docker-registry`.
    pub provider: &'static str,
    /// The component.
    pub bytes: &'static [u8],
    /// Its digest, `sha256:…`: who has it compiled need not read it.
    pub digest: &'static str,
}

// `pub static ALL: &[Bundled]`, in the order of the provider ids.
include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::ALL;

    #[test]
    fn each_is_a_small_component() {
        for adapter in ALL {
            let provider = adapter.provider;
            // "\0asm", version 13, layer 1: a component, not a core module.
            assert_eq!(adapter.bytes[..8], *b"\0asm\x0d\0\x01\0", "{provider}");
            assert!(adapter.bytes.len() <= 400_000, "{provider}: {} bytes", adapter.bytes.len());
        }
    }

    #[test]
    fn each_digest_is_that_of_the_bytes() {
        for adapter in ALL {
            let hash = Sha256::digest(adapter.bytes);
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(adapter.digest, format!("sha256:{hash}"), "{}", adapter.provider);
        }
    }

    #[test]
    fn every_adapter_folder_is_bundled() {
        let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .expect("the folder `plugins` is there")
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let name = entry.file_name().into_string().ok()?;
                (entry.path().join("Cargo.toml").is_file() && name != "bundle").then_some(name)
            });
        let mut folders: Vec<String> = folders.collect();
        folders.sort();
        let bundled: Vec<&str> = ALL.iter().map(|adapter| adapter.provider).collect();
        assert_eq!(bundled, folders);
    }
}
