//! `portolan demo`: two registries in memory, endpoints and a rule between them, and a run of it.
//!
//! Everything is real but the registries' disks: sandboxed adapters, HTTP on loopback, digests.

use std::{path::PathBuf, time::Duration};

use portolan_core::{
    endpoint::{Credentials, EndpointSpec},
    execution::{Execution, StartedBy, Status},
    filter::Filter,
    id::{EndpointId, PolicyId},
    policy::{Destination, PolicySpec},
    secret::Secret,
    trigger::Trigger,
};
use portolan_testregistry::{Child, Registry, layer};

use crate::{Code, Compiler, Error, Host};

/// The provider of both registries.
pub const PROVIDER: &str = "docker-registry";
const USER: &str = "demo";
const PASSWORD: &str = "not-a-secret-demo-password";
/// How often the state of the run is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How long the demonstration's run may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a token of the second registry holds.
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// A running demonstration. Dropping it takes the registries away.
pub struct Demo {
    /// The host, in memory.
    pub host: Host,
    harbour: Registry,
    island: Registry,
    rule: PolicyId,
}

/// What one run of the demonstration's rule did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Sentences for people, in order.
    pub lines: Vec<String>,
    /// Whether everything arrived and was checked.
    pub verified: bool,
}

impl Demo {
    /// Starts both registries, fills the first, and makes endpoints and a rule. `providers` are
    /// the bundled adapters there shall be, [`PROVIDER`] among them.
    ///
    /// # Errors
    /// When no port can be had, or an adapter cannot be used.
    pub async fn start(
        providers: &[&str],
        cache: Option<PathBuf>,
        compiler: Compiler,
    ) -> Result<Self, Error> {
        let harbour = Registry::builder().name("harbour").start().await;
        let harbour = harbour.map_err(|error| no_port(&error))?;
        let island = Registry::builder().name("island").bearer(USER, PASSWORD, TOKEN_LIFETIME);
        let island = island.start().await.map_err(|error| no_port(&error))?;
        fill(&harbour);
        let host = super::host(providers, cache, compiler, None, Vec::new()).await?;
        let from = endpoint(&host, "harbour", &harbour, None).await?;
        let to = endpoint(&host, "island", &island, Some((USER, PASSWORD))).await?;
        let rule = host.create_policy(rule(from, to)).await?.id;
        Ok(Self { host, harbour, island, rule })
    }

    /// Runs the rule to its end, and checks each byte at the destination.
    ///
    /// # Errors
    /// When the run cannot be started, or does not end within a minute.
    pub async fn run(&self) -> Result<Outcome, Error> {
        let execution = self.host.start_execution(self.rule, StartedBy::Manual).await?;
        let execution = self.finished(execution).await?;
        let mut lines = vec![format!(
            "execution {}: {:?}, {} task(s), {} failed",
            execution.id, execution.status, execution.counters.total, execution.counters.failed
        )];
        // Their ids follow from which repository answered first.
        let mut tasks = self.host.tasks(execution.id).await?;
        tasks.sort_by(|a, b| a.spec.source_repository.cmp(&b.spec.source_repository));
        for task in tasks {
            let (from, to) = (&task.spec.source_repository, &task.spec.destination_repository);
            let count = task.item_count();
            lines.push(format!("  {from} -> {to}: {count} item(s), {:?}", task.status));
        }
        let arrived = self.compare(&mut lines);
        let verified = match self.island.verify_all() {
            Ok(verified) => {
                lines.push(format!(
                    "  verified: {} tag(s), {} manifest(s), {} blob(s); every byte hashes to its digest",
                    verified.tags, verified.manifests, verified.blobs
                ));
                arrived && execution.status == Status::Success
            }
            Err(problems) => {
                lines.extend(problems);
                false
            }
        };
        Ok(Outcome { lines, verified })
    }

    /// Where the two registries listen: source, destination.
    #[must_use]
    pub fn addresses(&self) -> (String, String) {
        (self.harbour.url(), self.island.url())
    }

    async fn finished(&self, mut execution: Execution) -> Result<Execution, Error> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while !execution.status.is_final() {
            if tokio::time::Instant::now() > end {
                return Err(Error::new(Code::Internal, "the run did not end within a minute"));
            }
            tokio::time::sleep(LOOK).await;
            execution = self.host.execution(execution.id).await?;
        }
        Ok(execution)
    }

    fn compare(&self, lines: &mut Vec<String>) -> bool {
        let mut same = true;
        for (repository, tag) in self.harbour.tags() {
            let there = self.island.tag(&format!("mirror/{repository}"), &tag);
            let here = self.harbour.tag(&repository, &tag);
            same &= there.is_some() && there == here;
            let digest = here.map(|digest| digest.as_str().to_owned()).unwrap_or_default();
            let mark = if there.is_some() { "arrived" } else { "MISSING" };
            lines.push(format!("  mirror/{repository}:{tag} {mark}, {digest}"));
        }
        same
    }
}

fn no_port(error: &std::io::Error) -> Error {
    Error::new(Code::Unavailable, format!("a demonstration registry cannot listen: {error}"))
}

/// A sample image for two platforms behind one tag, and a small one.
fn fill(registry: &Registry) {
    let base = layer(1, 300_000);
    let children = [("linux/amd64", 2), ("linux/arm64", 3)].map(|(platform, seed)| {
        let layers = [base.clone(), layer(seed, 40_000)];
        let digest = registry.put_platform_image("tools/compass", None, platform, &layers);
        Child { digest, platform: platform.to_owned() }
    });
    registry.put_index("tools/compass", Some("1.0"), &children);
    registry.put_image("tools/sextant", "2.1", &[base, layer(4, 9_000)]);
}

async fn endpoint(
    host: &Host,
    name: &str,
    registry: &Registry,
    login: Option<(&str, &str)>,
) -> Result<EndpointId, Error> {
    let url = registry.url().parse();
    let url = url.map_err(|error: portolan_core::endpoint::InvalidUrl| {
        Error::new(Code::Internal, error.to_string())
    })?;
    let spec = EndpointSpec {
        description: "an in-memory registry of the demonstration".to_owned(),
        access_key: login.map(|(user, _)| user.to_owned()),
        ..EndpointSpec::new(name, PROVIDER, url)
    };
    let secret = login.map(|(_, password)| Secret::new(password.to_owned()));
    let credentials = Credentials { access_secret: secret, ..Credentials::default() };
    Ok(host.create_endpoint(spec, credentials).await?.id)
}

fn rule(source: EndpointId, destination: EndpointId) -> PolicySpec {
    PolicySpec {
        name: "harbour to island".to_owned(),
        description: "everything below tools, put below mirror".to_owned(),
        source,
        destinations: vec![Destination {
            endpoint: destination,
            namespace: Some("mirror".to_owned()),
        }],
        replace_count: 0,
        filters: vec![Filter::name("tools/**")],
        trigger: Trigger::Manual,
        override_tags: true,
        enabled: true,
        deletion: false,
        speed: 0,
        copy_by_chunk: false,
        single_active: false,
        options: Default::default(),
    }
}
