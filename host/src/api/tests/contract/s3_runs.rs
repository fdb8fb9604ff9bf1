//! 3.4 to 3.12 as far as a client sees them: what a run selects, how it ends, what its tasks say.
//! How bytes are copied and what is tried again is in `replication/tests` and the suite `e2e`.

use portolan_testregistry::{Kind, Registry, layer};
use serde_json::{Value, json};

use super::{Client, POLICIES, REGISTRIES, RUNS, live, policy, registry};

/// Registry 1 with six tags of three repositories, and the empty registry 2.
async fn sea() -> (Client, Registry, Registry) {
    let (from, to) = (Registry::builder().start(), Registry::builder().start());
    let (from, to) = (from.await.unwrap(), to.await.unwrap());
    for (number, (repository, tag)) in
        [("a/app", "v1"), ("a/app", "v2"), ("a/b/c/image", "v1"), ("top", "latest")]
            .iter()
            .enumerate()
    {
        from.put_image(repository, tag, &[layer(number as u64, 500)]);
    }
    let client = live().await;
    client.created(REGISTRIES, &registry("from", &from)).await;
    client.created(REGISTRIES, &registry("to", &to)).await;
    (client, from, to)
}

async fn run(client: &Client, name: &str, more: Value) -> (Value, Value) {
    let body = policy(name, super::with(json!({"enabled": true, "override": true}), more));
    let path = client.created(POLICIES, &body).await;
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let run = client.run(id).await;
    let tasks = client.json(&format!("GET {RUNS}/{}/tasks?page_size=0", run["id"])).await;
    (run, tasks)
}

fn filters(rows: &[(&str, Value, &str)]) -> Value {
    let filter = |row: &(&str, Value, &str)| {
        let (kind, value, decoration) = row;
        json!({"type": kind, "value": value, "decoration": decoration})
    };
    json!({"filters": rows.iter().map(filter).collect::<Vec<_>>()})
}

#[tokio::test]
async fn what_is_selected_and_where_it_goes() {
    let (client, _from, to) = sea().await;
    let name = |glob: &str| filters(&[("name", json!(glob), "")]);
    let into = |count: i8| {
        super::with(
            name("a/b/c/image"),
            json!({"dest_namespace": "n", "dest_namespace_replace_count": count}),
        )
    };
    let rows: [(&str, Value, &[&str]); 16] = [
        (
            "3.4 no filter is all",
            json!({}),
            &["a/app:v1", "a/app:v2", "a/b/c/image:v1", "top:latest"],
        ),
        (
            "3.4 an empty pattern",
            name(""),
            &["a/app:v1", "a/app:v2", "a/b/c/image:v1", "top:latest"],
        ),
        ("3.5 one component", name("*"), &["top:latest"]),
        ("3.5 components", name("a/**"), &["a/app:v1", "a/app:v2", "a/b/c/image:v1"]),
        ("3.5 named outright", name("{a/app,top}"), &["a/app:v1", "a/app:v2", "top:latest"]),
        ("3.5 expanded", name("a/{app,other}"), &["a/app:v1", "a/app:v2"]),
        ("3.4 tags", filters(&[("tag", json!("v1"), "matches")]), &["a/app:v1", "a/b/c/image:v1"]),
        ("3.4 tags excluded", filters(&[("tag", json!("v*"), "excludes")]), &["top:latest"]),
        (
            "3.4 one after another",
            filters(&[("tag", json!("v*"), ""), ("tag", json!("*2"), "")]),
            &["a/app:v2"],
        ),
        ("3.4 no source labels: matches", filters(&[("label", json!(["x"]), "matches")]), &[]),
        (
            "3.4 no source labels: excludes",
            filters(&[("name", json!("top"), ""), ("label", json!(["x"]), "excludes")]),
            &["top:latest"],
        ),
        ("3.6 flatten all", into(-1), &["n/image:v1"]),
        ("3.6 no flattening", into(0), &["n/a/b/c/image:v1"]),
        ("3.6 one", into(1), &["n/b/c/image:v1"]),
        ("3.6 two", into(2), &["n/c/image:v1"]),
        ("3.6 three", into(3), &["n/image:v1"]),
    ];
    for (number, (label, more, expected)) in rows.into_iter().enumerate() {
        let (run, tasks) = run(&client, &format!("p{number}"), more).await;
        assert_eq!(run["status"], "Succeed", "{label}: {run}");
        let tags = to.tags().into_iter().map(|(name, tag)| format!("{name}:{tag}"));
        let tags: Vec<String> = tags.collect();
        for one in expected {
            assert!(tags.iter().any(|tag| tag == one), "{label}: {one} of {tags:?}");
        }
        let asked: u64 = tasks
            .as_array()
            .unwrap()
            .iter()
            .map(|task| {
                let resource = task["dst_resource"].as_str().unwrap();
                let count = resource.split_once('[').unwrap().1.split(' ').next().unwrap();
                count.parse::<u64>().unwrap()
            })
            .sum();
        assert_eq!(asked, expected.len() as u64, "{label}: {tasks}");
        if expected.is_empty() {
            assert_ne!(run["status_text"], "", "3.8 {label} says that nothing is to do");
            assert_eq!(run["total"], 0, "{label}");
        } else {
            assert_eq!(run["status_text"], "", "3.8 {label}: tasks decide");
        }
    }
    let (run, tasks) = run(&client, "too many", into(4)).await;
    assert_eq!(
        (&run["status"], &tasks),
        (&json!("Failed"), &json!([])),
        "3.6 the whole run fails: {run}"
    );
    assert_ne!(run["status_text"], "", "3.8 the error is told");
    let (run, _) = self::run(&client, "malformed", name("a/[")).await;
    assert_eq!(run["status"], "Failed", "3.5 a malformed pattern that is reached: {run}");
}

