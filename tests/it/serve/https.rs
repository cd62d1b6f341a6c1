//! HTTPS by the server itself: TLS 1.2 and 1.3 and nothing older, and a certificate that is read again on SIGHUP while open
//! connections continue.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
};

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode, SslVersion},
    x509::{X509, X509Builder, X509NameBuilder, extension::SubjectAlternativeName},
};

use super::Site;
use crate::harness::{Database, try_send};

/// A certificate for localhost, signed by itself.
pub fn certificate() -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    let names = SubjectAlternativeName::new().dns("localhost").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

pub fn write(directory: &Path, (certificate, key): &(X509, PKey<Private>)) {
    fs::write(directory.join("cert.pem"), certificate.to_pem().unwrap()).unwrap();
    fs::write(directory.join("key.pem"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
}

/// Connects, trusting this certificate alone, with this version of TLS; `None` where the server refuses.
fn connect(site: &Site, trusted: &X509, version: SslVersion) -> Option<BufReader<SslStream<TcpStream>>> {
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.set_verify(SslVerifyMode::PEER);
    connector.cert_store_mut().add_cert(trusted.clone()).unwrap();
    connector.set_cipher_list("ALL:@SECLEVEL=0").unwrap(); // as old clients: else OpenSSL itself refuses TLS 1.1
    connector.set_min_proto_version(Some(version)).unwrap();
    connector.set_max_proto_version(Some(version)).unwrap();
    let stream = TcpStream::connect(site.url.strip_prefix("https://").unwrap()).unwrap();
    connector.build().connect("localhost", stream).ok().map(BufReader::new)
}

/// One request; the connection stays open. The status line, the headers and the body.
fn get(connection: &mut BufReader<SslStream<TcpStream>>, path: &str) -> (String, String) {
    write!(connection.get_mut(), "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(connection.read_line(&mut head).unwrap(), 0, "cut off after {head}");
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap();
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

pub fn site() -> Site {
    let site = Site::new(Database::sqlite());
    let url = site.url.replace("http://", "https://");
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| site.directory.path().join(name).display().to_string());
    let mut site =
        site.with("SYMBOLON_ISSUER", url.clone()).with("SYMBOLON_TLS_CERT_FILE", cert).with("SYMBOLON_TLS_KEY_FILE", key);
    site.url = url;
    site
}

#[test]
fn the_certificate_is_read_again_and_open_connections_go_on() {
    let site = site();
    let directory = site.directory.path();
    let (first, second) = (certificate(), certificate());
    write(directory, &first);
    let mut process = site.serve();
    let (tls12, tls13) = (SslVersion::TLS1_2, SslVersion::TLS1_3);
    let mut open = connect(&site, &first.0, tls13).unwrap();
    let (head, body) = get(&mut open, "/.well-known/openid-configuration");
    assert!(
        head.starts_with("HTTP/1.1 200") && head.to_lowercase().contains("strict-transport-security: max-age=31536000"),
        "{head}"
    );
    assert!(body.contains(&format!("\"issuer\":\"{}\"", site.url)), "{body}");
    assert!(connect(&site, &first.0, tls12).is_some());
    assert!(connect(&site, &second.0, tls13).is_none(), "another certificate is not taken for it");

    write(directory, &second);
    process.signal("HUP");
    process.wait_for("certificate reloaded");
    assert!(get(&mut open, "/healthz").0.starts_with("HTTP/1.1 200"), "what was open goes on");
    assert!(connect(&site, &first.0, tls13).is_none());
    let mut new = connect(&site, &second.0, tls12).unwrap();
    assert!(get(&mut new, "/healthz").0.starts_with("HTTP/1.1 200"));

    fs::write(directory.join("key.pem"), first.1.private_key_to_pem_pkcs8().unwrap()).unwrap();
    process.signal("HUP");
    process.wait_for("keeping the old one");
    assert!(connect(&site, &second.0, tls13).is_some(), "a key of another certificate changes nothing");
    process.signal("TERM");
    assert_eq!(process.end().0.code(), Some(0));
}

#[test]
fn old_tls_and_plain_http_get_nothing() {
    let site = site();
    let own = certificate();
    write(site.directory.path(), &own);
    let _process = site.serve();
    for old in [SslVersion::TLS1, SslVersion::TLS1_1] {
        assert!(connect(&site, &own.0, old).is_none());
    }
    assert!(connect(&site, &own.0, SslVersion::TLS1_2).is_some(), "the same client with a newer one");
    let plain = try_send("GET", &format!("{}/healthz", site.url.replace("https://", "http://")), &[], None);
    assert!(plain.is_err(), "{plain:?}");
}

#[test]
fn files_that_are_no_certificate_are_named() {
    let site = site();
    assert!(site.refusal(&["serve"]).contains("cert.pem"));
    let (own, other) = (certificate(), certificate());
    write(site.directory.path(), &(own.0, other.1));
    assert!(site.refusal(&["serve"]).contains("key.pem"), "they do not belong together");
    fs::write(site.directory.path().join("cert.pem"), "nonsense").unwrap();
    assert!(site.refusal(&["serve"]).contains("cert.pem"));
}
