//! A run under way, from the daemon's events: a bar on a terminal, nothing elsewhere.

use serde_json::Value;

use super::{
    bar::Bar,
    client::{Client, PORTOLAN},
    output::Failure,
};
use crate::Progress;

/// Follows a run to its end; how far it was then.
pub(super) async fn follow(client: &Client, id: u64) -> Result<Progress, Failure> {
    let bar = Bar::new();
    let mut last = Progress::default();
    let path = format!("{PORTOLAN}/executions/{id}/events");
    let followed = client
        .events(&path, |name, snapshot| {
            last = progress(snapshot);
            bar.show(&last);
            name == "end"
        })
        .await;
    bar.clear();
    followed.map(|()| last)
}

/// How far a snapshot says it is; what an older daemon does not tell is nothing.
fn progress(snapshot: &Value) -> Progress {
    let told = snapshot.get("progress");
    told.and_then(|it| serde_json::from_value(it.clone()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_older_daemon_tells_less() {
        let old = progress(&json!({"progress": {"artifacts": 2, "bytes": 7}}));
        assert_eq!(old, Progress { artifacts: 2, bytes: 7, ..Progress::default() });
        let new = json!({"progress": {"percent": 40, "rate": 5, "seconds_left": 3}});
        let now = Progress { percent: 40, rate: 5, seconds_left: Some(3), ..Progress::default() };
        assert_eq!(progress(&new), now);
        assert_eq!(progress(&json!({})), Progress::default());
    }
}
