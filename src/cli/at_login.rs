//! Starting with the computer: an entry of the person's own desktop that keeps flows running without the window.
//!
//! Linux: a desktop entry in the autostart directory (Desktop Application Autostart Specification 0.5). macOS: a launch agent.
//! Windows: a value under the `Run` key of the person.
use std::io;
#[cfg(not(windows))]
use std::path::PathBuf;

use super::exit::Error;
use crate::record::Failure;

/// What it is called there.
#[cfg(windows)]
const NAME: &str = "Flowyard";

/// Whether it does.
#[cfg(any(feature = "gui", windows))]
pub(super) fn is_on() -> bool {
    #[cfg(windows)]
    return registry(&["query", RUN_KEY, "/v", NAME]).is_ok();
    #[cfg(not(windows))]
    file().is_some_and(|it| it.exists())
}

/// Lets it, with these arguments, or does not any more.
///
/// # Errors
/// A [`Failure`] where the entry cannot be written or removed.
pub(super) fn set(on: bool, args: &[String]) -> Result<(), Failure> {
    write(on, args).map_err(|error| {
        let title =
            if on { "Flowyard cannot be started with the computer" } else { "Starting with the computer cannot be ended" };
        let hint = "Look at the permissions of your autostart entries, or start `flowyard background` by hand.";
        let error = Error::machine(title, &error.to_string(), hint);
        error.failure.map_or_else(|| Failure::new(crate::record::FailureKind::Machine, title), |it| *it)
    })
}

#[cfg(not(windows))]
fn write(on: bool, args: &[String]) -> io::Result<()> {
    let file = file().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no home directory"))?;
    if !on {
        return match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let program = std::env::current_exe()?.display().to_string();
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir)?;
    }
    std::fs::write(file, entry(&program, args))
}

#[cfg(all(unix, not(target_os = "macos")))]
fn file() -> Option<PathBuf> {
    Some(directories::BaseDirs::new()?.config_dir().join("autostart").join("flowyard.desktop"))
}

/// A desktop entry. Reserved characters stand in double quotes, with a backslash before what is special in them, and `%` is doubled
/// (Desktop Entry Specification, "The Exec key").
#[cfg(all(unix, not(target_os = "macos")))]
fn entry(program: &str, args: &[String]) -> String {
    let quoted = |it: &str| {
        let mut text = String::from("\"");
        for letter in it.chars() {
            match letter {
                '"' | '`' | '$' => text.extend(['\\', '\\', letter]),
                '\\' => text.push_str("\\\\\\\\"),
                '%' => text.push_str("%%"),
                other => text.push(other),
            }
        }
        text.push('"');
        text
    };
    let exec = std::iter::once(program).chain(args.iter().map(String::as_str)).map(quoted).collect::<Vec<_>>().join(" ");
    format!(
        "[Desktop Entry]\nType=Application\nName=Flowyard in the background\nComment=Keeps the flows that are on running\n\
         Exec={exec}\nIcon=flowyard\nTerminal=false\nStartupNotify=false\nNoDisplay=true\n"
    )
}

#[cfg(target_os = "macos")]
fn file() -> Option<PathBuf> {
    Some(directories::BaseDirs::new()?.home_dir().join("Library/LaunchAgents/app.flowyard.background.plist"))
}

#[cfg(target_os = "macos")]
fn entry(program: &str, args: &[String]) -> String {
    let text =
        |it: &str| format!("    <string>{}</string>\n", it.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    let list: String = std::iter::once(program).chain(args.iter().map(String::as_str)).map(text).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  \
         <string>app.flowyard.background</string>\n  <key>ProgramArguments</key>\n  <array>\n{list}  </array>\n  \
         <key>RunAtLoad</key>\n  <true/>\n</dict>\n</plist>\n"
    )
}

#[cfg(windows)]
const RUN_KEY: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";

#[cfg(windows)]
fn write(on: bool, args: &[String]) -> io::Result<()> {
    if !on {
        return if is_on() { registry(&["delete", RUN_KEY, "/v", NAME, "/f"]) } else { Ok(()) };
    }
    let program = std::env::current_exe()?.display().to_string();
    let line = std::iter::once(program).chain(args.iter().cloned()).map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(" ");
    registry(&["add", RUN_KEY, "/v", NAME, "/t", "REG_SZ", "/d", &line, "/f"])
}

#[cfg(windows)]
fn registry(args: &[&str]) -> io::Result<()> {
    let output = std::process::Command::new("reg").args(args).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn what_is_special_in_a_desktop_entry_is_quoted() {
        let text = entry("/opt/My \"apps\"/flow$yard", &["background".to_owned(), "--data".to_owned(), "/d/100%\\x".to_owned()]);
        let exec = text.lines().find(|it| it.starts_with("Exec=")).unwrap();
        assert_eq!(exec, r#"Exec="/opt/My \\"apps\\"/flow\\$yard" "background" "--data" "/d/100%%\\\\x""#);
        assert!(text.starts_with("[Desktop Entry]\nType=Application\n"));
    }
}
