//! Alibaba Cloud's RPC, ROA and V3 signatures.
