//! A checker of rendered pages, which reads them as a strict browser would. For the tests of `pages` only; it knows as much HTML
//! as our templates use, and refuses the rest.

use std::collections::HashSet;

use super::assets;

/// A start tag with its attributes.
#[derive(Debug)]
pub struct Tag<'a> {
    pub name: &'a str,
    pub attributes: Vec<(&'a str, &'a str)>,
    /// Whether it is inside an `<svg>`.
    pub is_drawn: bool,
}

impl<'a> Tag<'a> {
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }
}

const VOID: [&str; 5] = ["meta", "link", "img", "input", "br"];

/// All start tags in order. Panics on tags that do not nest, and on anything that a template should not contain.
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
        let is_drawn = open.contains(&"svg");
        let attributes = attributes(&mut rest);
        if !VOID.contains(&name) {
            open.push(name);
        }
        tags.push(Tag { name, attributes, is_drawn });
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
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') && !name.is_empty(),
            "attribute {name:?}"
        );
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

/// Checks what holds for every page: the content security policy, the assets, the landmarks, the labels.
pub fn check(page: &str, html: &str) {
    let tags = tags(html);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name && !tag.is_drawn).count();
    for (name, expected) in [("html", 1), ("title", 1), ("h1", 1), ("main", 1)] {
        assert_eq!(count(name), expected, "{page}: <{name}>");
    }
    for forbidden in ["style", "iframe", "object", "base"] {
        assert_eq!(count(forbidden), 0, "{page}: <{forbidden}>");
    }

    let is_named = |tag: &Tag<'_>| tag.get("data-page").is_some_and(|name| !name.is_empty());
    assert!(tags.iter().any(|tag| tag.name == "main" && is_named(tag)), "{page}: it says which page it is");

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
                let leads = known.contains(value) || *name != "for" && value.split(' ').all(|id| known.contains(id));
                assert!(leads, "{page}: {name}={value} leads nowhere");
            }
        }
        if tag.is_drawn || tag.name == "svg" {
            drawn(page, tag, &known);
            continue;
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
            // What only a script can do is shown by it.
            "button" if tag.get("hidden").is_some() => assert_eq!(tag.get("type"), Some("button"), "{page}"),
            "button" => assert_eq!(tag.get("type"), Some("submit"), "{page}"),
            "input" if tag.get("type") != Some("hidden") => {
                let id = tag.get("id").expect("a visible input has an id");
                let labelled = tags.iter().any(|tag| tag.name == "label" && tag.get("for") == Some(id));
                assert!(labelled, "{page}: {id} has no label");
                // Checkboxes have no autocomplete in HTML.
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

/// Checks inline drawings: only shapes and text, with colours from the style sheet, and a text alternative.
fn drawn(page: &str, tag: &Tag<'_>, known: &HashSet<&str>) {
    const SHAPES: [&str; 11] = ["title", "desc", "defs", "g", "path", "rect", "circle", "line", "text", "tspan", "use"];
    const GEOMETRY: [&str; 19] = [
        "data-time",
        "id",
        "class",
        "transform",
        "d",
        "x",
        "y",
        "width",
        "height",
        "rx",
        "ry",
        "cx",
        "cy",
        "r",
        "x1",
        "y1",
        "x2",
        "y2",
        "href",
    ];
    const NAMED: [&str; 5] = ["role", "aria-labelledby", "aria-describedby", "width", "height"];
    if tag.name == "svg" {
        assert!(!tag.is_drawn, "{page}: a drawing in a drawing");
        assert_eq!(tag.get("role"), Some("img"), "{page}: a drawing is a picture");
        for name in NAMED {
            assert!(tag.get(name).is_some_and(|value| !value.is_empty()), "{page}: a drawing has {name}");
        }
        let others = tag.attributes.iter().filter(|(name, _)| *name != "class" && !NAMED.contains(name));
        assert_eq!(others.count(), 0, "{page}: {:?}", tag.attributes);
        return;
    }
    assert!(SHAPES.contains(&tag.name), "{page}: <{}> in a drawing", tag.name);
    for (name, value) in &tag.attributes {
        assert!(GEOMETRY.contains(name), "{page}: {name} on <{}>", tag.name);
        let is_own = value.strip_prefix('#').is_some_and(|id| known.contains(id));
        assert!(*name != "href" || tag.name == "use" && is_own, "{page}: {value} on <{}>", tag.name);
        assert!(!value.contains("url("), "{page}: {value}");
    }
}

fn asset(page: &str, url: Option<&str>, content_type: &str) {
    let url = url.expect("an asset has a URL");
    let (_, name) = url.split_once("/static/").expect("an asset is under /static/");
    let asset = assets::find(name).expect("the asset is there");
    assert!(asset.content_type.starts_with(content_type), "{page}: {url} is {}", asset.content_type);
}

#[test]
fn a_drawing_holds_shapes_and_messages_alone() {
    let refuses = |attributes: &str, inside: &str| {
        let html = format!(
            "<!doctype html><html lang=\"en\"><title>t</title><main data-page=\"p\"><h1>h</h1>\
             <svg role=\"img\" width=\"100%\" height=\"9\" aria-labelledby=\"t\" aria-describedby=\"d\"{attributes}>\
             <title id=\"t\">t</title><desc id=\"d\">d</desc>{inside}</svg></main></html>"
        );
        std::panic::catch_unwind(|| check("drawing", &html)).is_err()
    };
    assert!(!refuses("", "<path id=\"p\" class=\"c\" d=\"M0 0h9\"></path><use href=\"#p\" x=\"1\"></use><text>t</text>"));
    for (attributes, inside) in [
        (" style=\"x\"", ""),
        (" onload=\"x\"", ""),
        ("", "<script></script>"),
        ("", "<style></style>"),
        ("", "<a href=\"#t\"></a>"),
        ("", "<image href=\"/static/x.svg\"></image>"),
        ("", "<use href=\"https://example.com/a.svg#p\"></use>"),
        ("", "<use href=\"#nowhere\"></use>"),
        ("", "<path fill=\"#fff\"></path>"),
        ("", "<path d=\"url(#t)\"></path>"),
    ] {
        assert!(refuses(attributes, inside), "{attributes} {inside}");
    }
}
