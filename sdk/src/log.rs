//! Log lines; the host adds adapter, endpoint and call, and bounds their number and length.
//!
//! Never put a token or an answer's body into one.

use crate::{KeyValue, bindings::adapter::portolan::adapter::log::Level, host};

fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<KeyValue> =
        fields.iter().map(|(key, value)| KeyValue::new(key, *value)).collect();
    host::write_log(level, message, &fields);
}

/// Something that helps to find a fault.
pub fn debug(message: &str, fields: &[(&str, &str)]) {
    write(Level::Debug, message, fields);
}

/// Something an administrator may want to know.
pub fn info(message: &str, fields: &[(&str, &str)]) {
    write(Level::Info, message, fields);
}

/// Something an administrator should look at; the call goes on.
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    write(Level::Warn, message, fields);
}
