//! The rule that every write to clients or APIs raises their revision: each process caches what it has read of them until that
//! number changes (`src/caches/registrations.rs`).

use super::source::sources;

/// Tables that are kept in memory.
const TABLES: [&str; 3] = ["clients", "client_origins", "apis"];

/// (function, why it need not raise it).
const EXCEPTIONS: [(&str, &str); 1] = [("insert_origins", "its callers have, in the same transaction")];

/// The functions of a file, each with its name.
fn functions(code: &str) -> Vec<(String, &str)> {
    let starts: Vec<_> = code.match_indices("fn ").map(|(at, _)| at).filter(|at| is_outermost(code, *at)).collect();
    let ends = starts.iter().skip(1).copied().chain([code.len()]);
    let name = |text: &str| text[3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    starts.iter().zip(ends).map(|(start, end)| (name(&code[*start..]), &code[*start..end])).collect()
}

/// Whether a function begins here that is not inside another one.
fn is_outermost(code: &str, at: usize) -> bool {
    let line = &code[code[..at].rfind('\n').map_or(0, |newline| newline + 1)..at];
    let before = line.trim_start().trim_end_matches("const ");
    before.is_empty() || before == "pub " || (before.starts_with("pub(") && before.ends_with(") "))
}

/// Whether a function writes one of the tables.
fn writes(body: &str) -> bool {
    let writes = ["insert_into(", "update(", "delete(", "replace_into(", "insert_or_ignore_into("];
    let flat: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let names = |table: &str| {
        flat.match_indices(&format!("{table}::table"))
            .any(|(at, _)| !flat[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    writes.iter().any(|write| flat.contains(&format!("diesel::{write}"))) && TABLES.iter().any(|table| names(table))
}

#[test]
fn whoever_writes_clients_or_apis_raises_the_revision() {
    let (mut wrong, mut found, mut excepted) = (Vec::new(), 0, Vec::new());
    for source in sources(&["src/store"]) {
        for table in TABLES {
            let renamed = format!("{table} as ");
            if source
                .shipped
                .match_indices(&renamed)
                .any(|(at, _)| !source.shipped[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            {
                wrong.push(format!("{}: import the table '{table}' under its own name", source.path));
            }
            for statement in ["UPDATE", "INSERT INTO", "DELETE FROM"] {
                if source.text.contains(&format!("{statement} {table} ")) {
                    wrong.push(format!("{}: write '{table}' in src/store/clients.rs or src/store/apis.rs", source.path));
                }
            }
        }
        for (name, body) in functions(&source.shipped).into_iter().filter(|(_, body)| writes(body)) {
            found += 1;
            if EXCEPTIONS.iter().any(|(function, _)| *function == name) {
                excepted.push(name);
            } else if !body.contains("registrations_change(") {
                wrong.push(format!(
                    "{}: '{name}' writes clients or APIs; call revisions::registrations_change there",
                    source.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(found >= 8, "{found}: does the reader still read?");
    assert_eq!(excepted.len(), EXCEPTIONS.len(), "an exception that is not needed: remove it");
}

#[test]
fn the_reader_knows_a_write() {
    let code = "pub fn a() {\n    diesel::update(clients::table.find(1));\n}\n\nfn b() { apis::table.load() }\npub(super) fn c() {\n    let row = apis::table; diesel::delete(row)\n}\nfn d() { diesel::update(other_clients::table) }\n";
    let writing: Vec<_> = functions(code).into_iter().filter(|(_, body)| writes(body)).map(|(name, _)| name).collect();
    assert_eq!(writing, ["a", "c"]);
}
