//! What an adapter says of itself, beyond what the host insists on when it loads one.

use std::time::Duration;

use portolan_core::{
    endpoint::EndpointUrl,
    provider::{AccessSecretPattern, AdapterInfo, CredentialPattern, EndpointPattern, HostUse},
};

use super::Report;
use crate::Host;

/// Largest component that is small (a budget, not a limit of the host).
const MAX_BYTES: usize = 400 << 10;
/// Longest `describe`, fresh instance included, in an optimised build.
const MAX_DESCRIBE: Duration = Duration::from_millis(1);
/// Longest hint in characters: it stands below a form's field.
const MAX_HINT: usize = 400;
/// What a rule may filter by.
const RESOURCES: [&str; 3] = ["image", "artifact", "chart"];
/// What the host can sign with.
const ALGORITHMS: [&str; 5] = ["hmac-sha1", "hmac-sha256", "hmac-sha512", "rs256", "es256"];

type Verdict = Result<(), String>;

pub(super) async fn check(host: &Host, info: &AdapterInfo, size: usize, report: &mut Report) {
    let text = format!("{} {}, {} KiB", info.provider, info.version, size.div_ceil(1024));
    report.pass("load", "", text);
    if size > MAX_BYTES {
        let text = format!(
            "the component has {} KiB, more than {}: build with opt-level \"s\", lto, strip and \
             panic = \"abort\"",
            size.div_ceil(1024),
            MAX_BYTES >> 10
        );
        report.warn("size", "", text);
    }
    time(host, info, report).await;
    let verdicts: [(&str, Verdict); 7] = [
        ("version", version(&info.version)),
        ("hint", hint(&info.hint)),
        ("settings-schema", schema(&info.settings_schema)),
        ("endpoints", presets(info)),
        ("login-urls", login_urls(info)),
        ("signing", signing(info)),
        ("resources", resources(&info.resources)),
    ];
    for (field, verdict) in verdicts {
        match verdict {
            Ok(()) => report.pass(field, "describe", ""),
            Err(why) => report.fail(field, "describe", why),
        }
    }
    hosts(info, report);
}

/// An unoptimised build is not what the budget is for: there the time is told, and not judged.
async fn time(host: &Host, info: &AdapterInfo, report: &mut Report) {
    match host.time_describe(&info.provider).await {
        Ok(took) if took <= MAX_DESCRIBE || cfg!(debug_assertions) => {
            report.pass("time", "describe", format!("{took:?}"))
        }
        Ok(took) => {
            let text = format!(
                "it takes {took:?}, more than {MAX_DESCRIBE:?}: return constants, compute nothing"
            );
            report.warn("time", "describe", text);
        }
        Err(error) => report.fail("time", "describe", error.to_string()),
    }
}

