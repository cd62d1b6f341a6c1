//! Every page with samples, so that users are not the first to see one: each page's file has its own, checked here by `markup`.
//! To view them, set `SYMBOLON_PAGE_SAMPLES` to a folder and run the test `every_page_renders`, which writes them there with
//! their assets.

use std::path::Path;

use super::{
    Layout, Template, activity, assets, confirm_email, consent, data, details, devices, email, enrol, error, everything_ended,
    form_post, home, invalid_link, login, markup, messages, not_me, passkeys, password, recover, recover_password,
    recovery_codes, register, register_finish, second_factor, security, select_account, sign_out, span_text, timeline, totp_add,
    when,
};

/// A rendered page with its name.
pub type Sample = (String, String);

/// The layout of the samples.
pub const LAYOUT: Layout<'static> = Layout { base: "", request_id: "01jd3v6q8w2n4m5k7r9t0xyzab" };

/// An address of the maximum length, without a natural break.
pub const LONG_EMAIL: &str =
    "wolfeschlegelsteinhausenbergerdorff.featherstonehaugh.the.elder@departmentoflongnamesandlongeraddresses.example.com";

/// The page called `name`.
pub fn sample(name: &str, page: &impl Template) -> Sample {
    (name.to_owned(), page.render().unwrap())
}

const HOSTILE: &str = r#""'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;"#;
const ESCAPED: &str = "&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#60;img src=x onerror=alert(1)&#62;&#38;lt;";

/// A value of `field` that a hostile client might send.
pub fn hostile(field: &str) -> String {
    format!("{field}{HOSTILE}")
}

/// Asserts that each of `fields` is on the page, and only as text.
pub fn assert_escaped(page: &impl Template, fields: &[&str]) {
    let html = page.render().unwrap();
    markup::check("hostile", &html);
    for field in fields {
        let escaped = format!("{field}{ESCAPED}");
        assert!(html.contains(&escaped), "{field} is not shown escaped");
    }
    assert!(!html.contains("<script>") && !html.contains(HOSTILE));
}

#[test]
fn every_page_renders() {
    let samples: Vec<Sample> = [
        login::tests::samples(),
        consent::tests::samples(),
        second_factor::tests::samples(),
        security::tests::samples(),
        totp_add::tests::samples(),
        recovery_codes::tests::samples(),
        select_account::tests::samples(),
        home::tests::samples(),
        devices::tests::samples(),
        activity::tests::samples(),
        passkeys::tests::samples(),
        password::tests::samples(),
        email::tests::samples(),
        enrol::tests::samples(),
        details::tests::samples(),
        data::tests::samples(),
        everything_ended::tests::samples(),
        sign_out::tests::samples(),
        form_post::tests::samples(),
        timeline::tests::samples(),
        error::tests::samples(),
        register::tests::samples(),
        register_finish::tests::samples(),
        recover::tests::samples(),
        recover_password::tests::samples(),
        confirm_email::tests::samples(),
        not_me::tests::samples(),
        invalid_link::tests::samples(),
    ]
    .concat();
    for (name, html) in &samples {
        markup::check(name, html);
        let is_of_error = html.contains("data-page=\"error\"") || html.contains("If you develop this app");
        assert_eq!(html.contains(LAYOUT.request_id), is_of_error, "{name}: the request id, where something went wrong");
        let same = samples.iter().filter(|(other, _)| other == name);
        assert_eq!(same.count(), 1, "{name} is a name twice");
    }
    let texts: Vec<Sample> = [messages::tests::samples(), when::tests::samples(), span_text::tests::samples()].concat();
    if let Some(folder) = std::env::var_os("SYMBOLON_PAGE_SAMPLES") {
        write(Path::new(&folder), &samples);
        for (name, text) in &texts {
            std::fs::write(Path::new(&folder).join(format!("{name}.txt")), text).unwrap();
        }
    }
}

fn write(folder: &Path, samples: &[Sample]) {
    std::fs::create_dir_all(folder.join("static")).unwrap();
    for (name, html) in samples {
        std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
        for tag in markup::tags(html) {
            for url in [tag.get("src"), tag.get("href")].into_iter().flatten() {
                if let Some(asset) = url.strip_prefix("/static/") {
                    let bytes = assets::find(asset).unwrap().bytes;
                    std::fs::write(folder.join("static").join(asset), bytes).unwrap();
                }
            }
        }
    }
}

#[test]
fn every_page_has_samples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
    let mut pages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if text.contains("#[template(path") && !path.ends_with("samples.rs") {
            let call = format!("{}::tests::samples()", path.file_stem().unwrap().display());
            assert!(include_str!("samples.rs").contains(&call), "{call}");
            pages += 1;
        }
    }
    assert!(pages > 0, "no page was found");
}

#[test]
fn an_unknown_asset_is_an_error() {
    assert!(LAYOUT.asset("symbolon.css").is_ok());
    assert!(LAYOUT.asset("simbolon.css").is_err());
}
