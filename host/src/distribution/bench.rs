//! What `benches/forward.rs` measures: the way of a blob's bytes from the source to an upload,
//! without the network on either side.

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use portolan_core::oci::{Descriptor, Verifier};

use super::{Marks, lanes::Lanes, verified::Verified};
use crate::net::BodyError;

/// Bytes of `blob` that come out of its `frames`, checked as those of a transfer are; fewer than its
/// size where they are not what its digest says.
pub async fn forwarded(frames: &[Bytes], blob: &Descriptor) -> u64 {
    let frames: Vec<_> =
        frames.iter().map(|frame| Ok::<_, BodyError>(Frame::data(frame.clone()))).collect();
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let hashing = Lanes::default().hashing(Verifier::new(blob.digest.algorithm()), blob.size);
    let checked = Verified::new(body, blob.clone(), hashing, String::new(), 0);
    let mut checked = checked.marking(Marks::default());
    let mut passed = 0;
    while let Some(Ok(frame)) = checked.frame().await {
        passed += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    passed
}
