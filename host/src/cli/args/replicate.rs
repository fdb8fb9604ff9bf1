//! `portolan replicate`: one copy from a registry or image layout to others, without a daemon; or
//! between endpoints of one.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueHint, builder::PossibleValuesParser};

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

Several --to are copied to at once, and each byte is read from the source once. A --to-provider or \
--to-ca that is given once is for every registry among them; else it is given once for each registry, \
in the order of --to, and so are --to-access-id and --to-access-secret-file always: '' stands for none. \
Image layouts have none of these and are not counted. What is printed counts all destinations together.

Every registry is tried before anything is copied. A second run asks the destination for every \
tag, and copies what is missing or differs. With --state it knows which blobs are there and goes on \
with uploads that were cut; the directory holds no credentials. With --trust-state it does not ask \
for tags that it saw within AGE: what somebody else deleted or moved since then stays so.

Exit status: 0 only if everything selected is at every destination; 2 for a mistake in what was typed.

Examples:
  portolan replicate --from https://registry.example.com --to http://127.0.0.1:5000
  portolan replicate --from hub --to edge --repository 'library/**'
  portolan replicate --from https://harbor.example.com --from-provider harbor \\
      --from-access-id 'robot$ci' --from-access-secret-file ./secret \\
      --to https://edge.example.com --to-ca ./edge-ca.pem \\
      --repository 'library/**' --tag 'v1.*' --dest-namespace mirror
  portolan replicate --from https://registry.example.com --to oci-archive:copy.tar \\
      --to https://one.example.com --to https://two.example.com \\
      --to-access-id ci --to-access-id '' \\
      --to-access-secret-file ./secret --to-access-secret-file ''
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
    /// where in it; may be repeated
    #[arg(long, value_name = "URL|NAME", required = true)]
    pub to: Vec<String>,
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

    /// Provider of the destination; of several, once for all or for each registry
    #[arg(
        long,
        value_name = "PROVIDER",
        default_value = DEFAULT_PROVIDER,
        value_parser = providers(),
        hide_possible_values = true,
        help_heading = "Destination"
    )]
    pub to_provider: Vec<String>,
    /// User, robot or key to write with; of several, for each registry
    #[arg(long, value_name = "ID", help_heading = "Destination")]
    pub to_access_id: Vec<String>,
    /// File with its secret; `-` for standard input; asked for on a terminal; of several, for each
    /// registry
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires = "to_access_id",
        help_heading = "Destination"
    )]
    pub to_access_secret_file: Vec<OsString>,
    /// PEM certificates to trust at the destination, besides the system's; of several, once for all
    /// or for each registry
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Destination"
    )]
    pub to_ca: Vec<OsString>,
    /// Do not verify the certificate of any destination; never falls back to plain HTTP
    #[arg(long, help_heading = "Destination")]
    pub to_insecure: bool,

    /// How the daemon is reached that has the endpoints.
    #[command(flatten)]
    pub connection: Connection,
}

/// Provider of an end of which none is said.
pub const DEFAULT_PROVIDER: &str = "docker-registry";

/// Those whose adapters come with the program: without a daemon there are no others.
fn providers() -> PossibleValuesParser {
    PossibleValuesParser::new(bundled_plugins::ALL.iter().map(|adapter| adapter.provider))
}
