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

/// The same password, as other systems store its hash. Made by Django 5.2, Werkzeug 3.1, Passlib 1.7 (phpass, sha512-crypt with and
/// without rounds, LDAP, its own PBKDF2), `openssl passwd -6` and PHP 8.2 (`password_hash`, also of what `WordPress` gives it).
pub const OTHERS: [&str; 22] = [
    "pbkdf2_sha256$1000$c2FsdHNhbHRzYWx0c2E$UzBOVGjE+kMuk9lvI5Cj4kVMN8XuHVfbvg5z+HDlSRI=",
    "pbkdf2_sha1$1000$c2FsdHNhbHRzYWx0c2E$Ww9Yw5g7Osk5MIzfNerbYyq6lPU=",
    "bcrypt_sha256$$2b$04$84MfvCaiCHiFbfmsommeruHwbbADYic0gBOL7/tnV6bC8SxGG1t5a",
    "bcrypt$$2b$04$MkIZ0djGZ1ECqC2tXGAoLOIcNAkjN2dT0U9ZkiPdV/gaS2qHj1N3q",
    "argon2$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$wZ4Jy5qfm1Jlmo0mt4fPVRb2Dj/FV+WHEPlzOcO5FRo",
    "scrypt$16$saltsaltsaltsalt$8$5$WZzHgqeabrEHDChIuNr+Jw115fuKmGC1ab+6d9ZqDjX9v4+nmo35wIb9Z+6YmwPzhs4pf5R5K+0655LXq/GY8g==",
    "scrypt:32768:8:1$iVSrr13yOyO4aMr4$4597193615e7649e2c27c5e7e843b6bc2cb46e7b62be7c93022911c39d6e7cb3e8feae76efe906947008e0636ecd17d7f6969996efac3ffc929163c50de36dbf",
    "pbkdf2:sha256:1000$PYyt1LrgazeUcXcm$90dc57289d778b27af6e4e0af71e160c4c7d5ab9bb4b7e713e87e466e60bb275",
    "$P$5/bPmaxMEshwuxbH6UJjlu0llSAm550",
    "$H$5oB8sWTUorERNYdMRrzb3TQ5JHMJVe0",
    "$6$rounds=1000$3xxyk.BbmknPMUq6$gJVWjQOFiiGjbp5FurZNhvMQfrx15uCn.W3gnFFH2QoI1ghpWSowAjszbY7ZEYKgfCooXebMlZsvPW3GjuPCb/",
    "$6$sKjGISHYIqfBlL1r$fSm2Mdbud9e8ykj9qRW38HrdjNthszG15xJJdhoMAcIR101o9PFqYs2ARneu6SGVAo4LniSd5qTsgiHrqf7ar.",
    "$6$abcdefgh$c6n8PWzSGaFEzqUv8m/seVhVc8jcr1oz1k.BfKEuAJ6XWzyqUkZXwb0p6IAKg3ybe/3u9zdFsJTDnqgT7t9nf.",
    "{CRYPT}$6$abcdefgh$c6n8PWzSGaFEzqUv8m/seVhVc8jcr1oz1k.BfKEuAJ6XWzyqUkZXwb0p6IAKg3ybe/3u9zdFsJTDnqgT7t9nf.",
    "{SSHA}6WborHyzv8f9aYvdeIoBs/XE3/bo3Tvn",
    "{ssha256}5L5iovEiBcN8zKqgOLsgZq+0A38IDpTuzzLYD0m733Ix5txbC2GsVQ==",
    "{SSHA512}ZPb5Tis/DEquCW+qdSEKhF3AEg5WbBNCC8+KzP8vxrIItmTk3Td21By2p5fIsgGw1pJuhuxFAq5D2O/Du9+l5ZOyFkLI2btX",
    "$pbkdf2-sha256$1000$8F4LwViLsbaW0pqzNqbUmg$GYiPeBDTUtKpbEjK1EZXQLBiIviUDjDuaxuZ9a9ZIYw",
    "$pbkdf2-sha512$1000$5RyDsNZaa21tDQEAAKCUMg$rEXEb40v.csmN1iChMC4FluOFNn9gzkFzGBy9ucpHpBv5iwezjq/vLsypo8cBIqG5HTzx6Vues6yyTDfEwaoIw",
    "$pbkdf2-sha1$i=1000$AAECAwQFBgcICQoLDA0ODw$ys1E6BoMRmYByvuwqROC2WwzOScx4FbvFUi29DipD1I",
    "$2y$04$Oxr38LQFdDx1TsrV43tUNOt..g5R.qyfAwZtazn5.VPP7vw2VHOTG",
    "$wp$2y$04$ktadg2sNh1btYuyQdt9gveo6zgHci4B28ytJLMh4JlQzxktoAfYzS",
];

