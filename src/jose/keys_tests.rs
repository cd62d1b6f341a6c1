//! Tests that keys start and stop signing by time, each algorithm independently, and that only public members are published.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

#[test]
fn a_key_is_published_first_signs_later_and_retires_last() {
    let times = [at(0), at(1000)];
    let keep = Span::from_seconds(600);
    let states = |now| [state(&times, Some(0), at(now), keep), state(&times, Some(1), at(now), keep)];
    assert_eq!(states(500), [KeyState::Signing, KeyState::Upcoming]);
    assert_eq!(states(1000), [KeyState::Retiring, KeyState::Signing]);
    assert_eq!(states(1719), [KeyState::Retiring, KeyState::Signing]);
    assert_eq!(states(1720), [KeyState::Retired, KeyState::Signing]);
}

#[test]
fn rings_agree_on_the_signing_key_and_publish_public_members_only() {
    let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
    let rows = [(0, 0), (10, 1000)].map(|(made, from)| generate(&secrets, Algorithm::Rs256, at(made), at(from)).unwrap());
    let ring = KeyRing::open(&rows, &secrets, &KeyRing::default()).unwrap();
    assert_eq!(ring.signing(Algorithm::Rs256, at(999)).unwrap().kid, rows[0].kid);
    assert_eq!(ring.signing(Algorithm::Rs256, at(1000)).unwrap().kid, rows[1].kid);
    let published = ring.published(at(1000), Span::from_seconds(600));
    let keys = published["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|private| !names.contains(private)), "{names:?}");
    }
    let other = SecretRing::new(["another secret of thirty-two bytes"]).unwrap();
    let sealed = KeyRing::open(&rows, &other, &KeyRing::default()).unwrap();
    assert_eq!(sealed.signing(Algorithm::Rs256, at(0)).err(), Some(Error::Sealed { kid: rows[0].kid.clone() }));
    assert_eq!(sealed.published(at(0), Span::ZERO), ring.published(at(0), Span::ZERO), "what it signed is still verified");
}

#[test]
fn each_algorithm_has_keys_of_its_own() {
    let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
    let rows: Vec<_> = Algorithm::ALL.iter().map(|algorithm| generate(&secrets, *algorithm, at(0), at(0)).unwrap()).collect();
    let ring = KeyRing::open(&rows, &secrets, &KeyRing::default()).unwrap();
    for (row, algorithm) in rows.iter().zip(Algorithm::ALL) {
        assert_eq!(ring.signing(*algorithm, at(0)).unwrap().kid, row.kid);
    }
    assert!(states(&rows, at(0), Span::ZERO).iter().all(|state| *state == KeyState::Signing));
    let keys = ring.published(at(0), Span::ZERO);
    let members: Vec<Vec<_>> =
        keys["keys"].as_array().unwrap().iter().map(|key| key.as_object().unwrap().keys().collect()).collect();
    assert_eq!(members[0], ["kty", "use", "alg", "kid", "n", "e"]);
    assert_eq!(members[2], ["kty", "use", "alg", "kid", "y", "x", "crv"]);
    assert_eq!(members[3], ["kty", "use", "alg", "kid", "x", "crv"]);
    assert_eq!(KeyRing::default().signing(Algorithm::Es256, at(0)).err(), Some(Error::NoKey(Algorithm::Es256)));
}
