//! The ends of a copy as they were typed: which of the options is about which of several `--to`.
//!
//! It reads no file and asks nobody.

use std::{ffi::OsStr, path::Path};

use super::super::{
    args::{DEFAULT_PROVIDER, ReplicateArgs},
    output::Failure,
};

/// One end.
#[derive(Clone, Debug)]
pub(super) struct Side<'a> {
    /// What its endpoint is called, in errors too: `--from`, `--to`; of several `--to 1`, `--to 2`.
    pub(super) name: String,
    /// What its options begin with.
    pub(super) option: &'static str,
    /// URL, or image layout.
    pub(super) location: &'a str,
    /// Provider id.
    pub(super) provider: &'a str,
    /// User, robot or key.
    pub(super) access_id: Option<&'a str>,
    /// Where its secret is; `-` is standard input.
    pub(super) access_secret_file: Option<&'a Path>,
    /// PEM certificates.
    pub(super) ca: Option<&'a Path>,
    /// Whether certificates are not verified.
    pub(super) insecure: bool,
}

/// Whether it is the name of an endpoint: a host has a dot or a port.
pub(super) fn is_name(location: &str) -> bool {
    !location.contains(['.', ':', '/']) && location != "localhost"
}

fn is_layout(location: &str) -> bool {
    location.starts_with("oci:") || location.starts_with("oci-archive:")
}

/// The end that is read from.
pub(super) fn source(args: &ReplicateArgs) -> Side<'_> {
    Side {
        name: "--from".to_owned(),
        option: "--from",
        location: &args.from,
        provider: &args.from_provider,
        access_id: args.from_access_id.as_deref(),
        access_secret_file: args.from_access_secret_file.as_deref(),
        ca: args.from_ca.as_deref(),
        insecure: args.from_insecure,
    }
}

/// The ends that are written to, in the order of `--to`.
///
/// # Errors
/// When an option cannot be told to be of one of them, or two secrets are to come from one place.
pub(super) fn destinations(args: &ReplicateArgs) -> Result<Vec<Side<'_>>, Failure> {
    let registries = args.to.iter().filter(|to| !is_layout(to)).count();
    let several = args.to.len() > 1;
    if registries == 0 && says_who(args) {
        let layout = args.to.join(" --to ");
        let message = format!("--to {layout}: an image layout has no provider and no credentials");
        return Err(Failure::usage(message));
    }
    let spread = Spread { registries, several };
    let mut providers = spread.shared("--to-provider", &args.to_provider)?;
    let mut ids = spread.own("--to-access-id", &args.to_access_id)?;
    let mut files = spread.own("--to-access-secret-file", &args.to_access_secret_file)?;
    let mut cas = spread.shared("--to-ca", &args.to_ca)?;
    let mut sides = Vec::with_capacity(args.to.len());
    for (place, location) in args.to.iter().enumerate() {
        let name = if several { format!("--to {}", place + 1) } else { "--to".to_owned() };
        let mut side = Side { name, location, ..plain() };
        if !is_layout(location) {
            side.provider =
                next(&mut providers).and_then(OsStr::to_str).unwrap_or(DEFAULT_PROVIDER);
            side.access_id = next(&mut ids).and_then(OsStr::to_str);
            side.access_secret_file = next(&mut files).map(Path::new);
            side.ca = next(&mut cas).map(Path::new);
            side.insecure = args.to_insecure;
        }
        if side.access_id.is_none() && side.access_secret_file.is_some() {
            let message = format!("{} {location} has a secret, and no access id", side.option);
            return Err(Failure::usage(message).hint("give both for it, or '' for both"));
        }
        sides.push(side);
    }
    one_secret_by_standard_input(args)?;
    Ok(sides)
}

/// Whether anything is said of the source that an endpoint has of its own.
pub(super) fn source_is_described(args: &ReplicateArgs) -> bool {
    let side = source(args);
    let given = side.access_id.is_some() || side.ca.is_some() || side.insecure;
    given || side.provider != DEFAULT_PROVIDER
}

/// The same of destinations.
pub(super) fn destinations_are_described(args: &ReplicateArgs) -> bool {
    says_who(args) || !args.to_ca.is_empty() || args.to_insecure
}

fn says_who(args: &ReplicateArgs) -> bool {
    !args.to_access_id.is_empty() || args.to_provider.iter().any(|it| it != DEFAULT_PROVIDER)
}

/// A destination of which nothing is said.
fn plain<'a>() -> Side<'a> {
    Side {
        name: String::new(),
        option: "--to",
        location: "",
        provider: DEFAULT_PROVIDER,
        access_id: None,
        access_secret_file: None,
        ca: None,
        insecure: false,
    }
}

fn next<'a>(values: &mut std::vec::IntoIter<&'a OsStr>) -> Option<&'a OsStr> {
    values.next().filter(|value| !value.is_empty())
}

/// How values of an option are spread over the registries that are written to.
#[derive(Clone, Copy)]
struct Spread {
    registries: usize,
    several: bool,
}

/// A value for each registry, or none at all.
type Values<'a> = Result<std::vec::IntoIter<&'a OsStr>, Failure>;

