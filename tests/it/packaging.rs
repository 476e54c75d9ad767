//! The packages agree: with `Cargo.toml`, with the program, and with each other. Nothing is packed here; `packaging/README.md`
//! says how that is done and tried.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flowyard::flow::Flow;
use serde_json::Value;

use crate::support::binary::Home;

/// The type of a flow file, as `packaging/linux/flowyard-mime.xml` declares it.
const MIME: &str = "application/x-flowyard+json";
/// What the task bars and the lists of programs know it by.
const APP_ID: &str = "app.flowyard.flowyard";
const METAINFO: &str = "packaging/linux/app.flowyard.flowyard.metainfo.xml";
const DESKTOP: &str = "packaging/linux/flowyard.desktop";
const SERVICE: &str = "packaging/linux/flowyard.service";
const INNO: &str = "packaging/windows/flowyard.iss";
const PLIST: &str = "packaging/macos/Info.plist";
const WORKFLOW: &str = ".github/workflows/release.yml";
/// What is made before a package is: the program, and the notices of others (`packaging/notices.py`).
const MADE: &[&str] = &["target/release/flowyard", "target/release/THIRD-PARTY.txt"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What cargo makes of `Cargo.toml`.
fn package() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"]).arg(path("Cargo.toml"));
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    all["packages"][0].take()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// `(source, destination with its first slash, mode)` of each file of the .deb.
fn deb_assets(package: &Value) -> Vec<(String, String, String)> {
    let list = package["metadata"]["deb"]["assets"].as_array().expect("a list");
    list.iter().map(|it| (word(&it[0]).to_owned(), format!("/{}", word(&it[1])), word(&it[2]).to_owned())).collect()
}

/// The same of the .rpm.
fn rpm_assets(package: &Value) -> Vec<(String, String, String)> {
    let list = package["metadata"]["generate-rpm"]["assets"].as_array().expect("a list");
    list.iter().map(|it| (word(&it["source"]).to_owned(), word(&it["dest"]).to_owned(), word(&it["mode"]).to_owned())).collect()
}

/// What stands in each `<name …>…</name>`; elements do not hold their own kind here.
fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let closing = format!("</{name}>");
    let opening = format!("<{name}");
    let parts = xml.split(&opening).skip(1).filter(|it| it.starts_with(['>', ' ']));
    parts.filter_map(|it| Some(it.split_once('>')?.1.split_once(&closing)?.0.trim())).collect()
}

/// The attribute of each `<name …>`.
fn attributes<'a>(xml: &'a str, name: &str, attribute: &str) -> Vec<&'a str> {
    let begins = format!(" {attribute}=\"");
    let opening = format!("<{name}");
    let tags = xml.split(&opening).skip(1).filter(|it| it.starts_with([' ', '\n']));
    tags.filter_map(|it| it.split('>').next()?.split_once(&begins)?.1.split('"').next()).collect()
}

/// The values of `key=value` lines.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let all = values(text, key);
    assert_eq!(all.len(), 1, "{key} stands {} times", all.len());
    all[0]
}

/// The first string after a key of a property list.
fn plist<'a>(text: &'a str, key: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("<key>{key}</key>")).unwrap_or_else(|| panic!("no {key}"));
    elements(rest, "string")[0]
}

fn templates() -> Vec<PathBuf> {
    let all: Vec<PathBuf> = fs::read_dir(path("assets/templates"))
        .expect("templates")
        .map(|it| it.expect("a readable entry").path())
        .filter(|it| it.extension().is_some_and(|it| it == "flowyard"))
        .collect();
    assert!(!all.is_empty());
    all
}

