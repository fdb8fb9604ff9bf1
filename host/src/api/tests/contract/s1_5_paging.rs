//! 1.5: pages and the `Link` between them. Harbor's own vectors are in `portolan_core::page::link`.

use serde_json::{Value, json};

use super::{POLICIES, REGISTRIES, RUNS, client, client_with_policy, ids, policy};

#[tokio::test]
async fn pages_of_registries() {
    let client = client(12).await;
    let next = |query: &str| format!("<{REGISTRIES}?{query}>; rel=\"next\"");
    let prev = |query: &str| format!("<{REGISTRIES}?{query}>; rel=\"prev\"");
    let both = |a: &str, b: &str| format!("{} , {}", prev(a), next(b));
    let rows: [(&str, &str, &[u64], &str, String); 12] = [
        ("defaults", "", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "12", next("page=2&page_size=10")),
        ("last", "?page=2", &[11, 12], "12", prev("page=1&page_size=10")),
        (
            "middle",
            "?page_size=2&page=3",
            &[5, 6],
            "12",
            both("page=2&page_size=2", "page=4&page_size=2"),
        ),
        ("most", "?page_size=100", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "12", String::new()),
        ("no limit", "?page_size=0", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "12", String::new()),
        (
            "no limit",
            "?page_size=-5&page=2",
            &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            "12",
            String::new(),
        ),
        ("page 0 is page 1", "?page=0&page_size=1", &[1], "12", next("page=2&page_size=1")),
        ("before that, too", "?page=-3&page_size=1", &[1], "12", next("page=2&page_size=1")),
        ("past the end", "?page=9", &[], "12", String::new()),
        (
            "absent where empty",
            "?page=&page_size=",
            &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
            "12",
            next("page=2&page_size=10"),
        ),
        (
            "keys sorted, query unescaped",
            "?sort=-id&q=name%3D~1&page_size=3",
            &[12, 11, 10],
            "4",
            next("page=2&page_size=3&q=name=~1&sort=-id"),
        ),
        (
            "spaces literal",
            "?q=name%3D%7Be1%20e2%7D&page_size=1",
            &[1],
            "2",
            next("page=2&page_size=1&q=name={e1 e2}"),
        ),
    ];
    for (label, query, expected, total, link) in rows {
        let seen = client.ask(&format!("GET {REGISTRIES}{query}")).await;
        let list: Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(ids(&list), expected, "{label}");
        assert_eq!(seen.headers["x-total-count"], total, "{label}");
        let seen = seen.headers.get("link").map_or("", |link| link.to_str().unwrap());
        assert_eq!(seen, link, "{label}");
    }
}

/// What harborapi does: it follows `rel="next"` until there is none.
#[tokio::test]
async fn the_other_lists_have_links_too() {
    let client = client_with_policy(json!({"enabled": true})).await;
    for name in ["q", "r"] {
        client.created(POLICIES, &policy(name, json!({"enabled": true}))).await;
    }
    for _ in 0..3 {
        client.created(RUNS, &json!({"policy_id": 1})).await;
    }
    for path in [POLICIES, RUNS, "/api/v2.0/schedules"] {
        let mut next = Some(format!("{path}?page_size=2&sort=id"));
        let mut found = Vec::new();
        while let Some(target) = next {
            let seen = client.ask(&format!("GET {target}")).await;
            found.extend(ids(&serde_json::from_str(&seen.body).unwrap()));
            let link = seen.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
            next = link.as_deref().and_then(|link| {
                let (before, _) = link.split_once(">; rel=\"next\"")?;
                Some(before.rsplit('<').next().unwrap().to_owned())
            });
        }
        let expected: &[u64] = if path.ends_with("schedules") { &[] } else { &[1, 2, 3] };
        assert_eq!(found, expected, "{path}");
    }
}
