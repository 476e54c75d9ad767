//! The service that the flow calls: answers every POST with a record, at next to no cost. For well-formed requests on
//! connections that stay open only, which is what it gets.
use std::io::Write as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Fallible;

const ANSWER: &[u8] = b"{\"id\":\"rec_7Hq2\",\"status\":\"created\"}";

/// Prints its address and serves until it is killed.
pub(crate) fn serve() -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(answer(stream));
        }
    })
}

async fn answer(mut stream: TcpStream) {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: {}\r\n\r\n",
        ANSWER.len()
    )
    .into_bytes();
    answer.extend_from_slice(ANSWER);
    let mut got = Vec::with_capacity(4096);
    while let Ok(read) = stream.read_buf(&mut got).await {
        if read == 0 {
            return;
        }
        while let Some(length) = whole(&got) {
            got.drain(..length);
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

/// The length of the first request, if all of it is there.
fn whole(got: &[u8]) -> Option<usize> {
    let head = got.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&got[..head]).ok()?.to_ascii_lowercase();
    let length = text.split_once("content-length:").map_or(Some(0), |(_, rest)| rest.lines().next()?.trim().parse().ok())?;
    (got.len() >= head + length).then_some(head + length)
}
