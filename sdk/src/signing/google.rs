//! OAuth tokens of a Google service account.
