//! A blob's bytes, hashed as they pass or soon after. The last of them is handed on only when all of
//! them are what the digest says: whoever counts bytes can never complete a wrong blob.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use portolan_core::oci::Descriptor;

use super::{DistributionError, Marks, failure, lanes::Hashing};
use crate::net::{Body, BodyError, NetError};

/// A body under check.
pub(super) struct Verified {
    body: Body,
    blob: Descriptor,
    hashing: Hashing,
    attempted: String,
    /// Bytes still to be left out: the registry sent the blob from its start.
    skip: u64,
    /// Bytes still to be hashed and not handed on: the destination has them.
    withheld: u64,
    marks: Marks,
}

impl Verified {
    /// Checks `body`, which goes on after the bytes that `hashing` was given. `skip` bytes
    /// stand before that place and are dropped.
    pub(super) fn new(
        body: Body,
        blob: Descriptor,
        hashing: Hashing,
        attempted: String,
        skip: u64,
    ) -> Self {
        Self { body, blob, hashing, attempted, skip, withheld: 0, marks: Marks::default() }
    }

    /// Hands on what stands at `offset` and after it.
    pub(super) fn from(self, offset: u64) -> Self {
        let withheld = offset.saturating_sub(self.hashing.length());
        Self { withheld, ..self }
    }

    /// Keeps states of the hash on the way.
    pub(super) fn marking(self, marks: Marks) -> Self {
        Self { marks, ..self }
    }

    fn take(&mut self, mut data: Bytes) -> Result<Bytes, DistributionError> {
        if self.skip > 0 {
            let skipped = self.skip.min(data.len() as u64);
            self.skip -= skipped;
            // At most the length of `data`, so it fits.
            drop(data.split_to(usize::try_from(skipped).unwrap_or(data.len())));
        }
        self.hashing.take(&data);
        if self.hashing.length() > self.blob.size {
            return Err(self.wrong(format!("more than {} bytes came", self.blob.size)));
        }
        if self.hashing.length() == self.blob.size && !data.is_empty() {
            self.compare()?;
        }
        self.hashing.mark(&self.marks);
        if self.withheld > 0 {
            let left_out = self.withheld.min(data.len() as u64);
            self.withheld -= left_out;
            drop(data.split_to(usize::try_from(left_out).unwrap_or(data.len())));
        }
        Ok(data)
    }

    fn end(&self) -> Result<(), DistributionError> {
        let length = self.hashing.length();
        if length < self.blob.size {
            return Err(self.wrong(format!("only {length} of {} bytes came", self.blob.size)));
        }
        self.compare()
    }

    fn compare(&self) -> Result<(), DistributionError> {
        let actual = self.hashing.digest();
        if actual == self.blob.digest {
            return Ok(());
        }
        let (attempted, expected) = (self.attempted.clone(), self.blob.digest.clone());
        Err(DistributionError::Digest { attempted, expected, actual })
    }

    fn wrong(&self, why: String) -> DistributionError {
        let source = NetError::Protocol { host: "the registry".to_owned(), why };
        DistributionError::Net { attempted: self.attempted.clone(), source }
    }

    fn broken(&self, error: BodyError) -> BodyError {
        match error.downcast::<NetError>() {
            Ok(source) => Box::new(failure::unanswered(&self.attempted, *source)),
            Err(other) => other,
        }
    }
}

