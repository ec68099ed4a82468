//! A server that answers with exactly the bytes that a test writes, or breaks the connection where it says so. Knows no HTTP
//! beyond where a request ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// These bytes are sent, and the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes are sent with a pause after each, and the connection is closed.
    Slowly(Vec<u8>, Duration),
    /// The connection is closed at once.
    Close,
    /// Nothing is sent for so long.
    Silence(Duration),
    /// This head, then bytes without end.
    Endless(Vec<u8>),
}

impl Step {
    /// A whole answer.
    pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Self {
        Self::Bytes(
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
                .into_bytes(),
        )
    }
}

/// A scripted server; the last step is repeated for all further requests.
pub(crate) struct Scripted {
    pub(crate) address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Serves until the process ends.
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                let Ok(mut connection) = connection else { return };
                let step = steps[number.min(steps.len() - 1)].clone();
                let log = Arc::clone(&log);
                std::thread::spawn(move || {
                    let request = request(&mut connection);
                    log.lock().expect("nobody panics").push(request);
                    // A client that has gone away is what some of these tests are about.
                    let _ = play(&mut connection, step);
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, head and body.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panics").clone()
    }
}

fn request(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            if length.is_none_or(|(_, length)| body.len() >= length.trim().parse().unwrap_or(0)) {
                return text;
            }
        }
        match connection.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return text,
        }
    }
}

fn play(connection: &mut TcpStream, step: Step) -> std::io::Result<()> {
    match step {
        Step::Bytes(bytes) => connection.write_all(&bytes),
        Step::Slowly(bytes, pause) => bytes.iter().try_for_each(|byte| {
            std::thread::sleep(pause);
            connection.write_all(&[*byte])
        }),
        Step::Close => Ok(()),
        Step::Silence(time) => {
            std::thread::sleep(time);
            Ok(())
        }
        Step::Endless(head) => {
            connection.write_all(&head)?;
            loop {
                connection.write_all(&[b' '; 65536])?;
            }
        }
    }
}
