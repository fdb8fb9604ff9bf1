//! Where an endpoint is, and what names it takes: they begin with a project's ID.

use portolan_sdk::{Endpoint, Error, Result, http, signing::google};
use serde::Deserialize;

/// JSON Schema of [`Settings`].
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "projects": {
      "type": "array",
      "items": { "type": "string", "minLength": 1, "maxLength": 100 },
      "maxItems": 50,
      "title": "More projects",
      "description": "IDs of Google Cloud projects, besides the key file's own, whose images are used."
    }
  }
}"#;

/// What an administrator may set.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    projects: Vec<String>,
}

/// Which part of Artifact Registry an address serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// Names are PROJECT/IMAGE; all images are in one repository of Artifact Registry, which is
    /// called like the host.
    Gcr { host: &'a str, location: &'static str },
    /// Names are PROJECT/REPOSITORY/IMAGE.
    Docker { location: &'a str },
    /// A mirror, or a host of somebody's own before one of the others: nothing is known of it.
    Other,
}

impl<'a> Place<'a> {
    /// The place of an endpoint.
    pub(crate) fn of(endpoint: &'a Endpoint) -> Self {
        let origin = http::origin(&endpoint.url).unwrap_or_default();
        let host = origin.strip_prefix("https://").unwrap_or_default();
        let host = host.strip_suffix(":443").unwrap_or(host);
        let location = match host {
            "gcr.io" | "us.gcr.io" => "us",
            "eu.gcr.io" => "europe",
            "asia.gcr.io" => "asia",
            _ => {
                return match host.strip_suffix("-docker.pkg.dev") {
                    Some(location) => Self::Docker { location },
                    None => Self::Other,
                };
            }
        };
        Self::Gcr { host, location }
    }

    /// Location and repository of Artifact Registry in which a name below a project is; `None`
    /// where that is not known.
    pub(crate) fn shelf<'n>(self, below: &'n str) -> Option<(&'a str, &'n str)>
    where
        'a: 'n,
    {
        match self {
            Self::Gcr { host, location } => Some((location, host)),
            Self::Docker { location } => below.split_once('/').map(|(shelf, _)| (location, shelf)),
            Self::Other => None,
        }
    }
}

/// ID of the project and the rest of a repository name. A project of a domain is written
/// `example.com/project`, and its ID is `example.com:project`.
pub(crate) fn split(name: &str) -> Option<(String, &str)> {
    let (first, rest) = name.split_once('/')?;
    if !first.contains('.') {
        return Some((first.to_owned(), rest));
    }
    let (second, rest) = rest.split_once('/')?;
    Some((format!("{first}:{second}"), rest))
}

/// A project as names write it.
pub(crate) fn written(project: &str) -> String {
    project.replacen(':', "/", 1)
}

/// IDs of the projects that are used: the key file's own first.
pub(crate) fn projects(endpoint: &Endpoint) -> Result<Vec<String>> {
    let own = google::public_part(endpoint, "/project_id").map(str::to_owned);
    let settings: Settings = endpoint.settings_as()?;
    let mut projects: Vec<String> = Vec::new();
    for project in own.into_iter().chain(settings.projects) {
        if !projects.contains(&project) {
            projects.push(project);
        }
    }
    Ok(projects)
}

/// Project and rest of a name that this endpoint can hold.
pub(crate) fn check_name<'n>(endpoint: &Endpoint, name: &'n str) -> Result<(String, &'n str)> {
    let place = Place::of(endpoint);
    let projects = projects(endpoint)?;
    let split = split(name).filter(|(_, rest)| !rest.is_empty());
    let (project, rest) = match (split, place) {
        (split, Place::Other) => return Ok(split.unwrap_or_default()),
        (Some((project, rest)), _) if place.shelf(rest).is_some() => (project, rest),
        _ => return Err(no_name(endpoint, place, &projects, name)),
    };
    if projects.is_empty() || projects.contains(&project) {
        return Ok((project, rest));
    }
    let known = shown(&projects);
    Err(Error::InvalidInput(format!(
        "`{name}` does not begin with the project ID {known}, as names at {} do: begin the \
         destination namespace with it, or, if the service account may use `{project}` too, name \
         that in the endpoint's setting `projects`",
        endpoint.url
    )))
}

fn no_name(endpoint: &Endpoint, place: Place<'_>, projects: &[String], name: &str) -> Error {
    let form = match place {
        Place::Docker { .. } => "PROJECT/REPOSITORY/IMAGE",
        Place::Gcr { .. } | Place::Other => "PROJECT/IMAGE",
    };
    let known = shown(projects);
    let project = if projects.is_empty() { "the project ID" } else { &known };
    Error::InvalidInput(format!(
        "`{name}` is no name at {}: names there are {form} and begin with {project}; set the \
         destination namespace accordingly",
        endpoint.url
    ))
}

fn shown(projects: &[String]) -> String {
    let quoted: Vec<_> = projects.iter().map(|id| format!("`{}`", written(id))).collect();
    quoted.join(" or ")
}
