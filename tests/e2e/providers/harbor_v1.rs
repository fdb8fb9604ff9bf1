//! The provider `harbor-v1`.
