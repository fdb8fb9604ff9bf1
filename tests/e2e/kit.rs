//! The conformance kit, `portolan plugin check`: over every bundled adapter with every file of its
//! recorded exchanges, over guests that misbehave, and over live registries. And `plugin call`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use e2e::{
    daemon, guests,
    harbor::{Harbor, Lie, PASSWORD},
};
use portolan_testregistry::{Registry, layer};
use serde_json::Value;
use tempfile::TempDir;

/// Where recorded exchanges of paths alone were recorded, and repositories that they are about.
/// The others stand in the exchanges, or are made up by the kit.
const RECORDED: [(&str, &str, &[&str]); 8] = [
    ("ali-acr", "https://registry.cn-hangzhou.aliyuncs.com", &["team/app"]),
    ("artifact-hub", "https://artifacthub.io", &["acme/nginx"]),
    ("aws-ecr", "https://api.ecr.us-east-1.amazonaws.com", &["team/app"]),
    ("azure-acr", "https://contoso.azurecr.io", &["team/app"]),
    ("google-gcr", "https://us-docker.pkg.dev", &["proj/repo/app"]),
    ("harbor", "https://reg.example.test", &["team/app", "team/a/b"]),
    ("helm-hub", "https://hub.helm.sh", &["stable/redis"]),
    ("huawei-SWR", "https://swr.cn-north-4.myhuaweicloud.com", &["team/app"]),
];

/// A home directory with components in it; what is compiled once is kept there.
struct Desk(TempDir);

/// How a command ended.
struct Ended {
    success: bool,
    text: String,
    complaint: String,
}

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    /// `portolan plugin …`.
    async fn plugin(&self, arguments: &[&str]) -> Ended {
        let mut command = daemon::command(self.0.path()).await;
        let output = command.arg("plugin").args(arguments).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended {
            success: output.status.success(),
            text: text(&output.stdout),
            complaint: text(&output.stderr),
        }
    }
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.complaint))
    }

    /// `status check function: text` of the findings with this status.
    fn findings(&self, status: &str) -> Vec<String> {
        let report = self.json();
        let all = report["findings"].as_array().unwrap().clone();
        let wanted = all.into_iter().filter(|finding| finding["status"] == status);
        let word = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        wanted
            .map(|it| {
                format!("{} {}: {}", word(&it, "check"), word(&it, "function"), word(&it, "text"))
            })
            .collect()
    }
}

fn bundled(provider: &str) -> &'static [u8] {
    bundled_plugins::ALL.iter().find(|adapter| adapter.provider == provider).unwrap().bytes
}

fn fixtures(provider: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(provider);
    let files = fs::read_dir(folder.join("fixtures")).into_iter().flatten().flatten();
    let files = files.map(|file| file.path());
    files.filter(|path| path.extension().is_some_and(|it| it == "jsonl")).collect()
}

/// Every recorded exchange is replayed as a server here; those that no function of an adapter asks
/// for (uploads are the host's) are listed.
#[tokio::test]
async fn every_bundled_adapter_passes() {
    let desk = Desk::new();
    for adapter in bundled_plugins::ALL {
        let provider = adapter.provider;
        let component = desk.put(&format!("{provider}.wasm"), adapter.bytes);
        let files: Vec<_> = fixtures(provider).iter().map(|it| it.display().to_string()).collect();
        let mut arguments = vec!["check", component.as_str(), "-o", "json"];
        arguments.extend(files.iter().flat_map(|file| ["--fixtures", file]));
        if let Some((_, url, names)) = RECORDED.iter().find(|(name, ..)| *name == provider) {
            arguments.extend(["--played-url", url]);
            let names = names.iter().filter(|_| !files.is_empty());
            arguments.extend(names.flat_map(|name| ["--repository", name]));
        }
        let ended = desk.plugin(&arguments).await;
        let (failed, noted) = (ended.findings("fail"), ended.findings("note"));
        assert!(ended.success && failed.is_empty(), "{provider}: {failed:#?}");
        let warned = ended.findings("warn");
        let told = ended.findings("pass").into_iter().chain(warned.clone());
        let replays = told.filter(|it| it.starts_with("replay of")).count();
        assert_eq!(replays, files.len(), "{provider}: {warned:#?}");
        println!("{provider}: {warned:#?} {noted:#?}");
    }
}

