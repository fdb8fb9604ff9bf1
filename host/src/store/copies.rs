//! What is remembered of destinations between runs: which repository holds which blob, what a tag
//! was, and where an upload stopped.
//!
//! All of it can be lost without harm: it is asked for again. Nothing here is a credential; where
//! an upload goes on is for its registry to guard.

use portolan_core::oci::{Digest, Repository, Tag};
use redb::ReadableTableMetadata;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    rows::{find, unreadable},
    tables::{HELD, SEEN_TAGS, Tables, UPLOADS},
};

/// Most rows of each kind. When they are full they are emptied, and what is asked fills them anew.
const MAX_ROWS: u64 = 200_000;
/// Most repositories named for one blob: any of them will do to mount from.
const MAX_HOLDERS: usize = 8;

/// One thing that was seen at a registry. `registry` is the base address of its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The repository holds the blob.
    Blob { registry: String, repository: Repository, digest: Digest },
    /// The tag is this manifest.
    Tag { registry: String, repository: Repository, tag: Tag, digest: Digest },
    /// The repository holds the blob no more.
    Gone { registry: String, repository: Repository, digest: Digest },
}

/// Which blob of which repository an upload is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UploadKey {
    /// Base address of the registry's API.
    pub(crate) registry: String,
    /// The repository there.
    pub(crate) repository: Repository,
    /// The blob.
    pub(crate) digest: Digest,
}

/// An upload that may be gone on with. Who knows its location may, so it is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredUpload {
    /// Where its next request goes.
    pub(crate) location: String,
    /// Smallest chunk in bytes.
    pub(crate) min_chunk: Option<u64>,
    /// States of the hash on the way, the latest last.
    pub(crate) states: Vec<Vec<u8>>,
    /// When this was written.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

#[derive(Serialize, Deserialize)]
struct SeenTag {
    digest: Digest,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}

impl Store {
    /// Notes what was seen, in one commit.
    pub(crate) async fn note_seen(
        &self,
        seen: Vec<Seen>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.write(move |tables| seen.iter().try_for_each(|one| note(tables, one, now))).await
    }

    /// Repositories of a registry that were seen to hold a blob at `since` or later, at most eight;
    /// `wanted` first where it is one of them.
    pub(crate) fn holders(
        &self,
        registry: &str,
        digest: &Digest,
        wanted: &Repository,
        since: OffsetDateTime,
    ) -> Result<Vec<Repository>, StoreError> {
        self.peek(|tables| {
            let held = tables.open(HELD)?;
            let blob = digest.as_str();
            let lasts = |seen: i64| seen >= since.unix_timestamp();
            let own = held.get((registry, blob, wanted.as_str())).map_err(unreadable)?;
            let own = own.filter(|seen| lasts(seen.value())).map(|_| wanted.clone());
            let mut holders: Vec<Repository> = own.into_iter().collect();
            for row in held.range((registry, blob, "")..).map_err(unreadable)? {
                let (key, seen) = row.map_err(unreadable)?;
                let (at, of, repository) = key.value();
                if (at, of) != (registry, blob) || holders.len() >= MAX_HOLDERS {
                    break;
                }
                if lasts(seen.value()) && repository != wanted.as_str() {
                    holders.extend(repository.parse::<Repository>().ok());
                }
            }
            Ok(holders)
        })
    }

    /// What a tag was when it was last seen, where that was at `since` or later.
    pub(crate) fn seen_tag(
        &self,
        registry: &str,
        repository: &Repository,
        tag: &Tag,
        since: OffsetDateTime,
    ) -> Result<Option<Digest>, StoreError> {
        self.peek(|tables| {
            let key = (registry, repository.as_str(), tag.as_str());
            let seen: Option<SeenTag> = find(&tables.open(SEEN_TAGS)?, key)?;
            Ok(seen.filter(|seen| seen.at >= since).map(|seen| seen.digest))
        })
    }

    /// The upload of a blob that was under way at `since` or later.
    pub(crate) fn upload(
        &self,
        key: &UploadKey,
        since: OffsetDateTime,
    ) -> Result<Option<StoredUpload>, StoreError> {
        self.peek(|tables| {
            let upload: Option<StoredUpload> = find(&tables.open(UPLOADS)?, row(key))?;
            Ok(upload.filter(|upload| upload.at >= since))
        })
    }

    /// Notes where an upload is.
    pub(crate) async fn put_upload(
        &self,
        key: UploadKey,
        upload: StoredUpload,
    ) -> Result<(), StoreError> {
        self.write(move |tables| {
            if tables.uploads.open()?.len().map_err(unreadable)? >= MAX_ROWS {
                tables.uploads.remove_range(("", "", "")..)?;
            }
            tables.uploads.put_json(row(&key), &upload)
        })
        .await
    }

