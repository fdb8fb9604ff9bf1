//! Why a connection failed, as a sentence for the person who made the endpoint.
//!
//! Causes that need different cures get different words.

use std::{error::Error as StdError, io, net::SocketAddr};

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::NetError;

/// A TCP connection that failed.
pub(super) fn connect(host: &str, address: SocketAddr, error: &io::Error) -> NetError {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("nothing listens at {address} (connection refused); check host and port")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            format!("there is no way to {address} from here ({error})")
        }
        _ => format!("{address}: {error}"),
    };
    NetError::Connect { host: host.to_owned(), why }
}

/// A name that was not found.
pub(super) fn lookup(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    format!("{text}; check the name, and the DNS of this computer")
}

/// A proxy that opened no tunnel. (hyper-util does not export the type of its error.)
pub(super) fn tunnel(error: &dyn StdError) -> String {
    let text = error.to_string();
    match text.strip_prefix("tunnel error: ").unwrap_or(&text) {
        "proxy authorization required" => {
            "it asks for credentials, or refuses those given (407)".to_owned()
        }
        "unsuccessful" => "it refused the tunnel".to_owned(),
        "unexpected end of file" => "it closed the connection".to_owned(),
        other => error.source().map_or_else(|| other.to_owned(), ToString::to_string),
    }
}

/// A TLS handshake that failed. `own_ca` says whether the endpoint has a CA of its own.
pub(super) fn handshake(error: &io::Error, own_ca: bool) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    match tls {
        Some(TlsError::InvalidCertificate(reason)) => certificate(reason, own_ca),
        Some(TlsError::InvalidMessage(_)) => {
            "it does not speak TLS on this port; if it speaks plain http, write http://".to_owned()
        }
        Some(TlsError::AlertReceived(alert)) => refused_by_server(*alert),
        Some(TlsError::PeerIncompatible(_)) => {
            "it offers no TLS version or cipher that is still safe (TLS 1.2 or later)".to_owned()
        }
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it closed the connection during the handshake".to_owned()
        }
        None => error.to_string(),
    }
}

fn refused_by_server(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired
        | AlertDescription::NoCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::AccessDenied => {
            format!("it wants a client certificate, or refuses the one given ({alert:?})")
        }
        AlertDescription::ProtocolVersion => "it wants a TLS version other than 1.2 and 1.3".into(),
        AlertDescription::UnrecognisedName => "it does not know itself by this name".into(),
        other => format!("it ended the handshake with the alert {other:?}"),
    }
}

fn certificate(reason: &CertificateError, own_ca: bool) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check the clock of this computer".to_owned()
        }
        CertificateError::NotValidForName => {
            "its certificate is for another name than this host".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => other_name(presented),
        CertificateError::UnknownIssuer | CertificateError::BadSignature if own_ca => {
            "its certificate is signed neither by the CA given for this endpoint nor by one that \
             this computer trusts; is it the right CA?"
                .to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by no CA that this computer trusts; give the endpoint its \
             CA certificate, or the server's own certificate where it is self-signed"
                .to_owned()
        }
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "it shows a CA's own certificate (CA:TRUE), which is trusted only where that very \
             certificate is given as the endpoint's CA"
                .to_owned()
        }
        other => format!("its certificate is not acceptable: {other}"),
    }
}

fn other_name(presented: &[String]) -> String {
    if presented.is_empty() {
        return "its certificate names no host (no subject alternative name); give that very \
                certificate as the endpoint's CA to trust it"
            .to_owned();
    }
    let names: Vec<_> = presented.iter().take(5).map(String::as_str).collect();
    format!("its certificate is for other names than this host: {}", names.join(", "))
}

/// An exchange that failed: the connector's own reason, the body's, or what hyper says.
pub(super) fn exchange(host: &str, error: &(dyn StdError + 'static)) -> NetError {
    let mut why = error.to_string();
    let mut cause = Some(error);
    // Chains are short; the bound is for safety.
    for _ in 0..16 {
        let Some(current) = cause else { break };
        if let Some(own) = current.downcast_ref::<NetError>() {
            return own.clone();
        }
        if let Some(http) = current.downcast_ref::<hyper::Error>() {
            if http.is_parse() {
                why = "its answer is not HTTP; if it speaks https, write https://".to_owned();
                break;
            }
            if http.is_incomplete_message() {
                why = "it closed the connection before it answered".to_owned();
                break;
            }
        }
        why = current.to_string();
        cause = current.source();
    }
    NetError::Protocol { host: host.to_owned(), why }
}
