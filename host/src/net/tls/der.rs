//! Reading DER (ITU-T X.690) as far as certificates need it: one element after another. Nothing is
//! copied, and nothing is judged.

/// Tag of a sequence.
pub(in crate::net) const SEQUENCE: u8 = 0x30;

/// Content of the first element, and what follows it, where it has this tag.
pub(in crate::net) fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Tag, content and what follows of the first DER element.
pub(in crate::net) fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        // Certificates are far shorter than the 16 MiB of three length bytes.
        long @ 0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
