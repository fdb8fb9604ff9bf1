//! Each provider from New Endpoint to the end of a replication, against a double of its service:
//! hosts of the internet played on loopback (`e2e::cloud`), or something real where that exists.

mod ali_acr;
mod artifact_hub;
mod aws_ecr;
mod azure_acr;
mod docker_hub;
mod google_gcr;
mod harbor_v1;
mod helm_repository;
mod huawei_swr;
