//! A mail server on this machine that takes every letter, or refuses them.
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

/// Ends with the test's process.
pub(crate) struct MailServer {
    /// As a connection has it.
    pub(crate) url: String,
    /// Every letter that was taken, as it came.
    pub(crate) letters: Receiver<String>,
}

impl MailServer {
    /// One that answers a reader's address with this: `250 ok`, or a refusal.
    pub(crate) fn start(to: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let (sender, letters) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                // Whoever speaks may leave at any moment.
                thread::spawn(move || serve(&stream, to, &sender).ok());
            }
        });
        Self { url, letters }
    }
}

fn serve(mut stream: &TcpStream, to: &str, letters: &Sender<String>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    stream.write_all(b"220 here ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let word = line.split_whitespace().next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-here\r\n250 8BITMIME",
            "RCPT" => to,
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mut letter = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    letter.push_str(&line);
                    letter.push('\n');
                }
                letters.send(letter).ok();
                "250 2.0.0 queued"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}