#[test]
fn every_file_that_a_package_takes_is_there() {
    let package = package();
    for (source, destination, mode) in deb_assets(&package).into_iter().chain(rpm_assets(&package)) {
        assert!(["644", "755", "600"].contains(&mode.as_str()), "{source}: {mode}");
        assert_eq!(mode == "755", destination.starts_with("/usr/bin/"), "{destination} is a program or not");
        if MADE.contains(&source.as_str()) {
            continue;
        }
        let folder = source.split('*').next().expect("a beginning").trim_end_matches('/');
        assert!(path(folder).exists(), "{source} is not there");
        assert_eq!(source.contains('*'), destination.ends_with('/'), "{source} goes to {destination}");
        assert_eq!(source.contains('*'), path(folder).is_dir(), "{source} is a folder or a file");
    }
}

#[test]
fn both_packages_of_linux_put_the_same_files_in_the_same_places() {
    let package = package();
    let deb = deb_assets(&package).into_iter().map(|(_, destination, mode)| (destination, mode));
    let rpm = rpm_assets(&package).into_iter().map(|(_, destination, mode)| (destination, mode));
    // Each has its own place for licences, and a service goes into the .deb by another setting.
    let own = |(destination, _): &(String, String)| {
        ["/usr/share/licenses/", "/usr/lib/systemd/"].iter().any(|it| destination.starts_with(it))
            || destination.ends_with("/THIRD-PARTY.txt")
    };
    let deb: BTreeSet<_> = deb.filter(|it| !own(it)).collect();
    let rpm: BTreeSet<_> = rpm.filter(|it| !own(it)).collect();
    assert_eq!(deb, rpm);

    let settings = &package["metadata"]["deb"];
    assert_eq!(settings["systemd-units"]["unit-name"], "flowyard");
    assert!(path(word(&settings["maintainer-scripts"])).join("flowyard.service").exists());
    let kept: BTreeSet<&str> = settings["conf-files"].as_array().expect("a list").iter().map(word).collect();
    let rpm_list = package["metadata"]["generate-rpm"]["assets"].as_array().expect("a list");
    let rpm_kept: BTreeSet<&str> = rpm_list.iter().filter(|it| it["config"] == "noreplace").map(|it| word(&it["dest"])).collect();
    assert_eq!(kept, rpm_kept, "what a person changes is kept");
    assert!(deb.iter().filter(|(it, _)| it.starts_with("/etc/")).all(|(it, _)| kept.contains(it.as_str())));
}

