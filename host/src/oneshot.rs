//! One-shot.
