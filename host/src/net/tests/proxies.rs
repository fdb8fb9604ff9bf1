//! The CONNECT proxy: who goes through it, and with what.

use std::sync::Mutex;

use tokio::net::TcpStream;

use super::*;

/// A proxy that keeps the heads of requests, and tunnels to one address or refuses.
async fn proxy(to: Option<std::net::SocketAddr>) -> (Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let kept = heads.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            kept.lock().unwrap().push(String::from_utf8(head).unwrap());
            let Some(to) = to else {
                let _ = stream.write_all(b"HTTP/1.1 407 Who are you\r\n\r\n").await;
                continue;
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut upstream = TcpStream::connect(to).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await;
            });
        }
    });
    (url, heads)
}

fn through(url: &Url, no_proxy: &[&str]) -> Option<ProxySettings> {
    Some(ProxySettings {
        url: url.clone(),
        credentials: Some(Secret::new("Aladdin:open sesame".to_owned())),
        no_proxy: no_proxy.iter().map(|entry| (*entry).to_owned()).collect(),
    })
}

#[tokio::test]
async fn requests_go_through_the_proxy_with_its_credentials() {
    let server = Scripted::http(|_| answer(200, &[], "")).await;
    let (url, heads) = proxy(Some(server.address)).await;
    // The proxy knows the name; this computer need not.
    let endpoint: Url = "http://registry.invalid/".parse().unwrap();
    let with = |proxy| Client::new(ClientConfig { proxy, ..config(&endpoint) }).unwrap();
    let client = with(through(&url, &["other.invalid"]));
    let response = client.send(get(&endpoint), Purpose::Anonymous).await.unwrap();
    assert_eq!(response.status(), 200);
    let head = heads.lock().unwrap().remove(0);
    assert!(head.starts_with("CONNECT registry.invalid:80 HTTP/1.1\r\n"), "{head}");
    let basic = "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert!(head.contains(basic), "{head}");
    assert_eq!(server.seen().remove(0).header("proxy-authorization"), "");

    let direct: Url = server.url("/");
    let config = ClientConfig { proxy: through(&url, &["127.0.0.0/8"]), ..config(&direct) };
    Client::new(config).unwrap().send(get(&direct), Purpose::Anonymous).await.unwrap();
    assert!(heads.lock().unwrap().is_empty(), "NO_PROXY went through the proxy");
}

/// What an index may name, where the adapter may download from anywhere.
#[tokio::test]
async fn the_proxy_is_not_asked_for_what_is_none_of_the_internets() {
    let (url, heads) = proxy(None).await;
    let endpoint: Url = "https://charts.invalid/".parse().unwrap();
    let client = |named: &[&str]| {
        let one = |pattern: &&str| grant(pattern, &[HostUse::AnyPublicDownload], true);
        let mut grants: Vec<_> = named.iter().map(one).collect();
        grants.push(grant("https://*", &[HostUse::AnyPublicDownload], false));
        let egress = Arc::new(Egress::new(endpoint.clone(), grants));
        let proxy = through(&url, &[]);
        Client::new(ClientConfig { proxy, egress, ..config(&endpoint) }).unwrap()
    };
    let ask = async |client: &Client, to: &str| {
        let sent = client.send(get(&to.parse().unwrap()), Purpose::PublicDownload).await;
        sent.unwrap_err().to_string()
    };
    let guest = client(&[]);
    let refused = [
        ("https://localhost/a.tgz", "a name without a domain"),
        ("https://vault/a.tgz", "a name without a domain"),
        ("https://metadata.google.internal/a.tgz", "a name of a private network"),
        ("https://10.0.0.1/a.tgz", "a private address"),
        ("https://[::1]/a.tgz", "a loopback address"),
        ("https://169.254.169.254/a.tgz", "a cloud metadata"),
    ];
    for (to, why) in refused {
        let error = ask(&guest, to).await;
        assert!(error.contains(why), "{to}: {error}");
    }
    assert!(heads.lock().unwrap().is_empty(), "the proxy was asked");
    let named = client(&["https://vault", "https://10.0.0.1"]);
    let passed = [
        (&guest, "https://elsewhere.invalid/a.tgz"),
        (&named, "https://vault/a.tgz"),
        (&named, "https://10.0.0.1/a.tgz"),
    ];
    for (client, to) in passed {
        let error = ask(client, to).await;
        assert!(error.contains("407"), "{to}: {error}");
    }
    assert_eq!(heads.lock().unwrap().len(), passed.len());
}

