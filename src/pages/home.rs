//! The home page, `templates/home.html`: the user signed in in this browser, with a form to sign out, or a link to sign in.

use askama::Template;

use super::Layout;

/// The page at the issuer's own address.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The signed-in user, if any.
    pub signed_in: Option<SignedIn<'a>>,
}

/// The signed-in user, and the form that signs them out.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn<'a> {
    /// The display name, or the username if there is none.
    pub name: &'a str,
    /// The username.
    pub username: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// The form's action.
    pub action: &'a str,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    fn home(signed_in: Option<SignedIn<'_>>) -> Home<'_> {
        Home { layout: LAYOUT, signed_in }
    }

    pub fn samples() -> Vec<Sample> {
        let alice = SignedIn { name: "Alice Example", username: "alice", csrf: "form-proof", action: "/logout" };
        vec![sample("home", &home(Some(alice))), sample("home-nobody", &home(None))]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["name", "username", "csrf", "action"];
        let [name, username, csrf, action] = fields.map(hostile);
        let user = SignedIn { name: &name, username: &username, csrf: &csrf, action: &action };
        assert_escaped(&home(Some(user)), &fields);
    }

    #[test]
    fn the_path_of_the_issuer_is_kept() {
        let mut page = home(None);
        page.layout.base = "/tenant";
        let html = page.render().unwrap();
        let tags = markup::tags(&html);
        let urls = tags.iter().flat_map(|tag| [tag.get("src"), tag.get("href")]).flatten();
        assert_eq!(urls.clone().count(), 7);
        for url in urls {
            assert!(url.starts_with("/tenant/"), "{url}");
        }
    }
}
