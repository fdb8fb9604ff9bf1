//! Which registry an endpoint's address means: region, account, and the hosts that belong to it.

use portolan_sdk::{Endpoint, Error, Result};

/// The domains of AWS's partitions.
const DOMAINS: [&str; 4] = ["amazonaws.com", "amazonaws.com.cn", "sc2s.sgov.gov", "c2s.ic.gov"];

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Private(Private),
    /// ECR Public, of which there is one.
    Public,
}

/// The private registries of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Private {
    /// Host of the API.
    pub(crate) control: String,
    pub(crate) region: String,
    /// The account whose registry it is, where the address names one.
    pub(crate) account: Option<String>,
    form: Form,
}

/// Which of a region's several names are used, for the API and the registry alike.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Plain { domain: String },
    Fips { domain: String },
    DualStack,
    DualStackFips,
}

impl Place {
    /// Reads an endpoint's address.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], with what it may be.
    pub(crate) fn of(endpoint: &Endpoint) -> Result<Self> {
        Self::parse(&endpoint.url).ok_or_else(|| {
            Error::InvalidInput(format!(
                "{} is not an address of Amazon ECR: choose a region's \
                 https://api.ecr.REGION.amazonaws.com, a registry's \
                 https://ACCOUNT.dkr.ecr.REGION.amazonaws.com, or https://public.ecr.aws",
                endpoint.url
            ))
        })
    }

    /// Reads an https address without path and port.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let host = url.strip_prefix("https://")?.trim_end_matches('/').to_ascii_lowercase();
        let host = host.strip_suffix(":443").unwrap_or(&host);
        let labels: Vec<&str> = host.split('.').collect();
        if let ["public", "ecr", "aws"]
        | ["api", "ecr-public", "us-east-1", "amazonaws", "com"]
        | ["ecr-public", "us-east-1", "api", "aws"] = labels[..]
        {
            return Some(Self::Public);
        }
        let (account, region, form) = match labels[..] {
            ["api", name @ ("ecr" | "ecr-fips"), region, ref domain @ ..] => {
                (None, region, Form::of(name, domain)?)
            }
            ["ecr-fips", region, "api", "aws"] => (None, region, Form::DualStackFips),
            ["ecr", region, "api", "aws"] => (None, region, Form::DualStack),
            ["ecr-fips", region, ref domain @ ..] => (None, region, Form::of("ecr-fips", domain)?),
            [account, "dkr", name @ ("ecr" | "ecr-fips"), region, ref domain @ ..] => {
                (Some(account), region, Form::of(name, domain)?)
            }
            [account, "dkr-ecr", region, "on", "aws"] => (Some(account), region, Form::DualStack),
            [account, "dkr-ecr-fips", region, "on", "aws"] => {
                (Some(account), region, Form::DualStackFips)
            }
            _ => return None,
        };
        if !is_region(region) || !account.is_none_or(is_account) {
            return None;
        }
        let control = match account {
            None => host.to_owned(),
            Some(_) => form.control(region),
        };
        let (region, account) = (region.to_owned(), account.map(str::to_owned));
        Some(Self::Private(Private { control, region, account, form }))
    }
}

impl Private {
    /// The address of an account's registry, by names of the same form as the endpoint's: who
    /// chose FIPS or IPv6 for the API wants it for the bytes.
    pub(crate) fn registry(&self, account: &str) -> String {
        let region = &self.region;
        match &self.form {
            Form::Plain { domain } => format!("https://{account}.dkr.ecr.{region}.{domain}"),
            Form::Fips { domain } => format!("https://{account}.dkr.ecr-fips.{region}.{domain}"),
            Form::DualStack => format!("https://{account}.dkr-ecr.{region}.on.aws"),
            Form::DualStackFips => format!("https://{account}.dkr-ecr-fips.{region}.on.aws"),
        }
    }
}

impl Form {
    fn of(name: &str, domain: &[&str]) -> Option<Self> {
        let domain = domain.join(".");
        if !DOMAINS.contains(&domain.as_str()) {
            return None;
        }
        Some(if name == "ecr-fips" { Self::Fips { domain } } else { Self::Plain { domain } })
    }

