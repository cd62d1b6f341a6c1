//! What can be set, by variables of the environment.

use std::env;

pub struct Settings {
    /// The authorization server.
    pub issuer: String,
    pub client_id: String,
    /// As `symbolon client add` printed it.
    pub client_secret: String,
    /// What this server calls for its users.
    pub api_url: String,
    pub port: u16,
    /// Where browsers find this server; in production it begins with https.
    pub app_url: String,
}

impl Settings {
    pub fn read() -> Result<Self, String> {
        let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
        let port = setting("PORT", "3000");
        Ok(Self {
            issuer: setting("ISSUER", "http://localhost:8080"),
            client_id: setting("CLIENT_ID", "notes-bff"),
            client_secret: env::var("CLIENT_SECRET")
                .map_err(|_| "CLIENT_SECRET is missing: it is the client_secret that `symbolon client add` has printed")?,
            api_url: setting("API_URL", "http://localhost:3001"),
            app_url: setting("APP_URL", &format!("http://localhost:{port}")),
            port: port.parse().map_err(|_| format!("PORT is '{port}', expected a number"))?,
        })
    }
}
