//! `portolan provider`: which kinds of registry there are.

use serde_json::{Value, json};

use super::{
    args::{ProviderArgs, ProviderCommand},
    client::{Client, HARBOR},
    output::{Failure, Output},
};

pub(super) async fn run(
    args: ProviderArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    match args.command {
        ProviderCommand::List => {
            let providers = client.get(&format!("{HARBOR}/replication/adapters")).await?;
            let rows = providers.as_array().into_iter().flatten();
            let named = rows.map(|provider| json!({"provider": provider})).collect();
            let shown = if output.is_json() { providers } else { Value::Array(named) };
            output.list(&shown, &[("PROVIDER", "/provider")])
        }
    }
}
