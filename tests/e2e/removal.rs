//! Deletes at a plain registry: Debian's docker-registry deletes images by their digest and no tags.
//! And tokens that a registry refuses before their time.

use std::time::Duration;

use e2e::{
    api::{create_registry, registry, replicate},
    daemon::{self, Daemon},
    debian::{DockerRegistry, Mode},
    http::Client,
};
use portolan_testregistry::{Registry, layer};
use serde_json::json;

/// `portolan plugin call docker-registry …` at a registry; what it printed, or complained.
async fn call(url: &str, arguments: &[&str]) -> Result<String, String> {
    let home = tempfile::tempdir().unwrap();
    let mut command = daemon::command(home.path()).await;
    command.args(["plugin", "call", "docker-registry"]).args(arguments).args(["--url", url]);
    let output = command.output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

#[tokio::test]
async fn a_tag_goes_where_nothing_else_would_go_with_it() {
    let Some(debian) = DockerRegistry::start(Mode::default()).await else { return };
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let (client, from) = (daemon.admin(), Registry::builder().start().await.unwrap());
    for (tag, seed) in [("v1", 1), ("v2", 1), ("v3", 3)] {
        from.put_image("team/app", tag, &[layer(seed, 1000)]);
    }
    let plain = |name: &str, url: &str| registry("docker-registry", name, url, None);
    let source = create_registry(&client, &plain("from", &from.url())).await;
    let target = create_registry(&client, &plain("debian", debian.url())).await;
    let ended = replicate(&client, source, target, json!({})).await;
    assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");

    let at = Client::new(debian.url()).accept("application/vnd.oci.image.manifest.v1+json");
    let there = async |reference: &str| {
        let path = format!("/v2/team/app/manifests/{reference}");
        at.get(&path).await.status == 200
    };
    let url = debian.url();
    assert!(there("v1").await && there("v3").await);
    let refused = call(url, &["delete-tag", "team/app", "v1"]).await.unwrap_err();
    assert!(
        refused.contains("unsupported") && refused.contains("`v2` is on the same"),
        "{refused}"
    );
    assert!(there("v1").await && there("v2").await, "nothing was deleted");
    for time in ["first", "second"] {
        call(url, &["delete-tag", "team/app", "v3"]).await.expect(time);
        assert!(!there("v3").await, "{time}");
    }
    let digest = from.tag("team/app", "v1").unwrap().to_string();
    for time in ["first", "second"] {
        call(url, &["delete-artifact", "team/app", &digest]).await.expect(time);
        assert!(!there("v1").await && !there("v2").await, "{time}");
    }
}

#[tokio::test]
async fn tokens_that_are_refused_before_their_time_are_renewed() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path(), &[]).await;
    let client = daemon.admin();
    let bearer = Registry::builder().bearer("robot", "s3cret", Duration::from_secs(3600));
    let (from, to) = (bearer.start().await.unwrap(), Registry::builder().start().await.unwrap());
    let login = Some(("robot", "s3cret"));
    let source = registry("docker-registry", "from", &from.url(), login);
    let source = create_registry(&client, &source).await;
    let target = registry("docker-registry", "to", &to.url(), None);
    let target = create_registry(&client, &target).await;
    for tag in ["v1", "v2"] {
        from.put_image("team/app", tag, &[layer(1, 1000)]);
        from.expire_tokens();
        let ended = replicate(&client, source, target, json!({})).await;
        assert_eq!(ended.execution["status"], "Succeed", "{ended:#?}");
    }
    assert_eq!(to.tags(), from.tags());
}
