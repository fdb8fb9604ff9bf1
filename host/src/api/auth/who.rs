//! Somebody who proved who they are, and how. It holds no proof, and asks nobody.

use portolan_core::{
    account::{Role, User},
    id::{TokenId, UserId},
};
use sha2::{Digest as _, Sha256};

use super::ADMIN;

/// Somebody who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    /// Name of the user or token; empty for the socket's owner.
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) kind: Kind,
}

/// How they proved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Root or the daemon's own user, on the Unix socket.
    Owner,
    /// By a password, a console session that began with one, or a certificate.
    User(UserId, Mark),
    /// By a token.
    Token(TokenId),
    /// To a trusted proxy, which says so; such a user is stored nowhere.
    Proxy,
}

/// Digest of the stored hash of a password: another one once the password was changed, or the
/// user deleted and made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark([u8; 32]);

impl Who {
    /// The administrator that the socket's owner counts as.
    pub(super) fn owner() -> Self {
        Self { name: ADMIN.to_owned(), role: Role::Admin, kind: Kind::Owner }
    }

    /// A stored user, with the stored hash of the password.
    pub(super) fn user(user: User, hash: &str) -> Self {
        let mark = Mark(Sha256::digest(hash.as_bytes()).into());
        Self { name: user.name.into(), role: user.role, kind: Kind::User(user.id, mark) }
    }
}
