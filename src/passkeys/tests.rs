//! Tests of passkeys without a server: what is asked for, and, by an authenticator made here byte by byte, what no authenticator of
//! others does: a counter or a flag of our choice, another origin, a frame, an attestation.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    asn1::{Asn1Object, Asn1OctetString, Asn1Time},
    bn::BigNumContext,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    sign::Signer,
    x509::{
        X509, X509Extension, X509NameBuilder,
        extension::{BasicConstraints, KeyUsage},
    },
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;

const ISSUER: &str = "https://id.example.com";
const MODEL: &str = "cb69481e-8ff7-4039-93ec-0a2729a154a8";
/// Present, verified, with a key.
const FLAGS: u8 = 0x01 | 0x04 | 0x40;
const ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;

fn passkeys(settings: &PasskeySettings) -> Passkeys {
    Passkeys::of(&Issuer::parse(ISSUER).unwrap(), settings).unwrap().unwrap()
}

/// An authenticator whose every byte is chosen.
struct Crafted {
    key: PKey<Private>,
    flags: u8,
    counter: u32,
    rp_id: &'static str,
    client: Value,
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn sign(key: &PKey<Private>, data: &[u8]) -> Vec<u8> {
    Signer::new(MessageDigest::sha256(), key).unwrap().sign_oneshot_to_vec(data).unwrap()
}

/// CBOR, as far as it is needed here: a head with a length below 2^16.
fn head(kind: u8, length: usize) -> Vec<u8> {
    let length = u16::try_from(length).unwrap();
    match length {
        0..=23 => vec![kind << 5 | u8::try_from(length).unwrap()],
        24..=255 => vec![kind << 5 | 0x18, u8::try_from(length).unwrap()],
        _ => [vec![kind << 5 | 0x19], length.to_be_bytes().to_vec()].concat(),
    }
}

fn bytes(content: &[u8]) -> Vec<u8> {
    [head(2, content.len()), content.to_vec()].concat()
}

fn words(content: &str) -> Vec<u8> {
    [head(3, content.len()), content.into()].concat()
}

impl Crafted {
    fn new() -> Self {
        Self { key: key(), flags: FLAGS, counter: 0, rp_id: "id.example.com", client: json!({ "origin": ISSUER }) }
    }

    fn client_data(&self, kind: &str, options: &str) -> Vec<u8> {
        let options: Value = serde_json::from_str(options).unwrap();
        let mut client = json!({ "type": kind, "challenge": options["challenge"], "crossOrigin": false });
        client.as_object_mut().unwrap().extend(self.client.as_object().unwrap().clone());
        client.to_string().into_bytes()
    }

    fn data(&self, attested: &[u8]) -> Vec<u8> {
        let hash = Sha256::digest(self.rp_id);
        [hash.as_slice(), &[self.flags], &self.counter.to_be_bytes(), attested].concat()
    }

    fn attested_data(&self) -> Vec<u8> {
        let model = MODEL.replace('-', "");
        let model: Vec<_> = (0..16).map(|n| u8::from_str_radix(&model[n * 2..n * 2 + 2], 16).unwrap()).collect();
        let (mut context, key) = (BigNumContext::new().unwrap(), self.key.ec_key().unwrap());
        let (mut x, mut y) = (openssl::bn::BigNum::new().unwrap(), openssl::bn::BigNum::new().unwrap());
        key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context).unwrap();
        let (x, y) = (x.to_vec_padded(32).unwrap(), y.to_vec_padded(32).unwrap());
        let cose = [&[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21][..], &bytes(&x), &[0x22], &bytes(&y)].concat();
        self.data(&[&model[..], &[0, 16], &[7; 16], &cose].concat())
    }

