//! The process: settings, host, listeners, signals, drain.
//!
//! It is the reference embedder: it uses nothing of the library that an appliance could not.

use std::{
    io::{IsTerminal, Write},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::{
    Compiler, Limits, ServerTls,
    api::{self, Api, ApiSettings},
    builder::{HostBuilder, KeySource},
    config::{self, Config, LogFormat, SealingKey},
    host::Host,
};

mod error;
mod first_start;
mod listen;
mod sources;
mod transport;

pub use error::DaemonError;

use listen::Listeners;

/// How long tasks and requests under way may take to come to a safe point.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves until SIGTERM or SIGINT; then drains for 20 seconds at most.
///
/// # Errors
/// When the log, the data directory, a listener or the host cannot be had, and when a second
/// signal cut the drain short.
pub async fn serve(config: Config) -> Result<(), DaemonError> {
    start_log(&config)?;
    let mut signals = Signals::new()?;
    // From here on a SIGHUP ends nothing: it asks for TLS files, which are read then where there
    // are any, and which whoever asks early gets anyway.
    let _hangups = signal(SignalKind::hangup()).map_err(DaemonError::Signals)?;
    listen::make_data_dir(&config.paths.data_dir.value)?;
    listen::make_plugin_dir(&config.plugins.value)?;
    let tls = config.tls.as_ref().map(transport::server_tls).transpose()?;
    let listeners = Listeners::bind(config.listen.value, &config.paths.socket.value).await?;
    tracing::info!("starting; adapters that were never used here are compiled first");
    let host = tokio::select! {
        built = builder(&config)?.build() => built?,
        () = signals.next() => return Ok(()),
    };
    if let Some(told) = first_start::admin_password(&host, &config).await? {
        say(&told);
    }
    let address = listeners.address;
    let stop = CancellationToken::new();
    let settings = transport::settings(&config, address);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (_socket, mut faces) = open(listeners, tls, &Api::new(host.clone(), settings), &stop);
    let initial = config.paths.initial_password();
    faces.spawn(first_start::forget_password(host.clone(), initial, stop.clone()));
    tracing::info!(
        data_dir = %config.paths.data_dir.value.display(),
        socket = %config.paths.socket.value.display(),
        "ready"
    );
    say(&format!("open {scheme}://{address}/ in a browser"));
    say(&format!("listening on {scheme}://{address}"));

    signals.next().await;
    tracing::info!("stopping; a second signal ends at once");
    stop.cancel();
    tokio::select! {
        () = drain(&host, &mut faces) => Ok(()),
        () = signals.next() => Err(DaemonError::Interrupted),
    }
}

/// Serves a host that somebody else made, on loopback, until SIGTERM or SIGINT: for `demo`.
/// The password is made for it and told once.
///
/// # Errors
/// When the address cannot be had.
pub async fn show(host: Host, listen: SocketAddr) -> Result<(), DaemonError> {
    may_show_on(listen)?;
    let mut signals = Signals::new()?;
    let password = first_start::random_password()?;
    first_start::make_admin(&host, &password).await?;
    let failed = |source| DaemonError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let listen = listener.local_addr().map_err(failed)?;
    let stop = CancellationToken::new();
    let settings = ApiSettings {
        external_url: Some(format!("http://{listen}")),
        hosts: vec![listen.ip().to_string()],
        ..ApiSettings::default()
    };
    let mut faces = JoinSet::new();
    let api = Api::new(host.clone(), settings);
    faces.spawn(api::serve(listener, api, stop.clone().cancelled_owned()));
    say(&format!("open http://{listen}/ in a browser"));
    say(&format!("log in as admin with the password {}", password.expose()));
    say(&format!("listening on http://{listen}"));
    signals.next().await;
    stop.cancel();
    drain(&host, &mut faces).await;
    Ok(())
}

/// Whether [`show`] serves there: on loopback alone.
///
/// # Errors
/// With the reason where it does not.
pub fn may_show_on(listen: SocketAddr) -> Result<(), DaemonError> {
    if listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(DaemonError::ShownBeyondLoopback(listen))
}

/// Reads the files of TLS as a start would; gives the end of the certificate, where it tells.
///
/// # Errors
/// When one cannot be read, holds something else, or key and certificate do not fit.
pub fn check_tls(tls: &config::Tls) -> Result<Option<OffsetDateTime>, DaemonError> {
    transport::server_tls(tls)?;
    Ok(transport::files(tls).certificate_end())
}

/// Compiles the bundled adapters into the cache that runs without a daemon use. Gives the cache
/// and the providers.
///
/// # Errors
/// When there is nowhere to put them, or one cannot be compiled.
pub async fn warm_up(
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<(PathBuf, Vec<String>), DaemonError> {
    let cache = config::cache_dir(lookup).ok_or(DaemonError::NoCacheDir)?;
    let builder = HostBuilder::in_memory().cache(cache.clone()).compiler(child_compiler()?);
    let host = with_bundled(builder).build().await?;
    let providers = host.providers().into_iter().map(|info| info.provider).collect();
    host.shutdown(Duration::ZERO).await;
    Ok((cache, providers))
}

fn open(
    listeners: Listeners,
    tls: Option<ServerTls>,
    api: &Api,
    stop: &CancellationToken,
) -> (listen::SocketFile, JoinSet<()>) {
    let mut faces = JoinSet::new();
    let stopped = || stop.clone().cancelled_owned();
    let tcp = match tls {
        Some(tls) => {
            faces.spawn(transport::keep_fresh(tls.clone(), stop.clone()));
            api::Listener::Tls(listeners.tcp, tls)
        }
        None => listeners.tcp.into(),
    };
    faces.spawn(api::serve(tcp, api.clone(), stopped()));
    faces.spawn(api::serve(listeners.unix, api.clone(), stopped()));
    (listeners.socket_file, faces)
}

/// Lets tasks and requests end, both within the same time.
async fn drain(host: &Host, faces: &mut JoinSet<()>) {
    let faces_end = async {
        let all = async { while faces.join_next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, all).await.is_ok()
    };
    let (report, in_time) = tokio::join!(host.shutdown(PATIENCE), faces_end);
    if !in_time {
        tracing::warn!("requests were cut: they did not end within {} s", PATIENCE.as_secs());
    }
    tracing::info!(finished = report.finished, cut = report.cut, "stopped");
}

fn builder(config: &Config) -> Result<HostBuilder, DaemonError> {
    let mut builder = HostBuilder::in_directory(&config.paths.data_dir.value)
        .compiler(child_compiler()?)
        .plugin_dir(&config.plugins.value)
        .limits(limits(config))
        .key(match &config.sealing_key {
            SealingKey::File(path) => KeySource::File(path.clone()),
            SealingKey::Given(key) => KeySource::Given(key.clone()),
        })
        .workers(config.workers.value)
        .audit_days(config.audit_days.value)
        .event_window(Duration::from_secs(u64::from(config.event_window_seconds.value)))
        .no_proxy(config.no_proxy.clone())
        .budget(config.budget)
        .history(config.history)
        .credential_sources(sources::sources(&config.credential_sources)?);
    let minutes = config.health_check_minutes.value;
    if minutes > 0 {
        builder = builder.health_checks(Duration::from_secs(u64::from(minutes) * 60));
    }
    if let Some(local) = &config.local {
        builder = builder.local(local.spec.clone(), local.credentials.clone());
    }
    if let Some(directory) = &config.layouts {
        builder = builder.layouts_in(directory);
    }
    Ok(with_bundled(builder))
}

fn with_bundled(builder: HostBuilder) -> HostBuilder {
    bundled_plugins::ALL.iter().fold(builder, HostBuilder::bundled)
}

/// Compilation in a child of this very program.
fn child_compiler() -> Result<Compiler, DaemonError> {
    std::env::current_exe().map(Compiler::Command).map_err(DaemonError::OwnProgram)
}

fn limits(config: &Config) -> Limits {
    let (said, usual) = (&config.limits, Limits::default());
    Limits {
        memory: said.memory.unwrap_or(usual.memory),
        call_ms: said.call_ms.unwrap_or(usual.call_ms),
        requests: said.requests.unwrap_or(usual.requests),
        response_bytes: said.response_bytes.unwrap_or(usual.response_bytes),
        log_lines: said.log_lines.unwrap_or(usual.log_lines),
        concurrent_calls: said.concurrent_calls.unwrap_or(usual.concurrent_calls),
        component_bytes: said.component_bytes.unwrap_or(usual.component_bytes),
    }
}

/// Sends log lines to standard error.
fn start_log(config: &Config) -> Result<(), DaemonError> {
    let filter = EnvFilter::try_new(&config.log_filter.value).map_err(|error| {
        DaemonError::LogFilter { filter: config.log_filter.clone(), why: error.to_string() }
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match config.log_format.value {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    started.map_err(|error| DaemonError::Log(error.to_string()))
}

/// A line that scripts and people wait for, whatever the log's format and filter.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, DaemonError> {
        let listen = |kind| signal(kind).map_err(DaemonError::Signals);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
