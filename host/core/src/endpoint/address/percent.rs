//! Percent-encoding of paths and zones as Go's `net/url` decodes it: strict, and once.

use std::fmt::Write;

/// Decodes every `%XX`.
///
/// # Errors
/// On a broken escape, and where the result is not UTF-8 or holds control characters.
pub(super) fn decode(text: &str) -> Result<String, String> {
    let broken = || "it holds a % that begins no escape".to_owned();
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (high, low) = (digit().ok_or_else(broken)?, digit().ok_or_else(broken)?);
        decoded.push(high << 4 | low);
    }
    let decoded = String::from_utf8(decoded).map_err(|_| "it is not UTF-8".to_owned())?;
    if decoded.chars().any(char::is_control) {
        return Err("it holds a control character".to_owned());
    }
    Ok(decoded)
}

/// Escapes everything that could be read as something else in a path.
pub(super) fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':'
            | b'@' => encoded.push(char::from(byte)),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}