    /// The answer to a request for a new passkey, with a statement of an attestation.
    fn make(&self, options: &str, attest: impl Fn(&[u8]) -> (&'static str, Vec<u8>)) -> String {
        let client = self.client_data("webauthn.create", options);
        let data = self.attested_data();
        let (format, statement) = attest(&[&data[..], Sha256::digest(&client).as_slice()].concat());
        let object =
            [head(5, 3), words("fmt"), words(format), words("attStmt"), statement, words("authData"), bytes(&data)].concat();
        let response = json!({ "clientDataJSON": text(&client), "attestationObject": text(&object), "transports": ["usb"] });
        json!({ "id": text(&[7; 16]), "rawId": text(&[7; 16]), "type": "public-key", "response": response }).to_string()
    }

    fn show(&self, options: &str) -> String {
        let client = self.client_data("webauthn.get", options);
        let data = Self { flags: self.flags & !0x40, key: self.key.clone(), client: json!({}), ..*self }.data(&[]);
        let signature = sign(&self.key, &[&data[..], Sha256::digest(&client).as_slice()].concat());
        let response = json!({ "clientDataJSON": text(&client), "authenticatorData": text(&data), "signature": text(&signature), "userHandle": text(&[1; 32]) });
        json!({ "id": text(&[7; 16]), "rawId": text(&[7; 16]), "type": "public-key", "response": response }).to_string()
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn none(_: &[u8]) -> (&'static str, Vec<u8>) {
    ("none", head(5, 0))
}

const OWNER: Owner<'static> = Owner { handle: &[1; 32], username: "alice", display_name: "Alice Example" };

fn make(passkeys: &Passkeys, crafted: &Crafted, is_offered: bool) -> Result<Created, Unacceptable> {
    let asking = passkeys.ask_for_new(OWNER, &[], is_offered).unwrap();
    passkeys.created(asking.state.expose(), &crafted.make(&asking.options, none), is_offered)
}

fn show(passkeys: &Passkeys, crafted: &Crafted, made: &Created) -> Result<Use, Unacceptable> {
    let asking = passkeys.ask(&[]).unwrap();
    let answer = Answer::read(&crafted.show(&asking.options)).unwrap();
    let stored = Key::from_stored(&made.key.to_stored().unwrap()).unwrap();
    passkeys.used(asking.state.expose(), &answer, (answer.id(), &stored), made.is_synced)
}

#[test]
fn a_passkey_is_made_stored_and_used() {
    let passkeys = passkeys(&PasskeySettings::default());
    let mut crafted = Crafted { counter: 5, flags: FLAGS | ELIGIBLE | BACKED_UP, ..Crafted::new() };
    let made = make(&passkeys, &crafted, false).unwrap();
    assert_eq!((made.counter, made.is_synced, made.model.as_deref(), made.is_attested), (5, true, Some(MODEL), false));
    assert!(made.key.is_backup_eligible);
    crafted.counter = 3;
    assert_eq!(show(&passkeys, &crafted, &made), Ok(Use { counter: 3, is_synced: true }), "judged by the caller");
    crafted.flags = FLAGS | ELIGIBLE;
    assert_eq!(show(&passkeys, &crafted, &made), Ok(Use { counter: 3, is_synced: false }));
}

#[test]
fn one_difference_is_enough_to_refuse() {
    let passkeys = passkeys(&PasskeySettings::default());
    let good = Crafted::new();
    let made = make(&passkeys, &good, false).unwrap();
    let but = |change: &dyn Fn(&mut Crafted)| {
        let mut crafted = Crafted { key: good.key.clone(), ..Crafted::new() };
        change(&mut crafted);
        let new = make(&passkeys, &crafted, false).err().map(|why| why.0);
        (new, show(&passkeys, &crafted, &made).err().map(|why| why.0))
    };
    let both = |why: &'static str| (Some(why), Some(why));
    assert_eq!(but(&|_| ()), (None, None));
    assert_eq!(but(&|one| one.flags &= !0x04), both("no user verification"));
    assert_eq!(but(&|one| one.flags &= !0x01), both("no user presence"));
    assert_eq!(but(&|one| one.rp_id = "example.com"), both("another RP ID"));
    let origins = [
        "https://example.com",
        "https://evil.id.example.com",
        "https://id.example.com.evil.example",
        "https://id.example.com:8443",
        "http://id.example.com",
        "https://id.example.com/",
        "https://ID.example.com",
        "https://user@id.example.com",
        "null",
        "",
    ];
    for origin in origins {
        assert_eq!(but(&|one| one.client = json!({ "origin": origin })), both("another origin"), "{origin}");
    }
    let of_others = [json!({ "crossOrigin": true }), json!({ "topOrigin": ISSUER })];
    for frame in of_others {
        let embedded = |one: &mut Crafted| one.client.as_object_mut().unwrap().extend(frame.as_object().unwrap().clone());
        assert_eq!(but(&embedded), both("a page in a frame of another origin"), "{frame}");
    }
    let other = json!({ "origin": ISSUER, "challenge": text(&[0; 32]) });
    assert_eq!(but(&|one| one.client = other.clone()), both("another challenge"));
    let kind = json!({ "origin": ISSUER, "type": "webauthn.sign" });
    assert_eq!(but(&|one| one.client = kind.clone()), both("an answer to another kind of request"));
    assert_eq!(but(&|one| one.key = key()), (None, Some("a signature by another key")));
    assert_eq!(but(&|one| one.flags |= ELIGIBLE).1, Some("backup eligibility that has changed"));
    assert_eq!(but(&|one| one.flags |= BACKED_UP), both("backed up, although not eligible for it"));
}

#[test]
fn a_state_counts_for_one_kind_of_request_and_garbage_for_nothing() {
    let passkeys = passkeys(&PasskeySettings::default());
    let crafted = Crafted::new();
    let (new, old) = (passkeys.ask_for_new(OWNER, &[], false).unwrap(), passkeys.ask(&[]).unwrap());
    let answer = crafted.make(&new.options, none);
    assert!(passkeys.created(old.state.expose(), &answer, false).is_err());
    assert!(passkeys.created(b"", &answer, false).is_err());
    for garbage in ["", "{}", "null", "[]", &answer[..answer.len() / 2]] {
        assert!(passkeys.created(new.state.expose(), garbage, false).is_err(), "{garbage}");
        assert!(Answer::read(garbage).is_none(), "{garbage}");
    }
    let made = passkeys.created(new.state.expose(), &answer, false).unwrap();
    let shown = Answer::read(&crafted.show(&old.options)).unwrap();
    assert!(passkeys.used(new.state.expose(), &shown, (shown.id(), &made.key), false).is_err());
    assert!(passkeys.used(old.state.expose(), &shown, (&[8; 16], &made.key), false).is_err(), "of another id");
    assert!(passkeys.used(old.state.expose(), &shown, (shown.id(), &made.key), false).is_ok());
}

#[test]
fn one_that_is_offered_may_be_made_without_its_user_and_not_used_so() {
    let passkeys = passkeys(&PasskeySettings::default());
    let mut crafted = Crafted { flags: 0x40 | ELIGIBLE | BACKED_UP, ..Crafted::new() };
    assert!(make(&passkeys, &crafted, false).is_err());
    let made = make(&passkeys, &crafted, true).unwrap();
    assert_eq!(show(&passkeys, &crafted, &made).err(), Some(Unacceptable("no user presence")));
    crafted.flags |= 0x01;
    assert_eq!(show(&passkeys, &crafted, &made).err(), Some(Unacceptable("no user verification")));
    crafted.flags |= 0x04;
    assert!(show(&passkeys, &crafted, &made).is_ok());
}

#[test]
fn related_origins_are_accepted_as_they_are_written() {
    let settings = PasskeySettings { related_origins: vec!["https://www.example.org".into()], ..PasskeySettings::default() };
    let (alone, related) = (passkeys(&PasskeySettings::default()), passkeys(&settings));
    let crafted = Crafted { client: json!({ "origin": "https://www.example.org" }), ..Crafted::new() };
    assert!(make(&alone, &crafted, false).is_err());
    assert!(make(&related, &crafted, false).is_ok());
    let other = Crafted { client: json!({ "origin": "https://a.www.example.org" }), ..Crafted::new() };
    assert!(make(&related, &other, false).is_err());
}

#[test]
fn at_an_address_there_are_none() {
    for (issuer, rp_id) in [
        ("http://127.0.0.1:8080", None),
        ("http://[::1]:8080", None),
        ("http://localhost:8080", Some("localhost")),
        ("https://id.example.com:8443/auth", Some("id.example.com")),
    ] {
        let found = Passkeys::of(&Issuer::parse(issuer).unwrap(), &PasskeySettings::default()).unwrap();
        assert_eq!(found.as_ref().map(Passkeys::rp_id), rp_id, "{issuer}");
    }
}

/// A certificate, by its own key or another's.
fn certificate(key: &PKey<Private>, name: &str, by: Option<(&X509, &PKey<Private>)>) -> X509 {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    for (field, value) in [("C", "CH"), ("O", "Example"), ("OU", "Authenticator Attestation"), ("CN", name)] {
        subject.append_entry_by_text(field, value).unwrap();
    }
    let subject = subject.build();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(by.map_or(&subject, |(issuer, _)| issuer.subject_name())).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_serial_number(&openssl::bn::BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(365).unwrap()).unwrap();
    let mut constraints = BasicConstraints::new();
    if by.is_none() {
        constraints.ca();
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().build().unwrap()).unwrap();
    } else {
        let model: Vec<_> = (0..16).map(|n| u8::from_str_radix(&MODEL.replace('-', "")[n * 2..n * 2 + 2], 16).unwrap()).collect();
        let id = Asn1Object::from_str("1.3.6.1.4.1.45724.1.1.4").unwrap();
        let value = Asn1OctetString::new_from_bytes(&[&[4, 16], &model[..]].concat()).unwrap();
        builder.append_extension(X509Extension::new_from_der(&id, false, &value).unwrap()).unwrap();
    }
    builder.append_extension(constraints.critical().build().unwrap()).unwrap();
    builder.sign(by.map_or(key, |(_, signer)| signer), MessageDigest::sha256()).unwrap();
    builder.build()
}

/// The settings that list this model, with this root.
fn listing(model: &str, root: &X509) -> PasskeySettings {
    let hardware = crate::config::HardwarePasskeys {
        models: vec![model.to_owned()],
        ca_file: "roots.pem".into(),
        roots: vec![root.to_der().unwrap()],
    };
    PasskeySettings { hardware: Some(hardware), ..PasskeySettings::default() }
}

#[test]
fn a_model_is_hardware_if_its_maker_says_so_and_the_operator_lists_it() {
    let (root_key, leaf_key) = (key(), key());
    let root = certificate(&root_key, "Root", None);
    let leaf = certificate(&leaf_key, "Leaf", Some((&root, &root_key)));
    let by = |signer: &PKey<Private>, data: &[u8]| {
        let chain = [head(4, 1), bytes(&leaf.to_der().unwrap())].concat();
        let statement =
            [head(5, 3), words("alg"), vec![0x26], words("sig"), bytes(&sign(signer, data)), words("x5c"), chain].concat();
        ("packed", statement)
    };
    let attested = |settings: &PasskeySettings, signer: Option<&PKey<Private>>| {
        let passkeys = passkeys(settings);
        let asking = passkeys.ask_for_new(OWNER, &[], false).unwrap();
        let options: Value = serde_json::from_str(&asking.options).unwrap();
        assert_eq!(options["attestation"], if settings.hardware.is_some() { "direct" } else { "none" });
        let answer = Crafted::new().make(&asking.options, |data| signer.map_or_else(|| none(data), |key| by(key, data)));
        let made = passkeys.created(asking.state.expose(), &answer, false).map(|made| (made.is_attested, made.model.unwrap()));
        made.map(|(is, model)| is && passkeys.is_hardware(Some(&model))).map_err(|why| why.0)
    };
    let listed = listing(MODEL, &root);
    assert_eq!(attested(&listed, Some(&leaf_key)), Ok(true));
    assert_eq!(attested(&listed, None), Ok(false), "the AAGUID alone is a claim");
    assert!(attested(&listed, Some(&root_key)).is_err(), "a signature by another key");
    assert_eq!(attested(&PasskeySettings::default(), Some(&leaf_key)), Ok(false), "nothing is listed");
    let other = listing("00000000-0000-0000-0000-000000000001", &root);
    assert_eq!(attested(&other, Some(&leaf_key)), Ok(false), "another model is listed");
    let foreign = listing(MODEL, &certificate(&key(), "Root", None));
    assert_eq!(attested(&foreign, Some(&leaf_key)), Ok(false), "another root");
}
