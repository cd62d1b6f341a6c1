//! Dovecot, which asks by introspection whose an access token is. Its lines are those of its preset; it is no client that signs
//! users in, so that the commands of the preset are run in place of `client add --for`.

use std::process::Command;

use serde_json::json;
use symbolon::testing::operations::presets::{self, Values};

use super::{
    Operated,
    installed::{Installed, Program, path_of},
};
use crate::harness::{Database, free_port, python};

#[test]
fn dovecot_takes_access_tokens_until_they_are_revoked() {
    let operated = Operated::on(Database::postgres());
    let preset = presets::all().iter().find(|preset| preset.name == "dovecot").unwrap();
    let secret = operated.command(preset.commands.as_ref().unwrap(), &[]);
    let values = Values::of(&operated.server.app.config.issuer).and("client_secret", secret["client_secret"].as_str().unwrap());
    let dovecot = path_of("dovecot");
    let version = String::from_utf8(Command::new(&dovecot).arg("--version").output().unwrap().stdout).unwrap();
    let is_old = version.starts_with("2.3");
    let lines = values.fill(&preset.application[usize::from(!is_old)].lines);
    let port = free_port();
    let common = format!(
        "base_dir = PATH/run\nstate_dir = PATH/state\nlog_path = PATH/log\nprotocols = imap\nlisten = 127.0.0.1\nssl = no\n\
         default_internal_user = USER\ndefault_internal_group = GROUP\ndefault_login_user = USER\nfirst_valid_uid = 1\n\
         service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {port}\n  }}\n  inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
         service anvil {{\n  chroot =\n}}\nauth_mechanisms = oauthbearer xoauth2\n"
    );
    let configuration = if is_old {
        format!(
            "{common}mail_location = maildir:~/mail\npassdb {{\n  driver = oauth2\n  mechanisms = oauthbearer xoauth2\n  \
             args = PATH/dovecot-oauth2.conf.ext\n}}\nuserdb {{\n  driver = static\n  args = uid=USER gid=GROUP home=PATH/home/%u\n}}\n"
        )
    } else {
        format!(
            "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n{common}mail_driver = maildir\nmail_path = ~/mail\n\
             passdb oauth2 {{\n  mechanisms_filter = oauthbearer xoauth2\n}}\nuserdb static {{\n  fields {{\n    uid = USER\n    \
             gid = GROUP\n    home = PATH/home/%{{user}}\n  }}\n}}\n{lines}"
        )
    };
    let files = [("dovecot.conf", configuration), ("dovecot-oauth2.conf.ext", lines)];
    let _dovecot = Installed::start(&Program {
        path: &dovecot,
        arguments: &["-F", "-c", "PATH/dovecot.conf"],
        files: &files,
        port,
        ..Program::default()
    });

    // A mail program of alice's.
    let client = operated.command(
        "symbolon client add --id mail --name Mail --type native --redirect-uri http://127.0.0.1/callback \
         --api https://mail.example.com --scope \"openid profile offline_access mail\"",
        &[],
    );
    let mut settings = operated.settings(&format!("http://localhost:{port}"), &client);
    settings["application"] = json!([]);
    python("programs/dovecot.py", &settings);
}
