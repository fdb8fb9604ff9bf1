//! Each module's errors, folded into the one an embedder sees.

use crate::{
    error::{Code, Error},
    plugin::PluginError,
    replication::ConnectError,
    store::StoreError,
};

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::NotFound { .. } => Code::NotFound,
            StoreError::Conflict { .. } | StoreError::Changed { .. } => Code::Conflict,
            StoreError::InUse(_) | StoreError::Stopped => Code::Precondition,
            StoreError::Backup(_) => Code::Invalid,
            StoreError::Database { .. } | StoreError::Seal(_) => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<PluginError> for Error {
    fn from(error: PluginError) -> Self {
        Self::new(plugin_code(&error), error.to_string())
    }
}

/// What kind of failure an adapter's is.
pub(super) fn plugin_code(error: &PluginError) -> Code {
    match error {
        PluginError::Unusable(_)
        | PluginError::UnknownProvider(_)
        | PluginError::Invalid(_)
        | PluginError::Unsupported(_) => Code::Invalid,
        PluginError::Unauthenticated(_) => Code::Unauthenticated,
        PluginError::Forbidden(_) => Code::Forbidden,
        PluginError::NotFound(_)
        | PluginError::Conflict(_)
        | PluginError::RateLimited { .. }
        | PluginError::Transport { .. }
        | PluginError::Upstream { .. }
        | PluginError::Malformed(_) => Code::Unreachable,
        PluginError::Limit { .. } | PluginError::Trap { .. } | PluginError::Internal(_) => {
            Code::PluginFault
        }
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Store(error) => error.into(),
            ConnectError::Plugin(error) => error.into(),
            ConnectError::NoLocal => Self::new(Code::Precondition, error.to_string()),
        }
    }
}
