//! Webhooks as Harbor sends them (goharbor.io, "Configure Webhook Notifications"): in its own form,
//! whose words changed with 2.0, or as CloudEvents.

use portolan_testregistry::Digest;
use serde_json::{Value, json};

use super::Harbor;
use crate::http::{Answer, Client};

/// What a project's webhook is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// What Harbor always sent.
    Default,
    /// Since 2.8.
    CloudEvents,
}

/// What happened to an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    Pushed,
    Deleted,
    Pulled,
}

impl Harbor {
    /// Tells at `path` of a server, whose client holds the "Auth Header" of the webhook.
    pub async fn tell(
        &self,
        (hook, path): (&Client, &str),
        payload: Payload,
        what: Happened,
        artifact: (&str, &str, &Digest),
    ) -> Answer {
        let body = match payload {
            Payload::Default => json!({"type": self.word(what), "occur_at": 1_795_320_000,
                "operator": "admin", "event_data": self.data(artifact)}),
            Payload::CloudEvents => json!({"specversion": "1.0", "type": dotted(what),
                "id": "66e18103-09c1-41f6-982f-37df223f3eeb", "operator": "admin",
                "source": "/projects/2/webhook/policies/15",
                "datacontenttype": "application/json", "time": "2026-11-22T04:00:00Z",
                "data": self.data(artifact)}),
        };
        hook.post(path, &body).await
    }

    fn data(&self, (repository, tag, digest): (&str, &str, &Digest)) -> Value {
        let (project, name) = repository.split_once('/').expect("a project and a name");
        let url = format!("{}/{repository}:{tag}", self.url());
        json!({"resources": [{"digest": digest.as_str(), "tag": tag, "resource_url": url}],
            "repository": {"date_created": 1_795_310_000, "name": name, "namespace": project,
                "repo_full_name": repository, "repo_type": "private"}})
    }

    fn word(&self, what: Happened) -> &'static str {
        match (what, self.state.first.is_some()) {
            (Happened::Pushed, false) => "PUSH_ARTIFACT",
            (Happened::Deleted, false) => "DELETE_ARTIFACT",
            (Happened::Pulled, false) => "PULL_ARTIFACT",
            (Happened::Pushed, true) => "pushImage",
            (Happened::Deleted, true) => "deleteImage",
            (Happened::Pulled, true) => "pullImage",
        }
    }
}

fn dotted(what: Happened) -> &'static str {
    match what {
        Happened::Pushed => "harbor.artifact.pushed",
        Happened::Deleted => "harbor.artifact.deleted",
        Happened::Pulled => "harbor.artifact.pulled",
    }
}
