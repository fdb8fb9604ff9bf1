//! The only error an embedder sees: a stable code, a sentence, nothing internal.

/// What kind of failure it is. Statuses and exit codes are made from it at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// The thing does not exist.
    NotFound,
    /// The name is taken.
    Conflict,
    /// Something else still needs it, or its state forbids it.
    Precondition,
    /// What was given is not valid.
    Invalid,
    /// Credentials are missing or wrong.
    Unauthenticated,
    /// The caller, or the credentials, may not do that.
    Forbidden,
    /// The remote registry cannot be reached.
    Unreachable,
    /// An adapter misbehaved or hit a limit.
    PluginFault,
    /// Not now: shutting down, or full.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// A failure, told to people and programs.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    code: Code,
    message: String,
}

impl Error {
    /// An error with a sentence for people; it holds no secret.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }
}
