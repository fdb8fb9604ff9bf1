//! Who is waited for, how long, and who reads with whom.

use http_body::Body as _;
use portolan_core::{
    execution::Status,
    id::{ExecutionId, TaskId},
    oci::MediaType,
    policy::Options,
    task::{Operation, TaskSpec},
};

use super::*;

fn blob(content: &str) -> Descriptor {
    Descriptor {
        media_type: MediaType::new("application/octet-stream"),
        digest: Digest::of(content.as_bytes()),
        size: content.len() as u64,
        platform: None,
        artifact_type: None,
        annotations: Default::default(),
    }
}

fn spec(endpoint: u64) -> TaskSpec {
    TaskSpec {
        operation: Operation::Copy,
        resource_type: "image".to_owned(),
        source: EndpointId(9),
        source_repository: "a".parse().unwrap(),
        destination: EndpointId(endpoint),
        destination_repository: "a".parse().unwrap(),
        items: Vec::new(),
        override_tags: true,
        speed: 0,
        copy_by_chunk: false,
        visibility: None,
        attached: Vec::new(),
        options: Options::default(),
    }
}

/// Siblings that go to these endpoints.
fn family(ledger: &Arc<Ledger>, endpoints: &[u64]) -> Vec<Sibling> {
    let task = |(number, endpoint): (usize, &u64)| Task {
        id: TaskId(number as u64),
        execution: ExecutionId(1),
        spec: spec(*endpoint),
        status: Status::Running,
        failures: 0,
        last_error: String::new(),
        started: None,
        ended: None,
        not_before: None,
        tally: Default::default(),
        counted: None,
    };
    let tasks: Vec<Task> = endpoints.iter().enumerate().map(task).collect();
    Siblings::enroll(ledger, &tasks).into_iter().flatten().collect()
}

fn kind(gathered: &Gathered) -> &'static str {
    match gathered {
        Gathered::Alone => "alone",
        Gathered::Leads(..) => "leads",
        Gathered::Follows(_) => "follows",
    }
}

#[tokio::test]
async fn all_who_need_a_blob_read_it_together() {
    let ledger = Arc::default();
    let family = family(&ledger, &[1, 2, 3]);
    let turns: Vec<Turn<'_>> = family.iter().map(|sibling| sibling.begin(0)).collect();
    let blob = blob("x");
    turns[1].settled(&blob.digest);
    let (a, c) = tokio::join!(turns[0].gather(&blob), turns[2].gather(&blob));
    assert_eq!([kind(&a), kind(&c)], ["follows", "leads"], "the last to say so leads");
    let Gathered::Follows(reader) = a else { panic!("{}", kind(&a)) };
    assert_eq!(reader.size_hint().exact(), Some(1));
    drop(c);
    assert!(reader.opened().await.is_err(), "who leads has gone without a word");
    // Those who send it are not waited for by who comes back.
    turns[0].failed(&blob.digest);
    assert_eq!(kind(&turns[0].gather(&blob).await), "alone");
}

#[tokio::test]
async fn whoever_owes_a_word_is_waited_for() {
    let ledger = Arc::default();
    let mut family = family(&ledger, &[1, 2]);
    let other = family.pop().unwrap();
    let (turn, blob) = (family[0].begin(3), blob("x"));
    let mut gathering = std::pin::pin!(turn.gather(&blob));
    let mut waits = async |why: &str| {
        assert!(futures_util::poll!(&mut gathering).is_pending(), "{why}");
    };
    waits("the other has begun with nothing").await;
    let early = other.begin(0);
    early.settled(&blob.digest);
    waits("what it says of another item does not matter").await;
    drop(early);
    let late = other.begin(3);
    waits("it has said nothing of this blob").await;
    late.settled(&Digest::of(b"y"));
    waits("nor now").await;
    drop(late);
    assert_eq!(kind(&gathering.await), "alone", "it is over with the item");
}

#[tokio::test]
async fn a_sibling_that_ends_or_stalls_holds_nobody() {
    let mut ledger = Ledger::default();
    ledger.siblings.patience = Duration::from_millis(50);
    let ledger = Arc::new(ledger);
    let mut family = family(&ledger, &[1, 2]);
    let (other, blob) = (family.pop().unwrap(), blob("x"));
    let missed = || lock(&ledger.siblings.state).tasks[&other.number].missed;
    for chance in 1..=CHANCES {
        let turn = family[0].begin(20 + chance as usize);
        assert_eq!((kind(&turn.gather(&blob).await), missed()), ("alone", chance));
        turn.failed(&blob.digest);
        let why = "it has said nothing since";
        assert_eq!((kind(&turn.gather(&blob).await), missed()), ("alone", chance), "{why}");
        drop(other.begin(chance as usize));
    }
    let turn = family[0].begin(30);
    assert_eq!((kind(&turn.gather(&blob).await), missed()), ("alone", CHANCES));
    let ledger = Arc::default();
    let mut newer = self::family(&ledger, &[1, 2]);
    let last = newer.pop();
    let turn = newer[0].begin(0);
    let (gathered, ()) = tokio::join!(turn.gather(&blob), async { drop(last) });
    assert_eq!(kind(&gathered), "alone");
}

/// One repository is brought to its destinations while another is; each waits at one of them for
/// what the other brings there.
#[tokio::test]
async fn two_repositories_that_share_a_blob_do_not_wait_for_each_other() {
    let ledger: Arc<Ledger> = Arc::default();
    let (a, b) = (family(&ledger, &[1, 2]), family(&ledger, &[1, 2]));
    let (of_a, of_b) = (a[0].begin(0), b[1].begin(0));
    // Theirs wait in the ledger.
    let (_first, _second) = (a[1].begin(0), b[0].begin(0));
    let blob = blob("x");
    let (one, two) = tokio::join!(of_a.gather(&blob), of_b.gather(&blob));
    assert_eq!([kind(&one), kind(&two)], ["follows", "leads"]);
    let missed = lock(&ledger.siblings.state).tasks.values().map(|it| it.missed).sum::<u32>();
    assert_eq!(missed, 0);
}

#[tokio::test]
async fn nothing_is_kept_of_who_has_gone() {
    let ledger: Arc<Ledger> = Arc::default();
    assert!(family(&ledger, &[1, 1]).is_empty(), "one endpoint takes it from itself");
    let family = family(&ledger, &[1, 2]);
    let reference = Reference::Digest(Digest::of(b"m"));
    let pulling = family[0].manifest(&reference);
    assert!(Arc::ptr_eq(&pulling, &family[1].manifest(&reference)));
    {
        let (turn, blob) = (family[0].begin(0), blob("x"));
        let mut gathering = std::pin::pin!(turn.gather(&blob));
        assert!(futures_util::poll!(&mut gathering).is_pending());
    }
    assert!(lock(&ledger.siblings.state).waiting.is_empty());
    let last = self::family(&ledger, &[1, 2]);
    drop(family);
    assert!(!Arc::ptr_eq(&pulling, &last[0].manifest(&reference)), "it is another family's");
    drop(last);
    let state = lock(&ledger.siblings.state);
    assert_eq!((state.tasks.len(), Arc::strong_count(&pulling)), (0, 1));
}
