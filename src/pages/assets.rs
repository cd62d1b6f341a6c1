//! The files directly in `static/`, compiled into the binary, each under a name that holds a hash of its content: a changed file
//! has another URL, so a response may be cached for ever. Each is compressed once. The handler that serves them sets the headers.

use std::{io::Write, sync::LazyLock};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// A file as served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
    /// The same, compressed by gzip.
    pub gzip: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The name in `static/`, the content type, and the content.
const FILES: [(&str, &str, &[u8]); 10] = [
    ("symbolon.css", CSS, include_bytes!("../../static/symbolon.css")),
    ("account.css", CSS, include_bytes!("../../static/account.css")),
    ("forms.js", JAVASCRIPT, include_bytes!("../../static/forms.js")),
    ("times.js", JAVASCRIPT, include_bytes!("../../static/times.js")),
    ("codes.js", JAVASCRIPT, include_bytes!("../../static/codes.js")),
    ("passkeys.js", JAVASCRIPT, include_bytes!("../../static/passkeys.js")),
    ("form_post.js", JAVASCRIPT, include_bytes!("../../static/form_post.js")),
    ("favicon.svg", SVG, include_bytes!("../../static/favicon.svg")),
    ("half-left.svg", SVG, include_bytes!("../../static/half-left.svg")),
    ("half-right.svg", SVG, include_bytes!("../../static/half-right.svg")),
];

struct Named {
    name: &'static str,
    hashed_name: String,
    content_type: &'static str,
    bytes: &'static [u8],
    gzip: Vec<u8>,
}

impl Named {
    fn asset(&'static self) -> Asset {
        Asset { content_type: self.content_type, bytes: self.bytes, gzip: &self.gzip }
    }
}

static NAMED: LazyLock<Vec<Named>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|&(name, content_type, bytes)| Named {
            name,
            hashed_name: hashed_name(name, bytes),
            content_type,
            bytes,
            gzip: compressed(bytes),
        })
        .collect()
});

/// The URL of the asset called `name` in `static/`, or `None` if there is none. `base` is the path part of the issuer.
#[must_use]
pub fn url(base: &str, name: &str) -> Option<String> {
    NAMED.iter().find(|named| named.name == name).map(|named| format!("{base}/static/{}", named.hashed_name))
}

/// The asset served under `hashed_name`, the last segment of its URL.
#[must_use]
pub fn find(hashed_name: &str) -> Option<Asset> {
    NAMED.iter().find(|named| named.hashed_name == hashed_name).map(Named::asset)
}

/// The asset that another version of this program serves under this name: during a rolling upgrade, a page of one version causes
/// requests to another. Its content does not match the hash in the name, so it must not be cached.
#[must_use]
pub fn of_another_version(hashed_name: &str) -> Option<Asset> {
    let (stem, rest) = hashed_name.split_once('.')?;
    let (hash, extension) = rest.split_once('.')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_it = |named: &&Named| is_hash && named.name.split_once('.') == Some((stem, extension));
    NAMED.iter().find(is_it).map(Named::asset)
}

/// Empty if it failed, which no caller takes for the content.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// `symbolon.css` becomes `symbolon.<16 hex digits of SHA-256>.css`.
fn hashed_name(name: &str, bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes).iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash:016x}.{extension}"),
        None => format!("{name}.{hash:016x}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_url_leads_to_its_file() {
        for (name, content_type, bytes) in FILES {
            let url = url("/tenant", name).unwrap();
            let hashed = url.strip_prefix("/tenant/static/").unwrap();
            let found = find(hashed).unwrap();
            assert_eq!((found.content_type, found.bytes), (content_type, bytes));
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(found.gzip).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == bytes && found.gzip.len() < bytes.len(), "{name}");
            assert!(!bytes.is_empty(), "{name}");
        }
    }

    #[test]
    fn only_the_hashed_name_is_served() {
        assert_eq!(find("symbolon.css"), None);
        assert_eq!(find("symbolon.0000000000000000.css"), None);
        assert_eq!(find(""), None);
        assert_eq!(url("", "nothing.css"), None);
    }

    #[test]
    fn another_version_of_a_file_is_known_by_its_name() {
        let css = find(url("", "symbolon.css").unwrap().strip_prefix("/static/").unwrap());
        assert_eq!(of_another_version("symbolon.0123456789abcdef.css"), css);
        for bad in
            ["symbolon.css", "symbolon.0123456789abcde.css", "symbolon.0123456789ABCDEF.css", "nothing.0123456789abcdef.css", ""]
        {
            assert_eq!(of_another_version(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_hash_is_of_the_content() {
        // SHA-256 of "abc", FIPS 180-4's example.
        assert_eq!(hashed_name("a.css", b"abc"), "a.ba7816bf8f01cfea.css");
    }

    #[test]
    fn every_file_directly_in_static_is_embedded_and_needs_no_other_host() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                continue;
            }
            let name = entry.file_name().into_string().unwrap();
            assert!(url("", &name).is_some(), "static/{name} is not in FILES");
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let own = text.replace("http://www.w3.org/2000/svg", "");
            for foreign in ["http:", "https:", "@import", "url(//"] {
                assert!(!own.contains(foreign), "static/{name} has {foreign}");
            }
            count += 1;
        }
        assert_eq!(count, FILES.len());
    }
}
