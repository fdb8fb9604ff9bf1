//! Image names by walking: `tags/list` of a name says which names are one component below it.
//!
//! The walk goes down before it goes on, names in order, and its cursor is the last name it met: a
//! call reads the lists above that name again and goes on behind it.

use std::collections::VecDeque;

use portolan_sdk::{
    Endpoint, Repository, Result, Scope,
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

/// Where a walk stands; `last` empty: at the project itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    project: usize,
    last: String,
}

/// What one name holds.
struct Node {
    name: String,
    is_image: bool,
    children: Vec<String>,
}

/// The names below one name that are still to be met.
struct Level {
    waiting: VecDeque<String>,
    asked: VecDeque<Node>,
}

impl Level {
    fn new(node: Node) -> Self {
        let fits = |name: &String| name.len() <= MAX_NAME;
        let waiting = node.children.iter().map(|child| format!("{}/{child}", node.name));
        Self { waiting: waiting.filter(fits).collect(), asked: VecDeque::new() }
    }
}

struct Walk<'a> {
    flow: Flow<'a>,
    levels: Vec<Level>,
    asked: usize,
}

/// The next names, and where to go on.
pub(crate) fn repositories(
    endpoint: &Endpoint,
    projects: &[String],
    mut at: Cursor,
    wanted: usize,
) -> Result<(Vec<Repository>, Option<Cursor>)> {
    let mut walk = Walk { flow: Flow::new(endpoint), levels: Vec::new(), asked: 0 };
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
        self.levels.clear();
        let below = last.strip_prefix(root).unwrap_or_default();
        let mut above = vec![root.to_owned()];
        let mut path = root.to_owned();
        for component in below.split('/').filter(|component| !component.is_empty()) {
            path = format!("{path}/{component}");
            above.push(path.clone());
        }
        self.levels = self.ask(&above)?.into_iter().map(Level::new).collect();
        for (level, met) in self.levels.iter_mut().zip(above.iter().skip(1)) {
            level.waiting.retain(|name| name > met);
        }
        Ok(())
    }

    /// The next name of the walk.
    fn next(&mut self) -> Result<Option<Node>> {
        while let Some(mut level) = self.levels.pop() {
            if level.asked.is_empty() && !level.waiting.is_empty() {
                let some = level.waiting.len().min(AT_ONCE);
                let names: Vec<String> = level.waiting.drain(..some).collect();
                level.asked = self.ask(&names)?.into();
            }
            let node = level.asked.pop_front();
            if node.is_some() || !level.waiting.is_empty() {
                self.levels.push(level);
            }
            if node.is_some() {
                return Ok(node);
            }
        }
        Ok(None)
    }

    /// What these names hold; one that is gone holds nothing.
    fn ask(&mut self, names: &[String]) -> Result<Vec<Node>> {
        let mut nodes = Vec::with_capacity(names.len());
        for some in names.chunks(AT_ONCE) {
            self.asked = self.asked.saturating_add(some.len());
            let scopes: Vec<String> =
                some.iter().map(|name| token::scope_text(&Scope::pull(name))).collect();
            let auth = self.flow.grant(&scopes, None)?.auth;
            let request = |name: &String| {
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
