//! The console: files of `host/console` that are part of the program, as they are. Its pages talk
//! to the JSON API alone, and to no other host. Nothing is decided here, and nobody is asked who
//! they are: the files are the same for everybody.

mod files;

use std::{collections::HashMap, io::Write, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
    routing::get,
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::{
    Api, guard,
    kept::Kept,
    respond::{Answer, ApiError, set},
};
use crate::error::{Code, Error};
use files::FILES;

/// What stands in the page for the digest of all files.
const PLACE: &str = "{release}";
/// What the page may do: load its own files, ask its own API, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; font-src 'none'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Everything there is, made when it is asked for first.
static BUNDLE: LazyLock<std::io::Result<Bundle>> = LazyLock::new(Bundle::make);

struct Bundle {
    /// Digest of all files. It is part of their addresses, so that clients never mix releases.
    release: String,
    page: Both,
    files: HashMap<&'static str, Both>,
}

/// A file as it is, and compressed.
struct Both {
    plain: Kept,
    gzip: Kept,
}

/// `/`, and the files it is made of, for everybody.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/", get(page))
        .route("/console/{release}/{*file}", get(file))
        .route_layer(guard::at_most(guard::REQUEST_TIME))
}

/// `GET /`.
async fn page(headers: HeaderMap) -> Answer {
    Ok(bundle()?.page.answer(&headers))
}

/// `GET /console/{release}/{file}`; 404 for a file of another release.
async fn file(Path((release, file)): Path<(String, String)>, headers: HeaderMap) -> Answer {
    let bundle = bundle()?;
    let found = bundle.files.get(file.as_str()).filter(|_| release == bundle.release);
    let found = found.ok_or_else(|| {
        ApiError::not_found("this release of the console has no such file; load the page again")
    })?;
    Ok(found.answer(&headers))
}

fn bundle() -> Result<&'static Bundle, ApiError> {
    let failed = |error| Error::new(Code::Internal, format!("the console's files: {error}"));
    BUNDLE.as_ref().map_err(|error| failed(error).into())
}

impl Bundle {
    fn make() -> std::io::Result<Self> {
        let mut digest = Sha256::new();
        for (name, content) in FILES {
            digest.update(name.as_bytes());
            digest.update(content);
        }
        let digest = digest.finalize();
        let release: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let page = include_str!("../../console/index.html").replace(PLACE, &release);
        let page = Both::make("text/html; charset=utf-8", page.into_bytes(), |kept| kept)?;
        let files = FILES.iter().map(|(name, content)| {
            Ok((*name, Both::make(kind(name), content.to_vec(), Kept::forever)?))
        });
        Ok(Self { release, page, files: files.collect::<std::io::Result<_>>()? })
    }
}

impl Both {
    fn make(
        kind: &'static str,
        content: Vec<u8>,
        age: impl Fn(Kept) -> Kept,
    ) -> std::io::Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&content)?;
        let gzip = Kept::new(kind, POLICY.to_owned(), gzip.finish()?);
        let plain = Kept::new(kind, POLICY.to_owned(), content);
        Ok(Self { plain: age(plain), gzip: age(gzip) })
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let is_packed = takes_gzip(headers);
        let mut response = if is_packed { &self.gzip } else { &self.plain }.answer(headers);
        if is_packed {
            set(&mut response, header::CONTENT_ENCODING, "gzip");
        }
        set(&mut response, header::VARY, "accept-encoding");
        response
    }
}

/// Whether a client takes gzip (RFC 9110 12.5.3); every browser does.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().map(HeaderValue::to_str);
    let mut codings = values.flatten().flat_map(|value| value.split(',')).map(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        (name.trim(), weight.replace(' ', ""))
    });
    codings.any(|(name, weight)| {
        let refused =
            weight.strip_prefix("q=0").is_some_and(|it| it.trim_matches(['.', '0']).is_empty());
        name.eq_ignore_ascii_case("gzip") && !refused
    })
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests;