    /// Forgets an upload: it is over.
    pub(crate) async fn forget_upload(&self, key: UploadKey) -> Result<(), StoreError> {
        self.write(move |tables| tables.uploads.remove(row(&key)).map(drop)).await
    }
}

fn row(key: &UploadKey) -> (&str, &str, &str) {
    (&key.registry, key.repository.as_str(), key.digest.as_str())
}

fn note(tables: &mut Tables<'_>, seen: &Seen, now: OffsetDateTime) -> Result<(), StoreError> {
    match seen {
        Seen::Blob { registry, repository, digest } => {
            if tables.held.open()?.len().map_err(unreadable)? >= MAX_ROWS {
                emptied("blobs");
                tables.held.remove_range(("", "", "")..)?;
            }
            let key = (registry.as_str(), digest.as_str(), repository.as_str());
            tables.held.put(key, now.unix_timestamp())
        }
        Seen::Tag { registry, repository, tag, digest } => {
            if tables.seen_tags.open()?.len().map_err(unreadable)? >= MAX_ROWS {
                emptied("tags");
                tables.seen_tags.remove_range(("", "", "")..)?;
            }
            let key = (registry.as_str(), repository.as_str(), tag.as_str());
            tables.seen_tags.put_json(key, &SeenTag { digest: digest.clone(), at: now })
        }
        Seen::Gone { registry, repository, digest } => {
            let key = (registry.as_str(), digest.as_str(), repository.as_str());
            tables.held.remove(key).map(drop)
        }
    }
}

fn emptied(what: &str) {
    tracing::info!("{MAX_ROWS} {what} are remembered: all are forgotten, and asked for again");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{after, memory};

    fn repository(name: &str) -> Repository {
        name.parse().unwrap()
    }

    fn blob(registry: &str, name: &str, content: &[u8]) -> Seen {
        let (registry, repository) = (registry.to_owned(), repository(name));
        Seen::Blob { registry, repository, digest: Digest::of(content) }
    }

    #[tokio::test]
    async fn holders_are_those_of_the_registry_that_were_seen_lately() {
        let store = memory().await;
        store.note_seen(vec![blob("r", "old", b"x")], after(0)).await.unwrap();
        let seen = [("r", "a"), ("r", "b"), ("s", "c")].map(|(at, name)| blob(at, name, b"x"));
        store.note_seen(seen.to_vec(), after(10)).await.unwrap();
        store.note_seen(vec![blob("r", "z", b"y")], after(10)).await.unwrap();
        let names = |wanted: &str| {
            let found =
                store.holders("r", &Digest::of(b"x"), &repository(wanted), after(5)).unwrap();
            found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((names("b").as_str(), names("old").as_str()), ("b a", "a b"));
        let gone = Seen::Gone {
            registry: "r".to_owned(),
            repository: repository("a"),
            digest: Digest::of(b"x"),
        };
        store.note_seen(vec![gone], after(11)).await.unwrap();
        assert_eq!(names("q"), "b");
        let many = (0..20).map(|number| blob("r", &format!("n{number}"), b"x")).collect();
        store.note_seen(many, after(12)).await.unwrap();
        assert_eq!(names("q").split(' ').count(), MAX_HOLDERS);
    }

    #[tokio::test]
    async fn a_tag_is_believed_as_long_as_it_was_seen() {
        let store = memory().await;
        let (name, tag) = (repository("a"), "v1".parse::<Tag>().unwrap());
        let seen = Seen::Tag {
            registry: "r".to_owned(),
            repository: name.clone(),
            tag: tag.clone(),
            digest: Digest::of(b"x"),
        };
        store.note_seen(vec![seen], after(10)).await.unwrap();
        for (registry, since, found) in [("r", 10, true), ("r", 11, false), ("s", 10, false)] {
            let seen = store.seen_tag(registry, &name, &tag, after(since)).unwrap();
            assert_eq!(seen, found.then(|| Digest::of(b"x")), "{registry} {since}");
        }
    }

    #[tokio::test]
    async fn an_upload_is_kept_until_it_is_over() {
        let store = memory().await;
        let key = UploadKey {
            registry: "r".to_owned(),
            repository: repository("a"),
            digest: Digest::of(b"x"),
        };
        let upload = StoredUpload {
            location: "https://r/up/1?_state=x".to_owned(),
            min_chunk: Some(5),
            states: vec![vec![1, 2]],
            at: after(3),
        };
        store.put_upload(key.clone(), upload.clone()).await.unwrap();
        assert!(store.upload(&key, after(3)).unwrap() == Some(upload));
        assert!(store.upload(&key, after(4)).unwrap().is_none());
        store.forget_upload(key.clone()).await.unwrap();
        assert!(store.upload(&key, after(0)).unwrap().is_none());
    }
}