    fn control(&self, region: &str) -> String {
        match self {
            Self::Plain { domain } => format!("api.ecr.{region}.{domain}"),
            Self::Fips { domain } => format!("ecr-fips.{region}.{domain}"),
            Self::DualStack => format!("ecr.{region}.api.aws"),
            Self::DualStackFips => format!("ecr-fips.{region}.api.aws"),
        }
    }
}

fn is_region(label: &str) -> bool {
    label.contains('-') && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_account(label: &str) -> bool {
    label.len() == 12 && label.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_region_account_and_hosts() {
        let com = "us-east-1.amazonaws.com";
        for (url, control, account, registry) in [
            (format!("api.ecr.{com}"), format!("api.ecr.{com}"), None, format!("dkr.ecr.{com}")),
            (
                "API.ecr.cn-north-1.amazonaws.com.cn:443/".to_owned(),
                "api.ecr.cn-north-1.amazonaws.com.cn".to_owned(),
                None,
                "dkr.ecr.cn-north-1.amazonaws.com.cn".to_owned(),
            ),
            (
                format!("ecr-fips.{com}"),
                format!("ecr-fips.{com}"),
                None,
                format!("dkr.ecr-fips.{com}"),
            ),
            (
                format!("api.ecr-fips.{com}"),
                format!("api.ecr-fips.{com}"),
                None,
                format!("dkr.ecr-fips.{com}"),
            ),
            (
                "ecr.eu-west-1.api.aws".to_owned(),
                "ecr.eu-west-1.api.aws".to_owned(),
                None,
                "dkr-ecr.eu-west-1.on.aws".to_owned(),
            ),
            (
                format!("210987654321.dkr.ecr.{com}"),
                format!("api.ecr.{com}"),
                Some("210987654321"),
                format!("dkr.ecr.{com}"),
            ),
            (
                format!("210987654321.dkr.ecr-fips.{com}"),
                format!("ecr-fips.{com}"),
                Some("210987654321"),
                format!("dkr.ecr-fips.{com}"),
            ),
            (
                "210987654321.dkr-ecr.eu-west-1.on.aws".to_owned(),
                "ecr.eu-west-1.api.aws".to_owned(),
                Some("210987654321"),
                "dkr-ecr.eu-west-1.on.aws".to_owned(),
            ),
            (
                "210987654321.dkr-ecr-fips.us-west-2.on.aws".to_owned(),
                "ecr-fips.us-west-2.api.aws".to_owned(),
                Some("210987654321"),
                "dkr-ecr-fips.us-west-2.on.aws".to_owned(),
            ),
            (
                "api.ecr.us-iso-east-1.c2s.ic.gov".to_owned(),
                "api.ecr.us-iso-east-1.c2s.ic.gov".to_owned(),
                None,
                "dkr.ecr.us-iso-east-1.c2s.ic.gov".to_owned(),
            ),
        ] {
            let Some(Place::Private(place)) = Place::parse(&format!("https://{url}")) else {
                panic!("{url}");
            };
            assert_eq!((&place.control, place.account.as_deref()), (&control, account), "{url}");
            let expected = format!("https://123456789012.{registry}");
            assert_eq!(place.registry("123456789012"), expected, "{url}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in ["public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com"] {
            assert_eq!(Place::parse(&format!("https://{url}")), Some(Place::Public));
        }
        for url in [
            "http://api.ecr.us-east-1.amazonaws.com",
            "https://api.ecr.us-east-1.amazonaws.com.evil.example",
            "https://api.ecr.us-east-1.amazonaws.com/path",
            "https://api.ecr.us-east-1.amazonaws.com:8443",
            "https://api.ecr.useast1.amazonaws.com",
            "https://12345.dkr.ecr.us-east-1.amazonaws.com",
            "https://ecr.us-east-1.amazonaws.com",
            "https://ecr.aws",
            "https://registry.example",
        ] {
            assert_eq!(Place::parse(url), None, "{url}");
        }
    }
}
