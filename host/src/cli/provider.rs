//! `portolan provider`: which kinds of registry there are, and what their endpoints look like.

use serde_json::{Value, json};

use super::{
    args::{ProviderArgs, ProviderCommand},
    client::{Client, HARBOR},
    output::{Failure, Output},
};

const RECORD: &[(&str, &str)] = &[
    ("provider", "/provider"),
    ("url", "/url"),
    ("access id", "/access_id"),
    ("access secret", "/access_secret"),
];

pub(super) async fn run(
    args: ProviderArgs,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let client = Client::new(&args.connection, lookup)?;
    let output = Output::new(args.connection.output);
    match args.command {
        ProviderCommand::List => {
            let providers = list(&client).await?;
            let rows = providers.as_array().into_iter().flatten();
            let named = rows.map(|provider| json!({"provider": provider})).collect();
            let shown = if output.is_json() { providers } else { Value::Array(named) };
            output.list(&shown, &[("PROVIDER", "/provider")])
        }
        ProviderCommand::Show { provider } => show(&client, output, &provider).await,
    }
}

/// The ids of all that have an enabled adapter.
pub(super) async fn list(client: &Client) -> Result<Value, Failure> {
    client.get(&format!("{HARBOR}/replication/adapters")).await
}

async fn show(client: &Client, output: Output, name: &str) -> Result<(), Failure> {
    let providers = list(client).await?;
    if !providers.as_array().is_some_and(|all| all.contains(&name.into())) {
        return Err(Failure::new(format!("there is no provider `{name}`"))
            .hint("`portolan provider list` shows which there are"));
    }
    let pattern = Pattern::of(client, name).await?;
    if output.is_json() {
        return output.json(&json!({"provider": name, "pattern": pattern.0}));
    }
    let shown = json!({
        "provider": name,
        "url": pattern.urls(),
        "access_id": pattern.access_id(),
        "access_secret": if pattern.secret_is_file() { "a key file" } else { "a password or token" },
    });
    output.record(&shown, RECORD)
}

/// What an endpoint of a provider looks like, as the API tells it; null where nothing is peculiar.
pub(super) struct Pattern(Value);

impl Pattern {
    pub(super) async fn of(client: &Client, provider: &str) -> Result<Self, Failure> {
        let mut all = client.get(&format!("{HARBOR}/replication/adapterinfos")).await?;
        Ok(Self(all.get_mut(provider).map(Value::take).unwrap_or_default()))
    }

    /// Addresses to choose from, with their names.
    pub(super) fn presets(&self) -> Vec<(String, String)> {
        let list = self.0.pointer("/endpoint_pattern/endpoints").and_then(Value::as_array);
        let text = |choice: &Value, key| {
            choice.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let both = |choice: &Value| (text(choice, "key"), text(choice, "value"));
        list.into_iter().flatten().map(both).collect()
    }

    /// Whether these are the only ones.
    pub(super) fn is_fixed(&self) -> bool {
        self.text("/endpoint_pattern/endpoint_type") == "EndpointPatternTypeFix"
    }

    /// The access ID that every endpoint has.
    pub(super) fn fixed_id(&self) -> Option<&str> {
        let fixed = self.text("/credential_pattern/access_key_type") == "AccessKeyTypeFix";
        fixed.then(|| self.text("/credential_pattern/access_key_data"))
    }

    /// Whether the secret is a file.
    pub(super) fn secret_is_file(&self) -> bool {
        self.text("/credential_pattern/access_secret_type") == "AccessSecretTypeFile"
    }

    fn urls(&self) -> String {
        let presets = self.presets();
        let named: Vec<String> =
            presets.iter().map(|(name, url)| format!("{url} ({name})")).collect();
        match named.as_slice() {
            [] => "any".to_owned(),
            [one] if self.is_fixed() => one.clone(),
            many => format!("any, e.g. {}", many.join(", ")),
        }
    }

    fn access_id(&self) -> &str {
        self.fixed_id().unwrap_or("any")
    }

    fn text(&self, at: &str) -> &str {
        self.0.pointer(at).and_then(Value::as_str).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn new(value: Value) -> Self {
        Self(value)
    }
}
