//! The JSON of `execution.rs`, as clients read and write it.

use portolan_core::{
    execution::Counters,
    id::{EndpointId, ExecutionId, PolicyId, TaskId},
    task::{Item, TaskSpec},
};
use serde_json::{json, to_value};
use time::macros::datetime;

use super::*;

const START: time::OffsetDateTime = datetime!(2026-11-21 16:20:00 UTC);

fn execution() -> Execution {
    Execution {
        id: ExecutionId(5),
        policy: PolicyId(3),
        status: Status::Running,
        status_text: String::new(),
        started_by: StartedBy::Event,
        counters: Counters { total: 6, in_progress: 1, succeeded: 2, failed: 3, stopped: 0 },
        listed: true,
        stop_requested: false,
        started: START,
        ended: None,
    }
}

fn task() -> Task {
    Task {
        id: TaskId(255),
        execution: ExecutionId(5),
        spec: TaskSpec {
            operation: Operation::Copy,
            resource_type: "image".to_owned(),
            source: EndpointId(1),
            source_repository: "library/alpine".parse().unwrap(),
            destination: EndpointId(2),
            destination_repository: "mirror/alpine".parse().unwrap(),
            items: vec![
                Item {
                    digest: None,
                    tags: vec!["a".parse().unwrap(), "b".parse().unwrap()],
                    refused: None,
                },
                Item { digest: None, tags: Vec::new(), refused: None },
            ],
            override_tags: false,
            speed: 0,
            copy_by_chunk: false,
            visibility: None,
            attached: Vec::new(),
            options: Default::default(),
        },
        status: Status::Pending,
        failures: 0,
        last_error: String::new(),
        started: None,
        ended: None,
        not_before: None,
        tally: Default::default(),
        counted: None,
    }
}

#[test]
fn contract_1_9_an_execution_always_shows_its_counters() {
    let expected = json!({"id": 5, "policy_id": 3, "status": "InProgress",
        "trigger": "event_based", "start_time": "2026-11-21T16:20:00.000Z",
        "end_time": "0001-01-01T00:00:00.000Z", "status_text": "", "total": 6, "failed": 3,
        "succeed": 2, "in_progress": 1, "stopped": 0});
    assert_eq!(to_value(ExecutionWire::from(&execution())).unwrap(), expected);
}

#[test]
fn contract_1_9_a_task_before_and_after() {
    let expected = json!({"id": 255, "execution_id": 5, "status": "Pending", "operation": "copy",
        "resource_type": "image", "src_resource": "library/alpine [3 item(s) in total]",
        "dst_resource": "mirror/alpine [3 item(s) in total]",
        "start_time": "0001-01-01T00:00:00.000Z", "end_time": "0001-01-01T00:00:00.000Z"});
    assert_eq!(to_value(TaskWire::from(&task())).unwrap(), expected);
    let mut done = task();
    (done.status, done.started, done.ended) = (Status::Success, Some(START), Some(START));
    done.spec.operation = Operation::TagDeletion;
    let shown = to_value(TaskWire::from(&done)).unwrap();
    assert_eq!(shown["job_id"], "0000000000000000000000ff");
    assert_eq!(
        (&shown["status"], &shown["operation"]),
        (&json!("Succeed"), &json!("tag deletion"))
    );
    assert_eq!(shown["end_time"], "2026-11-21T16:20:00.000Z");
}

#[test]
fn contract_1_9_states_and_the_words_that_ask_for_them() {
    use Status::{Error, Pending, Running, Scheduled, Stopped, Success};
    let executions = |asked: &str| {
        let all = [Running, Success, Error, Stopped];
        all.into_iter().filter(|status| execution_has(*status, asked)).collect::<Vec<_>>()
    };
    let tasks = |asked: &str| {
        let all = [Pending, Scheduled, Running, Success, Error, Stopped];
        all.into_iter().filter(|status| task_has(*status, asked)).collect::<Vec<_>>()
    };
    let cases = [
        ("InProgress", vec![Running], vec![Scheduled, Running]),
        ("Succeed", vec![Success], vec![Success]),
        ("Failed", vec![Error], vec![Error]),
        ("Stopped", vec![Stopped], vec![Stopped]),
        ("Running", vec![Running], vec![Running]),
        ("Success", vec![Success], vec![Success]),
        ("Error", vec![Error], vec![Error]),
        ("Pending", vec![], vec![Pending]),
        ("Scheduled", vec![], vec![Scheduled]),
        ("inprogress", vec![], vec![]),
    ];
    for (asked, of_executions, of_tasks) in cases {
        assert_eq!((executions(asked), tasks(asked)), (of_executions, of_tasks), "{asked}");
    }
    assert!(started_by(StartedBy::Manual, "manual") && started_by(StartedBy::Event, "event_based"));
    assert!(started_by(StartedBy::Scheduled, "scheduled") && !started_by(StartedBy::Event, "x"));
}

#[test]
fn contract_1_9_a_start_names_a_policy() {
    let policy = |body: &str| serde_json::from_str::<StartExecution>(body).unwrap().policy();
    assert_eq!((policy("{\"policy_id\":4}"), policy("{}")), (4, 0));
    assert_eq!(policy("{\"policy_id\":-4}"), u64::MAX);
}
