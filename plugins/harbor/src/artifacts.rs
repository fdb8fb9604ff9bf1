//! A repository's artifacts, page by page, each with what is attached to it.
//!
//! Harbor lists signatures and SBOMs (its accessories) with the artifact they are of, by digest
//! alone; each is asked for, since some are found by a tag. Those of an index's parts are not
//! looked for: that would take a request for each part of each index.

use portolan_sdk::{Artifact, Endpoint, KeyValue, Page, PageRequest, Result, http::Request};

use crate::{api, listing::position, wire};

/// Accessories of a page's artifacts that one call asks for, one after another, in the time that a
/// call has; the next one goes on.
const MAX_ACCESSORIES: usize = 16;

/// The same with what is attached to accessories themselves; more are given as their subject's row
/// tells of them.
const MAX_ASKED: usize = 32;

/// Most accessories of one call, asked for or not.
const MAX_NESTED: usize = 1_000;

/// An accessory that is to be asked for: its digest, that of its subject, and the subject's labels.
type Open = (String, String, Vec<String>);

/// One page of a repository's artifacts with digests, tags and labels. The cursor is the page and
/// the turn in which so many of its accessories are listed.
pub(crate) fn list(
    endpoint: &Endpoint,
    repository: &str,
    page: &PageRequest,
) -> Result<Page<Artifact>> {
    let (number, turn, _) = position(page)?;
    let listed = (turn.saturating_sub(1) as usize).saturating_mul(MAX_ACCESSORIES);
    let path = api::artifacts_path(repository)?;
    let at = (number, page.size(api::MAX_PAGE));
    let query = [("with_tag", "true"), ("with_label", "true"), ("with_accessory", "true")];
    let (rows, more) = api::list::<wire::Artifact>(endpoint, &path, at, &query)?;
    let (mut items, mut open) = (Vec::with_capacity(rows.len()), Vec::new());
    for mut row in rows {
        let attached = row.accessories.take();
        let item = artifact(row);
        note(&mut open, attached, &item);
        items.push(item);
    }
    if listed > 0 {
        items.clear();
    }
    open.reverse();
    let rest = open.len().saturating_sub(listed);
    open.truncate(rest);
    let rest = rest.saturating_sub(MAX_ACCESSORIES);
    open.drain(..rest);
    accessories(endpoint, &path, open, &mut items)?;
    let next = match rest {
        0 => more.then(|| (number.saturating_add(1), 1, String::new())),
        _ => Some((number, turn.saturating_add(1), String::new())),
    };
    Page::last(items).next(next.as_ref())
}

/// Adds what is attached to an artifact to what is to be asked for.
fn note(open: &mut Vec<Open>, attached: Option<Vec<wire::Named>>, to: &Artifact) {
    let Some(subject) = &to.digest else { return };
    // It becomes part of an address.
    let is_digest = |it: &wire::Named| {
        !it.name.is_empty() && it.name.bytes().all(|b| b == b':' || b.is_ascii_alphanumeric())
    };
    let attached = attached.unwrap_or_default().into_iter().filter(is_digest);
    open.extend(attached.map(|it| (it.name, subject.clone(), to.labels.clone())));
}

/// Asks for accessories, and for those of accessories; one after another, for what sends several
/// at once would take more of the component than all of this.
fn accessories(
    endpoint: &Endpoint,
    path: &str,
    mut open: Vec<Open>,
    items: &mut Vec<Artifact>,
) -> Result<()> {
    for seen in 0..MAX_NESTED {
        let Some((digest, subject, labels)) = open.pop() else { break };
        // A circle comes back to what was listed.
        if items.iter().any(|it| it.digest.as_ref() == Some(&digest)) {
            continue;
        }
        let row =
            if seen < MAX_ASKED { one(endpoint, path, &digest)? } else { Some(Default::default()) };
        let Some(mut row) = row else { continue };
        row.digest = digest;
        let attached = row.accessories.take();
        // A rule's filter by label means the subject.
        let item = Artifact { subject: Some(subject), labels, ..artifact(row) };
        note(&mut open, attached, &item);
        items.push(item);
    }
    Ok(())
}

/// One accessory; `None` where it was deleted since its subject was listed. One that the account is
/// not shown is what the list told of it, its digest alone: without anything here.
fn one(endpoint: &Endpoint, path: &str, digest: &str) -> Result<Option<wire::Artifact>> {
    let get = Request::get(format!("{path}/{digest}"));
    let get = get.query("with_tag", "true").query("with_accessory", "true");
    let answer = api::request(endpoint, get).send()?;
    match answer.status() {
        404 if !answer.is_html() => Ok(None),
        403 => Ok(Some(wire::Artifact::default())),
        _ => answer.success()?.json().map(Some),
    }
}

/// An artifact as the host wants it; one with a name is a tag of Harbor 1.x.
pub(crate) fn artifact(row: wire::Artifact) -> Artifact {
    let names = |list: Option<Vec<wire::Named>>| {
        list.unwrap_or_default().into_iter().map(|named| named.name).collect()
    };
    let platforms = row.references.unwrap_or_default().into_iter().filter_map(|r| r.platform);
    Artifact {
        digest: Some(row.digest).filter(|digest| !digest.is_empty()),
        media_type: row.manifest_media_type.filter(|text| !text.is_empty()),
        artifact_type: row.artifact_type.filter(|text| !text.is_empty()),
        size: row.size,
        pushed: row.push_time,
        labels: names(row.labels),
        platforms: platforms.map(platform).collect(),
        extra: row.kind.map(|kind| KeyValue::new("type", kind)).into_iter().collect(),
        ..Artifact::new(if row.name.is_empty() { names(row.tags) } else { vec![row.name] })
    }
}

/// `os/arch[/variant]`.
fn platform(platform: wire::Platform) -> String {
    let wire::Platform { os, architecture, variant } = platform;
    match variant.filter(|variant| !variant.is_empty()) {
        Some(variant) => format!("{os}/{architecture}/{variant}"),
        None => format!("{os}/{architecture}"),
    }
}
