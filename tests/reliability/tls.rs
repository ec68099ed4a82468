//! TLS for real, on loopback: certificates that nobody should accept, and HTTP/2 where the other side offers it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use personaform::providers;
use personaform::sandbox::{Incoming, Miniature};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::support::Project;

const KEY: &str = "key-of-the-account-behind-tls";

type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority that signs for these tests alone; its key is never written anywhere.
fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed")
}

/// What a server shows: a certificate for a host, signed by an authority or by itself.
fn shown(host: &str, signer: Option<&Authority>, year_of_end: i32) -> (Vec<u8>, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![host.to_owned()]).expect("names");
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(year_of_end, 1, 1);
    let certificate = match signer {
        Some(signer) => params.signed_by(&key, signer),
        None => params.self_signed(&key),
    };
    (certificate.expect("signed").der().to_vec(), key)
}

/// What a server has seen.
#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    /// What was agreed on, per finished handshake.
    protocols: Vec<Option<String>>,
    /// Method and path of every request, and whether the key came with it.
    requests: Vec<(String, bool)>,
}

/// Tavus behind TLS.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _runtime: Runtime,
}

impl Server {
    fn start((certificate, key): (Vec<u8>, KeyPair), protocols: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], key)
            .expect("a certificate");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let miniature: Arc<Mutex<Box<dyn Miniature>>> = Arc::new(Mutex::new(providers::miniature("tavus", KEY).expect("one")));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let log = Arc::clone(&seen);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                log.lock().expect("whole").connections += 1;
                let (acceptor, log, miniature) = (acceptor.clone(), Arc::clone(&log), Arc::clone(&miniature));
                // A client that turns away is what some of these tests are about.
                tokio::spawn(async move { drop(serve(acceptor, stream, log, miniature).await) });
            }
        });
        Self { address, seen, _runtime: runtime }
    }

    /// A project whose one account is here, under this name.
    fn project(&self, host: &str, trusted: &Authority) -> Project {
        let base_url = format!("https://{host}:{}", self.address.port());
        let mut project = Project::new(&[
            ("personaform.yaml", &format!("accounts: {{ tavus: {{ base_url: \"{base_url}\" }} }}\n")),
            ("personas/ada.yaml", "name: Ada\nprompt: Be kind.\ntargets: { tavus: {} }\n"),
            ("authority.pem", &trusted.pem()),
        ]);
        project.set("TAVUS_API_KEY", KEY);
        let path = project.path("authority.pem").display().to_string();
        project.set("SSL_CERT_FILE", &path);
        project
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn serve(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    seen: Arc<Mutex<Seen>>,
    miniature: Arc<Mutex<Box<dyn Miniature>>>,
) -> Result<(), Failed> {
    let mut stream = acceptor.accept(stream).await?;
    let protocol = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    seen.lock().expect("whole").protocols.push(protocol.clone());
    let answer = |request: &Incoming| {
        let with_key = request.headers.values().any(|value| value.contains(KEY));
        seen.lock().expect("whole").requests.push((format!("{} {}", request.method, request.path), with_key));
        let answer = miniature.lock().expect("whole").handle(request);
        (answer.status, answer.body.map(|body| body.to_string()).unwrap_or_default())
    };
    if protocol.as_deref() != Some("h2") {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let text = String::from_utf8(head)?;
        let mut lines = text.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let mut request = Incoming::new(words.next().unwrap_or_default(), words.next().unwrap_or_default());
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            request = request.with_header(name, value);
        }
        let (status, body) = answer(&request);
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        stream.shutdown().await?;
        return Ok(());
    }
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, mut respond) = accepted?;
        let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let mut incoming = Incoming::new(request.method().as_str(), &target);
        for (name, value) in request.headers() {
            incoming = incoming.with_header(name.as_str(), value.to_str().unwrap_or_default());
        }
        let mut body = request.into_body();
        // The connection must be driven on while the body comes.
        let read = async {
            let mut bytes = Vec::new();
            while let Some(chunk) = body.data().await {
                let chunk = chunk?;
                body.flow_control().release_capacity(chunk.len())?;
                bytes.extend_from_slice(&chunk);
            }
            Ok::<_, h2::Error>(bytes)
        };
        tokio::select! {
            bytes = read => incoming.body = bytes?,
            more = std::future::poll_fn(|context| connection.poll_closed(context)) => return Ok(more?),
        }
        let (status, text) = answer(&incoming);
        let response = http::Response::builder().status(status).header("content-type", "application/json").body(())?;
        respond.send_response(response, false)?.send_data(text.into(), true)?;
    }
    Ok(())
}

