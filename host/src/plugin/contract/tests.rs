use super::*;

const OURS: &str = "package portolan:adapter@0.1.0;
interface types {
  record item { key: string, size: u64, tags: list<string> }
  variant trouble { gone(string), busy(option<u32>) }
  enum level { low, high }
}
interface http { use types.{item, trouble}; send: func(it: item) -> result<item, trouble>; }
interface log { use types.{level}; write: func(level: level, text: string); }
interface registry-adapter { use types.{item}; describe: func() -> item; locate: func(name: string) -> item; }
world w { import http; import log; export registry-adapter; }
";

fn resolve(text: &str) -> (Resolve, WorldId) {
    let resolve = parse(&[("a.wit", text)]).unwrap();
    let world = resolve.worlds.iter().map(|(id, _)| id).next().unwrap();
    (resolve, world)
}

fn verdict(from: &str, to: &str) -> Result<(), String> {
    assert!(OURS.contains(from), "{from}");
    let (ours, _) = resolve(OURS);
    let (theirs, world) = resolve(&OURS.replace(from, to));
    check_world(&ours, &theirs, world)
}

#[test]
fn what_differs_is_named_on_both_sides() {
    let cases = [
        ("size: u64", "size: u32", "types.item.size differs: it is u32 in the component, u64"),
        ("size: u64, ", "", "fields [key, tags], this host [key, size, tags]"),
        ("size: u64", "length: u64", "types.item differs"),
        ("list<string>", "option<string>", "types.item.tags differs: it is option in the comp"),
        ("busy(option<u32>)", "busy", "busy differs: it is nothing in the component, option in"),
        ("gone(string), ", "", "types.trouble differs: the component has the cases [busy]"),
        ("{ low, high }", "{ low, high, top }", "names [low, high, top], this host [low, high]"),
        ("text: string)", "text: string, n: u8)", "log.write differs: the component has the para"),
        ("result<item, trouble>", "result<item>", "http.send result err differs: it is nothing"),
        ("send: func", "fetch: func", "a function http.fetch that this host does not know"),
        ("; locate: func(name: string) -> item", "", "without its function `locate`"),
        ("export registry-adapter;", "", "it exports nothing"),
        (
            "@0.1.0;",
            "@0.3.0;",
            "portolan:adapter@0.3.0/types; this host knows portolan:adapter@0.1",
        ),
        ("import log;", "import odd: func();", "the component imports `odd`, which this host"),
    ];
    for (from, to, wanted) in cases {
        let error = verdict(from, to).expect_err(to);
        assert!(error.contains(wanted), "{from} -> {to}: {error}");
    }
}

#[test]
fn what_is_compatible_passes() {
    let cases = [
        ("@0.1.0;", "@0.1.0;"),
        ("@0.1.0;", "@0.1.7;"),
        ("import log;", ""),
        (
            "; locate: func(name: string) -> item",
            "; locate: func(name: string) -> item; more: func()",
        ),
    ];
    for (from, to) in cases.into_iter().take(3) {
        verdict(from, to).unwrap_or_else(|error| panic!("{to}: {error}"));
    }
    let (from, to) = cases[3];
    assert!(verdict(from, to).unwrap_err().contains("registry-adapter.more"));
}

#[test]
fn the_embedded_world_passes_its_own_check() {
    let ours = parse(&WIT).unwrap();
    let (complete, _) = ours.worlds.iter().find(|(_, world)| world.name == "complete").unwrap();
    check_world(&ours, &ours, complete).unwrap();
}

#[test]
fn foreign_imports_are_refused_by_name() {
    let name = |namespace: &str, name: &str, version: &str| PackageName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        version: Some(version.parse().unwrap()),
    };
    let cases = [
        ("wasi", "io", "0.2.6", None),
        ("wasi", "filesystem", "0.2.12", None),
        ("wasi", "sockets", "0.2.0", Some("no network of its own")),
        ("wasi", "http", "0.2.0", Some("no network of its own")),
        ("wasi", "cli", "0.3.0", Some("WASI 0.2 alone")),
        ("wasi", "nn", "0.2.0", Some("does not offer")),
        ("acme", "io", "0.2.0", Some("does not offer")),
    ];
    for (namespace, package, version, wanted) in cases {
        let answer = check_foreign(&name(namespace, package, version), "x");
        match wanted {
            None => answer.unwrap(),
            Some(text) => {
                let error = answer.unwrap_err();
                assert!(error.contains(text) && error.contains(package), "{error}");
            }
        }
    }
}

#[test]
fn other_bytes_are_told_apart() {
    let cases: [(&[u8], &str); 5] = [
        (b"", "not WebAssembly"),
        (b"hello, world", "not WebAssembly"),
        (b"\0asm\x01\0\0\0", "core WebAssembly module"),
        (b"\0asm\x0d\0\x01\0\xff\xff", "not a valid WebAssembly component"),
        (b"\x7fELF\x02\x01\x01\0", "not WebAssembly"),
    ];
    for (bytes, wanted) in cases {
        let error = check(bytes).unwrap_err();
        assert!(error.contains(wanted), "{error}");
    }
}
