//! The sandbox as one static program with the page inside, in an image that holds nothing else, and a try of it: `cargo xtask
//! container` as it is used, and a stage of `cargo xtask test` without optimisation.

use crate::setup;
use crate::test::Tally;
use crate::{build, process, project};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{self, Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The target whose programs need no libraries. (An image for another architecture is built on that architecture.)
const TARGET: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-musl"
} else {
    "x86_64-unknown-linux-musl"
};
const IMAGE: &str = "localhost/effusion-sandbox:latest";
/// Who the program is in the image: packaging/Containerfile.
const USER: u32 = 65532;
/// What the sandbox adds to the page, by which it knows who serves it.
const SERVED_MARK: &str = r#"<meta name="effusion-origin" content="true">"#;
/// How long the program may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn container(args: &[String]) -> Result<()> {
    let dist = match args {
        [] => build::page(&setup::prepare(&build::NEEDS)?)?,
        [name, dist] if name == "--dist" => path::absolute(dist)?,
        _ => bail!("`cargo xtask container` takes `--dist DIR`, a page that is built already"),
    };
    println!("Comparing the page that is built in with its files");
    let mut compare = project::cargo();
    compare.args(["test", "--quiet", "--test=embedded"]);
    process::run(compare.args(WITH_PAGE).env("EFFUSION_DIST", &dist))?;
    make(&dist, "container", true)?;
    Ok(())
}

/// The stage of the tests.
pub fn check(dist: &Path) -> Result<Tally> {
    if !cfg!(target_os = "linux") {
        return Ok(Tally::skip("images are for Linux, and made there"));
    }
    make(dist, "container-test", false)
}

/// Makes the program and the image in a folder of `target/`, and tries both.
fn make(dist: &Path, folder: &str, is_release: bool) -> Result<Tally> {
    setup::ensure_static_target(TARGET)?;
    let program = program(dist, is_release)?;
    let folder = project::root().join("target").join(folder);
    let context = folder.join("context");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(context.join("data"))?;
    fs::copy(program, context.join("effusion-sandbox"))?;
    let description = project::root().join("packaging/Containerfile");
    fs::copy(description, context.join("Containerfile"))?;

    let mut tally = Tally::default();
    let root = match Buildah::find(&folder)? {
        Ok(buildah) => {
            let root = unpack(&buildah.image(&context)?, &folder)?;
            tally.passed += 1;
            root
        }
        Err(reason) => {
            tally += Tally::skip(format_args!("the image: {reason}"));
            println!("The program is tried by itself");
            #[cfg(unix)]
            if is_root()? {
                std::os::unix::fs::chown(context.join("data"), Some(USER), Some(USER))?;
            }
            context
        }
    };
    try_out(&root, dist)?;
    tally.passed += 1;
    Ok(tally)
}

const WITH_PAGE: [&str; 3] = ["-p", "effusion-sandbox", "--features=embedded-page"];

/// Compiles the sandbox with a page inside, without libraries.
fn program(dist: &Path, is_release: bool) -> Result<PathBuf> {
    println!("Building the sandbox for {TARGET}");
    let mut build = project::cargo();
    build.args(["build", "--bin=effusion-sandbox", "--target", TARGET]);
    build.args(WITH_PAGE).env("EFFUSION_DIST", dist);
    if is_release {
        build.arg("--release");
    } else {
        // Nobody looks into it.
        build.env("CARGO_PROFILE_DEV_DEBUG", "0");
    }
    process::run(&mut build)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let profile = if is_release { "release" } else { "debug" };
    let target = project::root().join(target).join(TARGET).join(profile);
    Ok(target.join("effusion-sandbox"))
}

/// Builds images with storage of its own: it needs no daemon, mount or name space of the kernel, and so works in containers, too.
struct Buildah<'a> {
    folder: &'a Path,
}

impl<'a> Buildah<'a> {
    /// Whether it is here and can work; otherwise why not.
    fn find(folder: &'a Path) -> Result<Result<Self, String>> {
        if !setup::ensure_buildah()? {
            return Ok(Err("buildah cannot be had, as told above".to_owned()));
        }
        let buildah = Self { folder };
        // What it may need of the system, such as ranges of user ids, is needed for an empty image, too.
        let empty = process::capture(buildah.command().args(["from", "scratch"]));
        Ok(match empty {
            Ok(_) => Ok(buildah),
            Err(error) => Err(format!("buildah cannot work here: {error:#}")),
        })
    }

    fn command(&self) -> Command {
        let mut buildah = Command::new("buildah");
        buildah.args(["--storage-driver=vfs", "--root"]);
        buildah.arg(self.folder.join("storage")).arg("--runroot");
        buildah.arg(self.folder.join("run"));
        buildah
    }

