//! Image names by walking: `tags/list` of a name says which names are one component below it.
//!
//! The walk goes down before it goes on, names in order, and its cursor is the last name it met.
//! What a call asked for and did not come to is kept for the next one; where that is gone, the
//! lists above the last name are read again.

use std::collections::VecDeque;

use portolan_sdk::{
    Endpoint, Repository, Result, Scope, cache,
    http::{self, Request, Response},
    token::{self, Flow},
};
use serde::{Deserialize, Serialize};

use crate::{artifacts, place};

/// Names asked for after which a call returns what it has. Each takes a request, seldom more.
const MAX_NAMES: usize = 96;

/// Names asked for at once; the host sends no more at the same time either.
const AT_ONCE: usize = 8;

/// Longest name: there is none below it.
const MAX_NAME: usize = 255;

/// Key of what is kept for the next call.
const AHEAD: &str = "walk ahead";

/// How long it is, in seconds.
const AHEAD_TTL: u32 = 60;

/// Longest list of names that is: a longer one costs less to ask for than to keep.
const MAX_KEPT: usize = 500;

/// Where a walk stands; `last` empty: at the project itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    project: usize,
    last: String,
}

/// What one name holds: whether it is an image, and the components below it in order.
#[derive(Clone, Serialize, Deserialize)]
struct Node {
    name: String,
    is_image: bool,
    children: Vec<String>,
}

/// A name, how many of those below it were asked for, and those that are still to be met.
struct Level {
    node: Node,
    passed: usize,
    asked: VecDeque<Node>,
}

impl Level {
    fn new(node: Node) -> Self {
        Self { node, passed: 0, asked: VecDeque::new() }
    }

    /// The next names to ask for.
    fn ask(&mut self) -> Vec<String> {
        let some = self.node.children.iter().skip(self.passed).take(AT_ONCE);
        let names = some.map(|child| format!("{}/{child}", self.node.name));
        let names = names.filter(|name| name.len() <= MAX_NAME).collect();
        self.passed = self.passed.saturating_add(AT_ONCE);
        names
    }

    fn is_done(&self) -> bool {
        self.asked.is_empty() && self.passed >= self.node.children.len()
    }
}

struct Walk<'a> {
    flow: Flow<'a>,
    levels: Vec<Level>,
    asked: usize,
    /// Of the call before.
    ahead: Vec<Node>,
}

/// The next names, and where to go on.
pub(crate) fn repositories(
    endpoint: &Endpoint,
    projects: &[String],
    mut at: Cursor,
    wanted: usize,
) -> Result<(Vec<Repository>, Option<Cursor>)> {
    let ahead = cache::get(AHEAD).filter(|_| at != Cursor::default()).unwrap_or_default();
    let mut walk = Walk { flow: Flow::new(endpoint), levels: Vec::new(), asked: 0, ahead };
    let mut items = Vec::new();
    while let Some(project) = projects.get(at.project) {
        walk.resume(&place::written(project), &at.last)?;
        while let Some(node) = walk.next()? {
            at.last.clone_from(&node.name);
            if node.is_image {
                items.push(Repository::new(&node.name));
            }
            walk.levels.push(Level::new(node));
            if items.len() >= wanted || walk.asked >= MAX_NAMES {
                walk.keep();
                return Ok((items, Some(at)));
            }
        }
        at = Cursor { project: at.project.saturating_add(1), last: String::new() };
    }
    Ok((items, None))
}

impl Walk<'_> {
    /// Stands behind `last` again, or at the root.
    fn resume(&mut self, root: &str, last: &str) -> Result<()> {
        let below = last.strip_prefix(root).unwrap_or_default();
        let components: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
        let mut above = vec![root.to_owned()];
        let mut path = root.to_owned();
        for component in &components {
            path = format!("{path}/{component}");
            above.push(path.clone());
        }
        self.levels = self.ask(&above)?.into_iter().map(Level::new).collect();
        for (level, met) in self.levels.iter_mut().zip(components) {
            level.passed = level.node.children.partition_point(|child| child.as_str() <= met);
        }
        Ok(())
    }

    /// The next name of the walk.
    fn next(&mut self) -> Result<Option<Node>> {
        while let Some(mut level) = self.levels.pop() {
            if level.asked.is_empty() && !level.is_done() {
                level.asked = self.ask(&level.ask())?.into();
            }
            let node = level.asked.pop_front();
            if node.is_some() || !level.is_done() {
                self.levels.push(level);
            }
            if node.is_some() {
                return Ok(node);
            }
        }
        Ok(None)
    }

    /// Keeps what the next call needs and this one has.
    fn keep(self) {
        let nodes = self.levels.into_iter().flat_map(|it| it.asked.into_iter().chain([it.node]));
        // What was kept before and not come to yet, as well.
        let nodes = nodes.chain(self.ahead).filter(|node| node.children.len() <= MAX_KEPT);
        let kept: Vec<Node> = nodes.take(MAX_NAMES).collect();
        cache::set(AHEAD, &kept, AHEAD_TTL);
    }

    /// What these names hold, as it is known already or as the registry says; one that is gone
    /// holds nothing.
    fn ask(&mut self, names: &[String]) -> Result<Vec<Node>> {
        let mut known = Vec::with_capacity(names.len());
        for name in names {
            let place = self.ahead.iter().position(|node| node.name == *name);
            known.push(place.map(|place| self.ahead.swap_remove(place)));
        }
        let unknown = names.iter().zip(&known).filter(|(_, node)| node.is_none());
        let unknown: Vec<&String> = unknown.map(|(name, _)| name).collect();
        let mut told = self.fetch(&unknown)?.into_iter();
        Ok(known.into_iter().filter_map(|node| node.or_else(|| told.next())).collect())
    }

    fn fetch(&mut self, names: &[&String]) -> Result<Vec<Node>> {
        let mut nodes = Vec::with_capacity(names.len());
        for some in names.chunks(AT_ONCE) {
            self.asked = self.asked.saturating_add(some.len());
            let scopes: Vec<String> =
                some.iter().map(|name| token::scope_text(&Scope::pull(name))).collect();
            let auth = self.flow.grant(&scopes, None)?.auth;
            let request = |name: &&String| {
                Request::get(self.flow.url(&artifacts::first_page(name))).auth(auth.clone())
            };
            let answers = http::send_all(some.iter().map(request).collect());
            for (name, answer) in some.iter().zip(answers) {
                nodes.push(self.node(name, answer?)?);
            }
        }
        Ok(nodes)
    }

    fn node(&self, name: &str, first: Response) -> Result<Node> {
        // A service that gives one scope at a time.
        let first = match first.status() {
            401 => artifacts::get(&self.flow, name, &artifacts::first_page(name))?,
            _ => first,
        };
        let (mut is_image, mut children) = (false, Vec::new());
        artifacts::each_page(&self.flow, name, first, |page| {
            let tagged = page.tags.is_some_and(|tags| !tags.is_empty());
            is_image |= tagged || page.manifest.is_some_and(|manifests| !manifests.is_empty());
            children.extend(page.child.unwrap_or_default());
        })?;
        children.retain(|child| !child.is_empty() && !child.contains('/'));
        children.sort_unstable();
        children.dedup();
        Ok(Node { name: name.to_owned(), is_image, children })
    }
}
