//! Tests: hashes of other implementations are verified; those that cannot be verified, or cost too much, are refused.

use super::*;

/// The password of all samples.
pub const PASSWORD: &str = "through the looking glass";
/// Made by argon2-cffi (the reference implementation; the fourth with its version 0x10), the Python package bcrypt, and OpenSSL.
pub const SAMPLES: [&str; 12] = [
    "$argon2id$v=19$m=16,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$WO08xACxXN/GdoTAlWHEY77r06oHWmOt7jc6p/vRq+Y",
    "$argon2i$v=19$m=16,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$zRt3TqIf02iAtDUrnHI4i9RXpq36sBX68c8ZahECDNA",
    "$argon2d$v=19$m=16,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$5B64+E/YrghUGvXfjEq5n3AGrYuSEe0TrYSyttgY0Nk",
    "$argon2i$v=16$m=16,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$sp5KTdcKNJqPvjbZHjfz/E0N/S5dJEpQ+XD9CCgBKWc",
    "$2b$04$I74edb2AkpYTzogRC3HT4uJdDXCuqdTclV2JZqaUxUz93ltRlDMgq",
    "$2y$04$I74edb2AkpYTzogRC3HT4uJdDXCuqdTclV2JZqaUxUz93ltRlDMgq",
    "$2a$04$I74edb2AkpYTzogRC3HT4uJdDXCuqdTclV2JZqaUxUz93ltRlDMgq",
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$0oOR7pvnJMGFtyfOoN2dxEdybu64D1tG0sprIQxYc+Y",
    "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$vRF5vbMjgN1yxrDLfEJ+VeZ0IaaWg1+kiSs4vSKLYHs+IDBkjhZ9Gh1wG6na9cKy5QaH8YURhBJWMHCO+qlOgw",
    "$pbkdf2-sha512$i=1$AAECAwQFBgcICQoLDA0ODw$4vZrvOfN7zj/qqhwsOZhEuizXB6DN6YzyRKYHdRuGjvEi10idkQndOw64Q1M3UGnYNpyggvGIeOUP0b8egUA/A",
    "$scrypt$ln=4,r=8,p=2$AAECAwQFBgcICQoLDA0ODw$qw+ysbm4ZzrvhxLi8yEl/3kf9/dqueofQE6eKSG5PXX/p+fthfiuEEHW4rSvZB0U48pSfFl9BZnvtFPYnzHnqg",
    "$scrypt$ln=10,r=1,p=1$AAECAwQFBgcICQoLDA0ODw$GnKPC3wmIEWR1fUwzOSg5ouPYKg/1r5b4TvTq6nFCvc",
];

const SALT: &str = "AAECAwQFBgcICQoLDA0ODw";
const HASH: &str = "0oOR7pvnJMGFtyfOoN2dxEdybu64D1tG0sprIQxYc+Y";

fn is_of(hash: &str, password: &[u8]) -> bool {
    matches(hash, password, &mut Memory::default())
}

#[test]
fn what_others_made_is_verified() {
    for hash in SAMPLES {
        assert_eq!(check_imported(hash), Ok(()), "{hash}");
        assert!(is_of(hash, PASSWORD.as_bytes()), "{hash}");
        for wrong in ["", "through the looking glas", "through the looking glass ", "Through the looking glass"] {
            assert!(!is_of(hash, wrong.as_bytes()), "{hash}");
        }
    }
}

#[test]
fn bcrypt_looks_at_72_bytes_alone() {
    // The hash of forty times "é", which are 80 bytes.
    let hash = "$2b$04$/zN7jVDvbDmCLrwerIgTG.4IsdUF/EL.Mxp1Uy.ho/J9dh1oys7IK";
    assert!(is_of(hash, "é".repeat(40).as_bytes()) && is_of(hash, "é".repeat(36).as_bytes()));
    assert!(!is_of(hash, "é".repeat(35).as_bytes()));
}

