//! Scopes, grants, challenges and retries.

use http::Method;
use portolan_core::oci::Reference;

use super::*;

const PATH: &str = "/v2/library/app";

fn asks(counting: &Counting) -> Vec<String> {
    let text = |scope: &Scope| {
        let actions: Vec<_> =
            scope.actions.iter().map(|a| format!("{a:?}").to_lowercase()).collect();
        format!("{}:{}", scope.repository, actions.join(","))
    };
    let all = counting.asks.lock().unwrap();
    let one = |(scopes, challenge): &(Vec<Scope>, Option<Challenge>)| {
        let scopes: Vec<_> = scopes.iter().map(text).collect();
        let scheme = challenge.as_ref().map_or("-", |challenge| challenge.scheme.as_str());
        format!("{} {scheme}", scopes.join(" "))
    };
    all.iter().map(one).collect()
}

fn counted(server: &Scripted) -> (Remote, Arc<Counting>) {
    let counting = Arc::new(Counting::default());
    let target = target(server, UploadStyle::SinglePut, None);
    (Remote::new(client(server, Vec::new()), counting.clone(), target), counting)
}

#[tokio::test]
async fn grants_are_asked_for_by_operation_and_kept() {
    let server = script(|line, _| {
        Some(match line.split(' ').next() {
            Some("POST") => answer(202, &[("location", "/up")], ""),
            _ => answer(200, &[], ""),
        })
    })
    .await;
    let (remote, counting) = counted(&server);
    let digest = Digest::of(b"x");
    for _ in 0..3 {
        assert!(remote.has_blob(&digest).await.unwrap());
        remote.clone().start_upload().await.unwrap();
    }
    remote.mount_blob(&digest, &"other/src".parse().unwrap()).await.unwrap();
    let expected =
        ["library/app:pull -", "library/app:pull,push -", "other/src:pull library/app:pull,push -"];
    assert_eq!(asks(&counting), expected);
    assert_eq!(server.seen()[0].header("authorization"), "Bearer token0");
}

#[tokio::test]
async fn one_401_is_answered_and_a_second_is_final() {
    let challenge = r#"Bearer realm="https://auth/t",scope="x""#;
    let server = script(move |_, seen| {
        Some(match seen.header("authorization") {
            "Bearer token1" => answer(200, &[], ""),
            _ => answer(401, &[("www-authenticate", challenge)], ""),
        })
    })
    .await;
    let (remote, counting) = counted(&server);
    assert!(remote.has_blob(&Digest::of(b"x")).await.unwrap());
    assert!(remote.has_blob(&Digest::of(b"y")).await.unwrap());
    assert_eq!(asks(&counting), ["library/app:pull -", "library/app:pull bearer"]);

    let server = script(move |_, _| {
        let body = r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#;
        Some(answer(401, &[("www-authenticate", challenge)], body))
    })
    .await;
    let (remote, counting) = counted(&server);
    let reference = "latest".parse().unwrap();
    let error = remote.get_manifest(&reference).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("401 DENIED: not you"), "{text}");
    assert!(text.contains("pull manifest latest of library/app at 127.0.0.1"), "{text}");
    assert!(!text.contains("token"), "{text}");
    assert_eq!(asks(&counting).len(), 2);
    assert_eq!(server.lines().len(), 2);
}

/// Some say nothing of how to log in; nobody is asked twice, and not who gave nothing.
#[tokio::test]
async fn a_401_without_a_challenge_renews_what_was_given_once() {
    for (taken, works) in [("Bearer token1", true), ("none", false)] {
        let server = script(move |_, seen| {
            Some(match seen.header("authorization") {
                token if token == taken => answer(404, &[], ""),
                _ => answer(401, &[], ""),
            })
        })
        .await;
        let (remote, counting) = counted(&server);
        let error = remote.get_manifest(&"latest".parse().unwrap()).await.err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(!text.contains("401"), works, "{text}");
        assert_eq!((asks(&counting).len(), server.lines().len()), (2, 2), "{taken}");
    }
}

