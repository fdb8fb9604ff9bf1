//! zuul-registry, a real server whose token authentication is unlike the others: no service in its
//! challenge, scopes of one word, web pages as errors, no catalog, no `n`, no `mount`.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use e2e::{
    api::{create_registry, refused, registry, replicate},
    daemon::Daemon,
    oracles,
    poll::{PATIENCE, eventually},
};
use portolan_testregistry::{Child, Registry, layer};
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpStream, process};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "s3cret-of-zuul";

/// A running zuul-registry with its data in a temporary directory; anybody may read. Killed when
/// dropped.
pub(crate) struct Zuul {
    child: process::Child,
    folder: TempDir,
    address: SocketAddr,
    pub(crate) url: String,
}

impl Zuul {
    /// Starts one on a free port; `None`, said aloud, where it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let program = oracles::program("zuul-registry")?;
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (url, root) = (format!("http://{address}"), folder.path().join("data"));
        let users = json!([{"name": USER, "pass": PASSWORD, "access": "write"}]);
        let config = json!({"registry": {"address": "127.0.0.1", "port": address.port(),
            "public-url": url, "secret": "not used", "users": users,
            "storage": {"driver": "filesystem", "root": root}}});
        // JSON is YAML.
        std::fs::write(folder.path().join("config.yaml"), config.to_string()).unwrap();
        let child = serve(&program, folder.path(), address).await;
        Some(Self { child, folder, address, url })
    }

    /// kill -9, and a new start on the same address with the same data.
    pub(crate) async fn kill_and_start_again(&mut self) {
        self.child.kill().await.unwrap();
        let program = oracles::program("zuul-registry").unwrap();
        self.child = serve(&program, self.folder.path(), self.address).await;
    }
}

/// The process for the configuration in `folder`, once it listens.
async fn serve(program: &Path, folder: &Path, address: SocketAddr) -> process::Child {
    let log = folder.join("log");
    let mut command = process::Command::new(program);
    command.arg("-c").arg(folder.join("config.yaml")).arg("serve");
    command.env_clear().env("PATH", "/usr/bin:/bin");
    let output = File::create(&log).unwrap();
    command.stdout(output.try_clone().unwrap()).stderr(output).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    eventually(PATIENCE, "zuul-registry listens", async || {
        if let Ok(Some(status)) = child.try_wait() {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("zuul-registry ended: {status}: {said}");
        }
        TcpStream::connect(address).await
    })
    .await;
    child
}

#[tokio::test]
async fn images_go_to_zuuls_registry_and_back() {
    let Some(zuul) = Zuul::start().await else { return };
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let entry = |password| registry("docker-registry", "zuul", &zuul.url, Some((USER, password)));
    let message = refused(&client, &entry("wr0ng-of-zuul")).await;
    assert!(message.contains("refused the credentials of `alice`"), "{message}");
    let guarded = create_registry(&client, &entry(PASSWORD)).await;

    let (from, back) = (Registry::builder().start(), Registry::builder().start());
    let (from, back) = (from.await.unwrap(), back.await.unwrap());
    let shared = layer(9, 100_000);
    from.put_image("team/app", "v1", &[shared.clone(), layer(1, 20_000)]);
    let platforms = [("linux/amd64", 2), ("linux/arm64", 3)];
    let children = platforms.map(|(platform, seed)| {
        let layers = [shared.clone(), layer(seed, 20_000)];
        let digest = from.put_platform_image("team/other", None, platform, &layers);
        Child { digest, platform: platform.to_owned() }
    });
    from.put_index("team/other", Some("v2"), &children);

    let plain = |name: &str, it: &Registry| registry("docker-registry", name, &it.url(), None);
    let source = create_registry(&client, &plain("from", &from)).await;
    let target = create_registry(&client, &plain("back", &back)).await;
    let ended = replicate(&client, source, guarded, json!({})).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(ended.execution["total"], 2);

    let ended = replicate(&client, guarded, target, json!({})).await;
    let why = ended.execution["status_text"].as_str().unwrap();
    assert!(why.contains("name them in the rule"), "it has no catalog: {why}");
    let named = json!([{"type": "name", "value": "team/{app,other}"}]);
    let ended = replicate(&client, guarded, target, json!({"filters": named})).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    assert_eq!(back.tags(), from.tags());
    for (name, tag) in from.tags() {
        assert_eq!(back.tag(&name, &tag), from.tag(&name, &tag));
    }
    back.verify_all().unwrap();
    // Once more: nothing is pushed.
    let pushes = || {
        let requests = back.requests();
        requests.iter().filter(|it| it.method != "GET" && it.method != "HEAD").count()
    };
    let before = pushes();
    let ended = replicate(&client, guarded, target, json!({"filters": named})).await;
    assert_eq!((&ended.execution["status"], pushes()), (&json!("Succeed"), before), "{ended:#?}");
    let log = daemon.log().join("\n");
    assert!(!log.contains(PASSWORD) && !log.contains("wr0ng-of-zuul"));
}
