//! What `endpoint add` asks for on a terminal: the fields of the New Endpoint form, in its order. The
//! secret is asked for later, without being shown, as it is without this.

use std::io::{BufRead, IsTerminal};

use serde_json::Value;

use super::DEFAULT_PROVIDER;
use crate::cli::{
    args::EndpointAdd,
    client::Client,
    output::{Failure, note, prompt},
    provider::{self, Pattern},
    typed,
};

/// How often a question is asked again.
const TRIES: usize = 3;

/// Fills in what was not typed where a name or an address is missing.
pub(super) async fn complete(client: &Client, args: &mut EndpointAdd) -> Result<(), Failure> {
    let missing = match (&args.name, &args.url) {
        (Some(_), Some(_)) => return Ok(()),
        (None, _) => "the endpoint's NAME",
        (_, None) => "--url",
    };
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Failure::usage(format!(
            "{missing} is missing, and there is no terminal to ask on"
        ))
        .hint("`portolan endpoint add --help` shows what can be given"));
    }
    let providers = provider::list(client).await?;
    let providers: Vec<&str> =
        providers.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut answers = Answers { read: terminal };
    answers.provider(args, &providers)?;
    let chosen = args.provider.as_deref().unwrap_or(DEFAULT_PROVIDER);
    let pattern = Pattern::of(client, chosen).await?;
    answers.rest(args, &pattern)
}

/// Asks, and reads a line.
fn terminal(question: &str) -> Result<String, Failure> {
    prompt(question);
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    match read.map_err(|error| Failure::new(format!("cannot read the answer: {error}")))? {
        0 => Err(Failure::new("nothing was added")),
        _ => Ok(line.trim().to_owned()),
    }
}

/// Questions, and where their answers come from.
struct Answers<R> {
    read: R,
}

impl<R: FnMut(&str) -> Result<String, Failure>> Answers<R> {
    /// Asks until the answer is taken.
    fn until<T>(
        &mut self,
        question: &str,
        take: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let mut why = String::new();
        for _ in 0..TRIES {
            let answer = (self.read)(question)?;
            match take(&answer) {
                Ok(taken) => return Ok(taken),
                Err(reason) => {
                    note(&reason);
                    why = reason;
                }
            }
        }
        Err(Failure::usage(format!("asked {TRIES} times: {why}")))
    }

    fn provider(&mut self, args: &mut EndpointAdd, providers: &[&str]) -> Result<(), Failure> {
        if args.provider.is_some() {
            return Ok(());
        }
        note(&format!("Providers: {}", providers.join(", ")));
        let take = |answer: &str| match answer {
            "" => Ok(DEFAULT_PROVIDER.to_owned()),
            known if providers.contains(&known) => Ok(known.to_owned()),
            other => Err(format!("`{other}` is none of them")),
        };
        args.provider = Some(self.until(&format!("Provider [{DEFAULT_PROVIDER}]: "), take)?);
        Ok(())
    }

    fn rest(&mut self, args: &mut EndpointAdd, pattern: &Pattern) -> Result<(), Failure> {
        if args.name.is_none() {
            let take = |answer: &str| match answer {
                "" => Err("a name is wanted".to_owned()),
                name => Ok(name.to_owned()),
            };
            args.name = Some(self.until("Name: ", take)?);
        }
        if args.description.is_none() {
            args.description = Some((self.read)("Description (may be empty): ")?);
        }
        if args.url.is_none() {
            args.url = Some(self.url(pattern)?);
        }
        self.login(args, pattern)?;
        let secure = args.url.as_deref().is_some_and(|url| !url.starts_with("http://"));
        if secure && args.ca.is_none() && !args.insecure {
            let answer = (self.read)("Verify the registry's certificate? [Y/n] ")?;
            args.insecure = matches!(answer.as_str(), "n" | "N" | "no");
        }
        Ok(())
    }

