//! Readers at their own pace, ends, and who is left behind.

use http_body_util::StreamBody;
use tokio::sync::mpsc;

use super::*;
use crate::net::Body;

/// A patience that ends soon.
const SOON: Duration = Duration::from_millis(100);

/// A body whose frames are sent by hand.
fn by_hand() -> (mpsc::Sender<Result<Bytes, DistributionError>>, Body) {
    let (sender, receiver) = mpsc::channel(8);
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async {
        let frame: Result<Bytes, DistributionError> = receiver.recv().await?;
        let frame = frame.map(Frame::data).map_err(|error| Box::new(error) as BodyError);
        Some((frame, receiver))
    });
    (sender, StreamBody::new(frames).boxed_unsync())
}

async fn text(reader: &mut Reader) -> Option<Result<String, String>> {
    let frame = reader.frame().await?;
    let text = |frame: Frame<Bytes>| String::from_utf8(frame.into_data().unwrap().to_vec());
    Some(frame.map(|frame| text(frame).unwrap()).map_err(|error| error.to_string()))
}

fn word(text: &'static str) -> Result<Bytes, DistributionError> {
    Ok(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn each_reads_all_of_it_at_its_own_pace() {
    let (writer, mut readers) = out(2, 6);
    let (hand, body) = by_hand();
    let pump = tokio::spawn(writer.pump(async { Ok(BlobStream { body }) }));
    hand.try_send(word("abc")).unwrap();
    let (mut slow, mut fast) = (readers.pop().unwrap(), readers.pop().unwrap());
    fast.opened().await.unwrap();
    assert_eq!(text(&mut fast).await, Some(Ok("abc".to_owned())));
    assert_eq!((fast.size_hint().exact(), slow.size_hint().exact()), (Some(3), Some(6)));
    hand.try_send(word("def")).unwrap();
    assert_eq!(text(&mut fast).await, Some(Ok("def".to_owned())));
    drop(hand);
    assert_eq!(text(&mut fast).await, None);
    drop(fast);
    for expected in ["abc", "def"] {
        assert_eq!(text(&mut slow).await, Some(Ok(expected.to_owned())));
    }
    assert_eq!(text(&mut slow).await, None);
    assert_eq!(lock(&slow.fan.state).held, 0);
    pump.await.unwrap();
}

#[tokio::test]
async fn what_breaks_breaks_for_all_and_without_readers_nothing_is_read() {
    let (writer, mut readers) = out(2, 6);
    let (hand, body) = by_hand();
    let pump = tokio::spawn(writer.pump(async { Ok(BlobStream { body }) }));
    hand.try_send(word("abc")).unwrap();
    hand.try_send(Err(broken("the source", "a wire was cut"))).unwrap();
    for reader in &mut readers {
        assert_eq!(text(reader).await, Some(Ok("abc".to_owned())));
        assert!(text(reader).await.unwrap().unwrap_err().contains("a wire was cut"));
    }
    pump.await.unwrap();
    let (writer, readers) = out(2, 6);
    let pump = tokio::spawn(writer.pump(std::future::pending()));
    drop(readers);
    pump.await.unwrap();
    let (writer, readers) = out(1, 6);
    drop(writer);
    assert!(readers[0].opened().await.is_err(), "nobody will write");
}

/// Frames of half of what is kept.
fn half() -> Result<Bytes, DistributionError> {
    Ok(Bytes::from(vec![7; AHEAD / 2]))
}

#[tokio::test]
async fn who_holds_up_others_too_long_is_left_behind() {
    let (writer, mut readers) = patiently(2, 3 * AHEAD as u64, SOON);
    let (hand, body) = by_hand();
    let pump = tokio::spawn(writer.pump(async { Ok(BlobStream { body }) }));
    for _ in 0..6 {
        hand.try_send(half()).unwrap();
    }
    drop(hand);
    let (mut stuck, mut fast) = (readers.pop().unwrap(), readers.pop().unwrap());
    let before = tokio::time::Instant::now();
    for _ in 0..6 {
        assert!(fast.frame().await.unwrap().is_ok());
    }
    assert!(before.elapsed() >= SOON, "it was waited for");
    assert!(fast.frame().await.is_none());
    let told = text(&mut stuck).await.unwrap().unwrap_err();
    assert!(told.contains("other destinations waited"), "{told}");
    pump.await.unwrap();
}

#[tokio::test]
async fn one_alone_takes_its_time() {
    let (writer, mut readers) = patiently(2, 3 * AHEAD as u64, SOON);
    let (hand, body) = by_hand();
    let pump = tokio::spawn(writer.pump(async { Ok(BlobStream { body }) }));
    for _ in 0..6 {
        hand.try_send(half()).unwrap();
    }
    drop(hand);
    let mut last = readers.pop().unwrap();
    drop(readers);
    tokio::time::sleep(3 * SOON).await;
    for _ in 0..6 {
        assert!(last.frame().await.unwrap().is_ok());
    }
    assert!(last.frame().await.is_none());
    pump.await.unwrap();
}
