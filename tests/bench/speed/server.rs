//! Processes of the program, and requests to them.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::Fallible;

const FLOWYARD: &str = env!("CARGO_BIN_EXE_flowyard");
/// Names another program to measure, as one that is installed.
const OTHER: &str = "FLOWYARD_BENCH_PROGRAM";

/// A process under way; killed when dropped.
pub(crate) struct Server {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Server {
    /// Starts the program in a directory, with variables in its environment.
    pub(crate) fn start(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Fallible<Self> {
        let mut command = Command::new(std::env::var_os(OTHER).unwrap_or_else(|| FLOWYARD.into()));
        command.args(args).current_dir(dir).envs(variables.iter().copied()).stdout(Stdio::piped());
        command.env_remove("FLOWYARD_VAULT_KEY_FILE").env_remove("FLOWYARD_VAULT_PASSPHRASE");
        let mut child = command.env("FLOWYARD_LOG", "warn").spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, lines })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line with a field of this value, as JSON.
    pub(crate) fn object_with(&mut self, key: &str, value: &str) -> Fallible<Value> {
        let mut line = String::new();
        while self.lines.read_line(&mut line)? > 0 {
            let object: Value = serde_json::from_str(&line)?;
            if key.is_empty() || object[key] == value {
                return Ok(object);
            }
            line.clear();
        }
        Err(format!("it ended without a line whose {key:?} is {value:?}").into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The imitated services.
pub(crate) struct Sandbox {
    pub(crate) access: Value,
    address: String,
    _server: Server,
}

impl Sandbox {
    pub(crate) fn start(dir: &Path, size: &str) -> Fallible<Self> {
        let mut server = Server::start(dir, &["sandbox", "--seed", size, "--json"], &[])?;
        let access = server.object_with("", "")?;
        let base = access["highlevel"]["base_url"].as_str().ok_or("no address")?;
        let address = base.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
        Ok(Self { access, address, _server: server })
    }

    pub(crate) fn text(&self, path: &str) -> Fallible<&str> {
        self.access.pointer(path).and_then(Value::as_str).ok_or_else(|| format!("no {path}").into())
    }

    /// Says or asks something.
    pub(crate) fn steer(&self, method: &str, path: &str, body: &Value) -> Fallible<Value> {
        let mut stream = TcpStream::connect(&self.address)?;
        let body = body.to_string();
        write!(
            stream,
            "{method} /_sandbox/{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        Ok(serde_json::from_str(body)?)
    }

    /// Writes down how it is reached; `token` is the variable that holds the token.
    pub(crate) fn connections(&self, data: &Path, more: &Value) -> Fallible<()> {
        let mut connection = json!({
            "id": "crm", "connector": "highlevel", "base_url": self.text("/highlevel/base_url")?,
            "account": { "location_id": self.text("/highlevel/location_id")? }, "secret_env": { "token": "BENCH_TOKEN" },
        });
        if let (Value::Object(fields), Some(more)) = (&mut connection, more.as_object()) {
            fields.extend(more.clone());
        }
        std::fs::create_dir_all(data)?;
        std::fs::write(data.join("connections.json"), json!([connection]).to_string())?;
        Ok(())
    }
}