#[tokio::test]
async fn what_misbehaves_is_told_with_what_to_do() {
    let desk = Desk::new();
    let hostile = desk.put("hostile.wasm", &guests::bytes(guests::HOSTILE));
    let cases: [(&[&str], &str); 8] = [
        (&[], "web page, 200 check-health: it reported success"),
        (&[], "hint describe: there is none"),
        (&["act=trap", "in=locate"], "locate: it trapped: return an error in place of unwrap"),
        (&["act=hoard", "in=authorize"], "authorize: it used up its memory"),
        (&["act=many-requests", "in=locate"], "locate: it sent too many requests"),
        (&["act=unsupported"], "check-health: it is `unsupported`"),
        (&[], "pages without end list-artifacts: it took a page it cannot read for an empty one"),
        (&["act=endless-pages"], "list-repositories: a page's cursor leads to that very page"),
    ];
    for (settings, wanted) in cases {
        let mut arguments = vec!["check", hostile.as_str(), "-o", "json"];
        arguments.extend(settings.iter().flat_map(|setting| ["--setting", setting]));
        let ended = desk.plugin(&arguments).await;
        let failed = ended.findings("fail");
        assert!(!ended.success && failed.iter().any(|it| it.contains(wanted)), "{failed:#?}");
        assert!(ended.complaint.contains("checks failed"), "{}", ended.complaint);
    }
}

/// A guest that does not listen: what it answers is not what was recorded.
#[tokio::test]
async fn answers_are_held_against_the_recorded_exchanges() {
    let desk = Desk::new();
    let hostile = desk.put("hostile.wasm", &guests::bytes(guests::HOSTILE));
    let good = r#"{"q":{"m":"GET","p":"/v2/_catalog"},"r":{"s":200,"b":{"repositories":["a"]}}}"#;
    let bad = r#"{"q":{"m":"GET","p":"/v2/_catalog"},"r":{"s":500,"b":"asleep"}}"#;
    let other = r#"{"q":{"m":"GET","p":"/v2/"},"r":{"s":200}}"#;
    let moves = r#"{"q":{"m":"PUT","p":"/v2/a/manifests/v1"},"r":{"s":201}}"#;
    let invented = "list-repositories: it gave `repository-";
    let nothing = "list-artifacts: rows were recorded, and it gave none of them";
    let cases: [(&[&str], &str, Option<&str>); 7] = [
        (&[good], "list-repositories", Some(invented)),
        (&[good], "list-artifacts", Some(nothing)),
        (&[bad], "list-repositories", Some("it reported success, and was refused with 500")),
        (&[bad], "check-health", Some("it reported success, and was refused with 500")),
        (&[other], "list-repositories", Some("0 of 1 recorded exchanges were asked for")),
        (&[good, other, other, other, other], "", Some("1 of 5 recorded exchanges were asked")),
        // What is the host's to ask does not count against it.
        (&[good, other, moves, moves], "", None),
    ];
    for (rows, function, wanted) in cases {
        let file = desk.put("rows.jsonl", rows.join("\n").as_bytes());
        let place = ["check", &hostile, "-o", "json", "--fixtures", &file];
        let act = format!("in={function}");
        let more = ["--setting", "act=deaf", "--setting", &act];
        let more = if function.is_empty() { &["--setting", "act=deaf"][..] } else { &more };
        let ended = desk.plugin(&[&place, more].concat()).await;
        let failed: Vec<_> = ended.findings("fail");
        let failed: Vec<_> = failed.iter().filter(|it| it.starts_with("replay of")).collect();
        match wanted {
            Some(wanted) => assert!(failed.iter().any(|it| it.contains(wanted)), "{failed:#?}"),
            None => assert!(!failed.iter().any(|it| it.contains("asked for")), "{failed:#?}"),
        }
        assert!(!ended.success);
    }
}

