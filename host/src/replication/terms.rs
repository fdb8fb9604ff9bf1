//! What the options of a rule ask for while an artifact is copied: which platforms and types, which
//! tags never move, and what is kept of those that do.

use std::{borrow::Cow, collections::HashSet};

use portolan_core::{
    oci::{Digest, Manifest, Reference, Tag},
    policy::{
        Options,
        options::{Chosen, IndexMode},
    },
};
use tokio::sync::OnceCell;

use super::{
    failure::{Side, TransferError},
    transfer::{Job, Walk},
};

/// The options of one task, and what was learned for them.
pub(super) struct Terms {
    options: Options,
    /// Tags that the destination had when it was asked; only where some are immutable.
    there: OnceCell<HashSet<String>>,
}

impl Terms {
    pub(super) fn new(options: &Options) -> Self {
        Self { options: options.clone(), there: OnceCell::new() }
    }

    /// Whether the rule says that a tag never moves.
    pub(super) fn is_immutable(&self, tag: &Tag) -> bool {
        self.options.is_immutable(tag.as_str())
    }

    /// Whether an index may be written anew.
    pub(super) fn rewrites(&self) -> bool {
        let platforms = &self.options.platforms;
        !platforms.include.is_empty() && platforms.index == IndexMode::Rewrite
    }

    /// What of a manifest goes, its children being those that go; or why nothing does.
    pub(super) fn choose<'m>(&self, manifest: &'m Manifest) -> Result<Cow<'m, Manifest>, String> {
        let kind = manifest.artifact_type.as_deref().unwrap_or_default();
        if !self.options.takes_type(&[manifest.media_type.as_str(), kind]) {
            let kind = if kind.is_empty() { manifest.media_type.as_str() } else { kind };
            return Err(format!("left out by the option media_types: it is of the type {kind}"));
        }
        match self.options.platforms.choose(manifest) {
            Chosen::Whole => Ok(Cow::Borrowed(manifest)),
            Chosen::Sparse(children) => Ok(Cow::Owned(Manifest { children, ..manifest.clone() })),
            Chosen::Rewritten(index) => Ok(Cow::Owned(*index)),
            Chosen::Nothing => {
                Err("left out by the option platforms: it has none of them".to_owned())
            }
        }
    }

    /// Says what to do where a destination wants every child of a sparse index.
    pub(super) fn explained(&self, error: TransferError, manifest: &Manifest) -> TransferError {
        let sparse = self.options.platforms.index == IndexMode::Sparse
            && !self.options.platforms.include.is_empty()
            && manifest.media_type.is_index();
        if !sparse || !error.is_part_unknown() {
            return error;
        }
        TransferError::not_taken(format!(
            "it takes no index without all of its platforms: set the option platforms.index to \
             rewrite or whole ({error})"
        ))
    }
}

impl Job {
    /// Whether the rule calls a tag immutable and the destination has it. The destination is asked
    /// once for all of its tags; where it does not tell them, each is looked at as any other.
    pub(super) async fn is_settled(&self, tag: &Tag) -> bool {
        if !self.terms.is_immutable(tag) {
            return false;
        }
        let list = async || match self.destination.tags().await {
            Ok(page) => page.tags,
            Err(error) => {
                tracing::debug!(%error, "tags are asked for one by one");
                HashSet::new()
            }
        };
        let settled = self.terms.there.get_or_init(list).await.contains(tag.as_str());
        if settled {
            self.stats.skipped();
            self.log
                .info(format!("{tag} is there, and immutable by the rule: not asked for"))
                .await;
        }
        settled
    }

    /// Keeps what a tag stands for at the destination under its backup name, before it moves.
    pub(super) async fn back_up(&self, tag: &Tag, there: &Digest) -> Result<(), TransferError> {
        let Some(template) = &self.terms.options.backup_tag else { return Ok(()) };
        let Some(name) = template.of(tag) else {
            let template = template.as_str();
            return Err(TransferError::not_taken(format!(
                "{tag} is not moved: {template} makes a tag of it that is longer than tags may be"
            )));
        };
        let old = self.destination.get_manifest(&Reference::Digest(there.clone())).await;
        let old = old.map_err(TransferError::at(Side::Destination, "pulling what is kept"))?;
        self.push(&Reference::Tag(name.clone()), &old).await?;
        self.log.info(format!("{tag} was {there}, which is {name} now")).await;
        Ok(())
    }

    /// Copies what goes of a manifest, then moves or makes its tag; `there` is what that stood for.
    pub(super) async fn put_tag(
        &self,
        (tag, there): (&Tag, Option<Digest>),
        pulled: &Manifest,
        walk: Walk<'_>,
    ) -> Result<(), TransferError> {
        let Some(manifest) = self.chosen(tag, pulled).await else { return Ok(()) };
        if there.as_ref() == Some(&manifest.digest) {
            self.stats.skipped();
            self.known.tagged(tag, &manifest.digest, false).await;
            self.log.info(format!("{tag} is there already, {}", manifest.digest)).await;
            return self.follow((&manifest.digest, walk.at), None).await;
        }
        if there.is_some()
            && let Some(why) = self.stays(tag)
        {
            return self.leave(tag, why).await;
        }
        self.check_taken(&manifest, 0, &mut HashSet::new()).await?;
        if let Some(there) = &there {
            self.back_up(tag, there).await?;
        }
        let copied = self.copy_graph(&Reference::Tag(tag.clone()), &manifest, walk, 0).await;
        copied.map_err(|error| self.terms.explained(error, &manifest))?;
        self.stats.pushed();
        self.known.tagged(tag, &manifest.digest, true).await;
        self.log.info(format!("{tag} pushed, {}", manifest.digest)).await;
        self.follow((&manifest.digest, walk.at), Some(&manifest)).await
    }

    /// What of a manifest goes by the rule's options; `None` where nothing does, which is told.
    pub(super) async fn chosen<'m>(
        &self,
        name: impl std::fmt::Display,
        manifest: &'m Manifest,
    ) -> Option<Cow<'m, Manifest>> {
        match self.terms.choose(manifest) {
            Ok(chosen) => Some(chosen),
            Err(why) => {
                self.stats.left();
                self.log.info(format!("{name} stays behind: {why}")).await;
                None
            }
        }
    }

    /// Leaves a tag of the destination as it is.
    pub(super) async fn leave(&self, tag: &Tag, why: &str) -> Result<(), TransferError> {
        self.stats.left();
        self.log.warn(format!("{tag} is there with another digest, and {why}")).await;
        Ok(())
    }

    /// Why a tag of the destination never moves, where it does not.
    pub(super) fn stays(&self, tag: &Tag) -> Option<&'static str> {
        match (self.override_tags, self.terms.is_immutable(tag)) {
            (false, _) => Some("override is off"),
            (true, true) => Some("the rule calls it immutable"),
            (true, false) => None,
        }
    }
}
