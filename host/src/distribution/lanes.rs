//! Blobs that come from one registry at the same time are hashed two at a time, where the processor
//! gains by it: some bytes of one are kept for when bytes of another come. They may be handed on
//! meanwhile; only the last of a blob may not pass before all of them are hashed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::{Buf as _, Bytes};
use portolan_core::oci::{Algorithm, Digest, Verifier};

use super::{Marks, lock};

/// Bytes of a blob for which this is worth while.
const LARGE: u64 = 4 << 20;
/// So many bytes of a lane are hashed beside another's.
const ENOUGH: usize = 128 << 10;
/// Where so many wait, all but enough of them are hashed alone.
const MOST: usize = 2 * ENOUGH;
/// Fewer in one piece do not wait: a registry that sends few at a time shall not cost memory.
const SMALL: usize = 4 << 10;

/// The blobs from one registry that are on their way.
#[derive(Default)]
pub(super) struct Lanes(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    count: usize,
    /// One with bytes enough for another.
    ready: Option<Arc<Mutex<Lane>>>,
}

/// One blob's hash, and the bytes that it has not taken in yet.
struct Lane {
    hashed: Verifier,
    waiting: VecDeque<Bytes>,
    length: usize,
}

/// How one blob is hashed.
pub(super) enum Hashing {
    /// As its bytes come.
    Alone(Verifier),
    /// Beside others.
    Beside(Beside),
}

/// A lane among others; it is gone with this.
pub(super) struct Beside {
    lane: Arc<Mutex<Lane>>,
    open: Arc<Mutex<Open>>,
    taken: u64,
}

impl Lanes {
    /// Goes on from `hashed` with a blob of `size` bytes.
    pub(super) fn hashing(&self, hashed: Verifier, size: u64) -> Hashing {
        let missing = size.saturating_sub(hashed.length());
        let is_sha256 = hashed.algorithm() == Algorithm::Sha256;
        if missing < LARGE || !is_sha256 || !Verifier::gains_beside() {
            return Hashing::Alone(hashed);
        }
        Hashing::Beside(self.lane(hashed))
    }

    /// A lane of its own, for whatever blob.
    pub(super) fn lane(&self, hashed: Verifier) -> Beside {
        lock(&self.0).count += 1;
        let taken = hashed.length();
        let lane = Lane { hashed, waiting: VecDeque::new(), length: 0 };
        Beside { lane: Arc::new(Mutex::new(lane)), open: self.0.clone(), taken }
    }
}

impl Hashing {
    /// Takes in the next bytes, now or soon.
    pub(super) fn take(&mut self, bytes: &Bytes) {
        match self {
            Self::Alone(hashed) => hashed.update(bytes),
            Self::Beside(beside) => beside.take(bytes),
        }
    }

    /// Shows `marks` how far it is.
    pub(super) fn mark(&self, marks: &Marks) {
        match self {
            Self::Alone(hashed) => marks.pass(hashed),
            Self::Beside(beside) => marks.pass(&lock(&beside.lane).hashed),
        }
    }

    /// How many bytes it was given, those of before included.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Alone(hashed) => hashed.length(),
            Self::Beside(beside) => beside.taken,
        }
    }

    /// The digest of all of them.
    pub(super) fn digest(&self) -> Digest {
        match self {
            Self::Alone(hashed) => hashed.clone().finish(),
            Self::Beside(beside) => lock(&beside.lane).all().finish(),
        }
    }
}

impl Beside {
    fn take(&mut self, bytes: &Bytes) {
        self.taken += bytes.len() as u64;
        let mut mine = lock(&self.lane);
        if bytes.len() < SMALL {
            mine.alone(0);
            mine.hashed.update(bytes);
            return;
        }
        mine.length += bytes.len();
        mine.waiting.push_back(bytes.clone());
        if mine.length >= ENOUGH {
            self.advance(&mut mine);
        }
    }

