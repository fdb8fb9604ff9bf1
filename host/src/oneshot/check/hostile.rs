//! Hosts that misbehave: each function has to end as it should, whatever it is answered.

use portolan_core::{endpoint::EndpointSpec, provider::HostUse};
use tokio::net::TcpListener;

use super::{
    Kit,
    judge::{self, Outcome},
    probes,
};
use crate::{AdapterCall, Answer, Code, Error, Fault, Reply, Stage, StageCall};

mod endless;

/// Where the redirect leads.
const ELSEWHERE: &str = "elsewhere.example.test";
/// Seconds a `Retry-After` asks for.
const WAIT: u64 = 17;
/// Bytes of an answer that is too long for any call.
const HUGE: u64 = 64 << 20;

/// One way to misbehave, and how a function that has to ask the provider ends.
struct Scenario {
    name: &'static str,
    reply: fn(&StageCall) -> Reply,
    fits: fn(&Fault) -> bool,
    /// The same for people.
    wanted: &'static str,
    /// Whether Test Connection may take the answer for a good one: it need not read a body.
    health_may_pass: bool,
}

const SCENARIOS: [Scenario; 9] = [
    Scenario {
        name: "web page, 200",
        reply: |_| page(200),
        fits: |fault| {
            !matches!(
                fault,
                Fault::Transport(_)
                    | Fault::Unauthenticated
                    | Fault::RateLimited(_)
                    | Fault::Conflict
            )
        },
        wanted: "`malformed-response`: a web page is no answer of an API",
        health_may_pass: false,
    },
    Scenario {
        name: "web page, 404",
        reply: |_| page(404),
        fits: |fault| matches!(fault, Fault::NotFound | Fault::Malformed | Fault::Upstream(404)),
        wanted: "`not-found`: the address is wrong, and nothing is known of what is there",
        health_may_pass: false,
    },
    Scenario {
        name: "web page, 502",
        reply: |_| page(502),
        fits: |fault| matches!(fault, Fault::Upstream(502)),
        wanted: "`upstream` with the status 502, retryable",
        health_may_pass: false,
    },
    Scenario {
        name: "401 with a challenge",
        reply: unauthorized,
        fits: |fault| matches!(fault, Fault::Unauthenticated | Fault::Forbidden | Fault::Malformed),
        wanted: "`unauthenticated` (or `malformed-response`, where the challenge shows that this \
                 is another provider's registry)",
        health_may_pass: false,
    },
    Scenario {
        name: "429 with Retry-After",
        reply: |_| {
            let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#;
            json(429, &[("Retry-After", "17")], body)
        },
        fits: |fault| matches!(fault, Fault::RateLimited(Some(WAIT))),
        wanted: "`rate-limited` with the 17 seconds of Retry-After",
        health_may_pass: false,
    },
    Scenario {
        name: "redirect elsewhere",
        reply: |call| match call.host.as_str() {
            ELSEWHERE => json(200, &[], "{}"),
            _ => Reply::new(302, &[("Location", "https://elsewhere.example.test/x")], ""),
        },
        fits: |_| true,
        wanted: "an error: the host of the redirect is not granted",
        health_may_pass: false,
    },
    Scenario {
        name: "JSON cut short",
        reply: |_| json(200, &[], r#"{"repositories":[{"name":"kit/a"#),
        fits: |fault| matches!(fault, Fault::Malformed | Fault::Upstream(_)),
        wanted: "`malformed-response`",
        health_may_pass: true,
    },
    Scenario {
        name: "connection that breaks",
        reply: |_| Reply { breaks: true, ..json(200, &[], r#"{"repositories":["#) },
        fits: |fault| matches!(fault, Fault::Transport(_)),
        wanted: "`transport`, as the host gave it",
        health_may_pass: false,
    },
    Scenario {
        name: "body of 64 MiB",
        reply: |_| Reply { padding: HUGE, ..json(200, &[], "{") },
        fits: |_| true,
        wanted: "an error: the host reads no such answer",
        health_may_pass: false,
    },
];

fn page(status: u16) -> Reply {
    let headers = [("Content-Type", "text/html; charset=utf-8")];
    Reply::new(status, &headers, "<!DOCTYPE html><html><body>Sign in</body></html>")
}

fn json(status: u16, more: &[(&str, &str)], body: &'static str) -> Reply {
    let headers: Vec<_> =
        [("Content-Type", "application/json")].iter().chain(more).copied().collect();
    Reply::new(status, &headers, body)
}

fn unauthorized(call: &StageCall) -> Reply {
    let challenge = format!("Bearer realm=\"https://{}/token\",service=\"kit\"", call.host);
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
    json(401, &[("WWW-Authenticate", &challenge)], body)
}

pub(super) async fn check(kit: &mut Kit) -> Result<(), Error> {
    unreachable(kit).await?;
    for scenario in &SCENARIOS {
        let stage = stage(scenario.reply).await?;
        let spec = kit.played.on(&stage);
        play(kit, &spec, scenario).await;
        followed(kit, scenario.name, &stage);
    }
    endless::check(kit).await
}

pub(super) async fn stage(
    script: impl Fn(&StageCall) -> Reply + Send + Sync + 'static,
) -> Result<Stage, Error> {
    Stage::start(script).await.map_err(|error| no_port(&error))
}

fn no_port(error: &std::io::Error) -> Error {
    Error::new(Code::Internal, format!("the kit cannot play hosts on loopback: {error}"))
}

/// A port that was free a moment ago.
async fn unreachable(kit: &mut Kit) -> Result<(), Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| no_port(&error))?;
    let address = listener.local_addr().map_err(|error| no_port(&error))?;
    drop(listener);
    let spec = EndpointSpec { proxy: Some(format!("http://{address}")), ..kit.played.spec.clone() };
    let scenario = Scenario {
        name: "nothing listens",
        reply: |_| page(500),
        fits: |fault| matches!(fault, Fault::Transport(_)),
        wanted: "`transport`, as the host gave it",
        health_may_pass: false,
    };
    play(kit, &spec, &scenario).await;
    Ok(())
}

async fn play(kit: &mut Kit, spec: &EndpointSpec, scenario: &Scenario) {
    let calls = probes::every(&kit.info, &kit.played.repository);
    let (mut good, mut refused) = (0, None);
    for call in &calls {
        let outcome = kit.host.call(spec, &kit.played.credentials, call).await;
        if let Err(failure) = &outcome
            && failure.fault == Fault::Invalid
            && kit.played.is_made_up
        {
            refused = Some(failure.message.clone());
            continue;
        }
        match verdict(call, &outcome, scenario, &kit.played.secrets()) {
            None => good += 1,
            Some(why) => kit.report.fail(scenario.name, call.function(), why),
        }
    }
    kit.host.forget_calls();
    if let Some(message) = refused {
        let text = format!(
            "the adapter refused what the kit made up; say --played-url, --access-id and \
             --access-secret-file of its kind, for this check alone ({message})"
        );
        kit.report.warn(scenario.name, "", text);
    }
    if good > 0 {
        kit.report.pass(scenario.name, "", format!("{good} of {} calls", calls.len()));
    }
}

fn verdict(
    call: &AdapterCall,
    outcome: &Outcome,
    scenario: &Scenario,
    secrets: &[String],
) -> Option<String> {
    if let Some(why) = judge::fault(outcome, secrets) {
        return Some(why);
    }
    let deletes = matches!(call, AdapterCall::DeleteTag(..) | AdapterCall::DeleteArtifact(..));
    // A 200 is an honest answer to a delete, whatever its body.
    if deletes && matches!(outcome, Ok(Answer::Done)) && !scenario.health_may_pass {
        return Some("it reported success, and nothing can have been deleted".to_owned());
    }
    if !probes::must_ask(call) {
        return None;
    }
    let is_health = matches!(call, AdapterCall::CheckHealth);
    match outcome {
        Ok(_) if is_health && scenario.health_may_pass => None,
        Ok(_) => Some(format!("it reported success, and not {}", scenario.wanted)),
        Err(failure) if is_health && failure.fault == Fault::Unsupported => {
            Some(judge::HEALTH_IS_SUPPORTED.to_owned())
        }
        Err(failure) if failure.fault == Fault::Unsupported || (scenario.fits)(&failure.fault) => {
            None
        }
        Err(failure) => Some(format!(
            "it ended as {}, and not as {} ({})",
            failure.fault, scenario.wanted, failure.message
        )),
    }
}

/// What reached the host of the redirect: nothing with credentials ever, and nothing at all unless
/// the adapter was granted any host.
fn followed(kit: &mut Kit, name: &str, stage: &Stage) {
    let heard: Vec<_> = stage.heard().into_iter().filter(|call| call.host == ELSEWHERE).collect();
    let secrets = kit.played.secrets();
    let holds = |call: &StageCall| {
        let text = format!("{}?{} {:?}", call.path, call.query, call.headers);
        let body = String::from_utf8_lossy(&call.body).into_owned();
        call.headers.contains_key("authorization")
            || secrets.iter().any(|secret| text.contains(secret) || body.contains(secret))
    };
    let mut uses = kit.info.allowed_hosts.iter().flat_map(|host| &host.uses);
    let any_host = uses.any(|granted| *granted == HostUse::AnyPublicDownload);
    if heard.iter().any(holds) {
        kit.report.fail(name, "", "credentials followed the redirect to another host");
    } else if !heard.is_empty() && !any_host {
        kit.report.fail(name, "", "a request followed the redirect to a host that is not granted");
    }
}