/// What the daemon says of it when it is installed: same code, same sentence.
#[tokio::test]
async fn what_cannot_be_loaded_is_told_as_the_daemon_tells_it() {
    let desk = Desk::new();
    for (guest, wanted) in [
        (guests::WASI_SOCKETS, "an adapter has no network of its own"),
        (guests::WRONG_WORLD, "it is string in the component, bool in this host"),
        (guests::DESCRIBE_CALLS_HTTP, "`describe` must not call any import"),
    ] {
        let component = desk.put("broken.wasm", &guests::bytes(guest));
        let ended = desk.plugin(&["check", &component]).await;
        assert!(!ended.success && ended.text.contains(wanted), "{}", ended.text);
        assert_eq!(ended.text.lines().count(), 2, "a heading and one finding: {}", ended.text);
    }
}

#[tokio::test]
async fn a_live_registry_is_read_and_written() {
    const SECRET: &str = "word-of-the-live-one";
    let desk = Desk::new();
    let life = Duration::from_secs(300);
    let registry = Registry::builder().bearer("robot", SECRET, life).page_cap(2).start().await;
    let registry = registry.unwrap();
    for number in 0..5 {
        registry.put_image(&format!("team/app-{number}"), "v1", &[layer(1, 10)]);
    }
    let component = desk.put("docker-registry.wasm", bundled("docker-registry"));
    let live = async |secret: &str| {
        let file = desk.put("secret", secret.as_bytes());
        let url = registry.url();
        let more = ["--access-id", "robot", "--access-secret-file", &file, "-o", "json"];
        let place = ["check", &component, "--url", &url, "--write", "scratch/kit"];
        desk.plugin(&[&place[..], &more].concat()).await
    };
    let good = live(SECRET).await;
    let passed = good.findings("pass");
    assert!(good.success, "{:#?}", good.findings("fail"));
    for wanted in [
        "live check-health: a wrong secret is told apart",
        "live list-repositories: 5 repositories on 3 page(s)",
        "live push: scratch/kit:portolan-kit",
        "live list-artifacts: portolan-kit is listed",
    ] {
        assert!(passed.iter().any(|it| it.starts_with(wanted)), "{wanted}: {passed:#?}");
    }
    assert!(registry.tag("scratch/kit", "portolan-kit").is_some());
    let bad = live("another-word").await;
    assert!(bad.findings("fail")[0].starts_with("live check-health: unauthenticated"));
    assert!(![good.text, bad.text].concat().contains(SECRET));
}

#[tokio::test]
async fn a_live_harbor_is_prepared_and_cleaned_up() {
    let desk = Desk::new();
    let harbor = Harbor::start().await;
    harbor.add_project("team", false);
    let component = desk.put("harbor.wasm", bundled("harbor"));
    let secret = desk.put("secret", PASSWORD.as_bytes());
    let url = harbor.url();
    let place = ["check", &component, "--url", &url, "--write", "scratch/a/kit", "-o", "json"];
    let login = ["--access-id", "admin", "--access-secret-file", &secret];
    let ended = desk.plugin(&[&place[..], &login].concat()).await;
    assert!(ended.success, "{:#?}", ended.findings("fail"));
    let passed = ended.findings("pass");
    for wanted in [
        "live prepare-targets: scratch/a/kit made ready",
        "live prepare-targets: scratch/a/kit is ready, and a second time changes nothing",
        "live delete-tag: portolan-kit is gone",
        "live delete-artifact: the image is gone, and a second time is no error",
    ] {
        assert!(passed.iter().any(|it| it == wanted), "{wanted}: {passed:#?}");
    }
    assert!(harbor.projects().contains(&("scratch".to_owned(), false)), "private by default");
    assert!(harbor.registry().tags().is_empty());
}

