//! Recorded exchanges, replayed as servers: the adapter is driven until it asks for no recorded
//! exchange that it has not asked for before. What it makes of an answer is held against it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    provider::{ArtifactQuery, RepositoryQuery},
    secret::Secret,
};

use super::{Kit, hostile, judge, probes};
use crate::{AdapterCall, Answer, Code, Error, Fault, Reply, StageCall};

mod heard;
mod row;

use heard::Heard;
use row::Row;

/// Most passes with the same credentials.
const MAX_PASSES: usize = 6;
/// Most pairs of credentials taken from the recorded requests.
const MAX_LOGINS: usize = 6;
/// Most pages of one listing.
const MAX_PAGES: usize = 8;
/// Most repositories, and most tags or digests of one, that are asked about.
const MAX_NAMES: usize = 6;
/// At least every so many of the exchanges that are an adapter's have to be asked for.
const LEAST_SHARE: usize = 4;
/// Most requests named that no row answers.
const MAX_UNANSWERED: usize = 10;

/// One file of recorded exchanges.
pub(super) struct Fixture {
    name: String,
    rows: Vec<Row>,
}

/// Reads the files; lines that are none are named.
pub(super) fn read(files: &[(String, String)]) -> Result<Vec<Fixture>, Error> {
    let one = |(name, text): &(String, String)| {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let read = |(number, line): (usize, &str)| {
            Row::read(line, number + 1).map_err(|why| {
                let text = format!("{name} line {}: it is no recorded exchange: {why}", number + 1);
                Error::new(Code::Invalid, text)
            })
        };
        Ok(Fixture { name: name.clone(), rows: lines.map(read).collect::<Result<_, _>>()? })
    };
    files.iter().map(one).collect()
}

/// What was asked for while the rows were played.
struct Played {
    rows: Vec<Row>,
    endpoint: String,
    used: Mutex<BTreeSet<usize>>,
    unanswered: Mutex<BTreeSet<String>>,
    /// What answered the requests of the call under way: a row, or none.
    now: Mutex<Vec<Option<usize>>>,
}

impl Played {
    /// The best row; of equals one that was not used yet.
    fn answer(&self, call: &StageCall) -> Reply {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let ranked = self.rows.iter().enumerate().filter_map(|(index, row)| {
            let rank = row.rank(call, &self.endpoint)?;
            Some((rank, !used.contains(&index), std::cmp::Reverse(index), row))
        });
        let best = ranked.max_by_key(|(rank, fresh, index, _)| (*rank, *fresh, *index));
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.push(best.as_ref().map(|(_, _, index, _)| index.0));
        if let Some((_, _, index, row)) = best {
            used.insert(index.0);
            return row.reply();
        }
        let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        if unanswered.len() < MAX_UNANSWERED {
            unanswered.insert(format!("{} https://{}{}", call.method, call.host, call.path));
        }
        let body = r#"{"errors":[{"code":"NOT_RECORDED","message":"no recorded exchange fits"}]}"#;
        Reply::new(404, &[("Content-Type", "application/json")], body)
    }

    /// The rows that answered since the last time, and whether one answered the last request:
    /// what no row answers came to nothing.
    fn heard(&self) -> (Vec<&Row>, bool) {
        let now = std::mem::take(&mut *self.now.lock().unwrap_or_else(PoisonError::into_inner));
        let to_the_end = now.last().is_some_and(Option::is_some);
        (now.into_iter().filter_map(|index| self.rows.get(index?)).collect(), to_the_end)
    }

    fn used(&self) -> usize {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A user and secret to be tried, and which texts must not be shown because of them.
type Login = (Option<String>, Option<Secret>, Vec<String>);

pub(super) async fn check(kit: &mut Kit, fixture: Fixture) -> Result<(), Error> {
    let check = format!("replay of {}", fixture.name);
    let played = Arc::new(Played {
        endpoint: kit.played.host().to_owned(),
        rows: fixture.rows,
        used: Mutex::default(),
        unanswered: Mutex::default(),
        now: Mutex::default(),
    });
    let script = Arc::clone(&played);
    let stage = hostile::stage(move |call| script.answer(call)).await?;
    let mut heard = Heard::default();
    for (access_key, secret, secrets) in logins(kit, &played.rows) {
        let spec = EndpointSpec { access_key, ..kit.played.on(&stage) };
        let credentials = Credentials { access_secret: secret, ..Credentials::default() };
        let (check, played, heard) = (&*check, &*played, &mut heard);
        let mut drive = Drive { spec, credentials, secrets, check, played, heard };
        for _ in 0..MAX_PASSES {
            let before = played.used();
            drive.pass(kit).await;
            kit.host.forget_calls();
            if played.used() == before {
                break;
            }
        }
    }
    heard.tell(kit, &check);
    tell(kit, &check, &played);
    Ok(())
}

/// The kit's own login, and each that a recorded request carries.
fn logins(kit: &Kit, rows: &[Row]) -> Vec<Login> {
    let own = kit.played.credentials.access_secret.clone();
    let own = (kit.played.spec.access_key.clone(), own, kit.played.secrets());
    let recorded: BTreeSet<_> = rows.iter().filter_map(Row::login).collect();
    let recorded = recorded.into_iter().take(MAX_LOGINS);
    let recorded = recorded.map(|(user, word)| (Some(user), Some(Secret::new(word)), Vec::new()));
    std::iter::once(own).chain(recorded).collect()
}

/// One way through every function.
struct Drive<'a> {
    spec: EndpointSpec,
    credentials: Credentials,
    secrets: Vec<String>,
    check: &'a str,
    played: &'a Played,
    heard: &'a mut Heard,
}

impl Drive<'_> {
    async fn pass(&mut self, kit: &mut Kit) {
        self.call(kit, &AdapterCall::CheckHealth).await;
        let all = AdapterCall::ListRepositories(RepositoryQuery::default(), None);
        let mut names = BTreeSet::new();
        for answer in self.pages(kit, all).await {
            if let Answer::Repositories(page) = answer {
                names.extend(page.items.into_iter().map(|repository| repository.name));
            }
        }
        let given = kit.played.recorded.clone().into_iter();
        let recorded = given.chain(self.played.rows.iter().flat_map(Row::repositories));
        let own = kit.played.repository.clone();
        let names: Vec<_> = recorded.chain(names).chain([own]).collect();
        let mut seen = BTreeSet::new();
        for name in names.into_iter().filter(|name| seen.insert(name.clone())).take(MAX_NAMES) {
            self.repository(kit, &name).await;
        }
        for call in probes::every(&kit.info, &kit.played.repository) {
            let of_webhooks = matches!(call, AdapterCall::Parse(..) | AdapterCall::Authentication);
            if of_webhooks || matches!(call, AdapterCall::ListLabels(_)) {
                self.call(kit, &call).await;
            }
        }
    }