impl Spread {
    /// One value is for all of them.
    fn shared<'a, T: AsRef<OsStr>>(self, option: &str, values: &'a [T]) -> Values<'a> {
        match values {
            [one] => Ok(vec![one.as_ref(); self.registries].into_iter()),
            many => self.own(option, many),
        }
    }

    /// Each value is for one alone: nobody's secret is sent to a host that it was not given for.
    fn own<'a, T: AsRef<OsStr>>(self, option: &str, values: &'a [T]) -> Values<'a> {
        if values.is_empty() || values.len() == self.registries {
            return Ok(values.iter().map(AsRef::as_ref).collect::<Vec<_>>().into_iter());
        }
        let given = match values.len() {
            1 => "once".to_owned(),
            many => format!("{many} times"),
        };
        let registries = match self.registries {
            1 => "1 registry".to_owned(),
            many => format!("{many} registries"),
        };
        let message = format!("{option} is given {given} for {registries} to write to");
        Err(Failure::usage(message).hint(match self.several {
            true => "give it once for each, in the order of --to; '' stands for none",
            false => "give it once",
        }))
    }
}

/// Standard input has one secret.
fn one_secret_by_standard_input(args: &ReplicateArgs) -> Result<(), Failure> {
    let from = args.from_access_secret_file.iter().map(|path| path.as_os_str());
    let to = args.to_access_secret_file.iter().map(AsRef::as_ref);
    if from.chain(to).filter(|path: &&OsStr| *path == "-").count() < 2 {
        return Ok(());
    }
    Err(Failure::usage("standard input has one secret alone: give `-` once, and files for others"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{
        super::super::args::{Cli, Command},
        *,
    };

    fn args(options: &str) -> ReplicateArgs {
        let line = format!("portolan replicate --from https://from {options}");
        let words = line.split_whitespace().map(|word| if word == "''" { "" } else { word });
        let cli = Cli::try_parse_from(words).unwrap();
        let Command::Replicate(args) = cli.command else { panic!("another command") };
        *args
    }

    /// Each destination as provider, access id, file of its secret, CA.
    fn told(options: &str) -> Vec<String> {
        let args = args(options);
        let path = |path: Option<&Path>| path.map_or("-".to_owned(), |it| it.display().to_string());
        let tell = |side: Side<'_>| {
            let (id, secret) = (side.access_id.unwrap_or("-"), path(side.access_secret_file));
            format!("{} {} {id} {secret} {}", side.name, side.provider, path(side.ca))
        };
        destinations(&args).unwrap().into_iter().map(tell).collect()
    }

    #[test]
    fn what_is_said_of_destinations_goes_by_their_order() {
        for (options, sides) in [
            ("--to https://a", vec!["--to docker-registry - - -"]),
            (
                "--to-access-id x --to-ca ca --to https://a --to-access-secret-file f",
                vec!["--to docker-registry x f ca"],
            ),
            (
                "--to https://a --to oci:d --to https://b --to-provider harbor --to-ca ca \
                 --to-access-id x --to-access-id '' --to-access-secret-file f \
                 --to-access-secret-file ''",
                vec![
                    "--to 1 harbor x f ca",
                    "--to 2 docker-registry - - -",
                    "--to 3 harbor - - ca",
                ],
            ),
            (
                "--to https://a --to https://b --to-provider harbor --to-provider docker-registry \
                 --to-ca '' --to-ca other",
                vec!["--to 1 harbor - - -", "--to 2 docker-registry - - other"],
            ),
            (
                "--to oci:d --to https://b --to-access-id x",
                vec!["--to 1 docker-registry - - -", "--to 2 docker-registry x - -"],
            ),
        ] {
            assert_eq!(told(options), sides, "{options}");
        }
    }

    #[test]
    fn what_could_be_of_either_is_refused() {
        let two = "--to https://a --to https://b";
        for (options, why) in [
            (format!("{two} --to-access-id x"), "--to-access-id is given once for 2 registries"),
            (format!("{two} --to oci:d --to-ca a --to-ca b --to-ca c"), "3 times for 2 registries"),
            (
                format!("{two} --to-access-id x --to-access-id y --to-access-secret-file f"),
                "--to-access-secret-file is given once for 2 registries",
            ),
            (
                format!(
                    "{two} --to-access-id x --to-access-id '' --to-access-secret-file '' \
                     --to-access-secret-file f"
                ),
                "--to https://b has a secret, and no access id",
            ),
            (
                format!(
                    "{two} --to-access-id x --to-access-id y --to-access-secret-file - \
                     --to-access-secret-file -"
                ),
                "standard input has one secret alone",
            ),
            ("--to oci:d --to-access-id x".to_owned(), "an image layout has no provider"),
            (
                "--to https://a --to-access-id x --to-access-id y".to_owned(),
                "2 times for 1 registry",
            ),
        ] {
            let told = format!("{:?}", destinations(&args(&options)).unwrap_err());
            assert!(told.contains(why), "{options}: {told}");
        }
    }

    #[test]
    fn both_sides_of_a_copy_are_kept_apart() {
        let args = args(
            "--from-access-id r --from-ca a.pem --to http://b --to-provider harbor --to-insecure \
             --flatten -1 --dest-namespace m --repository x/** --repository y --trust-state 1h \
             --state s",
        );
        let (from, to) = (source(&args), destinations(&args).unwrap());
        let [to] = to.as_slice() else { panic!("{to:?}") };
        assert_eq!(
            (from.location, from.provider, from.insecure),
            ("https://from", "docker-registry", false)
        );
        assert_eq!((from.access_id, from.ca), (Some("r"), Some(Path::new("a.pem"))));
        assert_eq!((to.location, to.provider, to.insecure), ("http://b", "harbor", true));
        assert_eq!((to.access_id, to.ca, to.option), (None, None, "--to"));
        assert_eq!((args.flatten, args.repository.len()), (-1, 2));
    }
}