/// A server that says it deleted what it kept, or does not show what it holds.
#[tokio::test]
async fn a_delete_that_was_not_done_is_told() {
    let desk = Desk::new();
    let component = desk.put("harbor.wasm", bundled("harbor"));
    let secret = desk.put("secret", PASSWORD.as_bytes());
    for (lie, wanted) in [
        (Lie::KeepsTags, "live delete-tag: what was to be deleted is still listed"),
        (Lie::KeepsArtifacts, "live delete-artifact: what was to be deleted is still listed"),
        (Lie::ListsNothing, "live delete-tag: it reported success, and scratch/a/kit cannot be"),
    ] {
        let harbor = Harbor::start().await;
        harbor.add_project("team", false);
        harbor.lie(lie);
        let url = harbor.url();
        let place = ["check", &component, "--url", &url, "--write", "scratch/a/kit", "-o", "json"];
        let login = ["--access-id", "admin", "--access-secret-file", &secret];
        let ended = desk.plugin(&[&place[..], &login].concat()).await;
        let failed = ended.findings("fail");
        assert!(failed.iter().any(|it| it.starts_with(wanted)), "{lie:?}: {failed:#?}");
        assert!(!ended.success);
    }
}

/// No kind of endpoint is without a Test Connection.
#[tokio::test]
async fn a_live_check_that_is_unsupported_is_a_failure() {
    let desk = Desk::new();
    let hostile = desk.put("hostile.wasm", &guests::bytes(guests::HOSTILE));
    let registry = Registry::builder().start().await.unwrap();
    let url = registry.url();
    let more = ["--setting", "act=unsupported", "-o", "json"];
    let ended = desk.plugin(&[&["check", &hostile, "--url", &url][..], &more].concat()).await;
    let failed = ended.findings("fail");
    let wanted = "live check-health: it is `unsupported`";
    assert!(failed.iter().any(|it| it.starts_with(wanted)), "{failed:#?}");
}

#[tokio::test]
async fn one_function_is_called_and_its_answer_printed() {
    const SECRET: &str = "word-of-the-called-one";
    let desk = Desk::new();
    let life = Duration::from_secs(300);
    let registry = Registry::builder().bearer("robot", SECRET, life).start().await.unwrap();
    let digest = registry.put_image("team/app", "v1", &[layer(1, 10)]);
    let (url, file) = (registry.url(), desk.put("secret", SECRET.as_bytes()));
    let login = ["--url", &url, "--access-id", "robot", "--access-secret-file", &file];
    let call = async |arguments: &[&str]| {
        desk.plugin(&[&["call", "docker-registry"], arguments, &login].concat()).await
    };
    let names = call(&["list-repositories"]).await.json();
    assert_eq!(names["items"][0]["name"], "team/app");
    assert_eq!(
        call(&["list-artifacts", "team/app", "v1"]).await.json()["items"][0]["tags"][0],
        "v1"
    );
    assert_eq!(call(&["locate", "team/app"]).await.json()["repository"], "team/app");
    let grant = call(&["authorize", "team/app", "pull,push"]).await;
    assert_eq!(grant.json()["headers"][0], "authorization");
    assert!(!grant.text.contains("Bearer") && !grant.text.contains(SECRET), "{}", grant.text);
    let refused = call(&["delete-artifact", "team/app", &digest.to_string()]).await;
    assert!(!refused.success && refused.complaint.contains("unsupported"), "{}", refused.complaint);
    for (arguments, wanted) in [
        (&["call", "docker-registry", "check-health"][..], "needs an endpoint: say --url"),
        (&["call", "docker-registry", "fly"], "`fly` is no function"),
        (&["call", "none", "describe"], "bundled are ali-acr"),
    ] {
        let ended = desk.plugin(arguments).await;
        assert!(!ended.success && ended.complaint.contains(wanted), "{}", ended.complaint);
    }
    let described = desk.plugin(&["call", "harbor", "describe"]).await.json();
    assert_eq!(described["provider"], "harbor");
}