#[test]
fn a_certificate_that_is_not_right_is_refused_with_host_and_cause_and_nothing_is_sent() {
    let (ours, other) = (authority("Ours"), authority("Another"));
    for (name, certificate, words) in [
        ("self-signed", shown("localhost", None, 2090), "nobody whom this machine trusts vouches for it"),
        ("another authority's", shown("localhost", Some(&other), 2090), "nobody whom this machine trusts vouches for it"),
        ("another host's", shown("personas.example", Some(&ours), 2090), "it is for another host"),
        ("expired", shown("localhost", Some(&ours), 2002), "it has expired"),
    ] {
        let server = Server::start(certificate, &["h2", "http/1.1"]);
        let project = server.project("localhost", &ours);
        for arguments in [&["plan"][..], &["apply", "-y"], &["drift"], &["plan", "--retries", "9"]] {
            let begun = Instant::now();
            let run = project.run(arguments);
            // Lines are broken to the terminal's width.
            let text = format!("{}{}", run.stdout, run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
            if arguments == ["drift"] {
                continue; // Nothing is recorded, so nothing is asked.
            }
            assert_eq!(run.code, 1, "{name}: {text}");
            assert!(text.contains("the certificate of `localhost` is refused") && text.contains(words), "{name}: {text}");
            assert!(text.contains("`base_url`") && text.contains("SSL_CERT_FILE"), "{name}: what to do: {text}");
            for offer in ["insecure", "verif", "skip", "trying again"] {
                assert!(!text.contains(offer), "{name}: `{offer}` in {text}");
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{name}");
        }
        let seen = server.seen.lock().expect("whole");
        assert_eq!(seen.connections, 3, "{name}: once per run, however many tries are allowed");
        assert!(seen.requests.is_empty(), "{name}: {seen:?}");
    }
}

#[test]
fn an_account_may_not_switch_verification_off() {
    // `insecure` is about plain http; a bad certificate stays a bad certificate.
    let ours = authority("Ours");
    let server = Server::start(shown("localhost", None, 2090), &["http/1.1"]);
    let project = server.project("localhost", &ours);
    project.edit("personaform.yaml", " } }", ", insecure: true } }");
    let run = project.run(&["plan"]).ends(1);
    assert!(run.stdout.contains("certificate of `localhost`"), "{}{}", run.stdout, run.stderr);
    assert!(server.seen.lock().expect("whole").requests.is_empty());
}

#[test]
fn a_trusted_service_is_spoken_to_over_http_2_on_one_connection() {
    let ours = authority("Ours");
    let server = Server::start(shown("localhost", Some(&ours), 2090), &["h2", "http/1.1"]);
    let project = server.project("localhost", &ours);
    project.run(&["apply", "-y"]).ends(0);
    let seen = std::mem::take(&mut *server.seen.lock().expect("whole"));
    assert_eq!(seen.protocols, [Some("h2".to_owned())], "one connection for list, create and read: {seen:?}");
    assert_eq!(seen.requests.len(), 3, "{seen:?}");
    assert!(seen.requests.iter().all(|(_, with_key)| *with_key), "{seen:?}");
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
    assert_eq!(server.seen.lock().expect("whole").protocols, [Some("h2".to_owned())]);
}

#[test]
fn where_http_2_is_not_offered_the_older_one_does() {
    let ours = authority("Ours");
    let server = Server::start(shown("localhost", Some(&ours), 2090), &["http/1.1"]);
    let project = server.project("localhost", &ours);
    project.run(&["plan"]).ends(0);
    let seen = server.seen.lock().expect("whole");
    assert_eq!((seen.protocols.as_slice(), seen.requests.len()), (&[Some("http/1.1".to_owned())][..], 1));
}
