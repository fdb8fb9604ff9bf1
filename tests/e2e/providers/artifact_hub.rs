//! The provider `artifact-hub`.
