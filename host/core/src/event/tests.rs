//! What rules take of events.

use super::*;
use crate::{filter::Decoration, id::EndpointId, policy::Destination, trigger::Trigger};

fn event(kind: &str, tag: Option<&str>, digest: Option<&str>) -> Event {
    Event {
        id: None,
        kind: kind.to_owned(),
        repository: "team/app".to_owned(),
        tag: tag.map(str::to_owned),
        digest: digest.map(|content| Digest::of(content.as_bytes())),
        at: None,
    }
}

fn policy(filters: Vec<Filter>, deletion: bool) -> PolicySpec {
    PolicySpec {
        name: "p".to_owned(),
        description: String::new(),
        source: EndpointId(1),
        destinations: vec![Destination { endpoint: EndpointId(2), namespace: None }],
        replace_count: 0,
        filters,
        trigger: Trigger::EventBased,
        override_tags: true,
        enabled: true,
        deletion,
        speed: 0,
        copy_by_chunk: false,
        single_active: false,
        options: Default::default(),
    }
}

/// `pushed v1 x`, as tags and contents of artifacts; `-` is none.
fn happenings(lines: &[&str]) -> Vec<Happening> {
    let some = |word: &str| (word != "-").then(|| word.to_owned());
    let one = |line: &&str| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap();
        let (kind, tag, digest) = (next(), some(next()), some(next()));
        Happening::of(&event(kind, tag.as_deref(), digest.as_deref())).unwrap()
    };
    lines.iter().map(one).collect()
}

#[test]
fn an_event_that_changes_nothing_is_none() {
    let bad = [
        event("pulled", Some("v1"), None),
        event("pushed", None, None),
        event("pushed", Some("not a tag"), Some("x")),
        Event { repository: "Not/A/Name".to_owned(), ..event("pushed", Some("v1"), None) },
    ];
    assert!(bad.iter().all(|event| Happening::of(event).is_none()));
}

#[test]
fn subjects_are_tags_and_artifacts() {
    let x = Digest::of(b"x");
    let cases = [
        ("pushed v1 x", "team/app:v1".to_owned()),
        ("tagged v1 -", "team/app:v1".to_owned()),
        ("deleted v1 -", "team/app:v1".to_owned()),
        ("pushed - x", format!("team/app@{x}")),
        ("deleted v1 x", format!("team/app@{x}")),
        ("deleted - x", format!("team/app@{x}")),
    ];
    for (line, expected) in cases {
        assert_eq!(happenings(&[line])[0].subject(), expected, "{line}");
    }
}

#[test]
fn age_is_by_the_clock_of_the_registry() {
    let at = |seconds| Happening {
        at: OffsetDateTime::from_unix_timestamp(seconds).ok(),
        ..happenings(&["pushed v1 x"]).remove(0)
    };
    let untold = Happening { at: None, ..at(1) };
    assert!(at(1).is_older_than(&at(2)));
    for (one, other) in [(at(2), at(2)), (at(3), at(2)), (untold.clone(), at(2)), (at(1), untold)] {
        assert!(!one.is_older_than(&other));
    }
}

#[test]
fn a_rule_takes_what_its_filters_keep() {
    let name = |glob: &str| Filter::name(glob);
    let tag = |glob: &str, decoration| Filter::tag(glob, decoration);
    let label = || Filter::Label(vec!["l".to_owned()], Decoration::Matches);
    let all = ["pushed v1 a", "pushed dev b", "pushed - c", "deleted v0 -", "deleted - d"];
    let shown = |filters: Vec<Filter>, deletion| {
        let repository = "team/app".parse().unwrap();
        let found = Selected::by(&policy(filters, deletion), &repository, &happenings(&all));
        found.map(|it| {
            let tags = |tags: Vec<Tag>| tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",");
            let counts = (it.digests.len(), it.deleted.len());
            (tags(it.tags.clone()), tags(it.deleted_tags.clone()), counts)
        })
    };
    let some =
        |tags: &str, deleted: &str, counts| Some((tags.to_owned(), deleted.to_owned(), counts));
    assert_eq!(shown(vec![], false), some("v1,dev", "", (1, 0)));
    assert_eq!(shown(vec![], true), some("v1,dev", "v0", (1, 1)));
    assert_eq!(shown(vec![name("team/*"), label()], false), some("v1,dev", "", (1, 0)));
    assert_eq!(shown(vec![name("other/**")], true), None);
    assert_eq!(shown(vec![tag("v*", Decoration::Matches)], true), some("v1", "v0", (0, 0)));
    assert_eq!(shown(vec![tag("v*", Decoration::Excludes)], true), some("dev", "", (1, 1)));
    assert_eq!(shown(vec![tag("x*", Decoration::Matches)], true), None);
    // The run that is started for it tells that the pattern is malformed.
    assert_eq!(shown(vec![tag("v[", Decoration::Matches)], false), some("v1", "", (0, 0)));
}

#[test]
fn what_was_pushed_and_is_gone_is_left_out() {
    let repository = "team/app".parse().unwrap();
    let happened = happenings(&["pushed v1 a", "pushed v2 b", "deleted - a"]);
    let kept = Selected::by(&policy(vec![], false), &repository, &happened).unwrap();
    assert_eq!(kept.tags, ["v2".parse().unwrap()]);
    let gone = happenings(&["pushed v1 a", "deleted - a"]);
    assert_eq!(Selected::by(&policy(vec![], false), &repository, &gone), None);
}
