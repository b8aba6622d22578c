//! The systemd unit, the Dockerfile, manifests, recipes and the packages, held to what the tools for them say. No container is built here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jackfield_tests::server::clean_environment;
use jackfield_tests::{binary, packages};

/// Most that `systemd-analyze security` may find exposed, of 100.
const EXPOSURE: &str = "20";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"))
}

fn passes(command: &mut Command) {
    let output = run(command);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{command:?}:\n{out}{err}");
}

/// The unit as it would be installed, with the path of the binary under test.
fn unit(home: &Path, change: impl Fn(String) -> String) -> PathBuf {
    let text = std::fs::read_to_string(root().join("packaging/jackfield.service")).unwrap();
    let text = text.replace("/usr/bin/jackfield", binary::path().to_str().unwrap());
    let path = home.join("jackfield.service");
    std::fs::write(&path, change(text)).unwrap();
    path
}

#[test]
fn the_unit_is_good_and_leaves_little_exposed() {
    let home = tempfile::tempdir().unwrap();
    let verify = |unit| {
        let mut command = Command::new("systemd-analyze");
        command.args(["--man=no", "verify"]).arg(unit);
        command
    };
    let security = |unit| {
        let mut command = Command::new("systemd-analyze");
        let bound = format!("--threshold={EXPOSURE}");
        command.args(["--offline=true", "--no-pager", &bound, "security"]).arg(unit);
        command
    };
    let good = unit(home.path(), |text| text);
    passes(&mut verify(&good));
    passes(&mut security(&good));
    // With what the Debian package adds.
    let package = std::fs::read_to_string(root().join("packaging/debian/package.conf")).unwrap();
    let drop_in = home.path().join("jackfield.service.d");
    std::fs::create_dir(&drop_in).unwrap();
    std::fs::write(drop_in.join("package.conf"), &package).unwrap();
    passes(&mut verify(&good));
    passes(&mut security(&good));
    std::fs::write(drop_in.join("package.conf"), package.replace("DynamicUser", "DynamicUsers")).unwrap();
    assert!(!run(&mut verify(&good)).stderr.is_empty(), "the drop-in is not read");
    std::fs::remove_dir_all(&drop_in).unwrap();
    // Both notice what is wrong.
    let unknown = unit(home.path(), |text| text.replace("WatchdogSec=", "WatchdogSecs="));
    assert!(!run(&mut verify(&unknown)).stderr.is_empty());
    let open =
        unit(home.path(), |text| text.replace("ProtectSystem=strict", "").replace("SystemCallFilter=", "#"));
    assert!(!run(&mut security(&open)).status.success());
}

