//! An independent client as the oracle: skopeo, where it is installed.

use std::{io::Write as _, process::Output};

use tokio::process::Command;

use crate::{Child, Registry, layer};

/// Runs skopeo; `None` where there is none, said past the test harness, which keeps what a passing
/// test prints to itself. In CI that is a failure: nothing may be green there that was not tried.
#[expect(clippy::disallowed_methods, reason = "CI tells itself by a variable")]
async fn skopeo(arguments: &[&str]) -> Option<Output> {
    match Command::new("skopeo").args(arguments).output().await {
        Ok(output) => Some(output),
        Err(error) => {
            let why = format!("skopeo cannot be run ({error}); install it to run this test");
            // Where standard error is closed there is nobody to be told.
            let _ = std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes());
            let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!is_ci, "CI skips no test: {why}");
            None
        }
    }
}

#[tokio::test]
async fn skopeo_copies_an_index_out_of_and_into_the_registry() {
    let source = Registry::builder().start().await.unwrap();
    let builder = Registry::builder();
    let builder = builder.bearer("user", "s3cret", std::time::Duration::from_secs(300));
    let target = builder.start().await.unwrap();
    let image = |platform: &str, seed| Child {
        digest: source.put_platform_image("lib/app", None, platform, &[layer(seed, 200_000)]),
        platform: platform.to_owned(),
    };
    let children = [image("linux/amd64", 1), image("linux/arm64", 2)];
    let index = source.put_index("lib/app", Some("v1"), &children);
    let folder = tempfile::tempdir().unwrap();
    let layout = format!("oci:{}:v1", folder.path().display());
    let from = format!("docker://{}/lib/app:v1", source.host());
    let to = format!("docker://{}/mirror/app:v1", target.host());
    let common = ["copy", "--all", "--preserve-digests"];
    let out = ["--src-tls-verify=false", &from, &layout];
    let back = ["--dest-tls-verify=false", "--dest-creds=user:s3cret", &layout, &to];
    for arguments in [out.as_slice(), &back] {
        let Some(output) = skopeo(&[&common, arguments].concat()).await else { return };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(target.tag("mirror/app", "v1"), Some(index));
    assert_eq!(target.verify_all(), source.verify_all());
}
