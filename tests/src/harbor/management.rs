//! `/api/v2.0`: Basic or nobody (a wrong password is nobody), Harbor's errors, no cookies taken.

use std::collections::BTreeMap;

use hyper::{
    Method, StatusCode, Uri,
    header::{COOKIE, SET_COOKIE},
    http::request::Parts,
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    Answer, document, listing, refusal,
    state::{Account, Content, Kind, Lie, Project, State},
    whole,
};

mod removal;

struct Call<'a> {
    state: &'a State,
    parts: &'a Parts,
    caller: Option<Account>,
}

pub(super) fn answer(state: &State, parts: &Parts, body: &[u8]) -> Answer {
    let writes = !matches!(parts.method, Method::GET | Method::HEAD);
    if writes && parts.headers.contains_key(COOKIE) {
        return refusal(403, "FORBIDDEN", "CSRF token not found in request");
    }
    let caller = state.caller(&parts.headers).ok().flatten();
    let path = parts.uri.path().trim_start_matches("/api/v2.0/").to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let call = Call { state, parts, caller };
    let mut answer = match (&parts.method, segments.as_slice()) {
        (&Method::GET, ["ping"]) => whole(StatusCode::OK, "Pong"),
        (&Method::GET, ["health"]) => {
            let parts = json!([{"name": "core", "status": "healthy"}]);
            document(StatusCode::OK, &json!({"status": "healthy", "components": parts}))
        }
        (&Method::GET, ["systeminfo"]) => call.system_info(),
        (&Method::GET, ["users", "current"]) => call.current_user(),
        (&Method::GET, ["labels"]) => call.labels(),
        (&Method::GET, ["projects"]) => call.projects(),
        (&Method::HEAD, ["projects"]) => call.project_exists(),
        (&Method::POST, ["projects"]) => call.create_project(body),
        (&Method::GET, ["projects", project]) => call.project(project),
        (&Method::GET, ["projects", project, "repositories"]) => call.repositories(project),
        (&Method::GET, ["projects", project, "repositories", name, "artifacts"]) => {
            call.artifacts(project, name, None)
        }
        (&Method::GET, ["projects", project, "repositories", name, "artifacts", reference]) => {
            call.artifacts(project, name, Some(reference))
        }
        (
            &Method::DELETE,
            ["projects", project, "repositories", name, "artifacts", reference, rest @ ..],
        ) => call.remove(project, name, (reference, rest)),
        (&Method::GET, ["repositories"]) => call.all_repositories(),
        _ => refusal(404, "NOT_FOUND", &format!("path {} was not found", parts.uri.path())),
    };
    if call.caller.is_some() {
        answer.headers_mut().insert(SET_COOKIE, "sid=1; Path=/; HttpOnly".parse().expect("fits"));
    }
    answer
}

