//! The conformance kit, `portolan plugin check`: over every bundled adapter with every file of its
//! recorded exchanges, over guests that misbehave, and over live registries. And `plugin call`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use e2e::{
    daemon, guests,
    harbor::{Harbor, Lie, PASSWORD},
};
use portolan_testregistry::{Registry, layer};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where recorded exchanges of paths alone were recorded, and repositories that they are about.
/// The others stand in the exchanges, or are made up by the kit. Where a provider has editions,
/// each address plays one of them.
const RECORDED: [(&str, &str, &[&str]); 9] = [
    ("ali-acr", "https://registry.cn-hangzhou.aliyuncs.com", &["team/app"]),
    ("ali-acr", "https://corp-registry.cn-hangzhou.cr.aliyuncs.com", &["team/app"]),
    ("artifact-hub", "https://artifacthub.io", &["acme/nginx", "acme/none"]),
    ("aws-ecr", "https://api.ecr.us-east-1.amazonaws.com", &["team/app"]),
    ("azure-acr", "https://contoso.azurecr.io", &["team/app"]),
    ("google-gcr", "https://us-docker.pkg.dev", &["proj/repo/app"]),
    ("harbor", "https://reg.example.test", &["team/app", "team/a/b", "kit/app"]),
    ("helm-hub", "https://hub.helm.sh", &["stable/redis"]),
    ("huawei-SWR", "https://swr.cn-north-4.myhuaweicloud.com", &["team/app"]),
];

/// What the kit warns of and may: provider, the finding's text, and why.
const WARNED: &[(&str, &str, &str)] =
    &[("ali-acr", "replay of ali-acr.jsonl", "one address plays one of the two editions")];

