//! Layouts that somebody made up: each is refused with a sentence, or what is wrong in it is not
//! there, and nothing outside of it is read.

use std::{fs, os::unix::fs::symlink};

use tar::{Builder, EntryType, Header};

use super::*;

/// A whole layout to spoil.
async fn whole(path: &Path) {
    let spoken = Spoken::to(directory(path));
    spoken.put_image("a", "1", b"layer").await;
}

async fn refusal(place: LayoutPlace) -> String {
    let told = Spoken::to(place).get("/v2/").await;
    if told.status == 200 { String::new() } else { format!("{} {}", told.status, told.text()) }
}

#[tokio::test]
async fn a_directory_that_is_no_layout_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let elsewhere = scratch.path().join("elsewhere");
    fs::create_dir_all(elsewhere.join("sha256")).unwrap();
    type Spoil = fn(&Path, &Path);
    let cases: [(&str, Spoil, &str); 9] = [
        ("whole", |_, _| {}, ""),
        (
            "escaping",
            |path, _| {
                let index = fs::read_to_string(path.join("index.json")).unwrap();
                fs::write(path.join("index.json"), index.replace("sha256:", "sha256:../../"))
                    .unwrap();
            },
            "is no digest",
        ),
        (
            "huge",
            |path, _| {
                let index = fs::File::create(path.join("index.json")).unwrap();
                index.set_len(super::super::index::MAX_BYTES + 1).unwrap();
            },
            "longer than",
        ),
        ("no json", |path, _| fs::write(path.join("index.json"), "<html>").unwrap(), "index.json"),
        (
            "linked index",
            |path, elsewhere| {
                fs::rename(path.join("index.json"), elsewhere.join("index.json")).unwrap();
                symlink(elsewhere.join("index.json"), path.join("index.json")).unwrap();
            },
            "links are not followed",
        ),
        (
            "linked blobs",
            |path, elsewhere| {
                fs::remove_dir_all(path.join("blobs")).unwrap();
                symlink(elsewhere, path.join("blobs")).unwrap();
            },
            "symbolic link",
        ),
        (
            "linked uploads",
            |path, elsewhere| {
                fs::remove_dir_all(path.join(".portolan")).unwrap();
                symlink(elsewhere, path.join(".portolan")).unwrap();
            },
            "symbolic link",
        ),
        (
            "another version",
            |path, _| {
                fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"9"}"#).unwrap();
            },
            "no version that is known",
        ),
        (
            "something else",
            |path, _| fs::remove_file(path.join("oci-layout")).unwrap(),
            "not empty",
        ),
    ];
    for (name, spoil, expected) in cases {
        let path = scratch.path().join(name);
        whole(&path).await;
        spoil(&path, &elsewhere);
        let told = refusal(directory(&path)).await;
        assert!(
            told.contains(expected) && told.is_empty() == expected.is_empty(),
            "{name}: {told}"
        );
        assert!(told.is_empty() || told.starts_with("403"), "{name}: {told}");
    }
    let absent = LayoutPlace { read_only: true, ..directory(&scratch.path().join("absent")) };
    assert!(refusal(absent).await.contains("there is nothing"));
}

#[tokio::test]
async fn what_is_damaged_or_linked_in_a_layout_is_not_served() {
    let scratch = tempfile::tempdir().unwrap();
    let secret = scratch.path().join("secret");
    fs::write(&secret, "layer").unwrap();
    let path = scratch.path().join("layout");
    whole(&path).await;
    let name = |bytes: &[u8]| path.join(super::super::files::blob_name(&Digest::of(bytes)));
    fs::remove_file(name(b"layer")).unwrap();
    symlink(&secret, name(b"layer")).unwrap();
    let spoken = Spoken::to(directory(&path));
    let told = spoken.get(&format!("/v2/a/blobs/{}", Digest::of(b"layer"))).await;
    assert_eq!(told.status, 403, "{}", told.text());
    let manifest = name(image(b"layer").to_string().as_bytes());
    fs::write(&manifest, image(b"other").to_string()).unwrap();
    let spoken = Spoken::to(directory(&path));
    assert_eq!(spoken.get("/v2/a/manifests/1").await.status, 404);
    assert_eq!(spoken.tags("a").await, ["1"], "it is listed, so that somebody misses it");
}

