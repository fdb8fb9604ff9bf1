//! Is a component what `wit/v0.1` describes? Asked before anything is linked or run, so that the
//! answer can name the interface, the function and both types.

use wit_parser::{
    Function, Interface, InterfaceId, PackageName, Resolve, WorldId, WorldItem, WorldKey,
    decoding::{DecodedWasm, decode},
};

mod types;

/// The interfaces of the line this host speaks, as they were when it was built.
const WIT: [(&str, &str); 11] = [
    ("worlds.wit", include_str!("../../../wit/v0.1/worlds.wit")),
    ("types.wit", include_str!("../../../wit/v0.1/types.wit")),
    ("http.wit", include_str!("../../../wit/v0.1/http.wit")),
    ("signer.wit", include_str!("../../../wit/v0.1/signer.wit")),
    ("host-cache.wit", include_str!("../../../wit/v0.1/host-cache.wit")),
    ("log.wit", include_str!("../../../wit/v0.1/log.wit")),
    ("registry-adapter.wit", include_str!("../../../wit/v0.1/registry-adapter.wit")),
    ("management.wit", include_str!("../../../wit/v0.1/management.wit")),
    ("labels.wit", include_str!("../../../wit/v0.1/labels.wit")),
    ("notifications.wit", include_str!("../../../wit/v0.1/notifications.wit")),
    ("foreign-content.wit", include_str!("../../../wit/v0.1/foreign-content.wit")),
];

/// What a component may import of ours.
const IMPORTS: [&str; 5] = ["types", "http", "signer", "host-cache", "log"];
/// What it may import of WASI 0.2, all of it over an empty context.
const WASI: [&str; 5] = ["io", "cli", "clocks", "random", "filesystem"];
/// The interface every adapter exports.
const REQUIRED: &str = "registry-adapter";

/// Checks bytes against the contract.
///
/// # Errors
/// A sentence that names what differs.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    check_kind(bytes)?;
    let decoded = decode(bytes)
        .map_err(|error| format!("this is not a valid WebAssembly component: {error:#}"))?;
    let DecodedWasm::Component(theirs, world) = decoded else {
        return Err("this is a WIT package, not a component".to_owned());
    };
    let ours = parse(&WIT)?;
    check_world(&ours, &theirs, world)
}

/// Tells apart what is often mistaken for a component (binary format, 8 byte preamble).
fn check_kind(bytes: &[u8]) -> Result<(), String> {
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err("this is machine code compiled by wasmtime: give the .wasm component; the \
                    host compiles it itself"
            .to_owned());
    }
    match bytes.get(..8) {
        Some(b"\0asm\x01\0\0\0") => Err("this is a core WebAssembly module, not a component: \
                                         build for wasm32-wasip2, or wrap it with wasm-tools"
            .to_owned()),
        Some([0, b'a', b's', b'm', ..]) => Ok(()),
        _ => Err("this is not WebAssembly".to_owned()),
    }
}

fn parse(files: &[(&str, &str)]) -> Result<Resolve, String> {
    let mut sources = wit_parser::SourceMap::new();
    for (name, text) in files {
        sources.push_str(name, *text);
    }
    let mut resolve = Resolve::new();
    let group = sources.parse().map_err(|(_, error)| format!("the embedded WIT: {error}"))?;
    resolve.push_group(group).map_err(|error| format!("the embedded WIT: {error:#}"))?;
    Ok(resolve)
}

fn check_world(ours: &Resolve, theirs: &Resolve, world: WorldId) -> Result<(), String> {
    let world = theirs.worlds.get(world).ok_or("the component has no world")?;
    for (key, item) in &world.imports {
        check_import(ours, theirs, key, item)?;
    }
    let mut exported = Vec::new();
    for key in world.exports.keys() {
        let Some((package, name, id)) = named(theirs, key) else { continue };
        exported.push(format!("{package}/{name}"));
        if !is_ours(package) {
            continue;
        }
        check_version(package, name, "exports")?;
        let (Some(wanted), Some(given)) = (interface(ours, name), theirs.interfaces.get(id)) else {
            continue;
        };
        every_function(wanted, given)?;
        check_interface((ours, wanted), (theirs, given), name)?;
    }
    let required = |text: &String| text.ends_with(&format!("/{REQUIRED}"));
    if exported.iter().any(|text| text.starts_with("portolan:adapter@") && required(text)) {
        return Ok(());
    }
    let list = if exported.is_empty() { "nothing".to_owned() } else { exported.join(", ") };
    Err(format!("the component does not export portolan:adapter/{REQUIRED}@0.1: it exports {list}"))
}

