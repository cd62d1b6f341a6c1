//! Reads a rendered page the way a strict browser would and says what is wrong with it. For the tests of `pages` alone; it knows as
//! much of HTML as our templates use, and refuses the rest.

use std::collections::HashSet;

use super::assets;

/// A start tag with its attributes.
#[derive(Debug)]
pub struct Tag<'a> {
    pub name: &'a str,
    pub attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }
}

const VOID: [&str; 5] = ["meta", "link", "img", "input", "br"];

/// All start tags in order. Panics on tags that do not nest, and on anything a template should not have written.
pub fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut rest = html.trim_start().strip_prefix("<!doctype html>").expect("a doctype comes first");
    let (mut tags, mut open) = (Vec::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('/') {
            let (name, after) = after.split_once('>').expect("an end tag ends");
            assert_eq!(open.pop(), Some(name), "tags nest");
            rest = after;
            continue;
        }
        let name_end = rest.find(|c: char| !c.is_ascii_alphanumeric()).expect("a tag ends");
        let name = &rest[..name_end];
        assert!(!name.is_empty(), "a bare < before {rest:.40}");
        rest = &rest[name_end..];
        let attributes = attributes(&mut rest);
        if !VOID.contains(&name) {
            open.push(name);
        }
        tags.push(Tag { name, attributes });
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    tags
}

fn attributes<'a>(rest: &mut &'a str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            *rest = after;
            return found;
        }
        let end = rest.find(|c: char| c == '=' || c == '>' || c.is_whitespace()).expect("an attribute ends");
        let name = &rest[..end];
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !name.is_empty(), "attribute {name:?}");
        *rest = &rest[end..];
        let value = if let Some(after) = rest.strip_prefix("=\"") {
            let (value, after) = after.split_once('"').expect("a value ends");
            *rest = after;
            value
        } else {
            assert!(!rest.starts_with('='), "values are quoted: {name}");
            ""
        };
        assert!(!found.iter().any(|(own, _)| *own == name), "{name} comes twice");
        found.push((name, value));
    }
}

/// What holds for every page: the content security policy, the assets, the landmarks, the labels.
pub fn check(page: &str, html: &str) {
    let tags = tags(html);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    for (name, expected) in [("html", 1), ("title", 1), ("h1", 1), ("main", 1)] {
        assert_eq!(count(name), expected, "{page}: <{name}>");
    }
    for forbidden in ["style", "iframe", "object", "base"] {
        assert_eq!(count(forbidden), 0, "{page}: <{forbidden}>");
    }

    let ids: Vec<_> = tags.iter().filter_map(|tag| tag.get("id")).collect();
    let known: HashSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), known.len(), "{page}: ids are unique");
    let focused = tags.iter().filter(|tag| tag.get("autofocus").is_some());
    assert!(focused.count() <= 1, "{page}: one autofocus at most");

    for tag in &tags {
        for (name, value) in &tag.attributes {
            assert!(*name != "style" && !name.starts_with("on"), "{page}: {name} on <{}>", tag.name);
            assert!(!value.contains("javascript:"), "{page}: {value}");
            if ["aria-describedby", "aria-labelledby", "for"].contains(name) {
                let all = value.split(' ').all(|id| known.contains(id));
                assert!(all, "{page}: {name}={value} leads nowhere");
            }
        }
        match tag.name {
            "html" => assert_eq!(tag.get("lang"), Some("en"), "{page}"),
            "script" => asset(page, tag.get("src"), "text/javascript"),
            "img" => {
                asset(page, tag.get("src"), "image/svg+xml");
                assert!(tag.get("alt").is_some(), "{page}: an image has an alt");
            }
            "link" if tag.get("rel") == Some("stylesheet") => {
                asset(page, tag.get("href"), "text/css");
            }
            "link" => asset(page, tag.get("href"), "image/svg+xml"),
            "form" => assert_eq!(tag.get("method"), Some("post"), "{page}"),
            "button" => assert_eq!(tag.get("type"), Some("submit"), "{page}"),
            "input" if tag.get("type") != Some("hidden") => {
                let id = tag.get("id").expect("a visible input has an id");
                let labelled = tags.iter().any(|tag| tag.name == "label" && tag.get("for") == Some(id));
                assert!(labelled, "{page}: {id} has no label");
                // HTML has no autocomplete on checkboxes.
                assert_eq!(tag.get("autocomplete").is_none(), tag.get("type") == Some("checkbox"), "{page}: {id}");
            }
            _ => {}
        }
    }
    assert!(
        !html
            .split("<script")
            .skip(1)
            .any(|script| !script.split_once('>').is_some_and(|(_, after)| after.starts_with("</script>"))),
        "{page}: a script has content"
    );
}

fn asset(page: &str, url: Option<&str>, content_type: &str) {
    let url = url.expect("an asset has a URL");
    let (_, name) = url.split_once("/static/").expect("an asset is under /static/");
    let asset = assets::find(name).expect("the asset is there");
    assert!(asset.content_type.starts_with(content_type), "{page}: {url} is {}", asset.content_type);
}
