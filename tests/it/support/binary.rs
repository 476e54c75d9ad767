//! The real binary, in a home of its own.
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(3);

/// A home directory for the binary, gone when the test is.
pub(crate) struct Home {
    dir: tempfile::TempDir,
}

/// What came of a process.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A process under way; killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a folder") }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a written file");
        path
    }

    /// The binary, not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_after(&[], args)
    }

    /// The binary behind another program, which begins it with limits or as another user.
    fn command_after(&self, before: &[&str], args: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_flowyard");
        match before.split_first() {
            None => self.command_in(binary, args),
            Some((program, limits)) => self.command_in(program, &[limits, &[binary], args].concat()),
        }
    }

    /// A program in this home.
    fn command_in(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.dir.path()).env_remove("FLOWYARD_LOG").env("TZ", "UTC").env("NO_COLOR", "1");
        command.env("FLOWYARD_DATA", self.path("data"));
        // The keychain of whoever runs the tests is none of theirs.
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus").env_remove("XDG_RUNTIME_DIR");
        command.env_remove("FLOWYARD_VAULT_KEY_FILE").env_remove("FLOWYARD_VAULT_PASSPHRASE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, &[], "")
    }

    /// The same with variables in its environment and text on its standard input.
    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)], input: &str) -> Ended {
        let mut command = self.command(args);
        command.envs(variables.iter().copied()).stdin(Stdio::piped());
        let mut child = command.spawn().expect("the binary");
        let mut stdin = child.stdin.take().expect("a pipe");
        // Whoever does not read it has ended already, which the code shows.
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        Running::of(child).end()
    }

    /// Runs the binary with so many MiB of memory to write to, and half a minute of processor time, where the system can see to
    /// that: more memory is not to be had, and more time is its end, however busy the machine is.
    pub(crate) fn run_in(&self, mebibytes: u64, args: &[&str]) -> Ended {
        let limit = format!("--data={}", mebibytes << 20);
        let limits: &[&str] = if cfg!(target_os = "linux") { &["prlimit", "--cpu=30", &limit] } else { &[] };
        Running::of(self.command_after(limits, args).spawn().expect("the binary")).end()
    }

    /// Runs the binary to its end as somebody whom modes of files keep out: as root, who is never kept out, as nobody.
    #[cfg(unix)]
    pub(crate) fn run_unprivileged(&self, args: &[&str]) -> Ended {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let is_root = fs::metadata(self.dir.path()).expect("the folder").uid() == 0;
        if !is_root {
            return self.run(args);
        }
        // Where nobody can reach it.
        let binary = self.path("flowyard-for-nobody");
        if !binary.exists() {
            // Not by this process: what another test starts meanwhile would hold the copy open for writing, and nobody can start
            // a program that is being written.
            let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_flowyard")).arg(&binary).status().expect("cp");
            assert!(copied.success());
            fs::set_permissions(self.dir.path(), fs::Permissions::from_mode(0o755)).expect("an open folder");
        }
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", text(&binary)];
        let mut command = self.command_in("setpriv", &nobody);
        Running::of(command.args(args).spawn().expect("setpriv, of util-linux")).end()
    }

    /// Starts the binary with files of at most so many bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn spawn_with_files_of(&self, bytes: u64, args: &[&str]) -> Running {
        // The soft limit alone: the hard one could not be raised again.
        let limit = format!("--fsize={bytes}:");
        Running::of(self.command_after(&["prlimit", &limit], args).spawn().expect("prlimit, of util-linux"))
    }

    /// Starts the binary.
    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        Running::of(self.command(args).spawn().expect("the binary"))
    }

    /// Waits until every run in a data directory has ended.
    pub(crate) fn until_all_ended(&self, data: &str) {
        let deadline = Instant::now() + PATIENCE;
        let ended = |it: &Value| it["finished"].is_string();
        while !self.run(&["log", "list", "--data", data, "--json"]).with_code(0).objects().iter().all(ended) {
            assert!(Instant::now() < deadline, "a run did not end");
        }
    }

    /// Starts the binary with variables in its environment.
    pub(crate) fn spawn_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Running {
        Running::of(self.command(args).envs(variables.iter().copied()).spawn().expect("the binary"))
    }

    /// Starts the binary with nobody reading what it prints.
    pub(crate) fn run_unread(&self, args: &[&str]) -> Ended {
        let mut child = self.command(args).spawn().expect("the binary");
        drop(child.stdout.take());
        Running::of(child).end()
    }
}

impl Running {
    /// One that was started.
    pub(crate) fn of(mut child: Child) -> Self {
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        }
        let stderr = child.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let mut text = String::new();
                stderr.read_to_string(&mut text).ok();
                text
            })
        });
        Self { child, lines, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line on standard output.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    /// The next line on standard output with this in it.
    pub(crate) fn line_with(&self, part: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Ctrl-C.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.pid().to_string()]).status().expect("kill");
        assert!(status.success());
    }

    /// Ends it at once, as a power cut does: nothing of it runs any more when this returns.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().expect("it can be killed");
        self.end()
    }

    /// Asks it to end.
    pub(crate) fn stop(self) -> Ended {
        #[cfg(unix)]
        self.signal("-TERM");
        #[cfg(not(unix))]
        return self.kill();
        #[cfg(unix)]
        self.end()
    }

    /// Takes the limit of [`Home::spawn_with_files_of`] away.
    #[cfg(target_os = "linux")]
    pub(crate) fn allow_files_of_any_size(&self) {
        let args = ["--pid", &self.pid().to_string(), "--fsize=unlimited:"];
        assert!(Command::new("prlimit").args(args).status().expect("prlimit, of util-linux").success());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let mut stdout = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => stdout.extend([line.as_str(), "\n"]),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it did not end; it said:\n{stdout}"),
            }
        }
        let stderr = self.stderr.take().map(|it| it.join().expect("a thread")).unwrap_or_default();
        let status = self.child.wait().expect("an end");
        Ended { code: status.code().unwrap_or(-1), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Ended {
    /// Fails with everything that was printed, unless it ended so.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Whether each of these is on standard output.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout.contains(part), "{part:?} is not in\n{}\nstderr:\n{}", self.stdout, self.stderr);
        }
        self
    }

    /// Whether each of these is on standard error.
    #[track_caller]
    pub(crate) fn warns(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in\n{}\nstdout:\n{}", self.stderr, self.stdout);
        }
        self
    }

    /// Every line of standard output as JSON.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

/// Sends a request to `http://address/path`; the status and the body of the answer.
pub(crate) fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let rest = url.strip_prefix("http://").expect("http");
    let (address, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let heads: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    let text = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{heads}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).expect("a sent request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// The text of a path.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