#[test]
fn the_type_of_a_flow_file_is_the_same_everywhere() {
    let mime = text("packaging/linux/flowyard-mime.xml");
    assert_eq!(attributes(&mime, "mime-type", "type"), [MIME]);
    assert_eq!(attributes(&mime, "sub-class-of", "type"), ["application/json"]);
    assert_eq!(attributes(&mime, "glob", "pattern"), ["*.flowyard"]);
    assert_eq!(value(&text(DESKTOP), "MimeType"), format!("{MIME};"));
    assert_eq!(elements(&text(METAINFO), "mediatype"), [MIME]);

    let list = text(PLIST);
    assert_eq!(plist(&list, "public.mime-type"), MIME);
    assert_eq!(plist(&list, "public.filename-extension"), "flowyard");
    assert_eq!(plist(&list, "UTTypeConformsTo"), "public.json");
    assert_eq!(plist(&list, "LSItemContentTypes"), plist(&list, "UTTypeIdentifier"));

    let inno = text(INNO);
    assert!(inno.contains(&format!(
        r#"Subkey: "Software\Classes\.flowyard"; ValueType: string; ValueName: "Content Type"; ValueData: "{MIME}""#
    )));
    let class = inno.split_once(r#"\.flowyard\OpenWithProgids"; ValueType: string; ValueName: ""#).expect("a class").1;
    let class = class.split('"').next().expect("its name");
    for below in ["", r"\DefaultIcon", r"\shell\open\command"] {
        assert!(inno.contains(&format!(r#"Subkey: "Software\Classes\{class}{below}";"#)), "{class}{below}");
    }
    // The icon of a file is found by its type.
    let icon = MIME.replace('/', "-");
    assert_eq!(attributes(&mime, "icon", "name"), [icon.as_str()]);
    assert!(path(&format!("packaging/icons/hicolor/scalable/mimetypes/{icon}.svg")).exists());
}

#[test]
fn a_flow_file_begins_as_the_system_looks_for_it() {
    let mime = text("packaging/linux/flowyard-mime.xml");
    let patterns = attributes(&mime, "match", "value");
    let offsets = attributes(&mime, "match", "offset");
    let [first, second] = patterns[..] else { panic!("two patterns, not {patterns:?}") };
    let [at, within] = offsets[..] else { panic!("two places, not {offsets:?}") };
    assert_eq!(at, "0");
    let (from, to) = within.split_once(':').expect("a range");
    let (from, to): (usize, usize) = (from.parse().expect("a number"), to.parse().expect("a number"));
    let second = second.replace("&quot;", "\"");
    for template in templates() {
        let flow = Flow::parse(&fs::read(&template).expect("a template")).expect("a flow");
        let text = flow.to_text();
        assert!(text.starts_with(first), "{}", template.display());
        assert!((from..=to).any(|at| text[at..].starts_with(&second)), "{}", template.display());
    }
}

#[test]
fn names_versions_and_licences_agree() {
    let package = package();
    let metainfo = text(METAINFO);
    let list = text(PLIST);
    let desktop = text(DESKTOP);
    assert_eq!(elements(&metainfo, "project_license"), [env!("CARGO_PKG_LICENSE")]);
    assert_eq!(elements(&metainfo, "id"), [APP_ID]);
    assert_eq!(elements(&metainfo, "name"), ["Flowyard"]);
    assert_eq!(elements(&metainfo, "launchable"), ["flowyard.desktop"]);
    assert_eq!(elements(&metainfo, "icon"), [value(&desktop, "Icon")]);
    assert_eq!(elements(&metainfo, "binary"), ["flowyard"]);
    assert_eq!(elements(&metainfo, "summary"), [word(&package["metadata"]["generate-rpm"]["summary"])]);
    assert_eq!(format!("{};", elements(&metainfo, "category").join(";")), value(&desktop, "Categories"));
    assert_eq!(value(&desktop, "Name"), "Flowyard");

    assert_eq!(plist(&list, "CFBundleShortVersionString"), env!("CARGO_PKG_VERSION"));
    assert_eq!(plist(&list, "CFBundleVersion"), env!("CARGO_PKG_VERSION"));
    assert_eq!(plist(&list, "CFBundleIdentifier"), APP_ID);
    assert_eq!(plist(&list, "CFBundleName"), "Flowyard");
    assert_eq!(plist(&list, "CFBundleExecutable"), "flowyard");
    assert!(plist(&list, "NSHumanReadableCopyright").contains(env!("CARGO_PKG_LICENSE")));

    let inno = text(INNO);
    assert_eq!(value(&inno, "AppName"), "Flowyard");
    assert_eq!(value(&inno, "AppVersion"), "{#Version}", "the version comes from Cargo.toml");
    assert!(inno.contains(&format!("AppUserModelID: \"{APP_ID}\"")));
    assert!(text(WORKFLOW).contains(&format!("RUST_TOOLCHAIN: \"{}\"", env!("CARGO_PKG_RUST_VERSION"))));

    let version = env!("CARGO_PKG_VERSION");
    assert!(text("README.md").contains(&format!("./flowyard_{version}-1_amd64.deb")));
    assert!(text("packaging/README.md").contains(&format!("iscc /DVersion={version} ")));

    // Debian's file holds the licence's own words, each line one in, an empty one as a dot.
    let copyright = text("packaging/linux/copyright");
    let mit = text("LICENSE-MIT");
    let (head, words) = mit.split_once("Permission is").expect("the licence");
    let holder = head.split_once("Copyright (c) ").expect("a holder").1.trim();
    assert_eq!(word(&package["metadata"]["deb"]["copyright"]), holder);
    assert!(copyright.contains(&format!("Copyright: {holder}\nLicense: {}\n", env!("CARGO_PKG_LICENSE").replace("OR", "or"))));
    for line in format!("Permission is{words}").lines().filter(|it| !it.is_empty()) {
        assert!(copyright.contains(&format!("\n {line}")), "{line}");
    }
}

#[test]
fn the_window_is_the_one_that_the_desktop_knows() {
    let id = text("src/ui/mod.rs");
    let id = id.split_once(".with_app_id(\"").expect("an id").1.split('"').next().expect("its end");
    let desktop = text(DESKTOP);
    assert_eq!(value(&desktop, "StartupWMClass"), id);
    let installed: Vec<_> = deb_assets(&package()).into_iter().filter(|(source, ..)| source == DESKTOP).collect();
    assert_eq!(installed[0].1, format!("/usr/share/applications/{id}.desktop"), "Wayland finds the icon by it");
}

#[test]
fn icons_have_the_size_that_their_folder_says() {
    for (source, place) in [("flowyard", "apps/flowyard"), ("flowyard-document", "mimetypes/application-x-flowyard+json")] {
        for size in [16_u32, 24, 32, 48, 64, 128, 256, 512] {
            let name = format!("packaging/icons/hicolor/{size}x{size}/{place}.png");
            let bytes = fs::read(path(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
            assert_eq!(bytes[16..24], [size.to_be_bytes(), size.to_be_bytes()].concat(), "{name}");
        }
        let drawn = text(&format!("packaging/icons/{source}.svg"));
        assert_eq!(drawn, text(&format!("packaging/icons/hicolor/scalable/{place}.svg")), "run packaging/icons/render.sh");

        let icon = fs::read(path(&format!("packaging/icons/{source}.ico"))).expect("an icon");
        assert_eq!(icon[..4], [0, 0, 1, 0]);
        let count = usize::from(icon[4]);
        // A width of 0 is 256.
        let widths: BTreeSet<u8> = (0..count).map(|at| icon[6 + 16 * at]).collect();
        assert_eq!(widths, BTreeSet::from([0, 16, 24, 32, 48, 64]));
        assert!(text(INNO).contains(&format!(r"..\icons\{source}.ico")));
        assert!(text("packaging/macos/make-dmg.sh").contains(&format!("icns {source} {}", place.replace('/', " "))));
    }
    let list = text(PLIST);
    assert_eq!(plist(&list, "CFBundleIconFile"), "flowyard");
    assert_eq!(plist(&list, "CFBundleTypeIconFile"), "flowyard-document");
    assert_eq!(plist(&list, "UTTypeIconFile"), "flowyard-document");
}

#[test]
fn the_package_depends_on_what_the_readme_says_the_window_needs() {
    let package = package();
    let depends: BTreeSet<&str> = word(&package["metadata"]["deb"]["depends"]).split(", ").collect();
    let readme = text("README.md");
    let (_, needed) = readme.split_once("run it on X11: `").expect("the list for X11");
    let (x11, rest) = needed.split_once('`').expect("its end");
    let (_, rest) = rest.split_once("on Wayland:").expect("the list for Wayland");
    let wayland = rest.split('`').nth(1).expect("a list");
    let needed: BTreeSet<&str> = x11.split_whitespace().chain(wayland.split_whitespace()).collect();
    assert!(needed.len() > 8, "{needed:?}");
    assert!(needed.is_subset(&depends), "{:?} are missing", needed.difference(&depends));
    // One file for each of them in the .rpm, and the certificates.
    let rpm = package["metadata"]["generate-rpm"]["requires"].as_object().expect("a table");
    assert_eq!(rpm.len(), needed.len() + 1);
    assert!(rpm.contains_key("ca-certificates") && depends.contains("ca-certificates"));
}

#[test]
fn the_service_starts_what_is_installed_with_what_the_program_understands() {
    let service = text(SERVICE);
    let command = value(&service, "ExecStart");
    assert!(command.contains("exec /usr/bin/flowyard serve "), "{command}");
    let help = Home::new().run(&["serve", "--help"]);
    for flag in command.split_whitespace().filter(|it| it.starts_with("--")) {
        assert!(help.stdout.contains(&format!("{flag} ")), "{flag}");
    }
    let package = package();
    let installed: BTreeSet<String> = deb_assets(&package).into_iter().map(|(_, destination, _)| destination).collect();
    let names = command.split_whitespace().filter(|it| it.starts_with("/etc/") && !it.contains('*'));
    let names = names.chain(values(&service, "EnvironmentFile").into_iter().map(|it| it.trim_start_matches('-')));
    let names: Vec<&str> = names.collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.iter().all(|it| installed.contains(*it)), "{names:?}");
    // The flows that it waits for are the flows that it starts.
    assert!(command.trim_end_matches('\'').ends_with(value(&service, "ConditionPathExistsGlob")));
    // Every variable that it says where to find is one that the file of variables tells of.
    let address = value(&service, "Environment").split('=').next().expect("a name");
    assert!(command.contains(&format!("${{{address}}}")));
    assert!(text("packaging/linux/flowyard.env").contains(&format!("#{address}=")));
}

#[test]
fn the_connections_that_are_installed_are_read_and_hold_none() {
    let home = Home::new();
    let connections = path("packaging/linux/connections.json");
    let flow = path("assets/templates/new-contact-to-calendar.flowyard");
    let ended =
        home.run(&["run", &flow.to_string_lossy(), "--trigger", "contact", "--connections", &connections.to_string_lossy()]);
    assert_eq!(ended.code, 6, "{}", ended.stderr);
}

/// Without the window there is nothing to open a flow with.
#[cfg(feature = "gui")]
#[test]
fn a_double_click_calls_the_program_as_it_wants_to_be_called() {
    let desktop = text(DESKTOP);
    let exec: Vec<&str> = value(&desktop, "Exec").split(' ').collect();
    let ["flowyard", verb, "%F"] = exec[..] else { panic!("{exec:?}") };
    let help = Home::new().run(&[verb, "--help"]);
    assert_eq!(help.code, 0, "{}", help.stderr);
    assert!(help.stdout.contains("[FLOWS]..."), "{}", help.stdout);
    assert!(text(INNO).contains(&format!(r#"""{{app}}\flowyard-window.exe"" {verb} ""%1""""#)));
}

#[test]
fn what_the_recipes_name_is_there() {
    let mut seen = 0;
    for name in [WORKFLOW, "packaging/README.md", "packaging/linux/appimage.sh", PLIST, "packaging/linux/try-deb.sh", "README.md"]
    {
        let text = text(name);
        let words = text.split(|c: char| c.is_whitespace() || "`'\"()<>,;|".contains(c));
        for word in words.filter(|it| it.starts_with("packaging/") && !it.contains('*')) {
            let word = word.trim_end_matches(['.', ':']);
            assert!(path(word).exists(), "{name} names {word}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

/// A script that cannot be started is none.
#[cfg(unix)]
#[test]
fn scripts_can_be_started() {
    use std::os::unix::fs::PermissionsExt as _;
    for name in ["icons/render.sh", "linux/appimage.sh", "linux/try-deb.sh", "macos/make-dmg.sh", "notices.py"] {
        let mode = fs::metadata(path(&format!("packaging/{name}"))).expect("a script").permissions().mode();
        assert_ne!(mode & 0o111, 0, "{name}");
    }
}

#[test]
fn the_recipe_of_the_windows_service_starts_what_the_program_knows() {
    let recipe = fs::read_to_string(path("packaging/windows/flowyard-service.xml")).expect("the recipe");
    let arguments = elements(&recipe, "arguments")[0];
    let help = Home::new().run(&["serve", "--help"]).with_code(0).stdout;
    let options: Vec<&str> = arguments.split(' ').filter(|it| it.starts_with("--")).collect();
    assert_eq!(arguments.split(' ').next(), Some("serve"));
    assert!(!options.is_empty() && options.iter().all(|it| help.contains(it)), "{options:?}");
    assert_eq!(elements(&recipe, "executable"), [r"%BASE%\flowyard.exe"]);
}