#[test]
fn the_dockerfile_is_clean() {
    let python = packages::python(&Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging"));
    let hadolint = || Command::new(python.with_file_name("hadolint"));
    passes(hadolint().arg(root().join("Dockerfile")));
    let home = tempfile::tempdir().unwrap();
    let bad = home.path().join("Dockerfile");
    std::fs::write(&bad, "FROM debian\nRUN apt-get install curl\n").unwrap();
    assert!(!run(hadolint().arg(bad)).status.success());
    // Rootless, by a number that an orchestrator can check, and nothing but what was put in.
    let common = stage("FROM scratch AS common");
    assert!(common.contains("\nUSER 65532:65532\n"), "{common}");
    // The last stage is what is built where nobody names one.
    let text = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    assert!(text.ends_with(&stage("FROM common AS serve")));
    assert!(stage("FROM common AS serve").ends_with("\nCMD [\"serve\"]\n"));
    assert!(stage("FROM common AS dev").contains("\nCMD [\"dev\"]\n"));
}

/// A stage of the Dockerfile, from the line that begins it to the next one.
fn stage(first_line: &str) -> String {
    let text = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    let begin = text.find(first_line).unwrap_or_else(|| panic!("no {first_line:?}"));
    let rest = &text[begin..];
    let end = rest[1..].find("\nFROM ").map_or(rest.len(), |next| next + 2);
    rest[..end].to_owned()
}

/// The environment that a stage sets.
fn environment(stage: &str) -> Vec<(String, String)> {
    let joined = stage.replace("\\\n", " ");
    let settings = joined.lines().filter_map(|line| line.strip_prefix("ENV "));
    let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    settings.flat_map(str::split_whitespace).map(|word| pair(word).unwrap()).collect()
}

/// The image for tests, as a process: what its environment says is enough, operators reach it from other containers, and
/// its health check passes.
#[test]
fn the_image_for_tests_serves_without_arguments() {
    let all = [stage("FROM scratch AS common"), stage("FROM common AS dev")];
    let mut settings: Vec<_> = all.iter().flat_map(|stage| environment(stage)).collect();
    assert!(settings.len() >= 6, "{settings:?}");
    for (_, value) in &mut settings {
        *value = value.replace(":8080", ":0").replace(":8081", ":0");
    }
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    command.arg("dev").envs(settings.clone()).current_dir(home.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ready = lines.into_iter().find(|line| line.starts_with("ready public=")).unwrap();
    let port = ready.split_once(" admin=http://0.0.0.0:").unwrap().1.split(' ').next().unwrap().to_owned();

    let token = settings.iter().find(|(name, _)| name == "JACKFIELD_ADMIN_TOKEN").unwrap().1.clone();
    let reset = format!(
        "POST /admin/v1/reset HTTP/1.1\r\nHost: jackfield:8081\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let mut connection = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    connection.write_all(reset.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let mut health = Command::new(binary::path());
    clean_environment(&mut health);
    health.args(["status", "--admin-endpoint", &format!("http://127.0.0.1:{port}")]).envs(settings);
    let healthy = run(&mut health);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(healthy.status.success(), "{healthy:?}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "it keeps nothing");
}

#[test]
fn the_manifests_for_kubernetes_are_good() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let python = packages::python(&suite);
    let check = |manifests: &Path| {
        let mut command = Command::new(&python);
        command.arg(suite.join("manifests.py")).arg(manifests).arg(env!("CARGO_PKG_VERSION"));
        command
    };
    let manifests = root().join("packaging/kubernetes");
    passes(&mut check(&manifests));
    // It notices a field that the schema does not know, and a port that nobody listens on.
    for (file, good, bad) in [
        ("postgres/deployment.yaml", "replicas: 2", "replicaz: 2"),
        ("base/service.yaml", "targetPort: http", "targetPort: admin"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let copied = run(Command::new("cp").arg("-r").arg(&manifests).arg(home.path()));
        assert!(copied.status.success(), "{copied:?}");
        let broken = home.path().join("kubernetes");
        let text = std::fs::read_to_string(broken.join(file)).unwrap();
        assert!(text.contains(good), "{text}");
        std::fs::write(broken.join(file), text.replace(good, bad)).unwrap();
        assert!(!run(&mut check(&broken)).status.success(), "{bad} is not noticed");
    }
}

#[test]
fn the_compose_file_and_the_recipes_of_pipelines_follow_their_schemas() {
    let python = packages::python(&Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging"));
    let check = |schema: &str, file: &Path| {
        let mut command = Command::new(python.with_file_name("check-jsonschema"));
        command.arg("--builtin-schema").arg(schema).arg(file);
        command
    };
    passes(&mut check("vendor.compose-spec", &root().join("packaging/compose.yaml")));
    let page = std::fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let recipes =
        [("github", "vendor.github-workflows", "runs-on"), ("gitlab", "vendor.gitlab-ci", "script")];
    for (mark, schema, needed) in recipes {
        let (_, rest) = page.split_once(&format!("```yaml {mark}\n")).unwrap();
        let recipe = rest.split_once("```").unwrap().0;
        let file = home.path().join(format!("{mark}.yml"));
        std::fs::write(&file, recipe).unwrap();
        passes(&mut check(schema, &file));
        std::fs::write(&file, recipe.replace(&format!("{needed}:"), "no-such-key:")).unwrap();
        assert!(!run(&mut check(schema, &file)).status.success(), "{mark} without {needed}");
    }
}

/// The packages with the binary under test: each is installed as its users do, serves, and helps a suite of tests.
/// `make dist-test` does more of it with the program that is given away.
#[test]
fn the_packages_install_and_serve() {
    let mut command = Command::new(root().join("script/dist-test"));
    command.arg("--short").env(binary::VARIABLE, binary::path()).stdin(Stdio::null());
    let output = run(&mut command);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{out}{err}");
    for said in ["wheel: a first session works", "6 passed", "npm: a first session works", "# pass 7"] {
        assert!(out.contains(said), "{said} in:\n{out}");
    }
    assert!(out.ends_with("The packages work.\n"), "{out}");
    println!("{out}");
}
