//! What the sign-in page costs on the wire: with all that it loads, headers included, it is small enough for a bad connection.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::harness::{Browser, Server, both};

/// The whole answer to a GET as a browser sends it, in bytes.
fn answer(server: &Server, path: &str) -> Vec<u8> {
    let host = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert!(bytes.starts_with(b"HTTP/1.1 200 "), "{path}: {}", String::from_utf8_lossy(&bytes));
    bytes
}

#[test]
fn the_sign_in_page_is_sixteen_kibibytes_at_most() {
    both(|server| {
        let web = server.add_web("web");
        let page = Browser::new(server).get(&Browser::request(&web, "openid profile email", &[("nonce", &"n".repeat(43))]));
        let html = answer(server, page.location());
        let text = String::from_utf8(html.clone()).unwrap();
        assert!(text.contains("data-page=\"login\"") && !text.to_lowercase().contains("content-encoding"), "{text}");
        let mut paths: Vec<_> = text.split('"').filter(|part| part.starts_with("/static/")).collect();
        paths.sort_unstable();
        paths.dedup();
        let files: Vec<_> = paths.iter().map(|path| (*path, answer(server, path))).collect();
        for (path, bytes) in &files {
            let head = String::from_utf8_lossy(bytes).split("\r\n\r\n").next().unwrap().to_lowercase();
            for line in ["content-encoding: gzip", "vary: accept-encoding", "cache-control: public, max-age=31536000, immutable"]
            {
                assert!(head.contains(line), "{path}: {head}");
            }
        }
        let sizes: Vec<_> = files.iter().map(|(path, bytes)| (*path, bytes.len())).collect();
        let total = html.len() + sizes.iter().map(|(_, size)| size).sum::<usize>();
        eprintln!("{total} bytes: the page {}, {sizes:?}", html.len());
        assert!(total <= 16 * 1024, "{total} bytes: the page {}, {sizes:?}", html.len());
    });
}

#[test]
fn whoever_cannot_unpack_a_file_gets_it_as_it_is() {
    both(|server| {
        let page = server.send("GET", "/login", &[], None);
        let path = page.attribute("link rel=\"stylesheet\"", "href");
        for accepted in [None, Some("identity"), Some("br"), Some("gzip;q=0"), Some("nonsense/;;")] {
            let headers: Vec<_> = accepted.into_iter().map(|accepted| ("Accept-Encoding", accepted)).collect();
            let file = server.send("GET", &path, &headers, None);
            assert_eq!((file.status, file.header("content-encoding")), (200, None), "{accepted:?}");
            assert!(file.body.contains("--page:") && file.header("vary") == Some("Accept-Encoding"), "{accepted:?}");
        }
    });
}
