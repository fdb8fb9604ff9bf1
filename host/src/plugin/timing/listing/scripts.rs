//! The registries whose listings are measured: each has the same repositories, in rows as large as
//! the provider's own.

use serde_json::{Value, json};

use super::{REPOSITORIES, Reply, StageCall};

/// A key that everybody knows: the example of RFC 7515, A.2.
const KEY: &str = include_str!("../../../../../tests/oracles/rfc7515-a2.pem");

const WHEN: &str = "2026-08-01T00:00:00.123456Z";

/// What an endpoint of the provider has as its secret.
pub(super) fn secret(provider: &str) -> String {
    match provider {
        "google-gcr" => json!({
            "type": "service_account", "project_id": "fleet", "private_key_id": "k1",
            "private_key": KEY, "client_email": "robot@fleet.iam.gserviceaccount.com",
        })
        .to_string(),
        _ => "a-word-of-the-fleet".to_owned(),
    }
}

/// Without `fleet/`.
fn short(number: usize) -> String {
    format!("ship-number-{number:05}")
}

fn name(number: usize) -> String {
    format!("fleet/{}", short(number))
}

/// A value of the query.
fn asked(call: &StageCall, key: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(call.query.as_bytes()).into_owned();
    pairs.into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

fn number(call: &StageCall, key: &str, default: usize) -> usize {
    asked(call, key).and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn answer(headers: &[(&str, &str)], body: &Value) -> Reply {
    let json = [("Content-Type", "application/json")];
    let headers: Vec<_> = json.iter().chain(headers).copied().collect();
    Reply::new(200, &headers, body.to_string())
}

fn nothing() -> Reply {
    Reply::new(404, &[("Content-Type", "application/json")], "{}")
}

/// Rows from a place on, and whether more follow.
fn rows(start: usize, size: usize, row: impl Fn(usize) -> Value) -> (Vec<Value>, bool) {
    let end = REPOSITORIES.min(start + size);
    ((start..end).map(row).collect(), end < REPOSITORIES)
}

/// The rows of a page that is asked for by its number.
fn paged(
    call: &StageCall,
    (page, size): (&str, &str),
    row: impl Fn(usize) -> Value,
) -> (Vec<Value>, bool) {
    let size = number(call, size, 10).min(100);
    rows((number(call, page, 1) - 1) * size, size, row)
}

pub(super) fn catalog(call: &StageCall) -> Reply {
    if call.path != "/v2/_catalog" {
        return answer(&[], &json!({}));
    }
    let last = asked(call, "last").unwrap_or_default();
    let size = number(call, "n", 100).min(1000);
    let start = (0..REPOSITORIES).find(|number| name(*number) > last).unwrap_or(REPOSITORIES);
    let (names, more) = rows(start, size, |number| name(number).into());
    let last = names.last().and_then(Value::as_str).unwrap_or_default();
    let link = format!("</v2/_catalog?last={last}&n={size}>; rel=\"next\"");
    let more: &[(&str, &str)] = if more { &[("Link", &link)] } else { &[] };
    answer(more, &json!({"repositories": names}))
}

/// One project with everything in it.
pub(super) fn harbor(call: &StageCall) -> Reply {
    match call.path.as_str() {
        "/api/version" => answer(&[], &json!({"version": "v2.0"})),
        "/api/v2.0/projects" => {
            let project = json!({
                "project_id": 1, "name": "fleet", "registry_id": 0, "repo_count": REPOSITORIES,
                "metadata": {"public": "false"},
            });
            answer(&[("X-Total-Count", "1")], &json!([project]))
        }
        "/api/v2.0/projects/fleet/repositories" => {
            let row = |number| {
                json!({
                    "id": number, "project_id": 1, "name": name(number), "artifact_count": 3,
                    "pull_count": 7, "creation_time": "2026-08-01T00:00:00.000Z",
                    "update_time": "2026-08-02T00:00:00.000Z",
                })
            };
            let (rows, _) = paged(call, ("page", "page_size"), row);
            answer(&[("X-Total-Count", &REPOSITORIES.to_string())], &json!(rows))
        }
        _ => nothing(),
    }
}

/// Of the enterprise edition.
pub(super) fn ali_acr(call: &StageCall) -> Reply {
    let ok = |mut body: Value| {
        body["IsSuccess"] = true.into();
        body["Code"] = "success".into();
        body["RequestId"] = "E069EB86-0000-1111-2222-333344445555".into();
        answer(&[], &body)
    };
    match asked(call, "Action").as_deref() {
        Some("ListNamespace") => ok(json!({"TotalCount": "1", "PageNo": 1, "PageSize": 100,
            "Namespaces": [{"NamespaceName": "fleet", "NamespaceId": "crn-1",
                "NamespaceStatus": "NORMAL", "AutoCreateRepo": true}]})),
        Some("ListRepository") => {
            let row = |number| {
                json!({
                    "RepoId": format!("crr-{number:016}"), "RepoName": short(number),
                    "RepoNamespaceName": "fleet", "RepoType": "PRIVATE", "RepoStatus": "NORMAL",
                    "Summary": "a ship", "CreateTime": 1_787_300_000_000_u64,
                    "ModifiedTime": 1_787_300_000_000_u64, "RepoBuildType": "MANUAL",
                    "InstanceId": "cri-abcdefgh12345678", "TagImmutability": false,
                })
            };
            let (rows, _) = paged(call, ("PageNo", "PageSize"), row);
            ok(json!({"TotalCount": REPOSITORIES.to_string(), "Repositories": rows}))
        }
        _ => {
            let realm = "https://dockerauth-ee.cn-hangzhou.aliyuncs.com/auth";
            let service = "registry.aliyuncs.com:cn-hangzhou:china:cri-abcdefgh12345678";
            let bearer = format!("Bearer realm=\"{realm}\",service=\"{service}\"");
            Reply::new(401, &[("WWW-Authenticate", &bearer)], "")
        }
    }
}

pub(super) fn artifact_hub(call: &StageCall) -> Reply {
    let row = |number| {
        json!({
            "package_id": "a9c77b9a-2cd1-4a8f-b9e8-6b8f94e13407", "name": short(number),
            "normalized_name": short(number), "category": 3, "stars": 1, "official": false,
            "logo_image_id": "0503add5-3fce-4b63-bbf3-b9f649512a86", "display_name": "Ship",
            "description": "A ship of the fleet, with everything that a ship needs at sea",
            "version": "5.6.10", "app_version": "1.19.10", "license": "Apache-2.0",
            "deprecated": false, "has_values_schema": false, "signed": false,
            "all_containers_images_whitelisted": false, "production_organizations_count": 0,
            "ts": 1_787_300_000,
            "repository": {
                "repository_id": "a032a436-3568-4970-804a-2780f5e9d231", "kind": 0,
                "name": "fleet", "display_name": "Fleet", "url": "https://charts.fleet.test",
                "verified_publisher": true, "official": false, "scanner_disabled": false,
                "organization_name": "fleet", "organization_display_name": "Fleet",
            },
        })
    };
    let (rows, _) = rows(number(call, "offset", 0), number(call, "limit", 20).min(60), row);
    let total = REPOSITORIES.to_string();
    answer(&[("Pagination-Total-Count", &total)], &json!({"packages": rows}))
}

pub(super) fn aws_ecr(call: &StageCall) -> Reply {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let start = body["nextToken"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
    let size = body["maxResults"].as_u64().unwrap_or(100) as usize;
    let row = |number| {
        let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
        json!({
            "repositoryArn": format!("arn:aws:ecr:us-east-1:123456789012:repository/{}", name(number)),
            "registryId": "123456789012", "repositoryName": name(number),
            "repositoryUri": format!("{host}/{}", name(number)), "createdAt": 1_787_300_000.072,
            "imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": false},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        })
    };
    let (rows, more) = rows(start, size, row);
    let next = more.then(|| (start + size).to_string());
    answer(&[], &json!({"repositories": rows, "nextToken": next}))
}

pub(super) fn docker_hub(call: &StageCall) -> Reply {
    match call.path.as_str() {
        "/v2/auth/token" => answer(&[], &json!({"access_token": "eyJh.b.c"})),
        "/v2/repositories/namespaces" => answer(&[], &json!({"namespaces": ["fleet"]})),
        "/v2/repositories/fleet/" => {
            let row = |number| {
                json!({
                    "name": short(number), "namespace": "fleet", "repository_type": "image",
                    "status": 1, "status_description": "active", "description": "a ship",
                    "is_private": true, "star_count": 0, "pull_count": 12, "last_updated": WHEN,
                    "last_modified": WHEN, "date_registered": WHEN, "affiliation": "owner",
                    "media_types": ["application/vnd.oci.image.index.v1+json"],
                    "content_types": ["image"], "categories": [], "storage_size": 1_234_567,
                })
            };
            let (rows, more) = paged(call, ("page", "page_size"), row);
            let next = more.then_some("https://hub.docker.com/v2/repositories/fleet/?page=next");
            answer(&[], &json!({"count": REPOSITORIES, "next": next, "results": rows}))
        }
        _ => nothing(),
    }
}

/// One repository of Artifact Registry with everything in it.
pub(super) fn google_gcr(call: &StageCall) -> Reply {
    const BELOW: &str = "projects/fleet/locations/us/repositories";
    let path = call.path.as_str();
    if path == "/token" {
        return answer(&[], &json!({"access_token": "ya29.x", "expires_in": 3599}));
    }
    if path.ends_with("/packages") {
        let start = number(call, "pageToken", 0);
        let size = number(call, "pageSize", 50).min(1000);
        let row = |number| {
            let name = format!("{BELOW}/fleet/packages/{}", short(number));
            json!({"name": name, "createTime": WHEN, "updateTime": WHEN})
        };
        let (rows, more) = rows(start, size, row);
        let next = if more { (start + size).to_string() } else { String::new() };
        return answer(&[], &json!({"packages": rows, "nextPageToken": next}));
    }
    let shelf = json!({"name": format!("{BELOW}/fleet"), "format": "DOCKER", "mode": "STANDARD"});
    answer(&[], &json!({"repositories": [shelf]}))
}

pub(super) fn helm_hub(call: &StageCall) -> Reply {
    let size = number(call, "size", 1000);
    let row = |number| {
        json!({
            "id": name(number), "type": "chart",
            "attributes": {"name": short(number), "description": "a ship", "home": "",
                "repo": {"name": "fleet", "url": "https://charts.fleet.test"}, "keywords": ["sea"]},
            "links": {"self": format!("/v1/charts/{}", name(number))},
            "relationships": {"latestChartVersion": {"data": {"version": "1.0.0", "created": WHEN,
                "app_version": "1.0.0"}}},
        })
    };
    let (rows, _) = rows((number(call, "page", 1) - 1) * size, size, row);
    let pages = REPOSITORIES.div_ceil(size);
    answer(&[], &json!({"data": rows, "meta": {"totalPages": pages}}))
}

/// One version of each chart, as `helm repo index` writes it.
pub(super) fn helm_repository(call: &StageCall) -> Reply {
    if !call.path.ends_with("/index.yaml") {
        return nothing();
    }
    let mut index = String::from("apiVersion: v1\nentries:\n");
    for number in 0..REPOSITORIES {
        let name = short(number);
        index.push_str(&format!(
            "  {name}:\n  - apiVersion: v2\n    created: \"{WHEN}\"\n    description: a ship\n    \
             digest: {:064x}\n    name: {name}\n    urls:\n    - {name}-1.0.0.tgz\n    \
             version: 1.0.0\n",
            number
        ));
    }
    Reply::new(200, &[("Content-Type", "text/yaml")], index)
}

pub(super) fn huawei_swr(call: &StageCall) -> Reply {
    let filter = asked(call, "filter").unwrap_or_default();
    let part = |key: &str| {
        let part = filter.split('|').find_map(|part| part.strip_prefix(key)?.strip_prefix("::"));
        part.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let row = |number| {
        json!({
            "name": short(number), "category": "other", "size": 10, "is_public": false,
            "num_images": 1, "num_download": 0, "created_at": WHEN, "updated_at": WHEN,
            "path": format!("swr.cn-north-4.myhuaweicloud.com/{}", name(number)),
            "internal_path": format!("100.125.0.1:20202/{}", name(number)), "domain_name": "fleet",
            "namespace": "fleet", "tags": ["v1"], "status": true, "total_range": REPOSITORIES,
        })
    };
    let (rows, _) = rows(part("offset"), part("limit"), row);
    answer(&[], &json!(rows))
}
