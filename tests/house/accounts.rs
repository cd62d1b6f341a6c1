//! The rule that operators change accounts only by `store::account`, which writes the audit event and the notification, and ends
//! the links that the change supersedes: no operation and no command writes these tables itself.

use super::source::sources;

/// The tables of an account, and the functions that operations may call by themselves: those that read, what seals a
/// secret again and changes nothing for its user, and the end of an invitation, which is of no account yet.
const READ_ONLY: [(&str, &[&str]); 9] = [
    ("users", &["find", "find_by_login", "ids_after", "names", "page"]),
    ("sessions", &["find", "of_user", "unended_of"]),
    ("grants", &["find", "list_found"]),
    ("consents", &["find", "of_user", "page"]),
    ("devices", &["of_user"]),
    ("activity", &["of"]),
    ("authenticators", &["of_user", "find", "counts", "sealed_after", "reseal"]),
    ("resets", &["find"]),
    ("links", &["find", "of_user", "open_of", "invitations", "withdraw"]),
];

#[test]
fn operators_change_accounts_by_one_module() {
    let mut wrong = Vec::new();
    for source in sources(&["src/operations", "src/cli"]).into_iter().filter(|source| source.shipped.contains("store::")) {
        for (table, allowed) in READ_ONLY {
            for (at, _) in source.shipped.match_indices(&format!("{table}::")) {
                let is_part = source.shipped[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let rest = &source.shipped[at + table.len() + 2..];
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_function = name.starts_with(char::is_lowercase) && name != "self";
                if is_function && !is_part && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{}: {table}::{name}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "write a function in src/store/account that notes it and tells of it: {wrong:?}");
}
