//! Values of a client that other rules need without the client.

use crate::protocol::values::names::names;

/// The kind of a client (RFC 6749 §2.1, RFC 8252, RFC 10017).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A single-page app in a browser: public.
    Spa,
    /// An app on a device: public.
    Native,
    /// A web app with a server: confidential.
    Web,
    /// A service that acts on its own behalf: confidential, without redirect URIs.
    Service,
}

names!(ClientKind { Spa = "spa", Native = "native", Web = "web", Service = "service" });
