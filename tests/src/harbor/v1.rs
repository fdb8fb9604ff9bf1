//! `/api` of Harbor 1.x, from its API descriptions of 1.1, 1.2 and 1.10: plain-text errors, projects
//! by id, tags in one piece, `public` as a number before 1.3.

use hyper::{
    Method, StatusCode, Uri,
    header::{CONTENT_TYPE, LOCATION},
    http::request::Parts,
};
use serde_json::{Value, json};

use super::{
    Answer, document, listing,
    state::{Account, First, Kind, Project, State},
    whole,
};

/// Where its Admiral is.
const ADMIRAL: &str = "https://vic.example.test:8282";

struct Call<'a> {
    state: &'a State,
    first: &'a First,
    uri: &'a Uri,
    caller: Option<Account>,
}

pub(super) fn answer(state: &State, parts: &Parts, body: &[u8]) -> Answer {
    let Some(first) = &state.first else { return plain(404, "404 page not found") };
    let caller = state.caller(&parts.headers).ok().flatten();
    let call = Call { state, first, uri: &parts.uri, caller };
    let path = parts.uri.path().trim_start_matches("/api/");
    match (&parts.method, path) {
        (&Method::GET, "systeminfo") => call.system_info(),
        (&Method::GET, "users/current") => call.current_user(),
        (&Method::GET, "labels") if first.minor() >= 6 => call.labels(),
        (&Method::GET, "projects") => call.projects(),
        (&Method::HEAD, "projects") => call.project_exists(),
        (&Method::POST, "projects") => {
            let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            match kind {
                Some(kind) if kind.starts_with("application/json") => call.create_project(body),
                _ => plain(415, "unsupported media type"),
            }
        }
        (&Method::GET, "repositories") => call.repositories(),
        (&Method::GET, path) => match path.strip_prefix("repositories/") {
            // The slashes of the name stand as they are.
            Some(rest) if rest.ends_with("/tags") => call.tags(rest.trim_end_matches("/tags")),
            _ => plain(404, "404 page not found"),
        },
        _ => plain(404, "404 page not found"),
    }
}

