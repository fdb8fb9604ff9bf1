//! Policies (rules): what is replicated from where to where, when (contract 3.1, 3.2).

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    filter::{Filter, InvalidFilter},
    id::{EndpointId, PolicyId},
    naming::{self, InvalidNamespace},
    trigger::Trigger,
};

mod columns;
pub mod options;

pub use options::{InvalidOptions, Options};

/// Longest name, in characters (Harbor: varchar(256)).
pub const MAX_NAME: usize = 256;

/// What an administrator says of a policy, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySpec {
    /// Unique name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Where artifacts come from.
    pub source: EndpointId,
    /// Where they go; one at least.
    pub destinations: Vec<Destination>,
    /// Leading components the namespace replaces; negative keeps the last alone (Harbor: -1).
    pub replace_count: i8,
    /// Which artifacts.
    pub filters: Vec<Filter>,
    /// When.
    pub trigger: Trigger,
    /// Whether a tag that is at the destination with another digest is moved.
    pub override_tags: bool,
    /// Whether it may run at all.
    pub enabled: bool,
    /// Whether deletions are mirrored (event-based rules only).
    pub deletion: bool,
    /// Kilobits per second for each task; 0 is unlimited.
    pub speed: i32,
    /// Whether blobs are uploaded in chunks.
    pub copy_by_chunk: bool,
    /// Whether a start fails while a run is under way.
    pub single_active: bool,
    /// What Harbor has no properties for.
    #[serde(default, skip_serializing_if = "Options::is_default")]
    pub options: Options,
}

/// One place artifacts go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Namespace put before, or in place of, the first components; `None` keeps names.
    pub namespace: Option<String>,
}

/// A stored policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// What the administrator said.
    pub spec: PolicySpec,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated: OffsetDateTime,
}