#[tokio::test]
async fn tasks_and_what_is_skipped() {
    let (client, from, to) = sea().await;
    let only = filters(&[("name", json!("a/app"), "")]);
    let (done, tasks) = run(&client, "first", only.clone()).await;
    assert_eq!(done["end_time"], tasks[0]["end_time"], "3.8 the latest end of a task");
    let task = &tasks[0];
    let rows = [
        ("status", json!("Succeed")),
        ("operation", json!("copy")),
        ("resource_type", json!("image")),
        ("src_resource", json!("a/app [2 item(s) in total]")),
        ("dst_resource", json!("a/app [2 item(s) in total]")),
        ("execution_id", done["id"].clone()),
    ];
    for (property, expected) in rows {
        assert_eq!(task[property], expected, "3.9 {property}");
    }
    let job = task["job_id"].as_str().unwrap();
    assert!(job.len() == 24 && job.bytes().all(|b| b.is_ascii_hexdigit()), "3.9 job_id {job}");
    let log = async |run: &Value, task: &Value| {
        let seen = client.ask(&format!("GET {RUNS}/{}/tasks/{}/log", run["id"], task["id"])).await;
        assert_eq!(
            (seen.status, &seen.headers["content-type"]),
            (200, &"text/plain".parse().unwrap())
        );
        seen.body
    };
    let text = log(&done, task).await;
    assert!(text.lines().all(|line| line.contains("Z [")), "3.9 TIMESTAMP [LEVEL] text: {text}");
    let (again, tasks) = run(&client, "again", only.clone()).await;
    assert_eq!((&again["status"], &tasks[0]["status"]), (&json!("Succeed"), &json!("Succeed")));
    assert!(!log(&again, &tasks[0]).await.is_empty(), "3.11 same digest: a log line");
    let old = to.tag("a/app", "v1");
    from.put_image("a/app", "v1", &[layer(99, 500)]);
    let keep = super::with(only.clone(), json!({"override": false}));
    let (kept, tasks) = run(&client, "keep", keep).await;
    assert_eq!((&kept["status"], to.tag("a/app", "v1")), (&json!("Succeed"), old.clone()));
    let text = log(&kept, &tasks[0]).await;
    assert!(text.contains("[WARN"), "3.11 a tag that is left alone is a warning: {text}");
    let (moved, _) = run(&client, "move", only).await;
    assert_eq!(moved["status"], "Succeed");
    assert_ne!(to.tag("a/app", "v1"), old, "3.7 override");
    for (query, count) in [
        ("status=Succeed", 1),
        ("status=Failed", 0),
        ("status=InProgress", 0),
        ("status=Success", 1),
        ("resource_type=image", 1),
        ("resource_type=artifact", 0),
    ] {
        let list = client.json(&format!("GET {RUNS}/{}/tasks?{query}", moved["id"])).await;
        assert_eq!(list.as_array().unwrap().len(), count, "1.10 tasks by {query}");
    }
    let other = format!("GET {RUNS}/{}/tasks/{}/log", moved["id"], tasks[0]["id"]);
    assert_eq!(client.ask(&other).await.status, 404, "1.10 a task of another run");
}

#[tokio::test]
async fn one_at_a_time_and_stop() {
    let (client, from, _to) = sea().await;
    let stall = from.faults().stall(Kind::Catalog);
    let body = policy("p", json!({"enabled": true, "single_active_replication": true}));
    client.created(POLICIES, &body).await;
    let start = json!({"policy_id": 1});
    let first = client.created(RUNS, &start).await;
    let running = client.json(&format!("GET {first}")).await;
    assert_eq!(running["status"], "InProgress", "3.8 created as running");
    assert_eq!(running["end_time"], "0001-01-01T00:00:00.000Z");
    let second = client.created(RUNS, &start).await;
    let skipped = client.json(&format!("GET {second}")).await;
    assert_eq!(skipped["status"], "Failed", "3.7 born failed: {skipped}");
    assert!(skipped["status_text"].as_str().unwrap().contains("skipped"), "{skipped}");
    let seen = client.ask(&format!("DELETE {POLICIES}/1")).await;
    assert_eq!(seen.status, 412, "1.10 a run is not final: {}", seen.body);
    let off = policy("p", json!({"enabled": false}));
    client.done(&format!("PUT {POLICIES}/1"), off).await;
    assert_eq!(client.send(&format!("POST {RUNS}"), &start).await.status, 412, "3.7 disabled");
    assert_eq!(client.json(&format!("GET {first}")).await["status"], "InProgress", "3.7 runs on");
    let stopped = client.ask(&format!("PUT {first}")).await;
    assert_eq!((stopped.status, stopped.body.as_str()), (200, "null\n"));
    drop(stall);
    let ended = client.ended(&first).await;
    assert_eq!((&ended["status"], &ended["total"]), (&json!("Stopped"), &json!(0)), "3.9 no tasks");
    client.done(&format!("DELETE {POLICIES}/1"), Value::Null).await;
}

/// 3.8: a listing that fails makes the run fail, with its text and without a task.
#[tokio::test]
async fn a_source_that_cannot_be_listed() {
    let (client, from, _to) = sea().await;
    from.faults().status_always(Kind::Catalog, 403);
    let (run, tasks) = run(&client, "p", json!({})).await;
    assert_eq!((&run["status"], &tasks), (&json!("Failed"), &json!([])), "{run}");
    assert_ne!(run["status_text"], "", "the text of the error");
    assert!(run["end_time"].as_str().unwrap() > "2026", "{run}");
}
