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
}

// `pub static ALL: &[Bundled]`, in the order of the provider ids.
include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

#[cfg(test)]
mod tests {
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
