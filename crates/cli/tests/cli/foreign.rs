//! An SMSC that nobody here wrote: the `smpp` package of the npm registry, pinned and installed by
//! this set-up outside of the source tree. Where node or the registry can't be reached, the tests
//! say so and look at nothing.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

use crate::support::{n, signal, status, stderr, volley};

const PASSWORD: &str = "s3cret-of-nine";

/// Where the package is installed, or why it isn't.
fn installed() -> Result<&'static Path, &'static str> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    INSTALLED.get_or_init(install).as_ref().map(PathBuf::as_path).map_err(String::as_str)
}

fn install() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smsc");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("smsc");
    fs::create_dir_all(&folder).unwrap();
    for file in ["package.json", "package-lock.json", "server.js"] {
        fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    let version =
        |program: &str| Command::new(program).arg("--version").output().map_err(|error| (program.to_owned(), error));
    version("node").and_then(|_| version("npm")).map_err(|(program, error)| format!("no {program}: {error}"))?;
    if is_installed(&folder, "smpp", "0.5.1") {
        return Ok(folder);
    }
    let npm = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries", "1"])
        .current_dir(&folder)
        .output()
        .unwrap();
    if npm.status.success() {
        return Ok(folder);
    }
    let words = String::from_utf8_lossy(&npm.stderr).into_owned();
    let unreachable = ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "network"];
    assert!(unreachable.iter().any(|reason| words.contains(reason)), "npm ci failed: {words}");
    Err(format!("the npm registry can't be reached: {}", words.lines().next().unwrap_or_default()))
}

fn is_installed(folder: &Path, package: &str, version: &str) -> bool {
    let manifest = fs::read_to_string(folder.join("node_modules").join(package).join("package.json"));
    let manifest = manifest.ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    manifest.is_some_and(|manifest| manifest.get("version").is_some_and(|found| found == version))
}

struct Smsc {
    child: Child,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

impl Smsc {
    fn start(folder: &Path, more: &[&Path]) -> Self {
        let mut command = Command::new("node");
        command.arg("server.js").arg(PASSWORD).args(more).current_dir(folder).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening ").unwrap().parse().unwrap();
        Self { child, stdout, port }
    }

