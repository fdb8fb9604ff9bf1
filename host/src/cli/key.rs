//! `portolan key`: another key for the secrets that are stored.

use http::Method;

use super::{
    args::{KeyArgs, KeyCommand},
    client::{Client, PORTOLAN, Payload},
    output::{Failure, Output},
};

pub(super) async fn run(
    args: KeyArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    match args.command {
        KeyCommand::Rotate => {
            let path = format!("{PORTOLAN}/key/rotate");
            let done = client.send(Method::POST, &path, Payload::Nothing).await?.json()?;
            let count =
                done.get("endpoints").and_then(serde_json::Value::as_u64).unwrap_or_default();
            let sentence = format!(
                "The key was replaced; the secrets of {count} endpoint(s) are sealed with the new one"
            );
            output.done(&sentence, &done)
        }
    }
}