#[tokio::test]
async fn a_source_is_not_written_to_and_one_process_writes() {
    let scratch = tempfile::tempdir().unwrap();
    whole(scratch.path()).await;
    let source = Spoken::to(LayoutPlace { read_only: true, ..directory(scratch.path()) });
    let push = source.ask(Method::POST, "/v2/a/blobs/uploads/", &[], b"").await;
    assert_eq!(push.status, 403, "{}", push.text());
    let one = Spoken::to(directory(scratch.path()));
    one.put_image("a", "2", b"layer").await;
    let other = Spoken::to(directory(scratch.path()));
    let push = other.ask(Method::POST, "/v2/a/blobs/uploads/", &[], b"").await;
    assert_eq!(push.status, 503);
    assert!(push.text().contains("another process writes"), "{}", push.text());
}

/// A tar file of a layout without images, and of one more entry.
fn tar_with(path: &Path, change: impl FnOnce(&mut Builder<fs::File>)) {
    let mut tar = Builder::new(fs::File::create(path).unwrap());
    for (name, text) in
        [("oci-layout", super::super::files::MARK), ("./index.json", r#"{"schemaVersion":2}"#)]
    {
        add(&mut tar, name, text.as_bytes());
    }
    change(&mut tar);
    tar.finish().unwrap();
}

fn add(tar: &mut Builder<fs::File>, name: &str, bytes: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_size(bytes.len() as u64);
    // As a hostile one has it: `set_path` refuses what leads out.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
}

#[tokio::test]
async fn a_tar_file_that_is_no_layout_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let link = |kind| {
        move |tar: &mut Builder<fs::File>| {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            tar.append_link(&mut header, "blobs/sha256/x", "/etc/passwd").unwrap();
        }
    };
    let path = scratch.path().join("a.tar");
    tar_with(&path, |_| {});
    assert_eq!(refusal(archive(&path)).await, "");
    type Change = Box<dyn FnOnce(&mut Builder<fs::File>)>;
    let cases: [(Change, &str); 6] = [
        (Box::new(|tar| add(tar, "blobs/../../etc/passwd", b"x")), "leads out"),
        (Box::new(|tar| add(tar, "/etc/passwd", b"x")), "leads out"),
        (Box::new(link(EntryType::Symlink)), "links"),
        (Box::new(link(EntryType::Link)), "links"),
        (Box::new(link(EntryType::Char)), "neither a file nor a directory"),
        (
            Box::new(|tar| add(tar, "index.json", b"{\"schemaVersion\":2,\"manifests\":[1]}")),
            "index.json",
        ),
    ];
    for (change, expected) in cases {
        tar_with(&path, change);
        let told = refusal(archive(&path)).await;
        assert!(told.starts_with("403") && told.contains(expected), "{expected}: {told}");
    }
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..1300]).unwrap();
    let told = refusal(archive(&path)).await;
    assert!(told.contains("cut off"), "{told}");
    fs::write(&path, [&[0x1f, 0x8b][..], &[0; 600]].concat()).unwrap();
    assert!(refusal(archive(&path)).await.contains("compressed"));
    let mut huge = Header::new_gnu();
    huge.set_entry_type(EntryType::GNULongName);
    huge.set_size(1 << 40);
    huge.set_cksum();
    let file = fs::File::create(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, huge.as_bytes(), 0).unwrap();
    file.set_len(1 << 41).unwrap();
    assert!(refusal(archive(&path)).await.contains("longer than"));
}

#[tokio::test]
async fn names_lead_to_layouts_in_the_directory_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let outside = scratch.path().join("outside");
    whole(&outside).await;
    let inside = scratch.path().join("inside");
    fs::create_dir(&inside).unwrap();
    symlink(&outside, inside.join("linked")).unwrap();
    let settings = LayoutSettings { named: HashMap::new(), directory: Some(inside.clone()) };
    let (layouts, way) = Layouts::start(settings);
    for (name, allowed) in [
        ("fresh", true),
        ("linked", false),
        ("..", false),
        ("a/b", false),
        (".portolan", false),
        ("", false),
    ] {
        assert_eq!(layouts.layout(name).await.is_ok(), allowed, "{name}");
    }
    drop(way);
}
