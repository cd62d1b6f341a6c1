//! The route table: only the paths listed here are reachable. Paths are those of `paths`, below the path of the issuer; a method
//! that a path does not support is answered with 405 and the supported methods.

use actix_web::{
    Resource, Route, guard,
    web::{self, Data, ServiceConfig},
};

use crate::{
    app::App,
    endpoints::{authorize, discovery, health, introspect, jwks, metrics, revoke, static_files, token, userinfo, well_known},
    flows::{
        account, home,
        interaction::{consent, select_account},
        link::{confirm_email, not_me},
        logout, recover, register,
        sign_in::{login, passkey, second_factor},
    },
    paths,
    web::{cors, no_route, request::Request},
};

/// The monitoring routes, served on a socket of their own: by plain http, also where requests are served by https alone.
pub fn metrics_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(paths::METRICS).route(read().to(metrics::get)))
        .service(web::resource(paths::HEALTHZ).route(read().to(health::alive)))
        .service(web::resource(paths::READYZ).route(read().to(health::ready)));
}

/// Registers every route.
pub fn routes(config: &mut ServiceConfig, base: &str) {
    // Users, in their browsers.
    config
        .service(page(base, paths::HOME, "GET, HEAD").route(read().to(home::get)))
        .service(page(base, paths::LOGIN, "GET, HEAD, POST").route(read().to(login::get)).route(web::post().to(login::post)))
        .service(form(base, paths::SECOND_FACTOR).route(read().to(second_factor::get)).route(web::post().to(second_factor::post)))
        .service(form(base, paths::LOGIN_PASSKEY).route(read().to(passkey::get)).route(web::post().to(passkey::post)))
        .service(page(base, paths::LOGIN_PASSKEY_OPTIONS, "GET, HEAD").route(read().to(passkey::get_options)))
        .service(
            page(base, paths::CONSENT, "GET, HEAD, POST").route(read().to(consent::get)).route(web::post().to(consent::post)),
        )
        .service(
            page(base, paths::SELECT_ACCOUNT, "GET, HEAD, POST")
                .route(read().to(select_account::get))
                .route(web::post().to(select_account::post)),
        )
        .service(page(base, paths::LOGOUT, "GET, HEAD, POST").route(read().to(logout::get)).route(web::post().to(logout::post)))
        .service(page(base, &format!("{}/{{name}}", paths::STATIC), "GET, HEAD").route(read().to(static_files::get)))
        .service(
            page(base, paths::AUTHORIZE, "GET, HEAD, POST")
                .route(read().to(authorize::get))
                .route(web::post().to(authorize::post)),
        );
    // Users who are not signed in: registration, recovery, links in e-mails.
    config
        .service(form(base, paths::REGISTER).route(read().to(register::get)).route(web::post().to(register::post)))
        .service(
            form(base, paths::REGISTER_FINISH)
                .route(read().to(register::finish::get))
                .route(web::post().to(register::finish::post)),
        )
        .service(form(base, paths::RECOVER).route(read().to(recover::get)).route(web::post().to(recover::post)))
        .service(
            form(base, paths::RECOVER_PASSWORD)
                .route(read().to(recover::password::get))
                .route(web::post().to(recover::password::post)),
        )
        .service(form(base, paths::CONFIRM_EMAIL).route(read().to(confirm_email::get)).route(web::post().to(confirm_email::post)))
        .service(form(base, paths::NOT_ME).route(read().to(not_me::get)).route(web::post().to(not_me::post)));
    account_pages(config, base);
    // Clients and resource servers.
    config
        .service(api(base, paths::TOKEN, "POST, OPTIONS").route(web::post().to(token::post)).route(options()))
        .service(
            api(base, paths::USERINFO, "GET, HEAD, POST, OPTIONS")
                .route(read().to(userinfo::answer))
                .route(web::post().to(userinfo::answer))
                .route(options()),
        )
        .service(api(base, paths::INTROSPECT, "POST").route(web::post().to(introspect::post)))
        .service(api(base, paths::REVOKE, "POST, OPTIONS").route(web::post().to(revoke::post)).route(options()))
        .service(document(base, paths::JWKS).route(read().to(jwks::get)))
        .service(document(base, paths::OPENID_CONFIGURATION).route(read().to(discovery::get)))
        // RFC 8414 §3: the well-known part comes between host and path of the issuer.
        .service(document("", &format!("{}{base}", paths::OAUTH_METADATA)).route(read().to(discovery::get)));
    if !base.is_empty() {
        // RFC 8414 §5: clients may look there for OpenID Connect's document as well.
        config.service(document("", &format!("{}{base}", paths::OPENID_CONFIGURATION)).route(read().to(discovery::get)));
    }
    // Addresses at the root of the host that browsers and password managers know.
    config
        .service(document("", paths::PASSKEY_ENDPOINTS).route(read().to(well_known::passkey_endpoints)))
        .service(document("", paths::RELATED_ORIGINS).route(read().to(well_known::related_origins)))
        .service(page("", paths::CHANGE_PASSWORD, "GET, HEAD").route(read().to(well_known::change_password)))
        .service(page("", paths::FAVICON, "GET, HEAD").route(read().to(well_known::favicon)));
    // Load balancers and monitoring.
    config
        .service(api(base, paths::HEALTHZ, "GET, HEAD").route(read().to(health::alive)))
        .service(api(base, paths::READYZ, "GET, HEAD").route(read().to(health::ready)))
        .default_service(web::to(no_route::not_found));
}