fn plain(status: u16, text: &str) -> Answer {
    let mut answer = whole(StatusCode::from_u16(status).expect("a status"), format!("{text}\n"));
    let kind = "text/plain; charset=utf-8".parse().expect("a header");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

impl Call<'_> {
    fn query(&self, name: &str) -> Option<String> {
        listing::query(self.uri).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    fn refused(&self) -> Answer {
        match self.caller {
            None => plain(401, "UnAuthorized"),
            Some(_) => plain(403, "forbidden"),
        }
    }

    fn reads(&self, project: &Project) -> bool {
        project.public || self.caller.as_ref().is_some_and(|who| who.may_use(&project.name))
    }

    /// Without a login.
    fn system_info(&self) -> Answer {
        let with = self.first.with_admiral;
        document(
            StatusCode::OK,
            &json!({"with_notary": false, "with_clair": false, "with_admiral": with,
                "admiral_endpoint": if with { ADMIRAL } else { "NA" },
                "registry_url": self.state.url(), "auth_mode": "db_auth",
                "project_creation_restriction": "adminonly", "self_registration": false,
                "has_ca_root": true, "harbor_version": self.first.version}),
        )
    }

    fn current_user(&self) -> Answer {
        match &self.caller {
            Some(account) if matches!(account.kind, Kind::Administrator | Kind::User) => {
                let admin = i32::from(account.kind == Kind::Administrator);
                let user = json!({"user_id": 1, "username": account.name, "has_admin_role": admin});
                document(StatusCode::OK, &user)
            }
            _ => plain(401, "UnAuthorized"),
        }
    }

    fn labels(&self) -> Answer {
        let row = |(id, name): (usize, &String)| json!({"id": id + 1, "name": name, "scope": "g"});
        let content = self.state.content();
        match self.query("scope").as_deref() {
            Some("g") if self.caller.is_some() => {
                listing::page(self.uri, content.labels.iter().enumerate().map(row).collect())
            }
            _ => plain(400, "invalid scope"),
        }
    }

    fn projects(&self) -> Answer {
        let content = self.state.content();
        let name = self.query("name").unwrap_or_default();
        let shown = content.projects.iter().enumerate();
        let shown = shown.filter(|(_, it)| self.reads(it) && it.name.contains(&name));
        let row = |(at, project): (usize, &Project)| {
            let mut row = json!({"project_id": at + 1, "owner_id": 1, "name": project.name,
                "creation_time": "2017-10-24T06:37:54Z", "deleted": 0, "togglable": true,
                "repo_count": self.names_in(&project.name).len()});
            if self.first.minor() < 3 {
                row["public"] = json!(i32::from(project.public));
            } else {
                row["metadata"] = json!({"public": project.public.to_string()});
            }
            row
        };
        listing::page(self.uri, shown.map(row).collect())
    }

    fn project_exists(&self) -> Answer {
        if self.caller.as_ref().is_none_or(|account| account.kind == Kind::Robot) {
            return whole(StatusCode::UNAUTHORIZED, "");
        }
        let name = self.query("project_name").unwrap_or_default();
        let found = self.state.content().project(&name).is_some();
        whole(if found { StatusCode::OK } else { StatusCode::NOT_FOUND }, "")
    }

    fn create_project(&self, body: &[u8]) -> Answer {
        match &self.caller {
            Some(account) if account.kind == Kind::Administrator => {}
            Some(account) if account.kind != Kind::Robot => {
                return plain(403, "Only system admin can create project");
            }
            _ => return plain(401, "UnAuthorized"),
        }
        if self.first.with_admiral {
            return plain(403, "projects are managed by Admiral");
        }
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return plain(400, "invalid json");
        };
        let public = if self.first.minor() < 3 {
            // `Public int`: Go's decoder takes no other kind.
            match &body["public"] {
                Value::Null => false,
                Value::Number(number) => number.as_i64() == Some(1),
                _ => return plain(400, "json: cannot unmarshal into a field of type int"),
            }
        } else {
            body["metadata"]["public"] == "true" || body["public"] == 1
        };
        let name = body["project_name"].as_str().unwrap_or_default();
        if name.len() < 2 || name.chars().any(char::is_uppercase) {
            return plain(400, "project name is illegal in length or characters");
        }
        if !self.state.content().add_project(Project::new(name, public)) {
            return plain(409, "");
        }
        let id = self.state.content().projects.len();
        let mut answer = whole(StatusCode::CREATED, "");
        let location = format!("/api/projects/{id}").parse().expect("a header");
        answer.headers_mut().insert(LOCATION, location);
        answer
    }

    fn names_in(&self, project: &str) -> Vec<String> {
        let names = self.state.registry.tags().into_iter().map(|(name, _)| name);
        let mut names: Vec<_> =
            names.filter(|name| name.split('/').next() == Some(project)).collect();
        names.dedup();
        names
    }

    fn repositories(&self) -> Answer {
        let id = self.query("project_id").and_then(|id| id.parse::<usize>().ok());
        let Some(id) = id.filter(|id| *id > 0) else { return plain(400, "invalid project_id") };
        let content = self.state.content();
        let Some(project) = content.projects.get(id - 1) else {
            return plain(404, &format!("project {id} not found"));
        };
        if !self.reads(project) {
            return self.refused();
        }
        let row = |(at, name): (usize, String)| {
            json!({"id": at + 1, "name": name, "project_id": id, "description": "",
                "pull_count": 0, "star_count": 0, "tags_count": self.tag_rows(&name).len(),
                "creation_time": "2017-10-24T06:37:54Z", "update_time": "2017-10-24T06:37:54Z"})
        };
        let names = self.names_in(&project.name).into_iter().enumerate();
        listing::page(self.uri, names.map(row).collect())
    }

    /// Every tag of a repository, whatever page is asked for.
    fn tags(&self, repository: &str) -> Answer {
        let content = self.state.content();
        let project = repository.split('/').next().and_then(|name| content.project(name));
        let Some(project) = project else {
            return plain(404, "project not found");
        };
        if !self.reads(project) {
            return self.refused();
        }
        let mut rows = self.tag_rows(repository);
        if rows.is_empty() {
            return plain(404, &format!("repository {repository} not found"));
        }
        for row in &mut rows {
            let digest = row["digest"].as_str().unwrap_or_default().to_owned();
            let labels = content.labelled.get(&(repository.to_owned(), digest));
            let labels = labels.into_iter().flatten().map(|name| json!({"id": 1, "name": name}));
            row["labels"] = labels.collect();
        }
        document(StatusCode::OK, &Value::Array(rows))
    }

    fn tag_rows(&self, repository: &str) -> Vec<Value> {
        let tags = self.state.registry.tags().into_iter().filter(|(name, _)| name == repository);
        let row = |(name, tag): (String, String)| {
            let digest = self.state.registry.tag(&name, &tag).map(|digest| digest.to_string());
            json!({"name": tag, "digest": digest, "size": 1024, "architecture": "amd64",
                "os": "linux", "docker_version": "17.04.0-ce", "author": "",
                "created": "2017-10-24T06:37:54Z", "signature": null})
        };
        tags.map(row).collect()
    }
}
