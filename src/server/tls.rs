//! HTTPS: the certificate and its key, from PEM files, reloaded on demand without closing a connection. Versions and ciphers are
//! rustls's defaults: TLS 1.2 and 1.3, nothing older (RFC 9325 §3.1.1).

use std::{
    io,
    sync::{Arc, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::config::TlsFiles;

/// The current certificate.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// When a file cannot be read, or the two do not belong together.
    pub fn read(files: &TlsFiles) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { files: files.clone(), current: RwLock::new(load(files)?) }))
    }

    /// Reloads the files; after an error the old certificate stays.
    ///
    /// # Errors
    /// As [`Certificate::read`].
    pub fn reload(&self) -> io::Result<()> {
        let new = load(&self.files)?;
        match self.current.write() {
            Ok(mut current) => {
                *current = new;
                Ok(())
            }
            Err(_) => Err(io::Error::other("the certificate is locked")),
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.read().ok().map(|current| current.clone())
    }
}

/// The TLS configuration for the listener.
///
/// # Errors
/// When rustls rejects its own defaults.
pub fn server_config(certificate: &Arc<Certificate>) -> io::Result<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(builder.with_no_client_auth().with_cert_resolver(certificate.clone()))
}

fn load(files: &TlsFiles) -> io::Result<Arc<CertifiedKey>> {
    let say = |path: &std::path::Path, error: &dyn std::fmt::Display| io::Error::other(format!("'{}': {error}", path.display()));
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| say(&files.cert, &e))?;
    if chain.is_empty() {
        return Err(say(&files.cert, &"expected a PEM certificate chain, received none"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| say(&files.key, &e))?;
    let key = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|e| say(&files.key, &e))?;
    Ok(Arc::new(key))
}
