//! SHA-256 of two streams in one go (FIPS 180-4, section 6.2, with the SHA instructions of x86).
//! Within one stream each of them waits for the one before; a second stream uses that time. A core
//! of Intel's fourth Xeon hashes 2.1 GiB a second so, and 1.6 of one stream.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
    _mm_shuffle_epi32,
};

use fearless_simd::{Avx512, Level};

/// A block of the hash: 64 bytes.
pub(super) type Block = [u8; 64];

/// The words a to h of a state between two blocks.
pub(super) type Words = [u32; 8];

/// Constants of the rounds, four and four (FIPS 180-4, section 4.2.2): of those that are followed
/// by another four words of the message,
const SCHEDULED: [[u32; 4]; 12] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
];

/// and of those for which all words are there.
const LAST: [[u32; 4]; 4] = [
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// Of one stream: its state, split as the instructions want it.
#[derive(Clone, Copy)]
struct Lane {
    abef: __m128i,
    cdgh: __m128i,
}

/// What shows that this processor has the instructions.
pub(super) fn able() -> Option<Avx512> {
    Level::new().as_avx512()
}

fearless_simd::kernel!(
    /// Advances both states by as many blocks as both have.
    pub(super) fn both(
        _able: Avx512,
        one: &mut Words,
        blocks: &[Block],
        other: &mut Words,
        others: &[Block],
    ) {
        advance(one, blocks, other, others);
    }
);

/// [`both`], but compiled without the wider registers: with them it is two hundred times slower.
#[inline(never)]
#[target_feature(enable = "sha,sse4.1")]
fn advance(one: &mut Words, blocks: &[Block], other: &mut Words, others: &[Block]) {
    let (mut a, mut b) = (pack(one), pack(other));
    for (block, beside) in blocks.iter().zip(others) {
        let (before, before_beside) = (a, b);
        let (mut message, mut message_beside) = (load(block), load(beside));
        for k in SCHEDULED {
            a = rounds(a, &message, k);
            b = rounds(b, &message_beside, k);
            message = schedule(message);
            message_beside = schedule(message_beside);
        }
        for k in LAST {
            a = rounds(a, &message, k);
            b = rounds(b, &message_beside, k);
            message.rotate_left(1);
            message_beside.rotate_left(1);
        }
        (a, b) = (sum(a, before), sum(b, before_beside));
    }
    (*one, *other) = (unpack(a), unpack(b));
}

/// Four rounds.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn rounds(
    Lane { abef, cdgh }: Lane,
    &[words, ..]: &[__m128i; 4],
    [k0, k1, k2, k3]: [u32; 4],
) -> Lane {
    let k = _mm_set_epi32(k3 as i32, k2 as i32, k1 as i32, k0 as i32);
    let words = _mm_add_epi32(words, k);
    let cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
    let abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32::<0x0e>(words));
    Lane { abef, cdgh }
}

/// The message without its first four words and with the next four.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn schedule([w0, w4, w8, w12]: [__m128i; 4]) -> [__m128i; 4] {
    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), _mm_alignr_epi8::<4>(w12, w8));
    [w4, w8, w12, _mm_sha256msg2_epu32(sum, w12)]
}

/// The sixteen words of a block, which are written with the highest byte first.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn load(block: &Block) -> [__m128i; 4] {
    let swapped = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let mut words = [swapped; 4];
    for (words, quarter) in words.iter_mut().zip(block.as_chunks().0) {
        let bytes = u128::from_le_bytes(*quarter);
        let bytes = _mm_set_epi64x((bytes >> 64) as i64, bytes as i64);
        *words = _mm_shuffle_epi8(bytes, swapped);
    }
    words
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn sum(one: Lane, other: Lane) -> Lane {
    Lane { abef: _mm_add_epi32(one.abef, other.abef), cdgh: _mm_add_epi32(one.cdgh, other.cdgh) }
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn pack(&[a, b, c, d, e, f, g, h]: &Words) -> Lane {
    let abef = _mm_set_epi32(a as i32, b as i32, e as i32, f as i32);
    Lane { abef, cdgh: _mm_set_epi32(c as i32, d as i32, g as i32, h as i32) }
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn unpack(Lane { abef, cdgh }: Lane) -> Words {
    let words = |of| {
        [
            _mm_extract_epi32::<3>(of) as u32,
            _mm_extract_epi32::<2>(of) as u32,
            _mm_extract_epi32::<1>(of) as u32,
            _mm_extract_epi32::<0>(of) as u32,
        ]
    };
    let ([a, b, e, f], [c, d, g, h]) = (words(abef), words(cdgh));
    [a, b, c, d, e, f, g, h]
}
