//! An appliance with Portolan inside: two hosts in one process, each with its own state.
//!
//! Nothing is read from the environment and no port is opened. Run it with the component of an
//! adapter, as an appliance would ship it:
//! `cargo run -p portolan --no-default-features --example embed -- docker_registry.wasm`

use std::{error::Error, io::Write, time::Duration};

use portolan::{
    Host, HostBuilder,
    core::{
        endpoint::{Credentials, EndpointSpec},
        secret::Secret,
    },
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let component = std::env::args().nth(1).ok_or("give the component of an adapter")?;
    let component = std::fs::read(component)?;
    let (ship, shore) = (start(&component).await?, start(&component).await?);
    let mut out = std::io::stdout().lock();
    for (name, host) in [("ship", &ship), ("shore", &shore)] {
        for adapter in host.providers() {
            writeln!(out, "{name} speaks {} ({})", adapter.provider, adapter.display_name)?;
        }
    }
    // Nobody listens there: an endpoint is tested before it is stored, and the reason is told.
    let secret = Some(Secret::new("never shown".to_owned()));
    let credentials = Credentials { access_secret: secret, ..Credentials::default() };
    match ship.create_endpoint(endpoint()?, credentials).await {
        Ok(endpoint) => writeln!(out, "stored as {}", endpoint.id)?,
        Err(error) => writeln!(out, "not stored ({:?})", error.code())?,
    }
    writeln!(
        out,
        "ship: {}, shore: {}",
        ship.endpoints().await?.len(),
        shore.endpoints().await?.len()
    )?;
    writeln!(out, "ports opened: {}", listening()?)?;
    for host in [ship, shore] {
        host.shutdown(Duration::from_secs(5)).await;
    }
    Ok(())
}

/// How many of this process's own sockets listen.
fn listening() -> std::io::Result<usize> {
    let own = std::fs::read_dir("/proc/self/fd")?.flatten();
    let own = own.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let own: Vec<_> = own.map(|target| target.to_string_lossy().into_owned()).collect();
    let is_own = |inode: &str| own.contains(&format!("socket:[{inode}]"));
    // proc(5): the fourth column is the state, 0A for LISTEN; the tenth is the inode.
    let listens = |line: &&str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        columns.get(3) == Some(&"0A") && columns.get(9).is_some_and(|inode| is_own(inode))
    };
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(std::fs::read_to_string);
    Ok(tables.iter().flatten().map(|table| table.lines().filter(listens).count()).sum())
}

async fn start(component: &[u8]) -> Result<Host, portolan::Error> {
    HostBuilder::in_memory().adapter(component).workers(2).build().await
}

fn endpoint() -> Result<EndpointSpec, Box<dyn Error>> {
    Ok(EndpointSpec {
        access_key: Some("user".to_owned()),
        ..EndpointSpec::new("nobody", "docker-registry", "http://127.0.0.1:1".parse()?)
    })
}