/// As AWS ECR says it; a `HEAD` is answered without the words.
#[tokio::test]
async fn a_403_that_says_the_token_has_ended_is_answered_once() {
    const ENDED: &str = r#"{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}"#;
    const NO: &str = r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#;
    let latest: Reference = "latest".parse().unwrap();
    // The body of a 403, the token that is taken, HEAD or GET, what is asked for, and requests.
    let cases = [
        (ENDED, "Bearer token1", false, 2, 2, true),
        (ENDED, "Bearer token1", true, 2, 3, true),
        (ENDED, "none", false, 2, 2, false),
        (ENDED, "none", true, 2, 3, false),
        (NO, "Bearer token1", false, 1, 1, false),
        (NO, "Bearer token1", true, 1, 2, false),
    ];
    for (body, taken, head, asked, sent, works) in cases {
        let server = script(move |_, seen| {
            Some(match seen.header("authorization") {
                token if token == taken => answer(404, &[], ""),
                _ if seen.method == Method::HEAD => answer(403, &[], ""),
                _ => answer(403, &[], body),
            })
        })
        .await;
        let (remote, counting) = counted(&server);
        let error = match head {
            true => remote.head_manifest(&latest).await.err(),
            false => remote.get_manifest(&latest).await.err(),
        };
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(!text.contains("403"), works, "{text}");
        let numbers = (asks(&counting).len(), server.lines().len());
        assert_eq!(numbers, (asked, sent), "{body} {taken} {head}");
    }
}

#[tokio::test]
async fn grants_that_end_soon_are_renewed() {
    struct Ending(Mutex<u32>);
    impl Authorizer for Ending {
        fn authorize<'a>(
            &'a self,
            _: &'a [Scope],
            _: Option<&'a Challenge>,
        ) -> BoxFuture<'a, Result<Grant, DistributionError>> {
            *self.0.lock().unwrap() += 1;
            let expires = Some(time::OffsetDateTime::now_utc() + time::Duration::seconds(5));
            Box::pin(std::future::ready(Ok(Grant { expires, ..Grant::anonymous() })))
        }
    }
    let server = script(|_, _| Some(answer(200, &[], ""))).await;
    let ending = Arc::new(Ending(Mutex::new(0)));
    let target = target(&server, UploadStyle::SinglePut, None);
    let remote = Remote::new(client(&server, Vec::new()), ending.clone(), target);
    for _ in 0..2 {
        remote.has_blob(&Digest::of(b"x")).await.unwrap();
    }
    assert_eq!(*ending.0.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_busy_registry_is_asked_again_and_others_are_not() {
    for (status, tries) in [(503, 5), (429, 5), (403, 1), (400, 1), (501, 1)] {
        let server =
            script(move |_, _| Some(answer(status, &[("retry-after", "0.001s")], "busy"))).await;
        let (remote, _) = counted(&server);
        let error = remote.start_upload().await.map(|_| ()).unwrap_err();
        assert_eq!(server.lines().len(), tries, "{status}");
        assert_eq!(error.is_retryable(), tries > 1, "{error}");
        assert_eq!(server.lines()[0], format!("POST {PATH}/blobs/uploads/"));
    }
}

#[tokio::test]
async fn a_foreign_base_needs_its_grant_before_anything_is_sent() {
    let endpoint = script(|_, _| None).await;
    let other = script(|_, _| Some(answer(200, &[], ""))).await;
    let mut target = target(&other, UploadStyle::SinglePut, None);
    target.base_url = other.url_by_name("/prefix/");
    let counting = Arc::new(Counting::default());
    let remote = Remote::new(client(&endpoint, Vec::new()), counting, target);
    let error = remote.has_blob(&Digest::of(b"x")).await.unwrap_err().to_string();
    assert!(error.contains("allowed hosts"), "{error}");
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn a_base_path_stays_before_v2() {
    let server = script(|_, _| Some(answer(404, &[], ""))).await;
    let mut target = target(&server, UploadStyle::SinglePut, None);
    target.base_url = server.url("/prefix/");
    let remote = Remote::new(client(&server, Vec::new()), Arc::new(Counting::default()), target);
    assert!(!remote.has_blob(&Digest::of(b"x")).await.unwrap());
    assert_eq!(server.lines()[0], format!("HEAD /prefix{PATH}/blobs/{}", Digest::of(b"x")));
}