    async fn repository(&mut self, kit: &mut Kit, name: &str) {
        let list = AdapterCall::ListArtifacts(name.to_owned(), ArtifactQuery::default(), None);
        let recorded = self.played.rows.iter().filter_map(|row| row.reference(name));
        let mut tags: Vec<_> = recorded.chain(["v1".to_owned()]).collect();
        let mut digests = vec![probes::NO_DIGEST.to_owned()];
        for answer in self.pages(kit, list).await {
            let Answer::Artifacts(page) = answer else { continue };
            for artifact in page.items.into_iter().take(MAX_NAMES) {
                digests.extend(artifact.digest.map(|digest| digest.as_str().to_owned()));
                tags.extend(artifact.tags);
            }
        }
        for list in [&mut tags, &mut digests] {
            let mut seen = BTreeSet::new();
            list.retain(|name| seen.insert(name.clone()));
            list.truncate(MAX_NAMES);
        }
        for call in probes::of_repository(&kit.info, name, &tags, &digests) {
            if !matches!(call, AdapterCall::ListArtifacts(..)) {
                self.call(kit, &call).await;
            }
        }
    }

    async fn pages(&mut self, kit: &mut Kit, mut call: AdapterCall) -> Vec<Answer> {
        let mut answers = Vec::new();
        while answers.len() < MAX_PAGES {
            let Some(answer) = self.call(kit, &call).await else { break };
            let next = probes::next(&answer).and_then(|cursor| probes::after(&call, cursor));
            answers.push(answer);
            match next {
                Some(following) => call = following,
                None => break,
            }
        }
        answers
    }

    async fn call(&mut self, kit: &mut Kit, call: &AdapterCall) -> Option<Answer> {
        let outcome = kit.host.call(&self.spec, &self.credentials, call).await;
        self.heard.note(call, &outcome, self.played.heard(), &self.played.rows);
        // Recorded secrets are short words that any answer may hold.
        let echo = |fault: &Fault| *fault == Fault::Limit("secret-echo");
        let is_echo = outcome.as_ref().err().is_some_and(|failure| echo(&failure.fault));
        if let Some(why) = judge::fault(&outcome, &self.secrets).filter(|_| !is_echo) {
            kit.report.fail(self.check, call.function(), why);
        }
        outcome.ok()
    }
}

fn tell(kit: &mut Kit, check: &str, played: &Played) {
    let used = played.used.lock().unwrap_or_else(PoisonError::into_inner);
    let text = format!("{} of {} recorded exchanges were asked for", used.len(), played.rows.len());
    let own = || played.rows.iter().enumerate().filter(|(_, row)| row.is_the_adapters());
    let (all, asked) = (own().count(), own().filter(|(index, _)| used.contains(index)).count());
    let advice = "say with --played-url which address they were recorded at, with --repository what \
                  they are about, and see the notes for what is missing";
    if used.is_empty() || asked * LEAST_SHARE < all {
        kit.report.fail(check, "", format!("{text}, too few to show anything: {advice}"));
    } else if asked * 2 < all {
        kit.report.warn(check, "", format!("{text}, less than half of an adapter's: {advice}"));
    } else {
        kit.report.pass(check, "", text);
    }
    let unused = played.rows.iter().enumerate().filter(|(index, _)| !used.contains(index));
    for (_, row) in unused {
        kit.report.note(check, "", format!("not asked for: {}", row.name()));
    }
    for request in &*played.unanswered.lock().unwrap_or_else(PoisonError::into_inner) {
        kit.report.note(check, "", format!("asked for, and not recorded: {request}"));
    }
}

#[cfg(test)]
mod tests;
