//! The provider `helm-repository`.
