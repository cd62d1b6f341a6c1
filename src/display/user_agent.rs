//! The `User-Agent` header (RFC 9110 §10.1.5) in a few words by which users recognise a device: "Firefox on Linux". Only names from
//! our own tables are returned, whatever was sent. It is a hint: no rule depends on it. The tables are our own because no crate
//! fits: those with uap-core's patterns load a megabyte of regular expressions at start, and the only small one has had no release
//! since 2021.

/// A parsed user agent; `None` where unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAgent {
    /// The browser or program.
    pub program: Option<&'static str>,
    /// The system or device it runs on.
    pub system: Option<&'static str>,
}

/// The length considered: no genuine browser sends more, and the rest is ignored.
const LONGEST: usize = 512;

/// Markers of browsers and their names, most specific first: nearly every browser also names Chrome and Safari.
const BROWSERS: [(&str, &str); 21] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("OPX/", "Opera"),
    ("Opera", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("Focus/", "Firefox Focus"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("GSA/", "Google app"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
];

/// Programs other than browsers; their user agents begin with their name.
const PROGRAMS: [(&str, &str); 20] = [
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "python-requests"),
    ("python-httpx/", "HTTPX"),
    ("Python-urllib/", "Python"),
    ("Python/", "Python"),
    ("okhttp/", "okhttp"),
    ("Dart/", "Dart"),
    ("Go-http-client/", "Go"),
    ("Java/", "Java"),
    ("Java-http-client/", "Java"),
    ("Apache-HttpClient/", "Apache HttpClient"),
    ("axios/", "axios"),
    ("node-fetch/", "Node.js"),
    ("undici", "Node.js"),
    ("node", "Node.js"),
    ("Deno/", "Deno"),
    ("reqwest/", "reqwest"),
    ("PostmanRuntime/", "Postman"),
    ("GuzzleHttp/", "Guzzle"),
];

const SYSTEMS: [(&str, &str); 11] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("iPod", "iPod"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Darwin/", "macOS or iOS"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
    ("linux", "Linux"),
];

impl UserAgent {
    /// Parses a user agent as sent.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
        let text = text.get(..end).unwrap_or_default();
        let starts = |(mark, name): (&str, &'static str)| text.starts_with(mark).then_some(name);
        let holds = |(mark, name): (&str, &'static str)| text.contains(mark).then_some(name);
        let browser = || BROWSERS.into_iter().find_map(holds).or_else(|| safari(text));
        Self { program: PROGRAMS.into_iter().find_map(starts).or_else(browser), system: SYSTEMS.into_iter().find_map(holds) }
    }
}

/// Only Safari itself states its version; an app with a web view states neither.
fn safari(text: &str) -> Option<&'static str> {
    if !text.contains("AppleWebKit/") {
        return None;
    }
    if text.contains("Version/") && text.contains("Safari/") {
        return Some("Safari");
    }
    ["iPhone", "iPad", "iPod"].into_iter().any(|mark| text.contains(mark)).then_some("An app")
}

/// In words: "Firefox on Linux", "curl", "An unknown browser on Android", "An unknown program".
#[must_use]
pub fn words(user_agent: &str) -> String {
    let UserAgent { program, system } = UserAgent::read(user_agent);
    let unknown = if user_agent.starts_with("Mozilla/") { "An unknown browser" } else { "An unknown program" };
    let program = program.unwrap_or(unknown);
    system.map_or_else(|| program.to_owned(), |system| format!("{program} on {system}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_ones_are_known() {
        for (sent, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "Chrome on macOS",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
                "Headless Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.86",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.81 Mobile Safari/537.36 EdgA/131.0.2903.87",
                "Edge on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/131.2903.92 Mobile/15E148 Safari/605.1.15",
                "Edge on iPhone",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Windows"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.7; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on macOS"),
            ("Mozilla/5.0 (Android 15; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox on Android"),
            (
                "Mozilla/5.0 (iPad; CPU OS 14_7_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/133.0 Mobile/15E148 Safari/605.1.15",
                "Firefox on iPad",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7_1) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_7_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
                "Safari on iPad",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
                "An app on iPhone",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 OPR/115.0.0.0",
                "Opera on Windows",
            ),
            ("Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18", "Opera on Windows"),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Vivaldi/7.0.3495.15",
                "Vivaldi on Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer on Windows"),
            ("curl/8.11.0", "curl"),
            ("Wget/1.21.3", "Wget"),
            ("python-requests/2.32.3", "python-requests"),
            ("Python-urllib/3.11", "Python"),
            ("okhttp/4.12.0", "okhttp"),
            ("Dart/3.5 (dart:io)", "Dart"),
            ("Go-http-client/1.1", "Go"),
            ("Go-http-client/2.0", "Go"),
            ("node", "Node.js"),
            ("Apache-HttpClient/5.3 (Java/21)", "Apache HttpClient"),
            ("Notes/412 CFNetwork/1568.200.51 Darwin/24.1.0", "An unknown program on macOS or iOS"),
            ("Mozilla/5.0 (Linux; Android 14) Something/1", "An unknown browser on Android"),
            ("Mozilla/5.0", "An unknown browser"),
            ("", "An unknown program"),
        ] {
            assert_eq!(words(sent), expected, "{sent}");
        }
    }

    #[test]
    fn nothing_that_was_sent_comes_out() {
        for hostile in ["http://evil.example/\r\nBcc: x", "\u{202e}Mozilla", "🦀".repeat(2000).as_str()] {
            assert_eq!(words(hostile), "An unknown program", "{hostile}");
        }
        let far = format!("{}Firefox/133.0", "x".repeat(LONGEST));
        assert_eq!(UserAgent::read(&far), UserAgent { program: None, system: None }, "what stands far behind is not looked at");
        assert_eq!(UserAgent::read("curl/8 Firefox/133.0").program, Some("curl"), "it begins with its name");
    }
}
