//! How a call of an adapter ended badly: the cases of WIT's `error`, and what the host stopped.

use std::fmt;

use crate::plugin::PluginError;

/// A call that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFailure {
    /// What kind it is.
    pub fault: Fault,
    /// A sentence for people.
    pub message: String,
    /// The function, as WIT names it.
    pub function: &'static str,
}

/// Kinds of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Credentials missing, wrong or expired.
    Unauthenticated,
    /// Authenticated, yet not allowed.
    Forbidden,
    /// It does not exist.
    NotFound,
    /// It exists already, changed underneath, or is immutable.
    Conflict,
    /// The provider asks to slow down, for so many seconds where it says.
    RateLimited(Option<u64>),
    /// No answer; the kind as in WIT's `transport-error`.
    Transport(String),
    /// A status the adapter cannot use.
    Upstream(u16),
    /// An answer that cannot be understood.
    Malformed,
    /// An argument or setting that is not valid.
    Invalid,
    /// The provider cannot do this.
    Unsupported,
    /// A fault in the adapter.
    Internal,
    /// The component trapped.
    Trap,
    /// A limit of the host, by its name.
    Limit(&'static str),
}

impl CallFailure {
    pub(super) fn new(error: PluginError, function: &'static str) -> Self {
        let message = error.to_string();
        let fault = match error {
            PluginError::Unauthenticated(_) => Fault::Unauthenticated,
            PluginError::Forbidden(_) => Fault::Forbidden,
            PluginError::NotFound(_) => Fault::NotFound,
            PluginError::Conflict(_) => Fault::Conflict,
            PluginError::RateLimited { retry_after, .. } => Fault::RateLimited(retry_after),
            PluginError::Transport { kind, .. } => Fault::Transport(kind),
            PluginError::Upstream { status, .. } => Fault::Upstream(status),
            PluginError::Malformed(_) => Fault::Malformed,
            PluginError::Invalid(_)
            | PluginError::UnknownProvider(_)
            | PluginError::Unusable(_) => Fault::Invalid,
            PluginError::Unsupported(_) => Fault::Unsupported,
            PluginError::Internal(_) => Fault::Internal,
            PluginError::Trap { .. } => Fault::Trap,
            PluginError::Limit { limit, .. } => Fault::Limit(limit),
        };
        Self { fault, message, function }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthenticated => f.write_str("unauthenticated"),
            Self::Forbidden => f.write_str("forbidden"),
            Self::NotFound => f.write_str("not-found"),
            Self::Conflict => f.write_str("conflict"),
            Self::RateLimited(Some(seconds)) => write!(f, "rate-limited for {seconds} s"),
            Self::RateLimited(None) => f.write_str("rate-limited without a wait"),
            Self::Transport(kind) => write!(f, "transport ({kind})"),
            Self::Upstream(status) => write!(f, "upstream ({status})"),
            Self::Malformed => f.write_str("malformed-response"),
            Self::Invalid => f.write_str("invalid-input"),
            Self::Unsupported => f.write_str("unsupported"),
            Self::Internal => f.write_str("internal"),
            Self::Trap => f.write_str("a trap"),
            Self::Limit(limit) => write!(f, "the host's {limit} limit"),
        }
    }
}
