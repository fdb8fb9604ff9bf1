//! What the adapter says of itself: regions to choose from, and every host it may talk to.

use portolan_sdk::{AdapterInfo, AllowedHost, EndpointPattern, NamedUrl, signing::aws};

use crate::{public, repositories};

/// In the order of Harbor's form.
const REGIONS: [&str; 38] = [
    "us-east-2",
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-1",
    "ap-south-2",
    "ap-northeast-3",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ap-northeast-1",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "eu-south-1",
    "eu-south-2",
    "eu-west-3",
    "eu-north-1",
    "il-central-1",
    "me-south-1",
    "me-central-1",
    "mx-central-1",
    "sa-east-1",
    "us-gov-east-1",
    "us-gov-west-1",
];

/// APIs, which are sent signatures and nothing else.
const CONTROL: [&str; 8] = [
    "https://api.ecr.{R}.amazonaws.com",
    "https://api.ecr.{R}.amazonaws.com.cn",
    "https://api.ecr.{R}.c2s.ic.gov",
    "https://api.ecr.{R}.sc2s.sgov.gov",
    "https://ecr-fips.{R}.amazonaws.com",
    "https://ecr.{R}.api.aws",
    "https://ecr-fips.{R}.api.aws",
    "https://api.ecr-public.us-east-1.amazonaws.com",
];

/// Registries, which are sent tokens that the APIs gave.
const REGISTRIES: [&str; 8] = [
    "https://{A}.dkr.ecr.{R}.amazonaws.com",
    "https://{A}.dkr.ecr.{R}.amazonaws.com.cn",
    "https://{A}.dkr.ecr.{R}.c2s.ic.gov",
    "https://{A}.dkr.ecr.{R}.sc2s.sgov.gov",
    "https://{A}.dkr.ecr-fips.{R}.amazonaws.com",
    "https://{A}.dkr-ecr.{R}.on.aws",
    "https://{A}.dkr-ecr-fips.{R}.on.aws",
    public::REGISTRY,
];

/// Where blobs are redirected to; CloudFront is ECR Public's.
const STORAGE: [&str; 6] = [
    "https://prod-{R}-starport-layer-bucket.s3.{R}.amazonaws.com",
    "https://prod-{R}-starport-layer-bucket.s3.{R}.amazonaws.com.cn",
    "https://prod-{R}-starport-layer-bucket.s3.{R}.c2s.ic.gov",
    "https://prod-{R}-starport-layer-bucket.s3.{R}.sc2s.sgov.gov",
    "https://prod-{R}-starport-layer-bucket.s3.dualstack.{R}.amazonaws.com",
    "https://*.cloudfront.net",
];

/// Schema 1 can be pulled, and is refused on push.
const MANIFESTS: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
];

pub(crate) fn info() -> AdapterInfo {
    AdapterInfo {
        endpoints: Some(EndpointPattern::Choice(presets())),
        hint: "An access key id and its secret access key with permissions for ECR, not a user \
               name and password; for ECR Public type https://public.ecr.aws (a source only, \
               also without keys; name the repositories in the rule, since others than one's own \
               are not listed; tested against recorded exchanges only)."
            .to_owned(),
        settings_schema: repositories::SCHEMA.to_owned(),
        allowed_hosts: hosts(),
        signing: vec![aws::recipe()],
        accepted_manifests: MANIFESTS.map(str::to_owned).to_vec(),
        ..AdapterInfo::new("aws-ecr", "Aws ECR", env!("CARGO_PKG_VERSION"))
    }
}

/// Harbor's, and no more: clients compare them. Any other address is typed by hand.
fn presets() -> Vec<NamedUrl> {
    let named = |region: &str| {
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = format!("https://api.ecr.{region}.amazonaws.com{china}");
        NamedUrl { name: region.to_owned(), url }
    };
    REGIONS.into_iter().map(named).collect()
}

fn hosts() -> Vec<AllowedHost> {
    let all = |patterns: &[&str], uses: &[&str]| -> Vec<AllowedHost> {
        let uses: Vec<String> = uses.iter().map(|&it| it.to_owned()).collect();
        let host =
            |&pattern: &&str| AllowedHost { pattern: pattern.to_owned(), uses: uses.clone() };
        patterns.iter().map(host).collect()
    };
    [all(&CONTROL, &["signed"]), all(&REGISTRIES, &["data", "signed"]), all(&STORAGE, &["storage"])]
        .concat()
}
