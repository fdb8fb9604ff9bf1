//! `portolan replicate`: one copy between two registries or image layouts, without a daemon; or
//! between two endpoints of one.

use std::path::{Path, PathBuf};

use clap::{Args, builder::PossibleValuesParser};

use super::Connection;

/// What `portolan replicate` is asked to copy.
#[derive(Debug, Args)]
#[command(after_help = "\
GLOB: `*` stands for any characters but `/`, `**` for any at all, `?` for one, `{a,b}` for either.
FILE of --list: one repository:tag a line; empty lines and lines that begin with # are skipped.

Where --from and --to are names of endpoints, the daemon copies: it alone has their secrets. The rule \
that it makes for this is removed again, unless something fails: then its logs tell why.

oci:DIR is an OCI image layout, oci-archive:FILE one in a tar file, for what no network leads to: \
each image is in it as repository:tag, and skopeo copies `oci:DIR:repository:tag` out of it. A run \
that was cut goes on with the next; until it is whole, what a tar file is to become is in FILE.partial.

Credentials that are not given come from $REGISTRY_AUTH_FILE, containers' auth.json, or Docker's \
config.json with its helpers.

Both registries are tried before anything is copied. A second run asks the destination for every \
tag, and copies what is missing or differs. With --state it knows which blobs are there and goes on \
with uploads that were cut; the directory holds no credentials. With --trust-state it does not ask \
for tags that it saw within AGE: what somebody else deleted or moved since then stays so.

Exit status: 0 only if everything selected is at the destination; 2 for a mistake in what was typed.

Examples:
  portolan replicate --from https://registry.example.com --to http://127.0.0.1:5000
  portolan replicate --from hub --to edge --repository 'library/**'
  portolan replicate --from https://harbor.example.com --from-provider harbor \\
      --from-access-id 'robot$ci' --from-access-secret-file ./secret \\
      --to https://edge.example.com --to-ca ./edge-ca.pem \\
      --repository 'library/**' --tag 'v1.*' --dest-namespace mirror
  portolan replicate --from https://registry.example.com --to oci:/media/disk/transfer
  portolan replicate --from oci:/media/disk/transfer --to https://inside.example.com
  portolan replicate --from https://registry.example.com --to oci-archive:transfer.tar
  portolan replicate --from oci-archive:transfer.tar --to https://inside.example.com")]
pub struct ReplicateArgs {
    /// Registry to read from, e.g. https://registry.example.com, the name of an endpoint, oci:DIR
    /// or oci-archive:FILE
    #[arg(long, value_name = "URL|NAME")]
    pub from: String,
    /// Registry to write to, name of an endpoint, oci:DIR or oci-archive:FILE; --dest-namespace says
    /// where in it
    #[arg(long, value_name = "URL|NAME")]
    pub to: String,
    /// Repositories to copy; all of them by default; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub repository: Vec<String>,
    /// Tags to copy; all of them by default; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub tag: Vec<String>,
    /// Copy what this file names and list nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["repository", "tag"])]
    pub list: Option<PathBuf>,
    /// Namespace at the destination, put before the repository's name
    #[arg(long, value_name = "NS")]
    pub dest_namespace: Option<String>,
    /// Leading components of the name that the namespace replaces; -1 leaves the last alone
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true,
        requires = "dest_namespace"
    )]
    pub flatten: i8,
    /// Directory that remembers what was copied, so that the next run is short
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Do not ask the destination for tags seen there within this: 90s, 30m, 12h, 7d
    #[arg(long, value_name = "AGE", requires = "state")]
    pub trust_state: Option<String>,
    /// Provider of the source
    #[arg(
        long,
        value_name = "PROVIDER",
        default_value = DEFAULT_PROVIDER,
        value_parser = providers(),
        hide_possible_values = true,
        help_heading = "Source"
    )]
    pub from_provider: String,
    /// User, robot or key to read with
    #[arg(long, value_name = "ID", help_heading = "Source")]
    pub from_access_id: Option<String>,
    /// File with its secret; `-` for standard input; asked for on a terminal
    #[arg(long, value_name = "FILE", requires = "from_access_id", help_heading = "Source")]
    pub from_access_secret_file: Option<PathBuf>,
    /// PEM certificates to trust at the source, besides the system's
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    pub from_ca: Option<PathBuf>,
    /// Do not verify the source's certificate; never falls back to plain HTTP
    #[arg(long, help_heading = "Source")]
    pub from_insecure: bool,

    /// Provider of the destination
    #[arg(
        long,
        value_name = "PROVIDER",
        default_value = DEFAULT_PROVIDER,
        value_parser = providers(),
        hide_possible_values = true,
        help_heading = "Destination"
    )]
    pub to_provider: String,
    /// User, robot or key to write with
    #[arg(long, value_name = "ID", help_heading = "Destination")]
    pub to_access_id: Option<String>,
    /// File with its secret; `-` for standard input; asked for on a terminal
    #[arg(long, value_name = "FILE", requires = "to_access_id", help_heading = "Destination")]
    pub to_access_secret_file: Option<PathBuf>,
    /// PEM certificates to trust at the destination, besides the system's
    #[arg(long, value_name = "FILE", help_heading = "Destination")]
    pub to_ca: Option<PathBuf>,
    /// Do not verify the destination's certificate; never falls back to plain HTTP
    #[arg(long, help_heading = "Destination")]
    pub to_insecure: bool,

    /// How the daemon is reached that has the endpoints.
    #[command(flatten)]
    pub connection: Connection,
}

const DEFAULT_PROVIDER: &str = "docker-registry";

/// Those whose adapters come with the program: without a daemon there are no others.
fn providers() -> PossibleValuesParser {
    PossibleValuesParser::new(bundled_plugins::ALL.iter().map(|adapter| adapter.provider))
}

/// One side of a copy, as it was typed.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// `--from` or `--to`: what its options begin with.
    pub option: &'static str,
    /// URL.
    pub location: &'a str,
    /// Provider id.
    pub provider: &'a str,
    /// User, robot or key.
    pub access_id: Option<&'a str>,
    /// Where its secret is; `-` is standard input.
    pub access_secret_file: Option<&'a Path>,
    /// PEM certificates.
    pub ca: Option<&'a Path>,
    /// Whether certificates are not verified.
    pub insecure: bool,
}

impl Side<'_> {
    /// Whether it is the name of an endpoint: a host has a dot or a port.
    #[must_use]
    pub fn is_name(&self) -> bool {
        !self.location.contains(['.', ':', '/']) && self.location != "localhost"
    }

    /// Whether anything is said of it that an endpoint has of its own.
    #[must_use]
    pub fn is_described(&self) -> bool {
        let given = self.access_id.is_some() || self.ca.is_some() || self.insecure;
        given || self.provider != DEFAULT_PROVIDER
    }
}

impl ReplicateArgs {
    /// The side that is read from.
    #[must_use]
    pub fn source(&self) -> Side<'_> {
        Side {
            option: "--from",
            location: &self.from,
            provider: &self.from_provider,
            access_id: self.from_access_id.as_deref(),
            access_secret_file: self.from_access_secret_file.as_deref(),
            ca: self.from_ca.as_deref(),
            insecure: self.from_insecure,
        }
    }

    /// The side that is written to.
    #[must_use]
    pub fn destination(&self) -> Side<'_> {
        Side {
            option: "--to",
            location: &self.to,
            provider: &self.to_provider,
            access_id: self.to_access_id.as_deref(),
            access_secret_file: self.to_access_secret_file.as_deref(),
            ca: self.to_ca.as_deref(),
            insecure: self.to_insecure,
        }
    }
}