/// Hashes of "my password" by ASP.NET Core Identity, from its own tests: version 2, and version 3 with each digest.
const ASP_NET: [&str; 5] = [
    "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==",
    "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M",
    "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
    "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
    "AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw==",
];

const SALT: &str = "AAECAwQFBgcICQoLDA0ODw";
const HASH: &str = "0oOR7pvnJMGFtyfOoN2dxEdybu64D1tG0sprIQxYc+Y";

fn is_of(hash: &str, password: &[u8]) -> bool {
    matches(hash, password, &mut Memory::default())
}

#[test]
fn what_others_made_is_verified() {
    for hash in SAMPLES.into_iter().chain(OTHERS) {
        assert_eq!(check_imported(hash), Ok(()), "{hash}");
        assert!(is_of(hash, PASSWORD.as_bytes()), "{hash}");
        for wrong in ["", "through the looking glas", "through the looking glass ", "Through the looking glass"] {
            let is_trimmed = hash.starts_with("$wp") && wrong.trim() == PASSWORD; // so does WordPress
            assert_eq!(is_of(hash, wrong.as_bytes()), is_trimmed, "{hash}");
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
        OTHERS[10].replace("rounds=1000", "rounds=-1"),
        OTHERS[10].replace("rounds=1000", "rounds=1000$rounds=1000"),
        OTHERS[11].replace("$6$", "$5$"),
        OTHERS[8].replace("$P$5", "$P$="),
        OTHERS[8].replace("550", "55"),
        OTHERS[0].replace("1000", "+1000"),
        OTHERS[5].replace("$16$", "$15$"),
        OTHERS[5].replace("$16$", "$0$"),
        OTHERS[7].replace("sha256", "md5"),
        OTHERS[7].replace("90dc", "90d"),
        OTHERS[14].replace("{SSHA}", "{MD5}"),
        OTHERS[14][..33].to_owned(),
        "{SSHA}".into(),
        "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT".into(),
        "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1u".into(),
        format!("$firebase-scrypt$ln=14,r=8${SALT}==$Bw==${SALT}"),
        "$2b$04$short".into(),
        "$2x$04$I74edb2AkpYTzogRC3HT4uJdDXCuqdTclV2JZqaUxUz93ltRlDMgq".into(),
        "$2b$aa$I74edb2AkpYTzogRC3HT4uJdDXCuqdTclV2JZqaUxUz93ltRlDMgq".into(),
        format!("$argon2id$v=19$m=16,t=1,p=1${SALT}"),
        phc("$argon2id$m=16,t=1,p=1"),
        phc("$argon2id$v=18$m=16,t=1,p=1"),
        phc("$argon2id$v=19$m=16,t=1,p=1,keyid=AAAA"),
        phc("$argon2id$v=19$m=16,t=0,p=1"),
        phc("$argon2x$v=19$m=16,t=1,p=1"),
        phc("$pbkdf2-md5$i=1000"),
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
        (
            OTHERS[18].replace("$1000$", "$10000000$"),
            OTHERS[18].replace("$1000$", "$10000001$"),
            "PBKDF2 with i of 1 to 10000000, received 10000001",
        ),
        (
            OTHERS[19].replace("=1000$", "=5000000$"),
            OTHERS[19].replace("=1000$", "=5000001$"),
            "i of 1 to 5000000, received 5000001 for each of 2 blocks of the hash",
        ),
        (
            OTHERS[10].replace("=1000$", "=1000000$"),
            OTHERS[10].replace("=1000$", "=1000001$"),
            "sha512-crypt with rounds of 1000 to 1000000, received 1000001",
        ),
        (OTHERS[10].into(), OTHERS[10].replace("=1000$", "=999$"), "received 999"),
        (OTHERS[8].replace("$P$5", "$P$I"), OTHERS[8].replace("$P$5", "$P$J"), "phpass with 2^7 to 2^20 rounds, received 2^21"),
        (OTHERS[5].into(), OTHERS[5].replace("$16$", "$2147483648$"), "received ln=31, r=8"),
        (OTHERS[2].into(), OTHERS[2].replace("$04$", "$15$"), "a cost of 4 to 14, received 15"),
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

#[test]
fn asp_net_identity_is_verified() {
    for hash in ASP_NET {
        assert_eq!(check_imported(hash), Ok(()), "{hash}");
        assert!(is_of(hash, b"my password") && !is_of(hash, b"my passwor"), "{hash}");
    }
}

#[test]
fn what_keycloak_exports_is_read_as_it_is() {
    // By Java's PBKDF2WithHmacSHA1, SHA256 and SHA512, and by argon2-cffi.
    let credential = |algorithm: &str, iterations: u32, additional: Value, value: &str| {
        let data = serde_json::json!({"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": additional});
        let secret = serde_json::json!({"value": value, "salt": format!("{SALT}=="), "additionalParameters": {}});
        serde_json::json!({
            "id": "x", "type": "password", "createdDate": 1, "credentialData": data.to_string(), "secretData": secret.to_string(),
        })
    };
    let argon2 =
        serde_json::json!({"hashLength": ["32"], "memory": ["16"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]});
    let none = || serde_json::json!({});
    for credential in [
        credential("pbkdf2", 1000, none(), "ys1E6BoMRmYByvuwqROC2WwzOScx4FbvFUi29DipD1I="),
        credential("pbkdf2-sha256", 1000, none(), "0oOR7pvnJMGFtyfOoN2dxEdybu64D1tG0sprIQxYc+Y="),
        credential(
            "pbkdf2-sha512",
            1000,
            none(),
            "vRF5vbMjgN1yxrDLfEJ+VeZ0IaaWg1+kiSs4vSKLYHs+IDBkjhZ9Gh1wG6na9cKy5QaH8YURhBJWMHCO+qlOgw==",
        ),
        credential("argon2", 1, argon2, "WO08xACxXN/GdoTAlWHEY77r06oHWmOt7jc6p/vRq+Y="),
    ] {
        let stored = imported(&credential).unwrap();
        assert!(is_of(&stored, PASSWORD.as_bytes()) && !is_of(&stored, b"another"), "{stored}");
    }
    for (bad, words) in [
        (credential("bcrypt", 10, none(), "AAAA"), "received 'bcrypt'"),
        (credential("pbkdf2-sha256", 20_000_000, none(), HASH), "received 20000000"),
        (serde_json::json!({"credentialData": "{}", "secretData": "{}"}), "hashIterations and algorithm"),
        (serde_json::json!({"credentialData": SALT, "secretData": HASH}), "hashIterations and algorithm"),
        (serde_json::json!({"value": HASH}), "expected a text, a credential as Keycloak exports it"),
        (serde_json::json!([HASH]), "expected a text"),
    ] {
        let why = imported(&bad).unwrap_err();
        assert!(why.as_ref().contains(words) && !why.as_ref().contains(SALT) && !why.as_ref().contains(HASH), "{why}");
    }
}

#[test]
fn what_firebase_exports_is_read_as_it_is() {
    // The example of github.com/firebase/scrypt; the second was made by Python's hashlib.scrypt and `openssl enc -aes-256-ctr`.
    const KEY: &str = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    let exported = |rounds: u32, mem_cost: u32, hash: &str| {
        serde_json::json!({
            "algorithm": "SCRYPT", "base64_signer_key": KEY, "base64_salt_separator": "Bw==", "rounds": rounds, "mem_cost": mem_cost,
            "passwordHash": hash, "salt": "42xEC+ixf3L2lw==",
        })
    };
    let example = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";
    let other = "RL/Or1vcFyMheIQHvwAc9zwMRf4exXjkET7dkg/gNaX4iI+1FblAWZhztgXZFzpmrZjYMmXsHOmgqqaYAcbzyQ==";
    for (exported, password) in [
        (exported(8, 14, example), "user1password"),
        (exported(1, 4, other), PASSWORD),
        (exported(1, 4, &other.replace('+', "-").replace('/', "_")), PASSWORD),
    ] {
        let stored = imported(&exported).unwrap();
        assert!(is_of(&stored, password.as_bytes()) && !is_of(&stored, b"another"), "{stored}");
    }
    for (bad, words) in [
        (exported(8, 21, example), "received ln=21, r=8"),
        (exported(8, 14, "AAAA"), "expected argon2"),
        (exported(8, 14, "not base64"), "passwordHash: expected base64"),
        (serde_json::json!({"base64_signer_key": KEY}), "mem_cost, passwordHash and salt"),
    ] {
        let why = imported(&bad).unwrap_err();
        assert!(why.as_ref().contains(words) && !why.as_ref().contains("jxspr8"), "{why}");
    }
}
