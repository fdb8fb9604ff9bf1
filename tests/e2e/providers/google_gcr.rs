//! The provider `google-gcr`.
