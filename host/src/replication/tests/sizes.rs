//! Large blobs and small ones side by side.

use portolan_core::oci::Digest;

use super::*;

/// More large blobs than may be on their way at once hang; whatever is small arrives meanwhile, of
/// the same image and of others.
#[tokio::test]
async fn large_blobs_do_not_starve_small_ones() {
    let world = World::new().await;
    let large: Vec<_> = (0..LARGE_TRANSFERS as u64 + 2).map(|it| layer(it, 8 << 20)).collect();
    let tiny = layer(77, 100);
    for (place, half) in large.chunks(large.len() / 2).enumerate() {
        let layers: Vec<_> = half.iter().cloned().chain([tiny.clone()]).collect();
        world.from.put_image(&format!("a{place}"), "large", &layers);
    }
    for tag in 0..40 {
        world.from.put_image("b", &format!("v{tag}"), &[layer(100 + tag, 500)]);
    }
    let mut stalls = Vec::new();
    for blob in &large {
        let digest = Digest::of(blob).to_string();
        stalls.push(world.from.faults().stall(When::from(Kind::BlobGet).path(&digest)));
    }
    let execution = world.start(world.rule()).await;
    eventually("every small image is there", async || {
        let tags = world.to.tags();
        (tags.iter().filter(|(repository, _)| repository == "b").count() == 40).then_some(())
    })
    .await;
    let small = Digest::of(&tiny).to_string();
    eventually("so is what is small of a large one", async || {
        world.to.blobs().into_iter().find(|(_, digest)| digest.as_str() == small)
    })
    .await;
    assert_eq!(world.engine.shared.large.available_permits(), 0, "the large ones take their turns");
    assert!(world.to.tags().iter().all(|(repository, _)| repository == "b"));
    drop(stalls);
    assert_eq!(world.ended(execution.id).await.status, Status::Success);
    world.to.verify_all().unwrap();
}