/// Why a policy cannot be, in the order of contract 3.2.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidPolicy {
    /// Events come when they come: a run cannot be refused for one that is under way.
    #[error("a rule started by events cannot be limited to a single active run; choose one")]
    SingleActiveByEvents,
    /// No name, or one that is too long.
    #[error("the name of a rule has 1 to {MAX_NAME} characters; this one has {0}")]
    Name(usize),
    /// Nowhere to go.
    #[error("a rule needs a destination registry")]
    NoDestination,
    /// Local on both sides.
    #[error("source and destination are both the local registry; name another for one of them")]
    LocalToLocal,
    /// The same place twice.
    #[error("registry {0} is named twice as a destination with the same namespace")]
    DestinationTwice(EndpointId),
    /// A filter that cannot be.
    #[error(transparent)]
    Filter(#[from] InvalidFilter),
    /// An option that cannot be.
    #[error(transparent)]
    Options(#[from] InvalidOptions),
    /// A namespace that cannot be.
    #[error(transparent)]
    Namespace(#[from] InvalidNamespace),
}

impl PolicySpec {
    /// Checks what can be checked without the store, in the order of contract 3.2. Unlike Harbor,
    /// both sides may be remote registries.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        if self.single_active && self.trigger == Trigger::EventBased {
            return Err(InvalidPolicy::SingleActiveByEvents);
        }
        let length = self.name.chars().count();
        if !(1..=MAX_NAME).contains(&length) {
            return Err(InvalidPolicy::Name(length));
        }
        self.check_endpoints()?;
        self.filters.iter().try_for_each(Filter::check)?;
        for destination in &self.destinations {
            naming::check_namespace(destination.namespace.as_deref().unwrap_or_default())?;
        }
        self.options.check()?;
        Ok(())
    }

    fn check_endpoints(&self) -> Result<(), InvalidPolicy> {
        if self.destinations.is_empty() {
            return Err(InvalidPolicy::NoDestination);
        }
        let is_local = |endpoint: EndpointId| endpoint == EndpointId::LOCAL;
        let to_local = self.destinations.iter().any(|to| is_local(to.endpoint));
        if is_local(self.source) && to_local {
            return Err(InvalidPolicy::LocalToLocal);
        }
        for (index, destination) in self.destinations.iter().enumerate() {
            if self.destinations.iter().skip(index + 1).any(|other| other == destination) {
                return Err(InvalidPolicy::DestinationTwice(destination.endpoint));
            }
        }
        Ok(())
    }

    /// The form that is stored: a negative speed is unlimited, an empty namespace is none.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.speed = self.speed.max(0);
        for destination in &mut self.destinations {
            destination.namespace = destination.namespace.take().filter(|text| !text.is_empty());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::Schedule;

    fn to(endpoint: u64, namespace: Option<&str>) -> Destination {
        let namespace = namespace.map(str::to_owned);
        Destination { endpoint: EndpointId(endpoint), namespace }
    }

    fn spec() -> PolicySpec {
        PolicySpec {
            name: "nightly".to_owned(),
            description: String::new(),
            source: EndpointId(1),
            destinations: vec![to(2, Some("mirror"))],
            replace_count: -1,
            filters: vec![Filter::name("library/**")],
            trigger: Trigger::Scheduled(Schedule::parse("0 0 2 * * *").unwrap()),
            override_tags: true,
            enabled: true,
            deletion: false,
            speed: 0,
            copy_by_chunk: false,
            single_active: true,
            options: Options::default(),
        }
    }

    #[test]
    fn contract_3_2_what_is_a_policy() {
        let good: [fn(&mut PolicySpec); 9] = [
            |_| {},
            |p| p.source = EndpointId::LOCAL,
            |p| p.destinations = vec![to(0, None)],
            |p| p.destinations = vec![to(2, None), to(2, Some("a")), to(3, None)],
            |p| p.destinations = vec![to(1, Some("copy"))],
            |p| p.name = "é".repeat(256),
            |p| p.filters = vec![Filter::name("[")],
            |p| p.trigger = Trigger::Manual,
            |p| (p.trigger, p.single_active) = (Trigger::EventBased, false),
        ];
        for change in good {
            let mut policy = spec();
            change(&mut policy);
            assert_eq!(policy.check(), Ok(()), "{policy:?}");
        }
    }

    #[test]
    fn contract_3_2_what_is_none() {
        type Case = (fn(&mut PolicySpec), fn(&InvalidPolicy) -> bool);
        let bad: [Case; 8] = [
            (|p| p.trigger = Trigger::EventBased, |e| *e == InvalidPolicy::SingleActiveByEvents),
            (|p| p.name.clear(), |e| *e == InvalidPolicy::Name(0)),
            (|p| p.name = "a".repeat(257), |e| *e == InvalidPolicy::Name(257)),
            (|p| p.destinations.clear(), |e| *e == InvalidPolicy::NoDestination),
            (
                |p| {
                    (p.source, p.destinations) = (EndpointId::LOCAL, vec![to(2, None), to(0, None)])
                },
                |e| *e == InvalidPolicy::LocalToLocal,
            ),
            (
                |p| p.destinations = vec![to(2, None), to(3, None), to(2, None)],
                |e| *e == InvalidPolicy::DestinationTwice(EndpointId(2)),
            ),
            (
                |p| p.filters.push(Filter::Resource("chart".to_owned())),
                |e| matches!(e, InvalidPolicy::Filter(_)),
            ),
            (
                |p| p.destinations.push(to(3, Some("Not/Good"))),
                |e| matches!(e, InvalidPolicy::Namespace(_)),
            ),
        ];
        for (change, is_expected) in bad {
            let mut policy = spec();
            change(&mut policy);
            let error = policy.check().unwrap_err();
            assert!(is_expected(&error), "{error}");
        }
    }

    #[test]
    fn contract_3_2_the_first_broken_rule_is_told() {
        let mut policy = spec();
        policy.trigger = Trigger::EventBased;
        policy.name.clear();
        policy.destinations = vec![to(2, Some("/"))];
        policy.filters = vec![Filter::Resource(String::new())];
        let mut told = Vec::new();
        told.push(policy.check().unwrap_err());
        policy.single_active = false;
        told.push(policy.check().unwrap_err());
        policy.name.push('n');
        told.push(policy.check().unwrap_err());
        policy.filters.clear();
        told.push(policy.check().unwrap_err());
        assert!(matches!(
            told.as_slice(),
            [
                InvalidPolicy::SingleActiveByEvents,
                InvalidPolicy::Name(0),
                InvalidPolicy::Filter(_),
                InvalidPolicy::Namespace(_)
            ]
        ));
    }

    #[test]
    fn the_stored_form() {
        let mut policy = spec();
        policy.speed = -5;
        policy.destinations = vec![to(2, Some("")), to(3, Some("n"))];
        let stored = policy.normalised();
        assert_eq!((stored.speed, &stored.destinations), (0, &vec![to(2, None), to(3, Some("n"))]));
    }
}
