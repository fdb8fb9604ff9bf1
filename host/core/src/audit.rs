//! The audit log: who changed what, from where, and what became of it.
//!
//! No secret is ever in an entry: of a secret it says that it was set, changed or removed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::account::Role;

/// Longest JSON of one side of a change, in bytes; of a longer one the length is kept. A page of a
/// thousand entries is read at once.
const MAX_SIDE: usize = 16 << 10;

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// By being root or the daemon's own user on its Unix socket.
    Socket,
    /// By a password with the request.
    Password,
    /// By a session of the console.
    Session,
    /// By a token.
    Token,
    /// By a client certificate.
    Certificate,
    /// To a trusted proxy, which says so.
    Proxy,
    /// Not at all.
    None,
}

/// Who asks for something, and by which request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Name of the user or token; of a failed login the name that was tried; else empty.
    pub who: String,
    /// What they may do; `None` for nobody.
    pub role: Option<Role>,
    /// How they proved who they are, or tried to.
    pub how: Means,
    /// Address of the other end, or `socket`.
    pub from: String,
    /// Id of the request, as it was answered in `X-Request-Id`.
    pub request: String,
    /// Method and path.
    pub action: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// They may not, or it could not be: nothing changed.
    Refused,
}

/// What was changed: a noun, its id, and both sides without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `endpoint`, `policy`, `execution`, `plugin`, `user`, `token`, …
    pub noun: String,
    /// Its id or digest; empty where there is none. Entries have an `id` of their own.
    #[serde(rename = "noun_id")]
    pub id: String,
    /// What it was; `None` for something new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is now; `None` for something that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Which secrets were `set`, `changed` or `removed`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretChange>,
}

/// What happened to a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretChange {
    /// There was none.
    Set,
    /// There was another.
    Changed,
    /// There is none any more.
    Removed,
}

impl SecretChange {
    /// What a change from one text to another is; `None` where it is none.
    #[must_use]
    pub fn between(before: Option<&str>, after: Option<&str>) -> Option<Self> {
        match (before, after) {
            (None, Some(_)) => Some(Self::Set),
            (Some(_), None) => Some(Self::Removed),
            (Some(before), Some(after)) if before != after => Some(Self::Changed),
            _ => None,
        }
    }
}

impl Change {
    /// A change of one thing.
    #[must_use]
    pub fn of(noun: &str, id: impl ToString) -> Self {
        Self {
            noun: noun.to_owned(),
            id: id.to_string(),
            before: None,
            after: None,
            secrets: BTreeMap::new(),
        }
    }

    /// The same, with what it was. `record` must hold no secret.
    #[must_use]
    pub fn from(mut self, record: &impl Serialize) -> Self {
        self.before = side(record);
        self
    }

    /// The same, with what it is now. `record` must hold no secret.
    #[must_use]
    pub fn to(mut self, record: &impl Serialize) -> Self {
        self.after = side(record);
        self
    }

    /// The same, with what happened to a secret, where something did.
    #[must_use]
    pub fn secret(mut self, name: &str, change: Option<SecretChange>) -> Self {
        self.secrets.extend(change.map(|change| (name.to_owned(), change)));
        self
    }
}

/// What cannot be written as JSON, or is too long, is left out rather than in the way.
fn side(record: &impl Serialize) -> Option<Value> {
    let value = serde_json::to_value(record).ok()?;
    let length = value.to_string().len();
    if length <= MAX_SIDE {
        return Some(value);
    }
    Some(Value::String(format!("{length} bytes, more than the log keeps")))
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up.
    pub id: u64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who, and by which request.
    #[serde(flatten)]
    pub actor: Actor,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was refused, or empty.
    pub reason: String,
    /// What it was about.
    #[serde(flatten)]
    pub change: Change,
}

/// Which entries are asked for; each bound narrows.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Of this name alone.
    pub who: Option<String>,
    /// About this noun alone.
    pub noun: Option<String>,
    /// About this id alone.
    pub id: Option<String>,
    /// Not older.
    pub since: Option<OffsetDateTime>,
    /// With a lower id: the id of the last entry of the page before.
    pub before: Option<u64>,
}

impl AuditQuery {
    /// Whether an entry is asked for.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        let same = |asked: &Option<String>, is: &str| asked.as_deref().is_none_or(|it| it == is);
        same(&self.who, &entry.actor.who)
            && same(&self.noun, &entry.change.noun)
            && same(&self.id, &entry.change.id)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.before.is_none_or(|before| entry.id < before)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_flat_and_comes_back() {
        let change = Change::of("endpoint", 3)
            .from(&json!({"name": "a"}))
            .to(&json!({"name": "b"}))
            .secret("access_secret", SecretChange::between(Some("x"), Some("y")))
            .secret("client_key", SecretChange::between(None, None));
        let actor = Actor {
            who: "ada".to_owned(),
            role: Some(Role::Admin),
            how: Means::Password,
            from: "192.0.2.1".to_owned(),
            request: "r1".to_owned(),
            action: "PUT /x".to_owned(),
        };
        let at = OffsetDateTime::UNIX_EPOCH;
        let entry =
            Entry { id: 7, at, actor, outcome: Outcome::Done, reason: String::new(), change };
        let shown = serde_json::to_value(&entry).unwrap();
        assert_eq!(
            shown,
            json!({"id": 7, "at": "1970-01-01T00:00:00Z", "who": "ada", "role": "admin",
                "how": "password", "from": "192.0.2.1", "request": "r1", "action": "PUT /x",
                "outcome": "done", "reason": "", "noun": "endpoint", "noun_id": "3",
                "before": {"name": "a"}, "after": {"name": "b"},
                "secrets": {"access_secret": "changed"}})
        );
        assert_eq!(serde_json::from_value::<Entry>(shown).unwrap(), entry);
    }

    #[test]
    fn secrets_are_told_by_what_happened_to_them() {
        use SecretChange::{Changed, Removed, Set};
        let cases = [
            (None, Some("a"), Some(Set)),
            (Some("a"), None, Some(Removed)),
            (Some("a"), Some("b"), Some(Changed)),
            (Some("a"), Some("a"), None),
            (None, None, None),
        ];
        for (before, after, expected) in cases {
            assert_eq!(SecretChange::between(before, after), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_left_out() {
        // Two bytes are quotes.
        let (most, more) = ("x".repeat(MAX_SIDE - 2), "x".repeat(MAX_SIDE - 1));
        let change = Change::of("policy", 1).from(&most).to(&more);
        let left_out = format!("{} bytes, more than the log keeps", MAX_SIDE + 1);
        assert_eq!((change.before.unwrap(), change.after.unwrap()), (json!(most), json!(left_out)));
    }
}