/// `127.1` is no address to us, but the system's resolver takes it for one: a name that has a
/// loopback address, without asking any server for it.
#[tokio::test]
async fn a_name_that_leads_to_loopback_here_is_not_asked_of_the_proxy() {
    let (url, heads) = proxy(None).await;
    let everywhere = grant("https://*", &[HostUse::AnyPublicDownload], false);
    let egress =
        Arc::new(Egress::new("https://charts.invalid/".parse().unwrap(), vec![everywhere]));
    let proxy = super::super::proxy::Proxy::new(&through(&url, &[]).unwrap()).unwrap();
    let tls = super::super::tls::Later::new(&TlsSettings::default()).unwrap();
    let mut connector = super::super::connector::Connector::new(egress, tls, Some(proxy), hasty());
    let to = "https://127.1/a.tgz".parse().unwrap();
    let error = tower_service::Service::call(&mut connector, to).await.err().unwrap().to_string();
    assert!(error.contains("127.0.0.1, which is a loopback address"), "{error}");
    assert!(heads.lock().unwrap().is_empty(), "the proxy was asked");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let (url, _) = proxy(None).await;
    let endpoint: Url = "https://registry.invalid/".parse().unwrap();
    let config_with = |proxy| ClientConfig { proxy, ..config(&endpoint) };
    let client = Client::new(config_with(through(&url, &[]))).unwrap();
    let error = client.send(get(&endpoint), Purpose::Anonymous).await.unwrap_err().to_string();
    assert!(error.contains("407") && error.contains("proxy 127.0.0.1"), "{error}");
    assert!(!error.contains("sesame") && !error.contains("QWxh"), "{error}");
    let socks: Url = "socks5://127.0.0.1:1".parse().unwrap();
    assert!(Client::new(config_with(through(&socks, &[]))).is_err());
    let metadata: Url = "http://169.254.169.254/".parse().unwrap();
    let client = Client::new(config_with(through(&metadata, &[]))).unwrap();
    let error = client.send(get(&endpoint), Purpose::Anonymous).await.unwrap_err().to_string();
    assert!(error.contains("metadata"), "{error}");
}

#[test]
fn no_proxy_knows_names_suffixes_addresses_ranges_and_all() {
    let cases = [
        ("registry.lan", "http://registry.lan/", false),
        ("registry.lan", "http://a.registry.lan/", false),
        ("registry.lan", "http://aregistry.lan/", true),
        (".lan", "https://registry.lan/", false),
        (".lan", "https://lan.example/", true),
        ("10.0.0.1", "http://10.0.0.1:5000/", false),
        ("10.0.0.0/8", "http://10.9.8.7/", false),
        ("10.0.0.0/8", "http://11.0.0.1/", true),
        ("::1", "http://[::1]:5000/", false),
        ("*", "https://registry.example.com/", false),
        ("a.example, b.example", "https://b.example/", false),
        ("", "https://b.example/", true),
    ];
    let address: Url = "http://proxy.lan:3128".parse().unwrap();
    for (entry, to, proxied) in cases {
        let settings = through(&address, &[entry]).unwrap();
        let proxy = super::super::proxy::Proxy::new(&settings).unwrap();
        assert_eq!(proxy.serves(&to.parse().unwrap()), proxied, "{entry} {to}");
    }
}
