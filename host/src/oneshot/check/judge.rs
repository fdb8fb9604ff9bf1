//! Whether a call ended as any call may: with an answer, or with a documented error that a person
//! can read and that holds no secret.

use crate::{Answer, CallFailure, Fault};

/// What is wrong with a `check-health` that is `unsupported`.
pub(super) const HEALTH_IS_SUPPORTED: &str = "it is `unsupported`: every provider can be asked for something, and Test Connection is how \
     people learn whether address and credentials are good";

/// How a call ended.
pub(super) type Outcome = Result<Answer, CallFailure>;

/// What is wrong with every such end, whatever the provider did.
pub(super) fn fault(outcome: &Outcome, secrets: &[String]) -> Option<String> {
    let failures = match outcome {
        Err(failure) => vec![failure],
        Ok(Answer::Prepared(results)) => {
            results.iter().filter_map(|it| it.as_ref().err()).collect()
        }
        Ok(_) => Vec::new(),
    };
    failures.into_iter().find_map(|failure| wrong(failure, secrets))
}

fn wrong(failure: &CallFailure, secrets: &[String]) -> Option<String> {
    let message = &failure.message;
    if secrets.iter().any(|secret| !secret.is_empty() && message.contains(secret)) {
        // Not quoted, for that reason.
        return Some("its text holds the access secret: name the account, never the secret".into());
    }
    if message.trim().is_empty() {
        return Some(format!(
            "`{}` has no text: say what was asked, of whom, and why it failed",
            failure.fault
        ));
    }
    let advice = match &failure.fault {
        Fault::Trap => "it trapped: return an error in place of unwrap, expect, indexing or panic",
        Fault::Internal => {
            "it ended as `internal`, which is a fault of its own: use `upstream` or \
             `malformed-response` for what a provider does wrong"
        }
        Fault::Limit("response-bytes") => return None,
        Fault::Limit("memory") => {
            "it used up its memory: set `max-response-bytes`, ask for smaller pages"
        }
        Fault::Limit("requests") => "it sent too many requests: give a page and a cursor back",
        Fault::Limit(_) => "a limit of the host ended it: every loop needs a bound of its own",
        _ => return None,
    };
    Some(format!("{advice} ({message})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(fault: Fault, message: &str) -> Outcome {
        Err(CallFailure { fault, message: message.to_owned(), function: "locate" })
    }

    #[test]
    fn documented_errors_pass_and_faults_are_told_apart() {
        let secrets = ["s3cret".to_owned()];
        let cases = [
            (failed(Fault::Malformed, "no JSON"), None),
            (failed(Fault::Limit("response-bytes"), "too long"), None),
            (failed(Fault::Unsupported, " "), Some("no text")),
            (failed(Fault::Trap, "unreachable"), Some("trapped")),
            (failed(Fault::Internal, "oops"), Some("`internal`")),
            (failed(Fault::Limit("time"), "late"), Some("a bound of its own")),
            (failed(Fault::Forbidden, "robot:s3cret may not"), Some("holds the access secret")),
            (Ok(Answer::Done), None),
        ];
        for (outcome, wanted) in cases {
            match (fault(&outcome, &secrets), wanted) {
                (None, None) => {}
                (Some(text), Some(part)) => {
                    assert!(text.contains(part) && !text.contains("s3cret"), "{text}");
                }
                (got, _) => panic!("{got:?} {wanted:?}"),
            }
        }
        let results = vec![Ok(()), failed(Fault::Trap, "x").map(|_| ())];
        assert!(fault(&Ok(Answer::Prepared(results)), &secrets).is_some());
    }
}
