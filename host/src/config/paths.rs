//! Where values and files are found: precedence, state and cache directories, one-line secrets.

use std::path::{Path, PathBuf};

use portolan_core::secret::Secret;

use super::{ConfigError, Flags, Origin, Setting, file::File};

/// Where the daemon keeps its data, and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonPaths {
    /// Database, keys, compiled adapters.
    pub data_dir: Setting<PathBuf>,
    /// The Unix socket.
    pub socket: Setting<PathBuf>,
}

impl DaemonPaths {
    /// Where a daemon with these variables, and no options, would be.
    ///
    /// # Errors
    /// When the settings file cannot be read, or nothing names a data directory.
    pub fn find(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::of(&Flags::default(), lookup)
    }

    /// Where a daemon with these options and variables would be.
    ///
    /// # Errors
    /// When the settings file cannot be read, or nothing names a data directory.
    pub fn of(flags: &Flags, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let (file, base) = File::find(flags, &lookup)?;
        Self::gather(flags, &file, &Sources { lookup: &lookup, base: &base })
    }

    /// The generated password of `admin`, until it is changed.
    #[must_use]
    pub fn initial_password(&self) -> PathBuf {
        self.data_dir.value.join("initial-admin-password")
    }

    pub(super) fn gather<L: Fn(&str) -> Option<String>>(
        flags: &Flags,
        file: &File,
        sources: &Sources<'_, L>,
    ) -> Result<Self, ConfigError> {
        let said = sources.path(
            "--data-dir",
            &flags.data_dir,
            "PORTOLAN_DATA_DIR",
            ("data_dir", &file.data_dir),
        );
        let data_dir = said.or_else(|| sources.state_dir()).ok_or(ConfigError::NoDataDir)?;
        let socket = sources
            .path("--socket", &flags.socket, "PORTOLAN_SOCKET", ("socket", &file.socket))
            .unwrap_or_else(|| Setting {
                value: data_dir.value.join("portolan.sock"),
                origin: Origin::Default,
            });
        Ok(Self { data_dir, socket })
    }
}

/// Where compiled adapters are kept by what runs without a daemon: `$XDG_CACHE_HOME/portolan`,
/// else `~/.cache/portolan`; `None` where neither variable is set.
pub fn cache_dir(lookup: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Sources { lookup: &lookup, base: Path::new("") }.home_dir("XDG_CACHE_HOME", ".cache")
}

/// Environment and file, in order of precedence.
pub(super) struct Sources<'a, L> {
    pub(super) lookup: &'a L,
    pub(super) base: &'a Path,
}

impl<L: Fn(&str) -> Option<String>> Sources<'_, L> {
    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|text| !text.is_empty())
    }

    /// Flag, variable, or key of the file.
    pub(super) fn text(
        &self,
        option: &'static str,
        flag: &Option<String>,
        variable: &'static str,
        (key, in_file): (&'static str, &Option<String>),
    ) -> Option<Setting<String>> {
        if let Some(value) = flag.clone() {
            return Some(Setting { value, origin: Origin::Flag(option) });
        }
        if let Some(value) = self.variable(variable) {
            return Some(Setting { value, origin: Origin::Variable(variable) });
        }
        in_file.clone().map(|value| Setting { value, origin: Origin::File(key) })
    }

    /// The same for a path; one in the file starts at the file's directory.
    pub(super) fn path(
        &self,
        option: &'static str,
        flag: &Option<PathBuf>,
        variable: &'static str,
        (key, in_file): (&'static str, &Option<PathBuf>),
    ) -> Option<Setting<PathBuf>> {
        if let Some(value) = flag.clone() {
            return Some(Setting { value, origin: Origin::Flag(option) });
        }
        if let Some(value) = self.variable(variable) {
            return Some(Setting { value: value.into(), origin: Origin::Variable(variable) });
        }
        in_file
            .as_ref()
            .map(|path| Setting { value: self.base.join(path), origin: Origin::File(key) })
    }

    /// Variable, key of the file, or default.
    pub(super) fn or_file<T>(
        &self,
        (variable, parse): (&'static str, impl Fn(&str) -> Result<T, String>),
        (key, in_file): (&'static str, Option<T>),
        default: T,
    ) -> Result<Setting<T>, ConfigError> {
        if let Some(text) = self.variable(variable) {
            let origin = Origin::Variable(variable);
            let value =
                parse(&text).map_err(|why| ConfigError::Value { origin, value: text, why })?;
            return Ok(Setting { value, origin });
        }
        Ok(match in_file {
            Some(value) => Setting { value, origin: Origin::File(key) },
            None => Setting { value: default, origin: Origin::Default },
        })
    }

    /// The data directory nobody named. systemd may give several, the first is the unit's own.
    fn state_dir(&self) -> Option<Setting<PathBuf>> {
        let unit = self.variable("STATE_DIRECTORY");
        let first = unit.as_deref().and_then(|text| text.split(':').next()).map(PathBuf::from);
        let value = first.or_else(|| self.home_dir("XDG_STATE_HOME", ".local/state"))?;
        Some(Setting { value, origin: Origin::Default })
    }

    /// `$VARIABLE/portolan`, else `~/BELOW/portolan`. A relative value is ignored, as the XDG base
    /// directory specification asks.
    fn home_dir(&self, variable: &str, below: &str) -> Option<PathBuf> {
        let absolute = |text: String| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
        self.variable(variable)
            .and_then(absolute)
            .or_else(|| self.variable("HOME").and_then(absolute).map(|home| home.join(below)))
            .map(|path| path.join("portolan"))
    }
}

/// A text file that a setting names.
pub(super) fn read(path: &Path, what: &'static str) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        what,
        source,
    })
}

/// A secret from a file, without the line end an editor leaves.
pub(super) fn read_secret(path: &Path) -> Result<Secret, ConfigError> {
    let text = read(path, "holds a secret")?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
