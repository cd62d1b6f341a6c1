//! The consent page (RFC 6749 §10.2, OpenID Connect Core 3.1.2.4): which app requests access, to what, for how long. The answer
//! is remembered where that is allowed, and leads back to `/authorize` with a stamp, or to the client with a refusal.

use actix_web::web::Data;

use super::{Interaction, InteractionPage};
use crate::{
    app::App,
    flows::{formatting, interaction},
    pages::{Consent, ConsentProblem, Lifetime, RequestedResource},
    paths,
    protocol::{
        account::activity::Activity,
        oauth::{
            client::GrantType,
            next_step::{Allowed, ConsentGiver},
            scope::OFFLINE_ACCESS,
        },
        oidc::standard_claims::scopes_of,
        values::{params::Params, time::Span},
    },
    random,
    store::{AnyConnection, activity::Event, apis, consents},
    web::{
        authorization_request,
        page_request::{PageError, PageRequest},
        reply::Reply,
        returning,
    },
};

static PAGE: InteractionPage = InteractionPage { path: paths::CONSENT, show, submit };

/// `GET /consent`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    interaction::answer(request, &app, &PAGE).await
}

/// `POST /consent`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    interaction::answer(request, &app, &PAGE).await
}

fn submit(app: &App, connection: &mut AnyConnection, interaction: &Interaction, form: &Params) -> Result<Reply, PageError> {
    let Interaction { request, client, authorization, session, .. } = interaction;
    let now = request.context.now;
    match form.get("decision") {
        Some("allow") => {
            let allowed = Allowed { scopes: authorization.consent_scopes.clone(), audiences: authorization.audiences.clone() };
            let (origin, activity) = (request.context.origin(), Activity::AppAllowed);
            let (id, user) = (random::id(now), session.user_id);
            let event =
                Event { id, user, activity, origin: &origin, about: Some(&client.settings.client_name), grant: None, at: now };
            consents::add(connection, &client.id, &allowed, ConsentGiver::User, &event)?;
            let given = returning::give_consent(app, &request.query, session, now);
            let note = format!("consent given: client {} user {}", client.id, session.user_id);
            Ok(interaction.redirect(app, paths::AUTHORIZE, returning::CONSENT_GIVEN, &given).noting(note))
        }
        Some("deny") => {
            let what = "the user denied the request";
            Ok(authorization_request::refuse(app, &request.context, connection, &request.query, what)?)
        }
        _ => Ok(request.malformed(app, "decision: expected 'allow' or 'deny'")),
    }
}

fn show(app: &App, connection: &mut AnyConnection, interaction: &Interaction, is_expired: bool) -> Result<Reply, PageError> {
    let Interaction { request, client, authorization, session, .. } = interaction;
    let user = interaction.user(connection)?;
    let lifetimes = &app.config.lifetimes;
    let until_sign_out = words(session.expires_at.since(request.context.now));
    let (at_most, idle) = (words(lifetimes.refresh_absolute), words(lifetimes.refresh_idle));
    let lifetime = if !client.settings.may_use(GrantType::RefreshToken) {
        Lifetime::Once { minutes: (lifetimes.access_token.seconds() + 59) / 60 }
    } else if authorization.scopes.contains(OFFLINE_ACCESS) {
        Lifetime::LongLived { at_most: &at_most, idle: &idle }
    } else {
        Lifetime::UntilSignOut { at_most: &until_sign_out }
    };
    let apis = apis::of(connection, &authorization.audiences)?;
    let custom = &app.config.scope_claims;
    let requested = |name| formatting::scope(name, &apis, custom);
    let scopes: Vec<_> = authorization.consent_scopes.iter().map(requested).collect();
    let shown_name = |uri: &String| apis.iter().find(|api| api.uri == *uri).map_or(uri.as_str(), |api| &api.name).to_owned();
    let names: Vec<_> = authorization.audiences.iter().map(shown_name).collect();
    // What a token for this API alone would tell it.
    let seen = |uri: &String| -> Vec<&str> {
        let names = apis.iter().find(|api| api.uri == *uri).map(|api| api.tokens.claims.as_slice()).unwrap_or_default();
        let is_opened = |claim: &&str| scopes_of(claim, custom).any(|scope| authorization.scopes.contains(scope));
        names.iter().map(String::as_str).filter(is_opened).collect()
    };
    let seen: Vec<_> = authorization.audiences.iter().map(seen).collect();
    let shown = authorization.audiences.iter().zip(&names).zip(&seen);
    let resources: Vec<_> = shown.map(|((uri, name), claims)| RequestedResource { name, uri, claims }).collect();
    let page = Consent {
        layout: request.layout(app),
        client_name: &client.settings.client_name,
        client_host: &authorization.address.shown_host(),
        user: user.shown_name(),
        username: &user.claims.username,
        scopes: &scopes,
        resources: &resources,
        lifetime,
        asks_each_time: !client.may_skip_consent(authorization.address.uri()) && !app.config.is_demo,
        action: &interaction.action(app),
        csrf: &interaction.csrf(app),
        problem: is_expired.then_some(ConsentProblem::FormExpired),
    };
    Ok(interaction.show(&page, is_expired))
}

/// A span in one unit, finer than that of `pages::span_text`: it is what users agree to.
fn words(span: Span) -> String {
    const UNITS: [(i64, i64, &str); 3] = [(5_400, 60, "minute"), (129_600, 3_600, "hour"), (31_000_000, 86_400, "day")];
    let seconds = span.seconds();
    let fitting = UNITS.into_iter().find(|(below, ..)| seconds < *below);
    let (size, unit) = fitting.map_or((31_557_600, "year"), |(_, size, unit)| (size, unit));
    let count = ((seconds + size / 2) / size).max(1);
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_one_unit() {
        for (seconds, said) in [
            (60, "1 minute"),
            (600, "10 minutes"),
            (43_200, "12 hours"),
            (172_800, "2 days"),
            (1_209_600, "14 days"),
            (2_592_000, "30 days"),
            (31_557_600, "1 year"),
        ] {
            assert_eq!(words(Span::from_seconds(seconds)), said);
        }
    }
}
