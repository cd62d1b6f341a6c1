//! The page that carries a response to an app as a form, `templates/form_post.html` (OAuth 2.0 Form Post Response Mode, section
//! 2). The caller has checked that `action` is a registered redirect URI.

use askama::Template;

use super::Layout;

/// A form that submits itself, with a button for browsers that run no scripts.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPost<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The redirect URI.
    pub action: &'a str,
    /// The parameters of the response, in order.
    pub fields: &'a [(&'a str, &'a str)],
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const ANSWER: FormPost<'static> = FormPost {
        layout: LAYOUT,
        action: "https://app.example.com/callback",
        fields: &[("code", "sym_ac_sample"), ("state", "a state")],
    };

    pub fn samples() -> Vec<Sample> {
        vec![sample("form-post", &ANSWER)]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["action", "field", "value"];
        let [action, field, value] = fields.map(hostile);
        let page = FormPost { layout: LAYOUT, action: &action, fields: &[(&field, &value)] };
        assert_escaped(&page, &fields);
    }

    #[test]
    fn the_app_gets_its_fields_and_no_others() {
        let html = ANSWER.render().unwrap();
        let tags = markup::tags(&html);
        let named = tags.iter().filter(|tag| ["input", "button"].contains(&tag.name) && tag.get("name").is_some());
        let sent: Vec<_> = named.map(|tag| (tag.get("name").unwrap(), tag.get("value").unwrap())).collect();
        assert_eq!(sent, ANSWER.fields);
        let form = tags.iter().find(|tag| tag.name == "form").unwrap();
        assert_eq!(form.get("action"), Some(ANSWER.action));
        // form_post.js finds the form by this id.
        assert_eq!(form.get("id"), Some("answer"));
    }
}
