// SPDX-License-Identifier: GPL-2.0
//! quinn-peer: a file server and a client of hq-interop on quinn.
//!
//!   quinn-peer server WHAT DIR CHAIN KEY
//!   quinn-peer client WHAT DIR CA ADDRESS URL...
//!
//! WHAT is the client's part of a case, see ../peers.py. The TLS secrets go where
//! SSLKEYLOGFILE says.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::crypto::{ring, CryptoProvider};
use rustls::quic::Suite;
use rustls::CipherSuite;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const ALPN: &[u8] = b"hq-interop";
const PORT: u16 = 443;
const PREFERRED: &str = "193.167.100.100:4443";

fn provider(what: &str) -> Arc<CryptoProvider> {
    let mut made = ring::default_provider();
    if what == "chacha20" {
        made.cipher_suites
            .retain(|s| s.suite() == CipherSuite::TLS13_CHACHA20_POLY1305_SHA256);
    } else {
        made.cipher_suites.retain(|s| s.tls13().is_some());
    }
    Arc::new(made)
}

/// What Initial packets are sealed with, whatever suites are offered.
fn initial() -> Result<Suite> {
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13();
    Ok(suite.and_then(|s| s.quic_suite()).ok_or("no suite for Initial packets")?)
}

fn certificates(path: &str) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>> {
    let mut file = std::io::BufReader::new(std::fs::File::open(path)?);
    Ok(rustls_pemfile::certs(&mut file).collect::<std::result::Result<_, _>>()?)
}

// ---- server -------------------------------------------------------------------

async fn answer(dir: PathBuf, mut send: quinn::SendStream, mut recv: quinn::RecvStream) -> Result<()> {
    let request = String::from_utf8(recv.read_to_end(4096).await?)?;
    let name = request.split_whitespace().nth(1).ok_or("no path")?;
    let name = Path::new(name).file_name().ok_or("no name")?;
    send.write_all(&tokio::fs::read(dir.join(name)).await?).await?;
    send.finish()?;
    send.stopped().await?;
    Ok(())
}

async fn serve(what: &str, dir: &str, chain: &str, key: &str) -> Result<()> {
    let mut file = std::io::BufReader::new(std::fs::File::open(key)?);
    let key = rustls_pemfile::private_key(&mut file)?.ok_or("no key")?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider(what))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(certificates(chain)?, key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.key_log = Arc::new(rustls::KeyLogFile::new());
    tls.max_early_data_size = u32::MAX;
    let tls = QuicServerConfig::with_initial(Arc::new(tls), initial()?)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    if what == "migration" {
        config.preferred_address_v4(Some(PREFERRED.parse()?));
    }
    let endpoint = quinn::Endpoint::server(config, SocketAddr::new("::".parse()?, PORT))?;
    while let Some(incoming) = endpoint.accept().await {
        if what == "retry" && !incoming.remote_address_validated() {
            incoming.retry()?;
            continue;
        }
        let dir = PathBuf::from(dir);
        tokio::spawn(async move {
            // Early data is answered before the handshake is complete.
            let connection = match incoming.accept()?.into_0rtt() {
                Ok((connection, _)) => connection,
                Err(connecting) => connecting.await?,
            };
            while let Ok((send, recv)) = connection.accept_bi().await {
                let dir = dir.clone();
                tokio::spawn(async move {
                    if let Err(error) = answer(dir, send, recv).await {
                        eprintln!("request: {error}");
                    }
                });
            }
            Ok::<(), Box<dyn Error + Send + Sync>>(())
        });
    }
    Ok(())
}

// ---- client -------------------------------------------------------------------

async fn fetch(connection: quinn::Connection, url: String, dir: String) -> Result<()> {
    let path = url.splitn(4, '/').nth(3).ok_or("no path")?.to_string();
    let (mut send, mut recv) = connection.open_bi().await?;
    send.write_all(format!("GET /{path}\r\n").as_bytes()).await?;
    send.finish()?;
    let mut file = std::fs::File::create(Path::new(&dir).join(&path))?;
    while let Some(chunk) = recv.read_chunk(1 << 16, true).await? {
        std::io::Write::write_all(&mut file, &chunk.bytes)?;
    }
    Ok(())
}

async fn one_connection(
    endpoint: &quinn::Endpoint,
    address: SocketAddr,
    what: &str,
    dir: &str,
    urls: &[String],
    early: bool,
) -> Result<()> {
    let connecting = endpoint.connect(address, "server")?;
    let connection = if early {
        match connecting.into_0rtt() {
            Ok((connection, _)) => connection,
            Err(_) => return Err("no early data".into()),
        }
    } else {
        connecting.await?
    };
    let fetches: Vec<_> = urls
        .iter()
        .map(|url| tokio::spawn(fetch(connection.clone(), url.clone(), dir.to_string())))
        .collect();
    if what == "keyupdate" {
        tokio::time::sleep(Duration::from_millis(300)).await;
        connection.force_key_update();
    }
    for each in fetches {
        each.await??;
    }
    connection.close(0u32.into(), b"");
    Ok(())
}

async fn get(what: &str, dir: &str, ca: &str, address: &str, urls: &[String]) -> Result<()> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate)?;
    }
    let mut tls = rustls::ClientConfig::builder_with_provider(provider(what))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.key_log = Arc::new(rustls::KeyLogFile::new());
    tls.enable_early_data = what == "zerortt";
    let mut endpoint = quinn::Endpoint::client(SocketAddr::new("::".parse()?, 0))?;
    let tls = QuicClientConfig::with_initial(Arc::new(tls), initial()?)?;
    let mut config = quinn::ClientConfig::new(Arc::new(tls));
    if what == "zerortt" {
        // Large probes of the path MTU would count as data that was not early.
        let mut transport = quinn::TransportConfig::default();
        transport.mtu_discovery_config(None);
        config.transport_config(Arc::new(transport));
    }
    endpoint.set_default_client_config(config);
    let address: SocketAddr = address.parse()?;
    let batch = match what {
        "resumption" | "zerortt" => {
            one_connection(&endpoint, address, what, dir, &urls[..1], false).await?;
            endpoint.wait_idle().await;
            let early = what == "zerortt";
            return one_connection(&endpoint, address, what, dir, &urls[1..], early).await;
        }
        "multiconnect" => 1,
        _ => urls.len(),
    };
    for some in urls.chunks(batch) {
        one_connection(&endpoint, address, what, dir, some, false).await?;
        endpoint.wait_idle().await;
    }
    endpoint.wait_idle().await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["server", what, dir, chain, key] => serve(what, dir, chain, key).await,
        ["client", what, dir, ca, address, ..] => get(what, dir, ca, address, &args[5..]).await,
        _ => Err("usage: see the top of main.rs".into()),
    };
    if let Err(error) = done {
        eprintln!("quinn-peer: {error}");
        std::process::exit(1);
    }
}
