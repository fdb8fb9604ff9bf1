//! 1.6: the `q` grammar, where it is taken, and its keys. Its own vectors are in
//! `portolan_core::page::query`.

use serde_json::{Value, json};

use super::{POLICIES, REGISTRIES, RUNS, client, client_with_policy, names};

fn encoded(q: &str) -> String {
    url::form_urlencoded::byte_serialize(q.as_bytes()).collect()
}

#[tokio::test]
async fn forms_of_a_value() {
    let client = client(12).await;
    let rows: [(&str, &str, usize); 27] = [
        ("exact", "name=e1", 1),
        ("exact is case-sensitive", "name=E1", 0),
        ("escaped", r"name=\e1", 1),
        ("escaped", r"name=\~e1", 0),
        ("fuzzy", "name=~E1", 4),
        ("no wildcard", "name=~%", 0),
        ("no wildcard", "name=~_", 0),
        ("range", "id=[3~5]", 3),
        ("open range", "id=[10~]", 3),
        ("open range", "id=[~2]", 2),
        ("trimmed", "id=[ 3 ~ 5 ]", 3),
        ("range of times", "creation_time=[2020-01-01T00:00:00~]", 12),
        ("range of times", "creation_time=[~2020-01-01T00:00:00]", 0),
        ("any of", "id={1 2 99}", 2),
        ("any of", "name={'e1' \"e2\"}", 2),
        ("any of none", "id={}", 0),
        ("all of has no effect", "id=(1 2)", 12),
        ("several", "name=~e1,id=[11~]", 2),
        ("unknown key", "flavour=sweet", 12),
        ("suffix", "id__gte=11", 2),
        ("suffix", "id__lt=3", 2),
        ("suffix", "name__icontains=E1", 4),
        ("suffix", "id__exact=4", 1),
        ("suffix", "id__in=4", 1),
        ("unknown suffix", "id__near=4", 12),
        ("two suffixes", "id__gte__lte=4", 12),
        ("unescaped once more", "name%3D~e1", 4),
    ];
    for (label, q, expected) in rows {
        let line = format!("GET {REGISTRIES}?page_size=0&q={}", encoded(q));
        assert_eq!(client.json(&line).await.as_array().unwrap().len(), expected, "{label}: {q}");
    }
}

#[tokio::test]
async fn what_is_no_query() {
    let client = client(1).await;
    let bad = [
        ",",
        "k",
        "k=",
        "=v",
        "k=v,",
        ",k=v",
        "k=~",
        "k=[",
        "k=[]",
        "k=[~]",
        "k=[~~]",
        "k=[1~2~3]",
        "k=[1",
        "k={1",
        "k=(1",
        "k={",
        "k=(",
    ];
    for path in [REGISTRIES, POLICIES] {
        for q in bad {
            let seen = client.ask(&format!("GET {path}?q={}", encoded(q))).await;
            assert_eq!(seen.status, 400, "{path} {q}: {}", seen.body);
            assert!(seen.body.contains("\"BAD_REQUEST\""), "{q}: {}", seen.body);
        }
    }
    for path in [RUNS, "/api/v2.0/schedules"] {
        let seen = client.ask(&format!("GET {path}?q=,")).await;
        assert_eq!(seen.status, 200, "{path} takes no q");
    }
}

/// A key counts if a value that no row has selects none.
async fn counts(client: &super::Client, path: &str, key: &str, value: &str) -> bool {
    let q = encoded(&format!("{key}={value}"));
    names(&client.json(&format!("GET {path}?q={q}")).await).is_empty()
}

#[tokio::test]
async fn keys() {
    let client = client_with_policy(json!({})).await;
    let registry = [
        ("ID", "id", "99"),
        ("URL", "url", "x"),
        ("Name", "name", "x"),
        ("CredentialType", "credential_type", "x"),
        ("Type", "type", "x"),
        ("Insecure", "insecure", "true"),
        ("Description", "description", "x"),
        ("Status", "health", "x"),
        ("CreationTime", "creation_time", "2020-01-01T00:00:00"),
        ("UpdateTime", "update_time", "2020-01-01T00:00:00"),
    ];
    let policy = [
        ("ID", "id", "99"),
        ("Name", "name", "x"),
        ("Description", "description", "x"),
        ("Creator", "creator", "x"),
        ("SrcRegistryID", "src_registry_id", "9"),
        ("DestRegistryID", "dest_registry_id", "9"),
        ("DestNamespace", "dest_namespace", "x"),
        ("DestNamespaceReplaceCount", "dest_namespace_replace_count", "9"),
        ("Override", "override", "true"),
        ("Enabled", "enabled", "true"),
        ("Trigger", "trigger", "x"),
        ("Filters", "filters", "x"),
        ("ReplicateDeletion", "replicate_deletion", "true"),
        ("CreationTime", "creation_time", "2020-01-01T00:00:00"),
        ("UpdateTime", "update_time", "2020-01-01T00:00:00"),
        ("Speed", "speed_kb", "9"),
        ("CopyByChunk", "copy_by_chunk", "true"),
        ("SingleActiveReplication", "single_active_replication", "true"),
    ];
    let rows = registry.map(|row| (REGISTRIES, row)).into_iter();
    for (path, (field, column, value)) in rows.chain(policy.map(|row| (POLICIES, row))) {
        assert!(counts(&client, path, field, value).await, "{path} {field}");
        assert!(counts(&client, path, column, value).await, "{path} {column}");
    }
    for key in ["status", "access_key", "access_secret", "ca_certificate"] {
        assert!(!counts(&client, REGISTRIES, key, "x").await, "{key} is ignored");
    }
    for (key, value) in [("health", "healthy"), ("Status", "healthy")] {
        let list = client.json(&format!("GET {REGISTRIES}?q={key}%3D{value}")).await;
        assert_eq!(names(&list), ["e1", "e2"], "{key}");
    }
}

#[tokio::test]
async fn the_deprecated_name() {
    let client = client(12).await;
    let rows: [(&str, &str, Vec<&str>); 4] = [
        ("fuzzy", "name=E1", vec!["e1", "e10", "e11", "e12"]),
        ("beside q", "name=e1&q=id%3D%5B11~%5D", vec!["e11", "e12"]),
        ("beside a name in q", "name=1&q=name%3D~2", vec!["e12"]),
        ("empty", "name=&page_size=1", vec!["e1"]),
    ];
    for (label, query, expected) in rows {
        let list: Value = client.json(&format!("GET {REGISTRIES}?{query}")).await;
        assert_eq!(names(&list), expected, "{label}");
    }
}