impl HttpBody for Verified {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let data = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                // Trailers say nothing about the blob.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_) => continue,
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(self.broken(error)))),
                None => {
                    return Poll::Ready(self.end().err().map(|error| Err(Box::new(error).into())));
                }
            };
            return match self.take(data) {
                Ok(data) if data.is_empty() => continue,
                Ok(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(error) => Poll::Ready(Some(Err(Box::new(error)))),
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        let gone = self.hashing.length().saturating_add(self.withheld);
        SizeHint::with_exact(self.blob.size.saturating_sub(gone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{distribution::lanes::Lanes, net};
    use http_body_util::{BodyExt, StreamBody};
    use portolan_core::oci::{Algorithm, Digest, MediaType, Verifier};

    fn blob(content: &[u8], size: u64) -> Descriptor {
        Descriptor {
            media_type: MediaType::new("application/octet-stream"),
            digest: Digest::of(content),
            size,
            platform: None,
            artifact_type: None,
            annotations: Default::default(),
        }
    }

    fn pieces(pieces: &[&'static str]) -> Body {
        let frames: Vec<_> = pieces
            .iter()
            .map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))
            .collect();
        StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
    }

    /// What a reader gets before the end or the error, and the error.
    async fn read(body: Body, blob: Descriptor, hashed: &str, skip: u64) -> (String, String) {
        let mut verifier = Verifier::new(Algorithm::Sha256);
        verifier.update(hashed.as_bytes());
        let mut body = Verified::new(body, blob, Hashing::Alone(verifier), "pull".to_owned(), skip);
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap()),
                Err(error) => return (text, error.to_string()),
            }
        }
        (text, String::new())
    }

    #[tokio::test]
    async fn passes_what_is_right_and_withholds_the_end_of_what_is_not() {
        let good = blob(b"hello world", 11);
        let cases = [
            (vec!["hello ", "world"], good.clone(), "hello world", ""),
            (vec!["hello ", "", "world"], good.clone(), "hello world", ""),
            (vec!["hello ", "w0rld"], good.clone(), "hello ", "hash to"),
            (vec!["hello ", "wor"], good.clone(), "hello wor", "only 9 of 11"),
            (vec!["hello ", "world", "!"], good.clone(), "hello world", "more than 11"),
            (vec!["hello ", "world!"], good.clone(), "hello ", "more than 11"),
            (vec![], blob(b"", 0), "", ""),
            (vec![], blob(b"x", 0), "", "hash to"),
        ];
        for (input, blob, text, error) in cases {
            let (got, why) = read(pieces(&input), blob, "", 0).await;
            assert_eq!(got, text, "{input:?}");
            assert!(why.contains(error) && error.is_empty() == why.is_empty(), "{input:?}: {why}");
        }
    }

    /// While another blob is on its way, so that bytes wait to be hashed.
    #[tokio::test]
    async fn the_end_is_withheld_until_all_that_waits_is_hashed() {
        let lanes = Lanes::default();
        let _other = lanes.lane(Verifier::new(Algorithm::Sha256));
        for (wrong, passes) in [(None, 300_000), (Some(5), 200_000), (Some(299_999), 200_000)] {
            let content = vec![7; 300_000];
            let mut sent = content.clone();
            wrong.into_iter().for_each(|at: usize| sent[at] = 8);
            let frames: Vec<_> = sent.chunks(100_000).map(Bytes::copy_from_slice).collect();
            let frames = frames.into_iter().map(|bytes| Ok(Frame::data(bytes)));
            let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
            let hashing = Hashing::Beside(lanes.lane(Verifier::new(Algorithm::Sha256)));
            let good = blob(&content, 300_000);
            let mut body = Verified::new(body, good, hashing, "pull".to_owned(), 0);
            let (mut passed, mut why) = (0, None);
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => passed += frame.data_ref().unwrap().len(),
                    Err(error) => {
                        why = Some(error.to_string());
                        break;
                    }
                }
            }
            assert_eq!(passed, passes, "{wrong:?}");
            let refused = why.is_some_and(|why| why.contains("hash to"));
            assert_eq!(refused, wrong.is_some(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn goes_on_in_the_middle() {
        let good = blob(b"hello world", 11);
        let rest = read(pieces(&["world"]), good.clone(), "hello ", 0).await;
        assert_eq!(rest, ("world".to_owned(), String::new()));
        let whole = read(pieces(&["hell", "o wor", "ld"]), good, "hello ", 6).await;
        assert_eq!(whole, ("world".to_owned(), String::new()));
    }

    #[tokio::test]
    async fn what_the_destination_has_is_hashed_and_left_out() {
        for (hashed, offset, pieces_) in [
            ("", 6, vec!["hell", "o wor", "ld"]),
            ("hello", 6, vec![" wor", "ld"]),
            ("hello", 6, vec![" w0r", "ld"]),
        ] {
            let mut verifier = Verifier::new(Algorithm::Sha256);
            verifier.update(hashed.as_bytes());
            let good = blob(b"hello world", 11);
            let hashing = Hashing::Alone(verifier);
            let body = Verified::new(pieces(&pieces_), good, hashing, "pull".to_owned(), 0);
            let mut body = body.from(offset);
            assert_eq!(body.size_hint().exact(), Some(5));
            let (mut text, mut failed) = (String::new(), false);
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => {
                        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap())
                    }
                    Err(_) => failed = true,
                }
                if failed {
                    break;
                }
            }
            let right = !pieces_.contains(&" w0r");
            assert_eq!((failed, text == "world"), (!right, right), "{text}");
        }
    }

    #[tokio::test]
    async fn a_broken_source_keeps_its_reason() {
        let gone = NetError::Protocol { host: "h".to_owned(), why: "gone".to_owned() };
        let failing = StreamBody::new(futures_util::stream::iter(vec![Err::<
            Frame<Bytes>,
            BodyError,
        >(Box::new(gone))]));
        let hashing = Hashing::Alone(Verifier::new(Algorithm::Sha256));
        let mut body =
            Verified::new(failing.boxed_unsync(), blob(b"x", 1), hashing, "pull".into(), 0);
        let error = body.frame().await.unwrap().unwrap_err();
        let error = error.downcast::<DistributionError>().unwrap();
        assert!(matches!(*error, DistributionError::Net { .. }), "{error}");
        drop(net::empty());
    }
}
