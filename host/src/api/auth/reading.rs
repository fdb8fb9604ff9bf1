//! Answers that go on for long: how many there may be, and whether whoever reads one still may.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Kind, Who};
use crate::api::Api;

/// Most such answers at once.
const MAX_STREAMS: usize = 64;
/// Most of one user or token.
const MAX_OF_ONE: usize = 8;
/// How long a check counts.
const CHECKED: Duration = Duration::from_secs(5);

/// The answers that go on, by who reads them.
#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<String, usize>>);

/// One of them; dropping it makes room.
pub(crate) struct Place {
    streams: Arc<Streams>,
    name: String,
}

impl Streams {
    /// Room for one more, or `None`.
    pub(super) fn take(self: &Arc<Self>, name: &str) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.get(name).copied().unwrap_or(0);
        if all >= MAX_STREAMS || own >= MAX_OF_ONE {
            return None;
        }
        open.insert(name.to_owned(), own + 1);
        Some(Place { streams: Arc::clone(self), name: name.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get(&self.name).copied() {
            Some(count) if count > 1 => open.insert(self.name.clone(), count - 1),
            _ => open.remove(&self.name),
        };
    }
}

/// The right of one caller to go on reading.
pub(crate) struct Reading {
    api: Api,
    who: Who,
    token: Option<String>,
    session: Option<String>,
    checked: Instant,
    _place: Place,
}

impl Reading {
    pub(super) fn new(
        api: Api,
        who: Who,
        token: Option<String>,
        session: Option<&str>,
        place: Place,
    ) -> Self {
        let session = session.map(str::to_owned);
        Self { api, who, token, session, checked: Instant::now(), _place: place }
    }

    /// Whether it still may: the session or token is neither over nor revoked, and the user is
    /// there with the same password. Asked anew every few seconds.
    pub(crate) async fn is_allowed(&mut self) -> bool {
        let now = Instant::now();
        if now.saturating_duration_since(self.checked) < CHECKED {
            return true;
        }
        self.checked = now;
        let in_session =
            self.session.as_deref().is_none_or(|id| self.api.0.sessions.is_open(id, now));
        in_session && self.is_known().await
    }

    async fn is_known(&self) -> bool {
        let host = &self.api.0.host;
        match (self.who.kind, &self.token) {
            // Of those whom a proxy names nothing is stored that could be revoked.
            (Kind::Owner | Kind::Proxy, _) => true,
            (Kind::Token(_), Some(digest)) => matches!(host.use_token(digest).await, Ok(Some(_))),
            (Kind::Token(_), None) => false,
            (Kind::User(..), _) => matches!(self.api.user_now(&self.who).await, Ok(Some(_))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_some_of_each_and_some_in_all() {
        let streams = Arc::<Streams>::default();
        let of = |name: &str| streams.take(name);
        let mut places: Vec<Place> = (0..MAX_OF_ONE).map(|_| of("ada").unwrap()).collect();
        assert!(of("ada").is_none());
        places.pop();
        places.push(of("ada").unwrap());
        while places.len() < MAX_STREAMS {
            places.push(of(&places.len().to_string()).unwrap());
        }
        assert!(of("bob").is_none());
        drop(places);
        assert!(streams.0.lock().unwrap().is_empty());
    }
}
