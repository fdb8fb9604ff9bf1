//! What is offered for the address, and the hosts that are talked to besides.

use portolan_sdk::{AllowedHost, EndpointPattern, NamedUrl};

/// In the order in which Harbor's adapter offers them.
const REGIONS: [&str; 23] = [
    "cn-qingdao",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-hangzhou",
    "cn-shanghai",
    "cn-shenzhen",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-chengdu",
    "cn-hongkong",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-south-1",
    "ap-northeast-1",
    "us-west-1",
    "us-east-1",
    "eu-central-1",
    "eu-west-1",
    "me-east-1",
];

/// What follows the region in a preset's name, and what stands around it in its address.
const FORMS: [(&str, &str, &str); 5] = [
    ("", "registry", "aliyuncs.com"),
    ("-vpc", "registry-vpc", "aliyuncs.com"),
    ("-internal", "registry-internal", "aliyuncs.com"),
    ("-ee-vpc", "instanceName-registry-vpc", "cr.aliyuncs.com"),
    ("-ee", "instanceName-registry", "cr.aliyuncs.com"),
];

/// The host of a preset whose `instanceName` nobody replaced.
pub(crate) const PLACEHOLDER: &str = "instancename-registry";

/// Hosts and what they are for. The AccessKey secret itself is sent to none of them: management
/// is signed, and the token service gets a login of an hour.
const HOSTS: [(&str, &[&str]); 11] = [
    ("https://dockerauth.aliyuncs.com", &["signed"]),
    ("https://dockerauth.{R}.aliyuncs.com", &["signed"]),
    ("https://dockerauth-vpc.{R}.aliyuncs.com", &["signed"]),
    ("https://dockerauth-ee.{R}.aliyuncs.com", &["signed"]),
    ("https://dockerauth-ee-vpc.{R}.aliyuncs.com", &["signed"]),
    ("https://cr.{R}.aliyuncs.com", &["signed"]),
    ("https://cr-vpc.{R}.aliyuncs.com", &["signed"]),
    // The registry of an endpoint that is the management API.
    ("https://registry.{R}.aliyuncs.com", &["data", "signed"]),
    ("https://registry-vpc.{R}.aliyuncs.com", &["data", "signed"]),
    ("https://*.oss-{R}.aliyuncs.com", &["storage"]),
    ("https://*.oss-{R}-internal.aliyuncs.com", &["storage"]),
];

/// Five addresses for each region.
pub(crate) fn endpoints() -> EndpointPattern {
    let of_region = |region: &'static str| {
        FORMS.iter().map(move |(suffix, host, domain)| NamedUrl {
            name: format!("{region}{suffix}"),
            url: format!("https://{host}.{region}.{domain}"),
        })
    };
    EndpointPattern::Choice(REGIONS.into_iter().flat_map(of_region).collect())
}

pub(crate) fn hosts() -> Vec<AllowedHost> {
    let host = |(pattern, uses): &(&str, &[&str])| AllowedHost {
        pattern: (*pattern).to_owned(),
        uses: uses.iter().map(|used| (*used).to_owned()).collect(),
    };
    HOSTS.iter().map(host).collect()
}
