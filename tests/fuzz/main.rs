//! The checks of `fuzz/` as property tests, so that they run everywhere: on every seed, on mutations
//! of seeds, and on any bytes. `PROPTEST_CASES=100000` tries more of them.

// An unwrap here fails its test.
#![allow(clippy::unwrap_used)]

mod checks;

use std::{fs, path::Path, sync::LazyLock};

use checks::{CHECKS, named, seeds};
use proptest::{collection::vec, prelude::*, sample::Index};

/// Longer seeds make mutations slow and no better.
const LONGEST: usize = 16 << 10;

/// The contents of a check's seeds.
fn contents(name: &str) -> Vec<Vec<u8>> {
    let files = seeds(Path::new(env!("CARGO_MANIFEST_DIR")), name);
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn every_seed_holds() {
    for (name, check) in CHECKS {
        let seeds = contents(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        // The choices are taken from the end. With many seeds, each tries some of them.
        let step = if seeds.len() > 48 { 16 } else { 1 };
        for (at, seed) in seeds.iter().enumerate() {
            check(seed);
            for choice in (0..32).skip(at % step).step_by(step) {
                check(&[&seed[..], &[choice / 4, choice % 4, choice]].concat());
            }
        }
    }
}

/// Mutations of the seeds of a check: some bytes are changed, and one passage is replaced by one of another seed.
fn inputs(name: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let mut seeds = contents(name);
    seeds.retain(|seed| seed.len() <= LONGEST);
    let (seed, other) = (prop::sample::select(seeds.clone()), prop::sample::select(seeds));
    let spliced = (seed, other, any::<[Index; 4]>(), any::<bool>()).prop_map(|(mut seed, other, places, splice)| {
        if splice && !seed.is_empty() && !other.is_empty() {
            let passage = |text: &[u8], one: Index, two: Index| {
                let (one, two) = (one.index(text.len()), two.index(text.len()));
                one.min(two)..(one.max(two)).min(one.min(two) + 64)
            };
            let from = passage(&other, places[0], places[1]);
            seed.splice(passage(&seed, places[2], places[3]), other[from].iter().copied());
        }
        seed
    });
    let strange = prop_oneof![any::<u8>(), prop::sample::select(b"\r\n\0\"\\{}[]:,=-% \xff\xc3".to_vec())];
    let mutated = (spliced, vec((any::<Index>(), strange.clone()), 0..6), vec(strange, 0..4)).prop_map(
        |(mut seed, changes, end)| {
            for (place, byte) in changes.iter().filter(|_| !seed.is_empty()).collect::<Vec<_>>() {
                let place = place.index(seed.len());
                seed[place] = *byte;
            }
            seed.extend(end);
            seed
        },
    );
    prop_oneof![6 => mutated, 1 => vec(any::<u8>(), 0..200)]
}

macro_rules! holds {
    ($($test:ident: $name:literal;)+) => {
        proptest! {
            $(
                #[test]
                fn $test(input in { static INPUTS: LazyLock<BoxedStrategyOf> = LazyLock::new(|| inputs($name).sboxed()); INPUTS.clone() }) {
                    named($name)(&input);
                }
            )+
        }
    };
}

type BoxedStrategyOf = proptest::strategy::SBoxedStrategy<Vec<u8>>;

holds! {
    bodies_hold: "body";
    captures_hold: "capture";
    diagnoses_hold: "diagnosis";
    edits_hold: "edit";
    globs_hold: "glob";
    json_holds: "json";
    manifests_hold: "manifest";
    signatures_hold: "signature";
    text_holds: "text";
}

#[test]
fn every_check_has_its_fuzz_target() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/targets");
    let mut targets: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    targets.sort();
    assert_eq!(targets, CHECKS.map(|(name, _)| format!("{name}.rs")));
}
