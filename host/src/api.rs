//! HTTP face.
