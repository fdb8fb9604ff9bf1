//! The provider `azure-acr`.