/// SemVer 2.0: three numbers, then what may follow a hyphen or a plus.
fn version(text: &str) -> Verdict {
    let number = |part: &str| {
        part.parse::<u64>().is_ok()
            && (part == "0" || !part.starts_with('0'))
            && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (core, rest) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
    let tail = rest.get(1..).unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    let good_tail = rest.is_empty() || (!tail.is_empty() && tail.chars().all(word));
    if core.split('.').count() == 3 && core.split('.').all(number) && good_tail {
        return Ok(());
    }
    Err(format!("`{text}` is no SemVer: write it like 1.2.3"))
}

fn hint(text: &str) -> Verdict {
    match text.chars().count() {
        0 => Err("there is none: say in one sentence what people stumble over".to_owned()),
        1..=MAX_HINT => Ok(()),
        many => Err(format!("it has {many} characters: {MAX_HINT} are enough for one sentence")),
    }
}

/// Compiled without a loader: a schema that refers to a file or an address is refused.
fn schema(given: &serde_json::Value) -> Verdict {
    const PLACE: &str = "https://settings.invalid/schema.json";
    let wrong = |why: String| format!("it is no JSON Schema (2020-12) that stands alone: {why}");
    let mut compiler = boon::Compiler::new();
    compiler.use_loader(Box::new(boon::SchemeUrlLoader::new()));
    compiler.add_resource(PLACE, given.clone()).map_err(|error| wrong(error.to_string()))?;
    let compiled = compiler.compile(PLACE, &mut boon::Schemas::new());
    compiled.map(|_| ()).map_err(|error| wrong(format!("{error:#}")))
}

/// Name and address of what the form offers.
pub(super) fn offered(info: &AdapterInfo) -> Vec<(&str, &str)> {
    match &info.endpoints {
        None | Some(EndpointPattern::Standard) => Vec::new(),
        Some(EndpointPattern::Fixed(name, url)) => vec![(name, url)],
        Some(EndpointPattern::Choice(all)) => {
            all.iter().map(|(name, url)| (&**name, &**url)).collect()
        }
    }
}

fn presets(info: &AdapterInfo) -> Verdict {
    if matches!(&info.endpoints, Some(EndpointPattern::Choice(all)) if all.is_empty()) {
        return Err("a choice of nothing: use `standard`".to_owned());
    }
    for (name, url) in offered(info) {
        let parsed = url.parse::<EndpointUrl>();
        let parsed = parsed.map_err(|error| format!("`{name}` has no address: {error}"))?;
        if name.trim().is_empty() || parsed.url().scheme() != "https" {
            return Err(format!("`{url}` needs a name, and https"));
        }
    }
    Ok(())
}

/// Each is below the endpoint, on an offered address, or on a host granted `credentials`.
fn login_urls(info: &AdapterInfo) -> Verdict {
    let authority = |url: &str| {
        url.strip_prefix("https://").and_then(|rest| rest.split('/').next()).map(str::to_lowercase)
    };
    let takes_secret = |host: &str| {
        let granted = info.allowed_hosts.iter().any(|allowed| {
            let pattern = authority(&allowed.pattern).unwrap_or_default();
            let suffix = pattern.strip_prefix('*').is_some_and(|suffix| host.ends_with(suffix));
            allowed.uses.contains(&HostUse::Credentials) && (pattern == host || suffix)
        });
        granted || offered(info).iter().any(|(_, url)| authority(url).as_deref() == Some(host))
    };
    for url in info.login_urls.iter().filter(|url| !url.starts_with('/')) {
        let Some(host) = authority(url) else {
            return Err(format!("`{url}` is neither https nor a path below the endpoint"));
        };
        if !takes_secret(&host) {
            return Err(format!(
                "`{url}` gets the secret, but its host is not in `allowed-hosts` with the use \
                 `credentials`"
            ));
        }
    }
    Ok(())
}

fn signing(info: &AdapterInfo) -> Verdict {
    for recipe in &info.signing {
        let algorithm = recipe.algorithm.as_str();
        if !ALGORITHMS.contains(&algorithm) {
            return Err(format!("`{algorithm}` is none of {}", ALGORITHMS.join(", ")));
        }
        if algorithm.starts_with("hmac") == (recipe.links == 0) {
            return Err(format!(
                "`{algorithm}` with {} links: an HMAC has one or more, a JWT none",
                recipe.links
            ));
        }
    }
    let asks_none = |it: &CredentialPattern| it.access_secret == AccessSecretPattern::None;
    if !info.signing.is_empty() && info.credentials.as_ref().is_some_and(asks_none) {
        return Err("signatures need a secret, but `credentials` asks for none".to_owned());
    }
    Ok(())
}

fn resources(given: &[String]) -> Verdict {
    if given.is_empty() {
        return Err(format!("there are none: name some of {}", RESOURCES.join(", ")));
    }
    match given.iter().find(|resource| !RESOURCES.contains(&resource.as_str())) {
        Some(resource) => Err(format!("`{resource}` is none of {}", RESOURCES.join(", "))),
        None => Ok(()),
    }
}

/// The host refuses patterns that cover too much; one with the secret should say more.
fn hosts(info: &AdapterInfo, report: &mut Report) {
    let broad = |pattern: &str| {
        let fixed = pattern.rsplit('.').take_while(|label| !label.contains(['*', '{'])).count();
        pattern.contains(['*', '{']) && fixed < 3
    };
    let secret = info.allowed_hosts.iter().filter(|it| it.uses.contains(&HostUse::Credentials));
    let broad: Vec<_> = secret.filter(|it| broad(&it.pattern)).map(|it| &*it.pattern).collect();
    if broad.is_empty() {
        return report.pass("allowed-hosts", "describe", "");
    }
    let text = format!(
        "{} may be sent the secret: spell out more of the name, so that an administrator can tell \
         whose hosts these are",
        broad.join(", ")
    );
    report.warn("allowed-hosts", "describe", text);
}

#[cfg(test)]
mod tests;