impl Call<'_> {
    fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    fn query(&self, name: &str) -> Option<String> {
        listing::query(self.uri()).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Nobody is told to log in; somebody is told by name alone that it may not.
    fn forbidden(&self) -> Answer {
        match &self.caller {
            None => refusal(401, "UNAUTHORIZED", "unauthorized"),
            Some(account) => refusal(403, "FORBIDDEN", &account.name),
        }
    }

    fn reads(&self, project: &Project) -> bool {
        project.public || self.caller.as_ref().is_some_and(|who| who.may_use(&project.name))
    }

    fn system_info(&self) -> Answer {
        let mut info = json!({"auth_mode": "db_auth", "self_registration": false});
        if self.caller.is_some() {
            info["harbor_version"] = json!("v2.11.0-70c51957");
        }
        document(StatusCode::OK, &info)
    }

    fn current_user(&self) -> Answer {
        let Some(account) = &self.caller else { return self.forbidden() };
        match account.kind {
            Kind::Robot => refusal(412, "PRECONDITION", "get current user is not available"),
            Kind::Scoped(401) => refusal(401, "UNAUTHORIZED", "unauthorized"),
            Kind::Scoped(status) => refusal(status, "FORBIDDEN", &account.name),
            kind => {
                let admin = kind == Kind::Administrator;
                let user = json!({"user_id": 3, "username": account.name,
                    "sysadmin_flag": admin, "admin_role_in_auth": false});
                document(StatusCode::OK, &user)
            }
        }
    }

    fn labels(&self) -> Answer {
        if self.caller.is_none() {
            return self.forbidden();
        }
        if self.query("scope").as_deref() != Some("g") {
            return refusal(400, "BAD_REQUEST", "invalid scope");
        }
        let content = self.state.content();
        let row = |(id, name): (usize, &String)| json!({"id": id + 1, "name": name, "scope": "g"});
        listing::page(self.uri(), content.labels.iter().enumerate().map(row).collect())
    }

    fn projects(&self) -> Answer {
        let content = self.state.content();
        let name = self.query("name");
        let any = self.query("q").and_then(|q| Some(q.strip_prefix("name=")?.to_owned()));
        let any = any.map(|value| names(&value));
        let rows = content.projects.iter().enumerate().filter(|(_, project)| {
            self.reads(project)
                && name.as_ref().is_none_or(|name| project.name.contains(name.as_str()))
                && any.as_ref().is_none_or(|any| any.contains(&project.name))
        });
        let rows = rows.map(|(at, project)| self.row(at, project)).collect();
        listing::page(self.uri(), rows)
    }

    fn row(&self, at: usize, project: &Project) -> Value {
        let mut row = json!({"project_id": at + 1, "name": project.name, "owner_name": "admin",
            "creation_time": "2026-08-21T08:00:00.000Z",
            "metadata": {"public": project.public.to_string()}});
        if let Some(upstream) = project.upstream {
            row["registry_id"] = json!(upstream);
        }
        let repositories = self.names_in(&project.name).len();
        if repositories > 0 && self.query("with_detail").as_deref() != Some("false") {
            row["repo_count"] = json!(repositories);
        }
        row
    }

    fn project_exists(&self) -> Answer {
        if self.caller.is_none() {
            return self.forbidden();
        }
        let name = self.query("project_name").unwrap_or_default();
        let found = self.state.content().project(&name).is_some();
        whole(if found { StatusCode::OK } else { StatusCode::NOT_FOUND }, "")
    }

    /// By id, or by name. What somebody may not see is forbidden, there or not.
    fn project(&self, name_or_id: &str) -> Answer {
        let content = self.state.content();
        let by_name = self.parts.headers.contains_key("x-is-resource-name");
        let id = name_or_id.parse::<usize>().ok().filter(|_| !by_name);
        let is = |(at, project): &(usize, &Project)| match id {
            Some(id) => at + 1 == id,
            None => project.name == name_or_id,
        };
        let found = content.projects.iter().enumerate().find(is);
        let administers =
            self.caller.as_ref().is_some_and(|account| account.kind == Kind::Administrator);
        match found {
            Some((at, project)) if self.reads(project) => {
                document(StatusCode::OK, &self.row(at, project))
            }
            None if administers => {
                refusal(404, "NOT_FOUND", &format!("project {name_or_id} not found"))
            }
            _ => self.forbidden(),
        }
    }

    fn create_project(&self, body: &[u8]) -> Answer {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return refusal(422, "UNPROCESSABLE_ENTITY", "parsing project body failed");
        };
        if self.caller.as_ref().is_none_or(|account| account.kind != Kind::Administrator) {
            return self.forbidden();
        }
        let name = body["project_name"].as_str().unwrap_or_default();
        if name.is_empty() || name.len() > 255 || name.contains(|c: char| c.is_uppercase()) {
            return refusal(400, "BAD_REQUEST", "invalid project name");
        }
        // Metadata are texts in this API.
        if body["metadata"]["public"].is_boolean() {
            return refusal(422, "UNPROCESSABLE_ENTITY", "metadata.public is no string");
        }
        let public = body["metadata"]["public"] == "true";
        if !self.state.content().add_project(Project::new(name, public)) {
            let message = format!("The project named {name} already exists");
            return refusal(409, "CONFLICT", &message);
        }
        let id = self.state.content().projects.len();
        let mut answer = whole(StatusCode::CREATED, "");
        let location = format!("/api/v2.0/projects/{id}").parse().expect("a header");
        answer.headers_mut().insert("location", location);
        answer
    }

    fn names_in(&self, project: &str) -> Vec<String> {
        let tags = self.state.registry.tags().into_iter().map(|(name, _)| name);
        let mut names: Vec<_> =
            tags.filter(|name| name.split('/').next() == Some(project)).collect();
        names.dedup();
        names
    }

    fn repositories(&self, project: &str) -> Answer {
        let content = self.state.content();
        let Some(found) = content.project(project) else { return self.missing(project) };
        if !self.reads(found) {
            return self.forbidden();
        }
        let row = |(id, name): (usize, String)| {
            json!({"id": id + 1, "name": name, "artifact_count": self.by_digest(&name).len(),
                "creation_time": "2026-08-21T08:00:00.000Z",
                "update_time": "2026-08-21T08:00:00.000Z"})
        };
        let rows = self.names_in(project).into_iter().enumerate().map(row).collect();
        listing::page(self.uri(), rows)
    }

    fn missing(&self, project: &str) -> Answer {
        match &self.caller {
            Some(account) if account.kind == Kind::Administrator => {
                refusal(404, "NOT_FOUND", &format!("project {project} not found"))
            }
            _ => self.forbidden(),
        }
    }

    /// Those that hold a blob, for mounts.
    fn all_repositories(&self) -> Answer {
        let digest = self.query("q").and_then(|q| Some(q.strip_prefix("blob_digest=")?.to_owned()));
        let blobs = self.state.registry.blobs();
        let content = self.state.content();
        let seen = |name: &str| {
            name.split('/')
                .next()
                .and_then(|name| content.project(name))
                .is_some_and(|p| self.reads(p))
        };
        let holds = |asked: &str| digest.as_deref().is_none_or(|wanted| wanted == asked);
        let mut names: Vec<_> =
            blobs.iter().filter(|(n, d)| seen(n) && holds(d.as_str())).map(|(n, _)| n).collect();
        names.dedup();
        listing::page(self.uri(), names.iter().map(|name| json!({"name": name})).collect())
    }

    fn by_digest(&self, repository: &str) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, tag) in self.state.registry.tags() {
            if name == repository
                && let Some(digest) = self.state.registry.tag(&name, &tag)
            {
                found.entry(digest.to_string()).or_default().push(tag);
            }
        }
        found
    }

    /// `name` is the path below the project, encoded twice: a slash that shows after the first
    /// decoding has split the path already.
    fn artifacts(&self, project: &str, name: &str, reference: Option<&str>) -> Answer {
        let once = percent_decode_str(name).decode_utf8_lossy().into_owned();
        if once.contains('/') {
            let path = self.uri().path();
            return refusal(404, "NOT_FOUND", &format!("path {path} was not found"));
        }
        let name = format!("{project}/{}", percent_decode_str(&once).decode_utf8_lossy());
        let content = self.state.content();
        if content.deleted && content.lie == Some(Lie::ListsNothing) {
            return refusal(500, "UNKNOWN", "the database is asleep");
        }
        let Some(found) = content.project(project) else { return self.missing(project) };
        if !self.reads(found) {
            return self.forbidden();
        }
        let artifacts = self.by_digest(&name);
        if artifacts.is_empty() {
            return refusal(404, "NOT_FOUND", &format!("repository {name} not found"));
        }
        if let Some(reference) = reference {
            return self.artifact(&content, &name, reference);
        }
        let rows = artifacts.into_iter().enumerate();
        let row = |(id, (digest, tags))| self.artifact_row(&content, &name, (id, digest, tags));
        listing::page(self.uri(), rows.map(row).collect())
    }

    /// One artifact by tag or digest; one that is attached to another is found by its digest alone.
    fn artifact(&self, content: &Content, name: &str, reference: &str) -> Answer {
        let found = self
            .by_digest(name)
            .into_iter()
            .find(|(digest, tags)| digest == reference || tags.iter().any(|tag| tag == reference));
        let attached = || (reference.to_owned(), Vec::new());
        let found = match found {
            None if self.state.registry.manifest(name, reference).is_some() => Some(attached()),
            found => found,
        };
        match found {
            Some((digest, tags)) => {
                let row = self.artifact_row(content, name, (0, digest, tags));
                document(StatusCode::OK, &row)
            }
            None => refusal(404, "NOT_FOUND", &format!("artifact {name}@{reference} not found")),
        }
    }

    fn artifact_row(
        &self,
        content: &Content,
        name: &str,
        (id, digest, tags): (usize, String, Vec<String>),
    ) -> Value {
        let with =
            |name: &str, default: bool| self.query(name).map_or(default, |value| value == "true");
        let (with_tag, with_label) = (with("with_tag", true), with("with_label", false));
        let with_accessory = with("with_accessory", false);
        let bytes = self.state.registry.manifest(name, &digest).unwrap_or_default();
        let inside: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let tags = tags.iter().map(|tag| json!({"id": 1, "name": tag, "immutable": false}));
        let key = (name.to_owned(), digest.clone());
        let labels = content.labelled.get(&key).into_iter().flatten();
        let labels = labels.map(|label| json!({"id": 1, "name": label}));
        let attached = content.attached.get(&key).into_iter().flatten();
        let attached = attached.map(|(kind, accessory)| {
            json!({"id": 1, "type": kind, "digest": accessory, "subject_artifact_digest": digest})
        });
        json!({"id": id + 1, "type": "IMAGE", "digest": digest, "size": bytes.len(),
            "manifest_media_type": inside["mediaType"], "artifact_type": inside["artifactType"],
            "media_type": inside["config"]["mediaType"],
            "push_time": "2026-08-21T08:00:00.000Z", "references": null,
            "tags": with_tag.then(|| tags.collect::<Vec<_>>()),
            "labels": with_label.then(|| labels.collect::<Vec<_>>()),
            "accessories": with_accessory.then(|| attached.collect::<Vec<_>>())})
    }
}

/// What `{'a' 'b'}` or a single name stands for.
fn names(value: &str) -> Vec<String> {
    let inside = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(value);
    inside.split(' ').map(|name| name.trim_matches(['\'', '"']).to_owned()).collect()
}
