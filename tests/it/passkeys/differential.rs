//! The same answers of the same authenticator, judged by this server and by a verifier of other authors: both accept what is right,
//! and both refuse each change of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{ADD, Form, is_signed_in};
use crate::harness::{Authenticator, Browser, both, node_with_input};

/// A change of one byte of this member, near its end.
fn flipped(answer: &Value, member: &str) -> Value {
    let mut answer = answer.clone();
    let text = answer["response"][member].as_str().unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    answer["response"][member] = json!(URL_SAFE_NO_PAD.encode(bytes));
    answer
}

/// The client data with another value of a member.
fn said(answer: &Value, member: &str, value: Value) -> Value {
    let mut answer = answer.clone();
    let text = answer["response"]["clientDataJSON"].as_str().unwrap();
    let mut client: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    client[member] = value;
    answer["response"]["clientDataJSON"] = json!(URL_SAFE_NO_PAD.encode(client.to_string()));
    answer
}

#[test]
fn another_verifier_judges_alike() {
    both(|server| {
        server.add_user("alice");
        let mut cases = Vec::new();
        let mut authenticator = Authenticator::at(&server.url);
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        // Those to be refused first: afterwards a passkey is the proof that adding another one takes.
        for name in ["no verification", "another challenge", "another kind", "another origin", "right"] {
            let form = Form::of(&browser.get(ADD));
            authenticator.is_verifying = name != "no verification";
            let answer: Value = serde_json::from_str(&authenticator.make(&form.options)).unwrap();
            let answer = match name {
                "another challenge" => said(&answer, "challenge", json!("AAAA")),
                "another kind" => said(&answer, "type", json!("webauthn.get")),
                "another origin" => said(&answer, "origin", json!("http://localhost:1")),
                _ => answer,
            };
            let page = form.send(&mut browser, &answer.to_string());
            let options: Value = serde_json::from_str(&form.options).unwrap();
            assert_eq!(page.status == 303, name == "right", "{name}: {page:?}");
            cases.push(json!({ "name": format!("made: {name}"), "kind": "create", "options": options, "answer": answer, "accepted": page.status == 303 }));
        }
        let id = URL_SAFE_NO_PAD.encode(authenticator.id());
        let changes = [
            "right",
            "no verification",
            "another challenge",
            "another kind",
            "another origin",
            "authenticatorData",
            "signature",
            "clientDataJSON",
        ];
        for name in changes {
            let mut browser = Browser::new(server);
            let form = Form::of(&browser.get("/login"));
            authenticator.is_verifying = name != "no verification";
            let answer: Value = serde_json::from_str(&authenticator.show(&form.options)).unwrap();
            let answer = match name {
                "another challenge" => said(&answer, "challenge", json!("AAAA")),
                "another kind" => said(&answer, "type", json!("webauthn.create")),
                "another origin" => said(&answer, "origin", json!("http://localhost:1")),
                "authenticatorData" | "signature" | "clientDataJSON" => flipped(&answer, name),
                _ => answer,
            };
            form.send(&mut browser, &answer.to_string());
            let (accepted, options) = (is_signed_in(&mut browser), serde_json::from_str::<Value>(&form.options).unwrap());
            assert_eq!(accepted, name == "right", "{name}");
            cases.push(json!({ "name": format!("used: {name}"), "kind": "get", "options": options, "answer": answer, "id": id, "accepted": accepted }));
        }
        node_with_input("simplewebauthn.mjs", &json!({ "origin": server.url, "rp_id": "localhost", "cases": cases }));
    });
}
