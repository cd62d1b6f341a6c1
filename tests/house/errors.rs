//! The rules of error types: callers can tell errors apart, and the source of an error is kept. Texts are only for the users who
//! read them at the end.

use super::source::{sources, tokens};

/// Whether a `Result` whose error is a `String` begins at this token, as in a signature.
fn is_result_of_text(tokens: &[&str], at: usize) -> bool {
    if tokens[at] != "Result" || tokens.get(at + 1) != Some(&"<") {
        return false;
    }
    let mut depth = 0;
    let mut error = Vec::new(); // what stands behind the last comma of the outermost list
    for (index, token) in tokens.iter().enumerate().skip(at + 1) {
        match *token {
            "<" | "(" | "[" => depth += 1,
            // `->` of a closure's type ends no list.
            ">" if tokens[index - 1] == "-" => {}
            ">" | ")" | "]" => depth -= 1,
            "," if depth == 1 => {
                error = Vec::new();
                continue;
            }
            ";" | "{" => return false,
            _ => {}
        }
        if depth == 0 {
            return error == ["String"];
        }
        if depth >= 1 {
            error.push(*token);
        }
    }
    false
}

#[test]
fn no_error_is_a_string() {
    let mut wrong = Vec::new();
    for source in sources(&["src", "bench/src"]) {
        let tokens = tokens(&source.shipped);
        if (0..tokens.len()).any(|at| is_result_of_text(&tokens, at)) {
            wrong.push(format!(
                "{}: Result<_, String>; give the error a type (protocol::error::Invalid for a refused value)",
                source.path
            ));
        }
        let by_hand = |three: &[&str]| three[0] == "Error" && three[1] == "for";
        let begins = |at: usize| tokens[..at].iter().rev().take_while(|token| ["std", "error", "::"].contains(token)).count();
        if tokens
            .windows(3)
            .enumerate()
            .any(|(at, three)| by_hand(three) && at > begins(at) && tokens[at - begins(at) - 1] == "impl")
        {
            wrong.push(format!("{}: Error by hand; derive thiserror::Error", source.path));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_result_of_text_is_found_in_a_signature() {
    let finds = |code: &str| {
        let tokens = tokens(code);
        (0..tokens.len()).any(|at| is_result_of_text(&tokens, at))
    };
    for code in
        ["fn a() -> Result<(), String>;", "fn a(x: Result<Vec<(u8, u8)>, String>) {}", "type A = Result<fn(u8) -> u8, String>;"]
    {
        assert!(finds(code), "{code}");
    }
    for code in ["fn a() -> Result<String>;", "fn a() -> Result<String, Error>;", "fn a() -> Result<HashMap<u8, String>, Error>;"]
    {
        assert!(!finds(code), "{code}");
    }
}