    /// One of the provider's addresses by its number, or any that is typed where it takes any.
    fn url(&mut self, pattern: &Pattern) -> Result<String, Failure> {
        let presets = pattern.presets();
        if let ([(name, url)], true) = (presets.as_slice(), pattern.is_fixed()) {
            note(&format!("Endpoint URL: {url} ({name})"));
            return Ok(url.clone());
        }
        for (number, (name, url)) in presets.iter().enumerate() {
            note(&format!("{:>4}  {url}  {name}", number + 1));
        }
        let question = match presets.len() {
            0 => "Endpoint URL: ".to_owned(),
            many => format!("Endpoint URL (1 to {many}, or another): "),
        };
        self.until(&question, |answer| {
            let chosen = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            if let Some((_, url)) = chosen.and_then(|at| presets.get(at)) {
                return Ok(url.clone());
            }
            let checked = typed::url("the address", answer);
            checked.map(|url| url.to_string()).map_err(|failure| failure.message().to_owned())
        })
    }

    fn login(&mut self, args: &mut EndpointAdd, pattern: &Pattern) -> Result<(), Failure> {
        if args.access_id.is_none() {
            let id = match pattern.fixed_id() {
                Some(id) => id.to_owned(),
                None => (self.read)("Access ID (empty for none): ")?,
            };
            args.access_id = Some(id).filter(|id| !id.is_empty());
        }
        let wanted = args.access_id.is_some() && args.access_secret_file.is_none();
        if wanted && pattern.secret_is_file() && args.extras.credential_source.is_none() {
            let path = (self.read)("Key file: ")?;
            args.access_secret_file = Some(path.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::cli::args::{Cli, Command, EndpointCommand, Noun};

    fn added(options: &str, pattern: Value, lines: &[&str]) -> (EndpointAdd, Vec<String>) {
        let line = format!("portolan endpoint add {options}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Noun(Noun::Endpoint(args)) = cli.command else { panic!() };
        let EndpointCommand::Add(mut args) = args.command else { panic!() };
        let (mut left, mut asked) = (lines.iter(), Vec::new());
        let read = |question: &str| {
            asked.push(question.to_owned());
            left.next().map(|line| (*line).to_owned()).ok_or_else(|| Failure::new("no more"))
        };
        let mut answers = Answers { read };
        answers.provider(&mut args, &["docker-registry", "google-gcr"]).unwrap();
        answers.rest(&mut args, &Pattern::new(pattern)).unwrap();
        assert_eq!(left.next(), None, "asked for less");
        (*args, asked)
    }

    #[test]
    fn everything_is_asked_for_in_the_order_of_the_form() {
        let lines = ["acme", "", "hub", "the hub", "ftp://x", "hub.example.com", "ci", "n"];
        let (args, asked) = added("", Value::Null, &lines);
        assert_eq!(args.provider.as_deref(), Some("docker-registry"));
        assert_eq!(
            (args.name.as_deref(), args.url.as_deref()),
            (Some("hub"), Some("https://hub.example.com"))
        );
        assert_eq!((args.access_id.as_deref(), args.insecure), (Some("ci"), true));
        assert_eq!(asked.len(), 8, "{asked:?}");
    }

    #[test]
    fn what_was_typed_or_is_fixed_is_not_asked_for() {
        let choice = |key: &str, value: &str| json!({"key": key, "value": value});
        let pattern = json!({
            "endpoint_pattern": {"endpoint_type": "EndpointPatternTypeList", "endpoints":
                [choice("EU", "https://eu.gcr.io"), choice("US", "https://us.gcr.io")]},
            "credential_pattern": {"access_key_type": "AccessKeyTypeFix",
                "access_key_data": "_json_key", "access_secret_type": "AccessSecretTypeFile"},
        });
        let lines = ["", "2", "/run/key.json", ""];
        let (args, _) = added("g --provider google-gcr", pattern, &lines);
        assert_eq!(args.url.as_deref(), Some("https://us.gcr.io"));
        assert_eq!(args.access_id.as_deref(), Some("_json_key"));
        assert_eq!(args.access_secret_file.as_deref(), Some(Path::new("/run/key.json")));
        assert!(!args.insecure);
    }
}
