//! Redirects of `GET` and `HEAD`: the same origin keeps what it was sent, another origin gets a
//! bare request, https never becomes http.

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use url::Url;

use super::{Body, Client, NetError, Purpose, body, egress::Refused, empty, host_of, redact};

/// Most redirects followed for one request.
const MAX_REDIRECTS: usize = 10;

/// Most bytes of a redirect's own body that are read so that its connection can be used again.
const DRAIN: u64 = 64 << 10;

/// Headers that another origin may see.
const HARMLESS: [header::HeaderName; 5] =
    [header::ACCEPT, header::ACCEPT_ENCODING, header::IF_RANGE, header::RANGE, header::USER_AGENT];

/// One request of a chain.
struct Hop {
    method: Method,
    url: Url,
    /// The same, vetted.
    uri: Uri,
    headers: HeaderMap,
    purpose: Purpose,
}

impl Client {
    /// Sends a `GET` or `HEAD` to `url` and follows at most ten redirects. The same origin keeps the
    /// headers; another origin gets none of the secret ones and must be allowed `Storage` (or
    /// `PublicDownload`, where it began as one). https never becomes http. Returns the answer
    /// and the address that gave it.
    pub(crate) async fn send_following(
        &self,
        url: Url,
        request: Request<Body>,
        purpose: Purpose,
    ) -> Result<(Response<Incoming>, Url), NetError> {
        let uri = self.vet_url(&url, purpose)?;
        let (parts, _) = request.into_parts();
        let mut hop = Hop { method: parts.method, uri, url, headers: parts.headers, purpose };
        for _ in 0..=MAX_REDIRECTS {
            let response = self.exchange(hop.request(), &hop.url, None).await?;
            let Some(next) = location(&hop.url, &response)? else { return Ok((response, hop.url)) };
            let host = host_of(&hop.url).to_owned();
            // Only for the connection's sake: what it says, or that it breaks, does not matter.
            let _ = body::read_all(response.into_body(), DRAIN, &host, self.timeouts().body).await;
            hop = hop.to(next)?;
            hop.uri = self.vet_url(&hop.url, hop.purpose)?;
        }
        Err(broken(&hop.url, "it redirects in circles (more than ten redirects)"))
    }
}

impl Hop {
    fn request(&self) -> Request<Body> {
        let mut request = Request::new(empty());
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        *request.uri_mut() = self.uri.clone();
        request
    }

    fn to(mut self, next: Url) -> Result<Self, NetError> {
        if self.url.scheme() == "https" && next.scheme() != "https" {
            let (url, from) = (redact(&next), redact(&self.url));
            return Err(Refused::Downgrade { url, from }.into());
        }
        if next.origin() != self.url.origin() {
            self.headers = harmless(&self.headers);
            if self.purpose != Purpose::PublicDownload {
                self.purpose = Purpose::Storage;
            }
        }
        self.url = next;
        Ok(self)
    }
}

fn harmless(headers: &HeaderMap) -> HeaderMap {
    let kept = headers
        .iter()
        .filter(|(name, value)| HARMLESS.contains(name) && !value.is_sensitive())
        .map(|(name, value)| (name.clone(), value.clone()));
    kept.collect()
}

/// Where a redirect points, relative to the request that met it.
fn location(from: &Url, response: &Response<Incoming>) -> Result<Option<Url>, NetError> {
    let redirect = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(value) = response.headers().get(header::LOCATION).filter(|_| redirect) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| broken(from, "its redirect is no address"))?;
    let mut next = from.join(text).map_err(|_| broken(from, "its redirect is no address"))?;
    next.set_fragment(None);
    Ok(Some(next))
}

fn broken(url: &Url, why: &str) -> NetError {
    NetError::Protocol { host: host_of(url).to_owned(), why: why.to_owned() }
}
