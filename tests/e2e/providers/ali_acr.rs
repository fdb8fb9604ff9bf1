//! The provider `ali-acr`.