    /// Builds the image, and writes it into an archive, whose path it returns.
    fn image(&self, context: &Path) -> Result<PathBuf> {
        println!("Building the image");
        let mut bud = self.command();
        bud.args(["bud", "--isolation=chroot", "--format=docker", "--quiet"]);
        process::capture(bud.args(["--tag", IMAGE]).arg(context))?;
        let config = process::capture(self.command().args(["inspect", "--type=image", IMAGE]))?;
        let config: serde_json::Value = serde_json::from_str(&config)?;
        let config = &config["Docker"]["config"];
        let user = format!("{USER}:{USER}");
        ensure!(
            config["User"] == user.as_str(),
            "the image's user: {config}"
        );
        ensure!(
            config["Volumes"]["/data"].is_object(),
            "the image's volume: {config}"
        );
        let health = &config["Healthcheck"]["Test"][2];
        ensure!(health == "health", "the image's health check: {config}");
        let archive = self.folder.join("effusion-sandbox.tar");
        let to = format!("docker-archive:{}:{IMAGE}", archive.display());
        process::capture(self.command().args(["push", "--quiet", IMAGE]).arg(to))?;
        let size = fs::metadata(&archive)?.len() / 1024;
        println!("The image is in {} ({size} KiB)", archive.display());
        Ok(archive)
    }
}

/// Unpacks an image's files from its archive, and returns the folder with them.
fn unpack(archive: &Path, folder: &Path) -> Result<PathBuf> {
    let (parts, root) = (folder.join("parts"), folder.join("root"));
    let extract = |archive: &Path, folder: &Path| {
        fs::create_dir_all(folder)?;
        let mut tar = Command::new("tar");
        tar.arg("--extract").arg("--file").arg(archive);
        process::capture(tar.arg("--directory").arg(folder))
    };
    extract(archive, &parts)?;
    let manifest = fs::read_to_string(parts.join("manifest.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&manifest)?;
    let layers = manifest[0]["Layers"].as_array();
    for layer in layers.context("an image without layers")? {
        extract(&parts.join(layer.as_str().unwrap_or_default()), &root)?;
    }
    Ok(root)
}

fn is_root() -> Result<bool> {
    Ok(process::capture(Command::new("id").arg("-u"))? == "0")
}

/// Runs the program with the image's files as all that it can see, as the image's user. Who is not root runs it where it is.
fn try_out(root: &Path, dist: &Path) -> Result<()> {
    println!("Trying it");
    let is_root = is_root()?;
    let inside = || {
        if !is_root {
            return Command::new(root.join("effusion-sandbox"));
        }
        let mut chroot = Command::new("chroot");
        chroot.arg(format!("--userspec={USER}:{USER}")).arg(root);
        chroot.arg("/effusion-sandbox");
        chroot
    };
    let stored = root.join("data");
    let data = if is_root { Path::new("/data") } else { &stored };
    let mut child = inside()
        .args(["--listen=127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the program")?;
    let outcome = use_it(&mut child, inside(), dist);
    let stopped = stop(&mut child);
    outcome.and(stopped)?;
    ensure!(
        stored.join("sandbox.redb").is_file(),
        "nothing was stored in the volume"
    );
    // As the image starts by itself, others could reach it: not with passwords that everybody knows.
    let refused = inside()
        .args(["--listen=0.0.0.0:0", "--data"])
        .arg(data)
        .output()?;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        !refused.status.success() && words.contains("can be reached by others"),
        "it listens for others with the passwords for development: {words}"
    );
    println!("It serves the page, its health and a session, and stores into its volume");
    Ok(())
}

fn use_it(child: &mut Child, mut health: Command, dist: &Path) -> Result<()> {
    let output = child.stdout.take().context("no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let address = line
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(address, _)| address)
        .with_context(|| format!("it does not say where it listens: `{}`", line.trim()))?;
    process::run(health.args(["health", address])).context("it is not in health")?;

    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, page) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let is_page = head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/html");
    let page = page.replacen(SERVED_MARK, "", 1);
    ensure!(
        is_page && page == fs::read_to_string(dist.join("index.html"))?,
        "it does not serve the page: {answer}"
    );

    let mut lesson = project::cargo();
    lesson.args(["run", "--quiet", "-p", "effusion-client", "--example"]);
    lesson
        .args(["lesson1", "--"])
        .arg(format!("ws://{address}"));
    let heard = process::capture(lesson.args(["container", "hello from outside"]))?;
    ensure!(
        heard.contains("hello from outside"),
        "what was said was not heard: {heard}"
    );
    Ok(())
}

fn stop(child: &mut Child) -> Result<()> {
    #[cfg(unix)]
    {
        use nix::sys::signal::{Signal, kill};
        let id = i32::try_from(child.id())?;
        // Fails only if it has ended.
        let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGTERM);
    }
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "it did not stop in order ({status})");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    bail!("it did not stop within {} s", PATIENCE.as_secs())
}