fn check_import(
    ours: &Resolve,
    theirs: &Resolve,
    key: &WorldKey,
    item: &WorldItem,
) -> Result<(), String> {
    let Some((package, name, id)) = named(theirs, key) else {
        return match (key, item) {
            (_, WorldItem::Type { .. }) | (WorldKey::Interface(_), _) => Ok(()),
            (WorldKey::Name(name), _) => Err(format!("the component imports `{name}`, which {NO}")),
        };
    };
    if !is_ours(package) {
        return check_foreign(package, name);
    }
    check_version(package, name, "imports")?;
    let given = theirs.interfaces.get(id);
    match (IMPORTS.contains(&name), interface(ours, name), given) {
        (true, Some(wanted), Some(given)) => check_interface((ours, wanted), (theirs, given), name),
        _ => Err(format!("the component imports {package}/{name}, which {NO}")),
    }
}

const NO: &str = "this host does not offer: it offers portolan:adapter/{http,signer,host-cache,log}@0.1 \
                  and wasi:{io,cli,clocks,random,filesystem}@0.2";

fn check_foreign(package: &PackageName, name: &str) -> Result<(), String> {
    let text = format!("the component imports {package}/{name}");
    match (package.namespace.as_str(), package.name.as_str()) {
        ("wasi", "sockets" | "http" | "tls") => Err(format!(
            "{text}: an adapter has no network of its own; it sends requests with \
             portolan:adapter/http, where the host checks hosts and keeps the secrets"
        )),
        ("wasi", known) if WASI.contains(&known) => match &package.version {
            Some(version) if (version.major, version.minor) == (0, 2) => Ok(()),
            _ => Err(format!("{text}: this host knows WASI 0.2 alone")),
        },
        _ => Err(format!("{text}, which {NO}")),
    }
}

fn is_ours(package: &PackageName) -> bool {
    package.namespace == "portolan" && package.name == "adapter"
}

fn check_version(package: &PackageName, name: &str, verb: &str) -> Result<(), String> {
    let known = package.version.as_ref().map(|version| (version.major, version.minor));
    if known == Some((0, 1)) {
        return Ok(());
    }
    Err(format!(
        "the component {verb} {package}/{name}; this host knows portolan:adapter@0.1: rebuild the \
         adapter for it, or update the host"
    ))
}

fn named<'r>(
    resolve: &'r Resolve,
    key: &WorldKey,
) -> Option<(&'r PackageName, &'r str, InterfaceId)> {
    let WorldKey::Interface(id) = key else { return None };
    let interface = resolve.interfaces.get(*id)?;
    let package = resolve.packages.get(interface.package?)?;
    Some((&package.name, interface.name.as_deref()?, *id))
}

fn interface<'r>(resolve: &'r Resolve, name: &str) -> Option<&'r Interface> {
    let mut all = resolve.interfaces.iter().map(|(_, interface)| interface);
    all.find(|interface| interface.name.as_deref() == Some(name))
}

/// An exported interface is whole or not there.
fn every_function(ours: &Interface, theirs: &Interface) -> Result<(), String> {
    let name = ours.name.as_deref().unwrap_or_default();
    match ours.functions.keys().find(|function| !theirs.functions.contains_key(*function)) {
        None => Ok(()),
        Some(function) => {
            Err(format!("the component exports {name} without its function `{function}`"))
        }
    }
}

/// Compares what the component has of an interface. A component carries only what it uses.
fn check_interface(
    (ours, wanted): (&Resolve, &Interface),
    (theirs, given): (&Resolve, &Interface),
    name: &str,
) -> Result<(), String> {
    for (type_name, id) in &given.types {
        let at = format!("{name}.{type_name}");
        let Some(known) = wanted.types.get(type_name) else {
            return Err(format!("the component has a type {at} that this host does not know"));
        };
        types::same_definition((ours, *known), (theirs, *id), &at)?;
    }
    for (function_name, function) in &given.functions {
        let at = format!("{name}.{function_name}");
        let Some(known) = wanted.functions.get(function_name) else {
            return Err(format!("the component uses a function {at} that this host does not know"));
        };
        same_function((ours, known), (theirs, function), &at)?;
    }
    Ok(())
}

fn same_function(
    (ours, wanted): (&Resolve, &Function),
    (theirs, given): (&Resolve, &Function),
    at: &str,
) -> Result<(), String> {
    let names = |function: &Function| {
        function.params.iter().map(|param| param.name.clone()).collect::<Vec<_>>()
    };
    types::same_names("parameters", &names(wanted), &names(given), at)?;
    for (ours_param, theirs_param) in wanted.params.iter().zip(&given.params) {
        let at = format!("{at}({})", ours_param.name);
        types::same((ours, &ours_param.ty), (theirs, &theirs_param.ty), &at)?;
    }
    let at = format!("{at} result");
    types::same_optional((ours, wanted.result.as_ref()), (theirs, given.result.as_ref()), &at)
}

#[cfg(test)]
mod tests;
