//! What clients send whose tools `tests/run` does not have: recorded once from the real programs, byte for byte but for what is new
//! each time, and sent here in their place. `tests/more-clients` runs some of the real ones.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use serde_json::Value;

use crate::{
    cli::Binary,
    harness::{Browser, CHALLENGE, Server, VERIFIER, basic, claims_of, databases, encode, query_of},
};

/// A client's requests. `{name}` stands for what is new each time.
struct Recorded {
    /// The program that it is registered for, and where that is.
    preset: &'static str,
    url: &'static str,
    redirect_uri: &'static str,
    /// The query at `/authorize`.
    authorize: &'static str,
    /// The headers of its POST requests.
    headers: &'static str,
    redeem: &'static str,
    refresh: &'static str,
}

/// x/oauth2 0.38 with go-oidc 3.21, by its example: a nonce, no PKCE.
const GO: Recorded = Recorded {
    preset: "go-oidc",
    url: "http://localhost:18102",
    redirect_uri: "http://localhost:18102/callback",
    authorize: "client_id={client}&nonce=a+nonce&redirect_uri={redirect_uri}&response_type=code&\
                scope=openid+profile+email+offline_access&state=a+state",
    headers: "User-Agent: Go-http-client/1.1\r\nAuthorization: {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
              Accept-Encoding: gzip\r\n",
    redeem: "code={code}&grant_type=authorization_code&redirect_uri={redirect_uri}",
    refresh: "grant_type=refresh_token&refresh_token={refresh_token}",
};

/// Spring Security 7.0.8 on Java 17, whose HTTP client offers HTTP/2 with every request.
const SPRING: Recorded = Recorded {
    preset: "spring-security",
    url: "http://localhost:8080",
    redirect_uri: "http://localhost:8080/login/oauth2/code/symbolon",
    authorize: "response_type=code&client_id={client}&scope=openid%20profile%20email%20offline_access&\
                state=Nzskau_ZCAVNbffJI77EYRgQXVPK848sUgXhp4qXXe0%3D&redirect_uri=http://localhost:8080/login/oauth2/code/symbolon&\
                nonce=Pjb2v63Lpvj8eo4bvn1ijJ_0pePA3iUQ4r73DrLzf-Y&code_challenge={challenge}&code_challenge_method=S256",
    headers: "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n\
              Upgrade: h2c\r\nUser-Agent: Java-http-client/17.0.15\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n\
              Accept-Encoding: deflate\r\nAuthorization: {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
    redeem: "grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&code_verifier={verifier}",
    refresh: "grant_type=refresh_token&refresh_token={refresh_token}",
};