    /// Ends it, and gives what it understood.
    fn stop(mut self) -> Value {
        signal(&self.child, "TERM");
        let mut json = String::new();
        self.stdout.read_to_string(&mut json).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str(&json).unwrap()
    }
}

/// The text of each recipient: plain, with every letter of the GSM alphabet, in two parts, with
/// extension characters at a cut, in UCS-2, and in several parts of UCS-2 with a pair at a cut.
fn texts(n_rows: usize) -> BTreeMap<String, String> {
    let kinds = [
        "Hello from volley".to_owned(),
        "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€".to_owned(),
        format!("two parts {}", "0123456789 ".repeat(20)),
        format!("{}€{}", "x".repeat(140), "y".repeat(90)),
        "Привет, 你好 مرحبا".to_owned(),
        format!("{}😀 {}", "ж".repeat(55), "щ".repeat(90)),
    ];
    let numbers = (0..n_rows).map(|n| format!("49151{:08}", 23_000_000 + n));
    numbers
        .zip(kinds.iter().cycle())
        .map(|(number, kind)| (number.clone(), format!("{kind} {}", &number[9..])))
        .collect()
}

fn write_files(dir: &Path, texts: &BTreeMap<String, String>, carrier: &str) -> PathBuf {
    let rows: String =
        texts.iter().map(|(number, text)| format!("+{number},\"{text}\",T{}\n", &number[10..])).collect();
    fs::write(dir.join("list.csv"), format!("phone,message,template\n{rows}")).unwrap();
    fs::write(dir.join("password"), PASSWORD).unwrap();
    let account = "kind = \"smpp\"\nsystem-id = \"acme\"\npassword = { file = \"password\" }\n";
    fs::write(dir.join("carriers.toml"), format!("[carriers.node]\n{account}{carrier}")).unwrap();
    let campaign = dir.join("campaign.toml");
    let text = "name = \"test\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\n[message]\nsender = \"ACME\"\n\
                text = \"{{ message }}\"\nmax-segments = 4\nvalidity = \"1h\"\n[[route]]\ncarrier = \"node\"\n";
    fs::write(&campaign, text).unwrap();
    campaign
}

#[test]
fn a_campaign_over_a_foreign_smsc_arrives_letter_by_letter_with_every_receipt() {
    let folder = match installed() {
        Ok(folder) => folder,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let smsc = Smsc::start(folder, &[]);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let texts = texts(300);
    let carrier = format!(
        "hosts = [\"127.0.0.1:{}\"]\nbinds = 3\nwindow = 8\nrate = \"400/s\"\nid-mode = \"resp-hex-receipt-dec\"\n\
         service-type = \"CMT\"\nenquire-interval = \"100ms\"\ntimers = {{ throttle-pause = \"50ms\" }}\n\
         ton-npi = {{ alphanumeric = [5, 1] }}\n\
         [carriers.node.tlvs]\n\"0x1400\" = {{ type = \"c-string\", max-length = 10, column = \"template\" }}\n",
        smsc.port
    );
    let campaign = write_files(dir, &texts, &carrier);
    let output = volley(dir).arg("run").arg(&campaign).args(["--yes", "--no-progress"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let status = status(dir).unwrap();
    assert_eq!(n(&status, "/states/delivered"), 300, "{status}");
    let seen = smsc.stop();
    assert_eq!((n(&seen, "/unfinished"), seen["errors"].as_array().map(Vec::len)), (0, Some(0)), "{}", seen["errors"]);
    assert!(n(&seen, "/throttled") > 0 && n(&seen, "/enquiries_answered") > 0, "{} throttled", seen["throttled"]);
    let messages = seen["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 300, "each once");
    for message in messages {
        let number = message["to"].as_str().unwrap();
        assert_eq!(message["text"].as_str(), texts.get(number).map(String::as_str), "{message}");
        assert_eq!(message["template"], format!("T{}", &number[10..]), "{message}");
        let fields = (&message["service_type"], &message["source_ton"], &message["registered_delivery"]);
        assert_eq!(
            (fields.0.as_str(), fields.1.as_u64(), fields.2.as_u64()),
            (Some("CMT"), Some(5), Some(1)),
            "{message}"
        );
        assert!(message["validity_period"].as_str().unwrap().starts_with("20"), "{message}");
    }
    let n_parts: u64 = messages.iter().map(|message| n(message, "/parts")).sum();
    assert_eq!(n_parts + n(&seen, "/throttled"), n(&seen, "/submits"));
    assert_eq!(n(&status, "/segments/accepted"), n_parts);
}

#[test]
fn a_foreign_smsc_over_tls_is_verified_and_its_ids_are_read_by_the_check() {
    let folder = match installed() {
        Ok(folder) => folder,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (key, cert) = (dir.join("key.pem"), dir.join("cert.pem"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::write(&cert, made.cert.pem()).unwrap();
    let smsc = Smsc::start(folder, &[&key, &cert]);
    let carrier = |host: &str, tls: &str| {
        format!("hosts = [\"{host}:{}\"]\ntls = {tls}\nreconnect = {{ first = \"10s\" }}\n", smsc.port)
    };
    let check = |carrier: &str, more: &[&str]| {
        write_files(dir, &BTreeMap::new(), carrier);
        let mut command = volley(dir);
        command.args(["carrier", "test", "node", "--json", "--idle", "500ms", "--patience", "3s", "--carriers"]);
        let output = command.arg(dir.join("carriers.toml")).args(more).output().unwrap();
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        (output.status.code(), json, stderr(&output))
    };
    // The system doesn't know this authority, and the certificate is for another name.
    for (host, tls, expected) in
        [("localhost", "true", "UnknownIssuer"), ("127.0.0.1", "{ ca = \"cert.pem\" }", "not valid for name")]
    {
        let (code, seen, _) = check(&carrier(host, tls), &[]);
        let detail = seen["steps"][0]["detail"].as_str().unwrap();
        assert!(code == Some(4) && detail.contains("TLS failed") && detail.contains(expected), "{host}: {seen:#}");
    }
    let (code, _, words) = check(&carrier("127.0.0.1", "{ ca = \"cert.pem\", verify-host-name = false }"), &[]);
    assert!(code == Some(0) && words.contains("can pose as the carrier"), "{words}");
    let (code, seen, _) = check(&carrier("localhost", "{ ca = \"cert.pem\" }"), &["--to", "+4915112345678"]);
    assert_eq!((code, seen["ids"]["proposed"].as_str()), (Some(1), Some("resp-hex-receipt-dec")), "{seen:#}");
    let steps = seen["steps"].as_array().unwrap();
    let of =
        |name: &str| steps.iter().find(|step| step["step"] == name).unwrap()["verdict"].as_str().unwrap().to_owned();
    assert_eq!([of("keep-alives, ours"), of("keep-alives, theirs")], ["ok", "ok"], "{seen:#}");
    let seen = smsc.stop();
    assert_eq!(seen["messages"].as_array().map(Vec::len), Some(3), "{seen:#}");
}
