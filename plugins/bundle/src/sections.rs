//! The sections of a component, as far as leaving some of them out asks.
//!
//! Nothing in them is read or checked: the host does that. Component Model, `Binary.md`; the framing
//! is that of the core specification, 5.5.2: an id, a length, and so many bytes.

/// Custom sections that debuggers alone read. The names of a component's items are its largest.
const DEBUGGING: [&[u8]; 3] = [b"component-name", b"name", b"producers"];
/// `\0asm` and a version; then the layer, by which a component is told from a module.
const PREAMBLE: usize = 8;
const COMPONENT_LAYER: [u8; 2] = [1, 0];
/// The id of a custom section, which begins with its name.
const CUSTOM: u8 = 0;
/// The ids of what a component has inside: modules and components.
const MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// A component, or a module, without what only debuggers read; `None` where these are no sections.
///
/// Cargo strips modules, but leaves the names of functions to those of packages with settings of
/// their own in the profile.
pub(crate) fn without_debugging(binary: &[u8]) -> Option<Vec<u8>> {
    let (preamble, mut rest) = binary.split_at_checked(PREAMBLE)?;
    let is_component = preamble.ends_with(&COMPONENT_LAYER);
    let mut kept = preamble.to_vec();
    while let Some((id, after)) = rest.split_first() {
        let (length, content) = number(after)?;
        let (content, next) = content.split_at_checked(length)?;
        match *id {
            CUSTOM if is_for_debugging(content)? => {}
            MODULE | COMPONENT if is_component => {
                add(&mut kept, *id, &without_debugging(content)?);
            }
            id => add(&mut kept, id, content),
        }
        rest = next;
    }
    Some(kept)
}

/// Adds a section: its id, its length in LEB128, and what is in it.
fn add(sections: &mut Vec<u8>, id: u8, content: &[u8]) {
    sections.push(id);
    let mut rest = content.len();
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            sections.push(low);
            break;
        }
        sections.push(low | 0x80);
    }
    sections.extend_from_slice(content);
}

fn is_for_debugging(content: &[u8]) -> Option<bool> {
    let (length, name) = number(content)?;
    Some(DEBUGGING.contains(&name.get(..length)?))
}

/// An unsigned number of up to five bytes (LEB128; core specification, 5.2.2), and what follows.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    let mut rest = bytes;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, after) = rest.split_first()?;
        number |= usize::from(byte & 0x7f) << shift;
        rest = after;
        if *byte < 0x80 {
            return Some((number, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
    const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        let mut section = Vec::new();
        add(&mut section, id, content);
        section
    }

    fn custom(name: &str, content: usize) -> Vec<u8> {
        let length = u8::try_from(name.len()).unwrap();
        section(CUSTOM, &[&[length], name.as_bytes(), &vec![7; content]].concat())
    }

    #[test]
    fn leaves_out_what_debuggers_read() {
        let other = [3, 2, 0, 9];
        // A type and a table: of a module, these ids are no module and no component.
        let inside = [EMPTY_MODULE, &section(1, &[9; 200]), &section(4, &[1])].concat();
        let with_names = section(MODULE, &[&*inside, &custom("name", 20_000)].concat());
        let nested = section(COMPONENT, &[EMPTY, &with_names].concat());
        let kept = custom("of-somebody", 200);
        let parts: [&[u8]; 7] = [
            EMPTY,
            &custom("component-name", 300),
            &other,
            &kept,
            &with_names,
            &nested,
            &custom("producers", 5),
        ];
        let without = section(MODULE, &inside);
        let nested = section(COMPONENT, &[EMPTY, &without].concat());
        let expected = [EMPTY, &other, &kept, &without, &nested].concat();
        assert_eq!(without_debugging(&parts.concat()), Some(expected));
        assert_eq!(without_debugging(EMPTY), Some(EMPTY.to_vec()));
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        let whole = [EMPTY, &custom("producers", 5)].concat();
        for end in (0..whole.len()).filter(|end| *end != EMPTY.len()) {
            assert_eq!(without_debugging(&whole[..end]), None, "{end}");
        }
        assert_eq!(
            without_debugging(&[EMPTY, &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0]].concat()),
            None
        );
    }

    #[test]
    fn no_bundled_adapter_has_any() {
        for adapter in crate::ALL {
            let stripped = without_debugging(adapter.bytes).expect("a component");
            assert_eq!(stripped.len(), adapter.bytes.len(), "{}", adapter.provider);
        }
    }
}
