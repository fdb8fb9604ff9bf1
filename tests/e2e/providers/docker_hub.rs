//! The provider `docker-hub`.
