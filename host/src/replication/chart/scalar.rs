//! Plain YAML scalars as Helm's reader (YAML 1.1, by way of JSON) turns them into text: `1.10`
//! becomes `1.1`, `yes` becomes `true`. Helm's users know it; the configuration must not differ.

/// The text of a plain scalar; empty for null.
pub(super) fn text(plain: &str) -> String {
    if matches!(plain, "~" | "null" | "Null" | "NULL") {
        return String::new();
    }
    if let Some(truth) = boolean(plain) {
        return truth.to_string();
    }
    number(plain).unwrap_or_else(|| plain.to_owned())
}

/// What a plain scalar says as a boolean.
pub(super) fn boolean(plain: &str) -> Option<bool> {
    match plain {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(false)
        }
        _ => None,
    }
}

/// A number written anew; `None` where it is none.
pub(super) fn number(plain: &str) -> Option<String> {
    if !plain.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let digits = plain.replace('_', "");
    if let Some(whole) = integer(&digits) {
        return Some(whole);
    }
    is_float(&digits).then(|| digits.parse().ok().map(float))?
}

/// An integer in any of Go's bases.
fn integer(text: &str) -> Option<String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let lower = digits.to_ascii_lowercase();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter();
    let mut based = prefixed.filter_map(|(prefix, base)| Some((lower.strip_prefix(prefix)?, base)));
    let (digits, base) = match based.next() {
        Some((rest, _)) if rest.starts_with(['+', '-']) => return None,
        Some(based) => based,
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    let value = u64::from_str_radix(digits, base).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(value).map(|value| value.to_string());
    }
    Some(value.to_string())
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let good = match mantissa.split_once('.') {
        Some((whole, part)) => {
            all(whole) && (part.is_empty() || all(part)) || whole.is_empty() && all(part)
        }
        None => all(mantissa),
    };
    good && exponent.is_none_or(|text| all(text.strip_prefix(['-', '+']).unwrap_or(text)))
}

/// Go's `%g` with as many digits as a 32-bit float needs: exponents from -4 to 5 are written out.
fn float(value: f64) -> String {
    let shortest = format!("{:e}", value as f32);
    let Some((mantissa, exponent)) = shortest.split_once('e') else { return shortest };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{}", value as f32);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Helm 4.2.3 puts into the index for `appVersion: …`.
    #[test]
    fn scalars_are_those_of_helm() {
        for (plain, expected) in [
            ("1.0", "1"),
            ("1.10", "1.1"),
            ("yes", "true"),
            ("on", "true"),
            ("y", "true"),
            ("n", "false"),
            ("No", "false"),
            ("TRUE", "true"),
            ("Off", "false"),
            ("tRUE", "tRUE"),
            ("0123", "83"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("0b11", "3"),
            ("1_000", "1000"),
            ("1__0", "10"),
            ("_1", "_1"),
            ("1e3", "1000"),
            ("12e03", "12000"),
            ("1e20", "1e+20"),
            ("1e21", "1e+21"),
            ("99999999999999999999", "1e+20"),
            ("123456789.125", "1.2345679e+08"),
            ("1e-7", "1e-07"),
            ("0.00001", "1e-05"),
            (".5", "0.5"),
            ("-1.50", "-1.5"),
            ("0.1e1", "1"),
            ("2024-01-01", "2024-01-01"),
            ("2024.10", "2024.1"),
            ("~", ""),
            ("null", ""),
            ("+1", "1"),
            ("-0", "0"),
            ("1.", "1"),
            ("089", "89"),
            ("1:20", "1:20"),
            ("1.2.3", "1.2.3"),
            ("1.5.", "1.5."),
            ("0x", "0x"),
            ("=", "="),
            ("v1", "v1"),
        ] {
            assert_eq!(text(plain), expected, "{plain}");
        }
    }
}