/// pac4j 6.3.1 on Java 17: the scopes again at each refresh.
const PAC4J: Recorded = Recorded {
    preset: "pac4j",
    url: "http://localhost:8080",
    redirect_uri: "http://localhost:8080/callback?client_name=OidcClient",
    authorize: "scope=openid%20profile%20email%20offline_access&response_type=code&redirect_uri={redirect_uri}&state=712a7101a2&\
                code_challenge_method=S256&nonce=2uIf6en9KmjCXK_3EUb3YVz9NTUBfglaYIibcreY4cY&client_id={client}&\
                code_challenge={challenge}",
    headers: "Authorization: {basic}\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
              User-Agent: Java/17.0.15\r\nAccept: text/html, image/gif, image/jpeg, */*; q=0.2\r\nConnection: keep-alive\r\n",
    redeem: "grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&code_verifier={verifier}",
    refresh: "grant_type=refresh_token&refresh_token={refresh_token}&scope=openid+profile+email+offline_access",
};

/// Kafka 4.3.1: a client for itself.
const KAFKA_HEADERS: &str = "Accept: application/json\r\nAuthorization: {basic}\r\nCache-Control: no-cache\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nPragma: no-cache\r\nUser-Agent: Java/17.0.15\r\nConnection: keep-alive\r\n";

/// Sends a request as it is written, and reads the answer: its status and its body, as JSON.
fn send(server: &Server, line: &str, headers: &str, body: &str) -> (u16, Value) {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    write!(stream, "{line} HTTP/1.1\r\nHost: {address}\r\n{headers}{length}\r\n{body}").unwrap();
    let mut lines = BufReader::new(stream);
    let (mut status, mut length) = (String::new(), 0);
    lines.read_line(&mut status).unwrap();
    loop {
        let mut header = String::new();
        lines.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        }
    }
    let mut received = if line.starts_with("HEAD ") { vec![] } else { vec![0; length] };
    lines.read_exact(&mut received).unwrap();
    (status.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_slice(&received).unwrap_or_default())
}

fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// The value of a parameter, as it is written in a form.
fn encoded(value: &str) -> String {
    encode(&[("", value)])[1..].to_owned()
}

/// Signs alice in and refreshes, by what a client sends.
fn replay(server: &Server, symbolon: &Binary, recorded: &Recorded) {
    let registered = symbolon.json(&format!("client add --for {} --url {} --json", recorded.preset, recorded.url));
    let (client, secret) = (registered["client_id"].as_str().unwrap(), registered["client_secret"].as_str().unwrap());
    let (basic, redirect_uri) = (basic(client, secret), encoded(recorded.redirect_uri));
    let values = [
        ("client", client),
        ("basic", &basic),
        ("redirect_uri", &redirect_uri),
        ("challenge", CHALLENGE),
        ("verifier", VERIFIER),
    ];
    let path = format!("/authorize?{}", fill(recorded.authorize, &values));
    let back = Browser::new(server).follow(&path, "alice", "allow");
    let code = query_of(back.location()).remove("code").unwrap_or_else(|| panic!("{}: {back:?}", recorded.preset));

    let headers = fill(recorded.headers, &values);
    let post = |body: &str, name: &str, value: &str| {
        let body = fill(&fill(body, &values), &[(name, &encoded(value))]);
        let (status, answer) = send(server, "POST /token", &headers, &body);
        assert_eq!(status, 200, "{}: {answer}", recorded.preset);
        let claims = claims_of(answer["id_token"].as_str().unwrap_or_else(|| panic!("{}: {answer}", recorded.preset)));
        assert_eq!((&claims["name"], &claims["email"]), (&"alice Example".into(), &"alice@example.com".into()), "{claims}");
        (answer, claims)
    };
    let (first, before) = post(recorded.redeem, "code", &code);
    let (_, after) = post(recorded.refresh, "refresh_token", first["refresh_token"].as_str().unwrap());
    assert_eq!((&after["sub"], &after["auth_time"]), (&before["sub"], &before["auth_time"]), "{}", recorded.preset);
}

#[test]
fn go_spring_and_pac4j_sign_in_and_refresh() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        let symbolon = Binary::beside(&server, &database);
        for recorded in [&GO, &SPRING, &PAC4J] {
            replay(&server, &symbolon, recorded);
        }
    }
}

#[test]
fn pac4j_takes_the_first_way_to_authenticate_and_asks_by_head() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let path = "/.well-known/openid-configuration";
        let headers = "Cache-Control: no-cache\r\nPragma: no-cache\r\nUser-Agent: Java/17.0.15\r\n\
                       Accept: text/html, image/gif, image/jpeg, */*; q=0.2\r\nConnection: keep-alive\r\n";
        assert_eq!(send(&server, &format!("HEAD {path}"), headers, "").0, 200);
        let (_, metadata) = send(&server, &format!("GET {path}"), headers, "");
        assert_eq!(metadata["token_endpoint_auth_methods_supported"][0], "client_secret_basic");
    }
}

#[test]
fn kafka_gets_a_token_that_its_broker_takes() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        symbolon.text("api add https://kafka.example.com --name Kafka --scope kafka=Produce");
        let registered =
            symbolon.json("client add --id kafka-client --name Kafka --type service --api https://kafka.example.com");
        let headers = fill(KAFKA_HEADERS, &[("basic", &basic("kafka-client", registered["client_secret"].as_str().unwrap()))]);
        let (status, answer) = send(&server, "POST /token", &headers, "grant_type=client_credentials&scope=kafka");
        assert_eq!(status, 200, "{answer}");
        let claims = claims_of(answer["access_token"].as_str().unwrap());
        let expected = ["kafka-client", "kafka", "https://kafka.example.com", &server.url];
        assert_eq!(["sub", "scope", "aud", "iss"].map(|name| claims[name].as_str().unwrap()), expected);
        assert!(claims["exp"].is_u64() && claims["iat"].is_u64(), "{claims}");
    }
}