    /// Hashes what waits here beside what waits in another lane. What is left waits for another, if
    /// there is any, and is not too much.
    fn advance(&self, mine: &mut Lane) {
        // One that is held is with who hashes it.
        if let Some(other) = self.other()
            && let Ok(mut theirs) = other.try_lock()
        {
            together(mine, &mut theirs);
        }
        if lock(&self.open).count < 2 {
            mine.alone(0);
        } else if mine.length >= MOST {
            mine.alone(ENOUGH);
        }
        if mine.length >= ENOUGH {
            lock(&self.open).ready = Some(self.lane.clone());
        }
    }

    /// Another lane with enough bytes.
    fn other(&self) -> Option<Arc<Mutex<Lane>>> {
        lock(&self.open).ready.take().filter(|other| !Arc::ptr_eq(other, &self.lane))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.count = open.count.saturating_sub(1);
        open.ready = open.ready.take().filter(|ready| !Arc::ptr_eq(ready, &self.lane));
    }
}

impl Lane {
    /// The hash of everything.
    fn all(&mut self) -> Verifier {
        self.alone(0);
        self.hashed.clone()
    }

    /// Hashes what waits, piece by piece, as long as `leave` bytes are left.
    fn alone(&mut self, leave: usize) {
        while let Some(front) = self.waiting.front()
            && self.length.saturating_sub(front.len()) >= leave
        {
            self.hashed.update(front);
            self.gone(front.len());
        }
    }

    fn gone(&mut self, count: usize) {
        self.length = self.length.saturating_sub(count);
        if let Some(front) = self.waiting.front_mut() {
            front.advance(count);
            if front.is_empty() {
                self.waiting.pop_front();
            }
        }
    }
}

