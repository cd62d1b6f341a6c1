//! From a form of someone who is not signed in to the sign-in page: with a notice, the name to begin with, and the authorization
//! request that the person was on the way of, which has asked for a sign-in from then on.

use actix_web::http::header;

use crate::{
    app::App,
    paths,
    protocol::{params::Params, prompt, time::Timestamp},
    web::{
        cookies::{self, Keep},
        reply::Reply,
        returning,
    },
};

/// Words for what leads to the sign-in page: an account was made.
pub const REGISTERED: &str = "registered";
/// A new password was set by a link.
pub const PASSWORD_SET: &str = "password_set";

/// The password was changed with the old one.
pub const PASSWORD_CHANGED: &str = "password_changed";
/// Every session was ended.
pub const SIGNED_OUT_EVERYWHERE: &str = "signed_out_everywhere";
/// An operator asks for a new sign-in.
pub const OPERATOR_ASKS: &str = "operator_asks";

/// What the names of browsers are derived for.
const BROWSER: &str = "browser that asked";

/// The name of a browser that is kept with what it asked for.
pub fn pseudonym(app: &App, browser: &str) -> Vec<u8> {
    app.config.secrets.pseudonym(BROWSER, browser).to_vec()
}

/// Whether a name that was kept is that of this browser: also where another process, or this one before, derived it with
/// another secret of the list.
pub fn is_pseudonym(app: &App, browser: &str, kept: &[u8]) -> bool {
    app.config.secrets.pseudonyms(BROWSER, browser).any(|name| name == kept)
}

/// To the sign-in page, where the link is done with. `request` is what the link has kept.
pub fn to_sign_in(app: &App, request: Option<&str>, (notice, username): (&str, &str), now: Timestamp) -> Reply {
    let own = [(returning::NOTICE, notice), (returning::SIGN_IN_AS, username)];
    let params = request.map(Params::parse).filter(|params| params.get("client_id").is_some());
    let query = match params {
        None => Params::default().to_query(&[], &own),
        Some(params) => {
            // Nobody who has just made an account is asked to make another; what is left of `prompt` is asked for.
            let rest = prompt::after_registration(params.get("prompt").unwrap_or_default());
            let prompt = (!rest.is_empty()).then_some(("prompt", rest.as_str()));
            let without = [&returning::NAMES[..], &["prompt"]].concat();
            let request = Params::parse(&params.to_query(&without, prompt.as_slice()));
            let asked = returning::ask_for_sign_in(app, &request, now);
            request.to_query(&[], &[&own[..], &[(returning::SIGN_IN_ASKED, &asked)]].concat())
        }
    };
    Reply::see_other(&format!("{}{}?{query}", app.config.issuer.base(), paths::LOGIN))
        .with(header::SET_COOKIE, &cookies::set(cookies::LINK, "", Keep::Delete))
}