/// A page with a form.
fn form(base: &str, path: &str) -> Resource {
    page(base, path, "GET, HEAD, POST")
}

/// The account pages, for signed-in users.
fn account_pages(config: &mut ServiceConfig, base: &str) {
    use account::{
        activity, data, details, devices, email, ending, enrol, export, grant, passkeys, password, recovery_codes, removal,
        security, totp,
    };
    config
        .service(page(base, paths::ACCOUNT, "GET, HEAD").route(read().to(devices::get)))
        .service(page(base, paths::ACCOUNT_NAME, "POST").route(web::post().to(devices::post_name)))
        .service(page(base, paths::ACCOUNT_END, "POST").route(web::post().to(ending::post)))
        .service(page(base, &format!("{}/{{id}}", paths::ACCOUNT_GRANTS), "GET, HEAD").route(read().to(grant::get)))
        .service(page(base, paths::ACCOUNT_ACTIVITY, "GET, HEAD").route(read().to(activity::get)))
        .service(page(base, paths::ACCOUNT_NOT_ME, "POST").route(web::post().to(activity::post_not_me)))
        .service(page(base, paths::ACCOUNT_CANCEL_RESET, "POST").route(web::post().to(activity::post_cancel_reset)))
        .service(page(base, paths::ACCOUNT_SECURITY, "GET, HEAD").route(read().to(security::get)))
        .service(page(base, paths::ACCOUNT_RENAME, "POST").route(web::post().to(security::post_rename)))
        .service(form(base, paths::ACCOUNT_REMOVE).route(read().to(removal::get)).route(web::post().to(removal::post)))
        .service(form(base, paths::ACCOUNT_TOTP_ADD).route(read().to(totp::get)).route(web::post().to(totp::post)))
        .service(
            form(base, paths::ACCOUNT_RECOVERY_CODES)
                .route(read().to(recovery_codes::get))
                .route(web::post().to(recovery_codes::post)),
        )
        .service(
            page(base, paths::ACCOUNT_PASSWORD, "GET, HEAD, POST")
                .route(read().to(password::get))
                .route(web::post().to(password::post)),
        )
        .service(
            page(base, paths::ACCOUNT_EMAIL, "GET, HEAD, POST").route(read().to(email::get)).route(web::post().to(email::post)),
        )
        .service(
            page(base, paths::ACCOUNT_DETAILS, "GET, HEAD, POST")
                .route(read().to(details::get))
                .route(web::post().to(details::post)),
        )
        .service(form(base, paths::ACCOUNT_ENROL).route(read().to(enrol::get)).route(web::post().to(enrol::post)))
        .service(form(base, paths::ACCOUNT_PASSKEY_ADD).route(read().to(passkeys::get)).route(web::post().to(passkeys::post)))
        .service(
            form(base, paths::ACCOUNT_PASSKEY_OFFER)
                .route(read().to(passkeys::offer::get))
                .route(web::post().to(passkeys::offer::post)),
        )
        .service(page(base, paths::ACCOUNT_DATA, "GET, HEAD").route(read().to(data::get)))
        .service(page(base, paths::ACCOUNT_EXPORT, "GET, HEAD").route(read().to(export::get)))
        .service(page(base, paths::ACCOUNT_DELETE, "POST").route(web::post().to(data::post_delete)));
}

fn page(base: &str, path: &str, allow: &'static str) -> Resource {
    let refuse = move |request: Request, app: Data<App>| async move { no_route::page_method(&request, &app, allow) };
    web::resource(format!("{base}{path}")).default_service(web::to(refuse))
}

fn api(base: &str, path: &str, allow: &'static str) -> Resource {
    let refuse = move |request: Request, app: Data<App>| async move { no_route::api_method(&request, &app, allow).await };
    web::resource(format!("{base}{path}")).default_service(web::to(refuse))
}

/// A public document, which every origin may read.
fn document(base: &str, path: &str) -> Resource {
    let preflight = web::method(actix_web::http::Method::OPTIONS).to(cors::public_preflight);
    api(base, path, "GET, HEAD, OPTIONS").route(preflight)
}

/// GET, and HEAD, which is answered alike, without the body (RFC 9110 §9.3.2); but the side effects of a GET (issuing a code,
/// signing out, recording an export) do not happen on HEAD.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn options() -> Route {
    web::method(actix_web::http::Method::OPTIONS).to(cors::preflight)
}