#[test]
fn what_is_no_hash_is_refused_without_being_repeated() {
    let phc = |scheme: &str| format!("{scheme}${SALT}${HASH}");
    for bad in [
        String::new(),
        "through the looking glass".into(),
        "5f4dcc3b5aa765d61d8327deb882cf99".into(),
        "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/".into(),
        "$6$saltsalt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(),
        "$2b$04$short".into(),
        "$2x$04$I74edb2AkpYTzogRC3HT4uJdDXCuqdTclV2JZqaUxUz93ltRlDMgq".into(),
        "$2b$aa$I74edb2AkpYTzogRC3HT4uJdDXCuqdTclV2JZqaUxUz93ltRlDMgq".into(),
        format!("$argon2id$v=19$m=16,t=1,p=1${SALT}"),
        phc("$argon2id$m=16,t=1,p=1"),
        phc("$argon2id$v=18$m=16,t=1,p=1"),
        phc("$argon2id$v=19$m=16,t=1,p=1,keyid=AAAA"),
        phc("$argon2id$v=19$m=16,t=0,p=1"),
        phc("$argon2x$v=19$m=16,t=1,p=1"),
        phc("$pbkdf2-sha1$i=1000"),
        phc("$pbkdf2-sha256"),
        phc("$pbkdf2-sha256$i=-1"),
        phc("$pbkdf2-sha256$i=4294967296"),
        phc("$pbkdf2-sha256$i=1000,l=64"),
        phc("$pbkdf2-sha256$i=1000,x=1"),
        phc("$scrypt$ln=10,r=1"),
        phc("$scrypt$ln=256,r=1,p=1"),
        "$é$".into(),
    ] {
        let why = check_imported(&bad).unwrap_err();
        assert!(why.as_ref().starts_with("expected argon2 (") && !why.as_ref().contains(SALT), "{bad}: {why}");
        assert!(!is_of(&bad, b"through the looking glass"), "{bad}");
    }
}

#[test]
fn what_costs_too_much_is_refused() {
    let phc = |scheme: &str| format!("{scheme}${SALT}${HASH}");
    let bcrypt = |cost: u32| format!("$2b${cost:02}$I74edb2AkpYTzogRC3HT4uJdDXCuqdTclV2JZqaUxUz93ltRlDMgq");
    for (good, bad, words) in [
        (
            phc("$argon2id$v=19$m=1048576,t=4,p=1"),
            phc("$argon2id$v=19$m=1048577,t=1,p=1"),
            "m of at most 1048576 KiB, received 1048577",
        ),
        (phc("$argon2i$v=19$m=1024,t=4096,p=1"), phc("$argon2i$v=19$m=1024,t=4097,p=1"), "m times t"),
        (phc("$argon2id$v=19$m=1024,t=1,p=64"), phc("$argon2id$v=19$m=1024,t=1,p=65"), "p of at most 64, received 65"),
        (bcrypt(14), bcrypt(15), "a cost of 4 to 14, received 15"),
        (bcrypt(4), bcrypt(3), "a cost of 4 to 14, received 3"),
        (phc("$pbkdf2-sha256$i=10000000"), phc("$pbkdf2-sha256$i=10000001"), "i of 1 to 10000000, received 10000001"),
        (phc("$pbkdf2-sha512$i=1"), phc("$pbkdf2-sha512$i=0"), "received 0"),
        (phc("$scrypt$ln=20,r=8,p=4"), phc("$scrypt$ln=21,r=8,p=1"), "at most 1048576 KiB, received ln=21, r=8"),
        (phc("$scrypt$ln=23,r=1,p=1"), phc("$scrypt$ln=20,r=8,p=5"), "received p=5"),
        (phc("$scrypt$ln=1,r=1,p=1"), phc("$scrypt$ln=63,r=4294967295,p=4294967295"), "ln=63"),
        (phc("$scrypt$ln=1,r=1,p=1"), phc("$scrypt$ln=255,r=1,p=1"), "ln=255"),
        (phc("$scrypt$ln=1,r=1,p=1"), phc("$scrypt$ln=0,r=1,p=1"), "ln=0"),
        (phc("$scrypt$ln=1,r=1,p=1"), phc("$scrypt$ln=1,r=0,p=1"), "r=0"),
        (phc("$scrypt$ln=1,r=1,p=1"), phc("$scrypt$ln=1,r=1,p=0"), "p=0"),
    ] {
        assert_eq!(check_imported(&good), Ok(()), "{good}");
        let why = check_imported(&bad).unwrap_err();
        assert!(why.as_ref().contains(words) && !why.as_ref().contains(SALT), "{bad}: {why}");
    }
    assert!(!is_of(&phc("$scrypt$ln=63,r=4294967295,p=4294967295"), b"x"), "nor is it tried where it stands in the database");
}
