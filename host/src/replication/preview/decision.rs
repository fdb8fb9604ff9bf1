//! What would be done about one row: the destination is asked, nothing is changed there.

use portolan_core::{
    oci::{Digest, Reference},
    plan::{Decision, PlannedArtifact},
    policy::options::{Chosen, IndexMode},
};

use super::{
    Planner,
    row::{Draft, Target, reference},
};
use crate::replication::source::Source;

impl Planner<'_> {
    /// Decides a row that is not decided yet.
    pub(super) async fn decide(
        &self,
        draft: Draft,
        source: &Result<Source, String>,
        targets: &[Target],
    ) -> PlannedArtifact {
        let Draft { mut row, target, media_type, note } = draft;
        let Some(target) = target.and_then(|at| targets.get(at)) else { return row };
        let refusal = media_type.as_ref().and_then(|it| target.accepts.refusal(it));
        let (decision, reason) = match refusal {
            Some(why) => (Decision::Refused, why),
            None => self.compare(&row, source, target).await,
        };
        (row.decision, row.reason) = (decision, reason);
        if let (Decision::Copy, Some(note)) = (decision, note) {
            row.reason = format!("{}; {note}", row.reason);
        }
        row
    }

    /// Asks the destination for what the row would become.
    async fn compare(
        &self,
        row: &PlannedArtifact,
        source: &Result<Source, String>,
        target: &Target,
    ) -> (Decision, String) {
        let (source, remote) = match (source, &target.remote) {
            (Ok(source), Ok(remote)) => (source, remote),
            (Err(why), _) | (_, Err(why)) => return (Decision::Unknown, why.clone()),
        };
        let Some(reference) = reference(row) else {
            let why = "it has neither a digest nor a tag of the grammar, so it cannot be asked for";
            return (Decision::Skipped, why.to_owned());
        };
        let there = match remote.head_manifest(&reference).await {
            Ok(Some(there)) => there.digest,
            Ok(None) => return (Decision::Copy, "the destination does not have it".to_owned()),
            Err(error) => return (Decision::Unknown, error.to_string()),
        };
        if matches!(reference, Reference::Digest(_)) {
            return (Decision::AlreadyThere, format!("the destination has {there}"));
        }
        match source.is_same(&reference, row.digest.as_ref(), &there, remote).await {
            Ok(true) => (Decision::AlreadyThere, format!("the destination has {there}")),
            Ok(false) => self.moves(&reference, &there, source).await,
            Err(error) => (Decision::Unknown, error.to_string()),
        }
    }

    /// What becomes of a tag that stands for something else there.
    async fn moves(
        &self,
        reference: &Reference,
        there: &Digest,
        source: &Source,
    ) -> (Decision, String) {
        let options = &self.policy.options;
        let Reference::Tag(tag) = reference else {
            return (Decision::Copy, "the destination does not have it".to_owned());
        };
        // An index that is written anew has another digest than the source's.
        if !options.platforms.include.is_empty() && options.platforms.index == IndexMode::Rewrite {
            let chosen =
                source.pull(reference).await.map(|it| options.platforms.choose(&it.manifest));
            match chosen {
                Ok(Chosen::Rewritten(index)) if index.digest == *there => {
                    let why = format!("the destination has {there}, of the wanted platforms");
                    return (Decision::AlreadyThere, why);
                }
                Ok(Chosen::Nothing) => {
                    let why = "left out by the option `platforms`: it has none of them";
                    return (Decision::Skipped, why.to_owned());
                }
                Ok(_) => {}
                Err(error) => return (Decision::Unknown, error.to_string()),
            }
        }
        if !self.policy.override_tags {
            return (Decision::Kept, format!("the destination has {there}, and override is off"));
        }
        if options.is_immutable(tag.as_str()) {
            let why = format!("the destination has {there}, and the rule calls the tag immutable");
            return (Decision::Kept, why);
        }
        let kept = options.backup_tag.as_ref().and_then(|backup| backup.of(tag));
        let kept = kept.map(|name| format!(", which stays there as {name}")).unwrap_or_default();
        (Decision::Copy, format!("the tag moves there from {there}{kept}"))
    }
}