/// Who plays an exchange that the kit does not ask for.
enum Elsewhere {
    /// A native test of the adapter.
    Test(&'static str),
    /// Nobody: it is not an adapter's to ask.
    Host(&'static str),
}

use Elsewhere::{Host, Test};

const UPLOADS: Elsewhere = Host("the host uploads blobs");
const PULLS: Elsewhere = Host("the host pulls manifests");

/// Every exchange that the kit does not ask for: provider and file, line, who does.
const NOT_ASKED: &[(&str, usize, Elsewhere)] = &[
    ("ali-acr/ali-acr.jsonl", 5, Test("recorded_repositories")),
    ("artifact-hub/artifact-hub.jsonl", 1, Test("the_dump_and_the_catalog_agree")),
    ("aws-ecr/aws-ecr.jsonl", 5, Test("tags_alone_are_listed_where_no_more_is_allowed")),
    ("aws-ecr/aws-ecr.jsonl", 8, Test("blobs_go_in_one_put")),
    ("aws-ecr/aws-ecr.jsonl", 9, Test("blobs_go_in_one_put")),
    ("aws-ecr/aws-ecr.jsonl", 10, Test("keys_get_a_token_of_their_own")),
    ("azure-acr/azure-acr.jsonl", 2, Test("the_catalog_is_listed_to_its_end")),
    ("azure-acr/azure-acr.jsonl", 5, Test("rows_of_others_mean_what_they_say")),
    ("azure-acr/azure-acr.jsonl", 8, Test("rows_of_others_mean_what_they_say")),
    ("azure-acr/azure-acr.jsonl", 9, Test("rows_of_others_mean_what_they_say")),
    ("docker-hub/docker-hub.jsonl", 7, PULLS),
    ("docker-hub/docker-hub.jsonl", 8, PULLS),
    ("docker-hub/docker-hub.jsonl", 9, Test("trouble_is_told_as_what_it_is")),
    ("docker-registry/docker-registry.jsonl", 4, UPLOADS),
    ("docker-registry/docker-registry.jsonl", 5, UPLOADS),
    ("docker-registry/docker-registry.jsonl", 6, UPLOADS),
    ("docker-registry/docker-registry.jsonl", 8, Host("the host asks for referrers")),
    (
        "google-gcr/google-gcr.jsonl",
        3,
        Test("a_project_is_walked_over_several_pages_and_nothing_is_asked_twice"),
    ),
    ("google-gcr/google-gcr.jsonl", 4, Test("digests_come_with_their_tags")),
    ("google-gcr/google-gcr.jsonl", 5, Test("uploads_go_on_outside_the_distribution_api")),
    ("google-gcr/google-gcr.jsonl", 6, Test("uploads_go_on_outside_the_distribution_api")),
    ("harbor/harbor-v1.jsonl", 5, Test("every_project_page_by_page")),
    ("huawei-SWR/huawei-SWR.jsonl", 1, Test("a_token_is_kept_until_just_before_its_end")),
    (
        "huawei-SWR/huawei-SWR.jsonl",
        4,
        Test("a_missing_organisation_is_created_and_another_is_taken"),
    ),
    ("huawei-SWR/huawei-SWR.jsonl", 6, Test("an_index_of_oci_is_not_accepted")),
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

    /// File and line of the recorded exchanges that were not asked for.
    fn not_asked(&self, provider: &str) -> BTreeSet<(String, usize)> {
        let place = |note: &String| {
            let (file, rest) = note.strip_prefix("replay of ")?.split_once(' ')?;
            let (_, line) = rest.split_once("not asked for: line ")?;
            let line = line.split(',').next()?.parse().ok()?;
            Some((format!("{provider}/{file}"), line))
        };
        self.findings("note").iter().filter_map(place).collect()
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

/// What Google's adapter asks for: the kit itself has no private key to make one up with.
fn key_file() -> Value {
    json!({
        "type": "service_account",
        "project_id": "proj",
        "private_key_id": "kit",
        "private_key": include_str!("../oracles/rfc7515-a2.pem"),
        "client_email": "kit@proj.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    })
}

/// The kit over a bundled adapter, its exchanges played at one address; those that it did not ask
/// for.
async fn checked(
    desk: &Desk,
    (provider, bytes): (&str, &[u8]),
    place: Option<&(&str, &str, &[&str])>,
) -> BTreeSet<(String, usize)> {
    let component = desk.put(&format!("{provider}.wasm"), bytes);
    let files: Vec<_> = fixtures(provider).iter().map(|it| it.display().to_string()).collect();
    let mut arguments = vec!["check", component.as_str(), "-o", "json"];
    arguments.extend(files.iter().flat_map(|file| ["--fixtures", file]));
    if let Some((_, url, names)) = place {
        arguments.extend(["--played-url", url]);
        arguments.extend(names.iter().flat_map(|name| ["--repository", name]));
    }
    let key = desk.put("key.json", key_file().to_string().as_bytes());
    if provider == "google-gcr" {
        arguments.extend(["--access-id", "_json_key", "--access-secret-file", &key]);
    }
    let ended = desk.plugin(&arguments).await;
    let failed = ended.findings("fail");
    assert!(ended.success && failed.is_empty(), "{provider}: {failed:#?}");
    let warned = ended.findings("warn");
    // How long a call takes here says nothing: this is a debug build on a busy machine.
    let of_kit = |it: &&String| {
        let known = |(of, text, _): &(&str, &str, &str)| *of == provider && it.contains(text);
        !it.starts_with("time ") && !WARNED.iter().any(known)
    };
    let unknown: Vec<_> = warned.iter().filter(of_kit).collect();
    assert!(unknown.is_empty(), "{provider}: {unknown:#?}");
    let told = ended.findings("pass").into_iter().chain(warned.clone());
    let replays = told.filter(|it| it.starts_with("replay of")).count();
    assert_eq!(replays, files.len(), "{provider}: {warned:#?}");
    println!("{provider}: {warned:#?} {:#?}", ended.findings("note"));
    ended.not_asked(provider)
}

/// Every recorded exchange is replayed as a server here, and asked for, or it is listed who does.
#[tokio::test]
async fn every_bundled_adapter_passes() {
    let desk = Desk::new();
    let mut left = BTreeSet::new();
    for adapter in bundled_plugins::ALL {
        let provider = adapter.provider;
        let places: Vec<_> = RECORDED.iter().filter(|(name, ..)| *name == provider).collect();
        let mut everywhere =
            checked(&desk, (provider, adapter.bytes), places.first().copied()).await;
        for place in places.into_iter().skip(1) {
            let here = checked(&desk, (provider, adapter.bytes), Some(place)).await;
            everywhere.retain(|row| here.contains(row));
        }
        left.extend(everywhere);
    }
    let listed = NOT_ASKED.iter().map(|(file, line, _)| ((*file).to_owned(), *line));
    let listed: BTreeSet<_> = listed.collect();
    assert_eq!(left, listed, "who plays the exchanges that the kit does not ask for?");
}

/// What plays an exchange in the kit's place is there.
#[test]
fn the_tests_that_play_exchanges_are_there() {
    for (file, line, elsewhere) in NOT_ASKED {
        let name = match elsewhere {
            Test(name) => name,
            Host(why) => {
                assert!(why.starts_with("the host "), "{file} line {line}: {why}");
                continue;
            }
        };
        let provider = file.split('/').next().unwrap();
        let found = sources(provider).iter().any(|text| text.contains(&format!("fn {name}(")));
        assert!(found, "{provider} has no test `{name}`, which should play {file} line {line}");
    }
}

/// The texts of an adapter's source files.
fn sources(provider: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(provider);
    let (mut folders, mut texts) = (vec![folder.join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => texts.push(fs::read_to_string(path).unwrap()),
            }
        }
    }
    texts
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
        "live delete-tag: portolan-kit is gone, and a second time is no error",
        "live delete-artifact: the image is gone, and a second time is no error",
    ] {
        assert!(passed.iter().any(|it| it.starts_with(wanted)), "{wanted}: {passed:#?}");
    }
    assert!(registry.tag("scratch/kit", "portolan-kit").is_none());
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
    let deleted = call(&["delete-artifact", "team/app", &digest.to_string()]).await;
    assert!(deleted.success && registry.tag("team/app", "v1").is_none(), "{}", deleted.complaint);
    let refused = call(&["resolve-chart", "team/app", "v1"]).await;
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