/// Hashes as many bytes of each as both have.
fn together(one: &mut Lane, other: &mut Lane) {
    while let (Some(bytes), Some(others)) = (one.waiting.front(), other.waiting.front()) {
        let count = bytes.len().min(others.len());
        let (bytes, others) = (bytes.slice(..count), others.slice(..count));
        Verifier::update_both(&mut one.hashed, &bytes, &mut other.hashed, &others);
        one.gone(count);
        other.gone(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lanes<const N: usize>() -> (Lanes, [Beside; N]) {
        let lanes = Lanes::default();
        let all = [(); N].map(|()| lanes.lane(Verifier::new(Algorithm::Sha256)));
        (lanes, all)
    }

    impl Beside {
        fn given(&mut self, count: usize) -> u64 {
            self.take(&Bytes::from(vec![7; count]));
            lock(&self.lane).hashed.length()
        }

        fn hashed(&self) -> u64 {
            lock(&self.lane).hashed.length()
        }
    }

    #[test]
    fn bytes_wait_for_those_of_another() {
        let (_lanes, [mut one, mut other]) = lanes();
        assert_eq!(one.given(ENOUGH - SMALL), 0, "too few");
        assert_eq!(other.given(ENOUGH), 0, "no other has enough");
        assert_eq!(one.given(SMALL), ENOUGH as u64);
        assert_eq!(other.hashed(), ENOUGH as u64);
    }

    #[test]
    fn who_comes_alone_keeps_enough_for_another() {
        let (_lanes, [mut one, mut other]) = lanes();
        assert_eq!([ENOUGH; 3].map(|count| one.given(count)), [0, 1, 2].map(|n| n * ENOUGH as u64));
        assert_eq!(other.given(ENOUGH), ENOUGH as u64);
        assert_eq!(one.hashed(), one.taken);
    }

    #[test]
    fn nothing_waits_for_who_does_not_come() {
        let (lanes, [mut one, idle]) = lanes();
        for round in 1..100 {
            let hashed = one.given(ENOUGH);
            assert!(round * ENOUGH as u64 - hashed < MOST as u64, "{hashed} in round {round}");
        }
        assert!(one.hashed() > 0);
        drop(idle);
        let given = one.given(ENOUGH);
        assert_eq!(given, one.taken, "it is the only one");
        let second = lanes.lane(Verifier::new(Algorithm::Sha256));
        assert!(one.given(ENOUGH) < one.taken);
        drop(one);
        let open = lock(&second.open);
        assert!(open.count == 1 && open.ready.is_none(), "what is gone is not ready");
    }

    #[test]
    fn small_pieces_do_not_wait_nor_overtake() {
        let (_lanes, [mut one, _idle]) = lanes();
        assert_eq!(one.given(SMALL), 0);
        assert_eq!(one.given(SMALL - 1), one.taken);
        assert!(lock(&one.lane).waiting.is_empty());
        assert_eq!(one.given(0), one.taken);
    }

    #[test]
    fn one_that_is_held_is_left_to_its_holder() {
        let (_lanes, [mut one, mut other]) = lanes();
        one.given(ENOUGH);
        let lane = one.lane.clone();
        let held = lock(&lane);
        assert_eq!(other.given(ENOUGH), 0);
        drop(held);
        assert_eq!(one.given(SMALL), ENOUGH as u64);
        assert_eq!(other.hashed(), ENOUGH as u64);
    }

    /// Four threads, each with its blob: none waits for ever, and each digest is right.
    #[test]
    fn threads_share_lanes() {
        let (_lanes, all) = lanes::<4>();
        let content: Vec<u8> = (0..3_u32 << 20).map(|at| (at % 251) as u8).collect();
        let expected = Digest::of(&content);
        let content = Bytes::from(content);
        std::thread::scope(|scope| {
            for (number, mut lane) in all.into_iter().enumerate() {
                let (content, expected) = (content.clone(), &expected);
                scope.spawn(move || {
                    let piece = 30_000 * (number + 1);
                    for at in (0..content.len()).step_by(piece) {
                        lane.take(&content.slice(at..content.len().min(at + piece)));
                    }
                    assert_eq!(Hashing::Beside(lane).digest(), *expected);
                });
            }
        });
    }

    #[test]
    fn small_blobs_and_other_hashes_are_hashed_alone() {
        let lanes = Lanes::default();
        for (algorithm, size, begun) in [
            (Algorithm::Sha256, LARGE - 1, 0),
            (Algorithm::Sha256, LARGE, 1),
            (Algorithm::Sha512, LARGE, 0),
        ] {
            let mut hashed = Verifier::new(algorithm);
            hashed.update(&vec![0; begun]);
            assert!(matches!(lanes.hashing(hashed, size), Hashing::Alone(_)), "{size} {begun}");
        }
        let large = lanes.hashing(Verifier::new(Algorithm::Sha256), LARGE);
        assert_eq!(matches!(large, Hashing::Beside(_)), Verifier::gains_beside());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Whoever's bytes come, in pieces of whatever size: each digest is right, and so is the
        /// state on the way, which is what is marked.
        #[test]
        fn however_bytes_come_each_digest_is_right(
            pieces in prop::collection::vec((0..3_usize, 0..200_000_usize), 1..60),
        ) {
            let (_lanes, lanes) = lanes::<3>();
            let mut lanes = lanes.map(|lane| (lane, Vec::new()));
            for (number, (which, size)) in pieces.into_iter().enumerate() {
                let bytes: Vec<u8> = (0..size).map(|at| ((at + number) % 251) as u8).collect();
                let (lane, all) = &mut lanes[which];
                all.extend_from_slice(&bytes);
                lane.take(&Bytes::from(bytes));
            }
            for (lane, all) in lanes {
                let mut state = lock(&lane.lane).hashed.clone();
                state.update(&all[usize::try_from(state.length()).unwrap()..]);
                let hashing = Hashing::Beside(lane);
                prop_assert_eq!(hashing.length(), all.len() as u64);
                prop_assert_eq!(hashing.digest(), Digest::of(&all));
                prop_assert_eq!(state.finish(), Digest::of(&all));
            }
        }
    }
}
