//! Power cuts (CONTRACT F3): the content of an ext4 image at a random moment, mounted and
//! resumed. The process is stopped, the image copied, then the process killed; what the kernel
//! had not written to the image is lost, as it is when the power fails. The carrier lives on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{
    Options,
    scene::{Scene, Tally, failed, wait},
};
use crate::random::Random;

const ROWS: u64 = 20_000;
const IMAGE_MIB: u64 = 256;
/// Attempts to strike before the campaign is done.
const TRIES: u64 = 4;

/// Cuts the power [`Options::times`] times. Needs root and loop devices.
///
/// # Errors
/// What was wrong afterwards, with the seed.
pub fn run(options: &Options) -> Result<(), String> {
    let rows = options.rows.unwrap_or(ROWS);
    let mut sum = Tally::default();
    let (mut n_images, mut seed) = (0, options.seed);
    while n_images < options.times {
        let of_seed = |why| format!("seed {seed}: {why}");
        let (tally, n_cuts) = campaign(options, rows, seed).map_err(of_seed)?;
        println!("seed {seed}: {n_cuts} power cuts, {} taken, {} in doubt", tally.taken, tally.in_doubt);
        sum = sum.plus(tally);
        n_images += n_cuts;
        seed += 1;
    }
    println!("{n_images} power cuts: {}", sum.in_words());
    Ok(())
}

fn campaign(options: &Options, rows: u64, seed: u64) -> Result<(Tally, u64), String> {
    let work = tempfile::tempdir().map_err(failed("no folder"))?;
    let mut disk = Disk::create(work.path())?;
    let scene = Scene::new(&options.volley, rows, seed, Some(&disk.mount.join("data")))?;
    let mut random = Random(seed);
    let mut n_cuts = 0;
    for _ in 0..TRIES {
        let mut child = scene.spawn(&[])?;
        thread::sleep(Duration::from_millis(10 + random.below(800)));
        if child.try_wait().map_err(failed("can't wait"))?.is_some() {
            break;
        }
        let stopped = Command::new("kill").args(["-STOP", &child.id().to_string()]).status();
        stopped.map_err(failed("can't stop it"))?;
        disk.copy()?;
        let _ = wait(&mut child, Duration::ZERO);
        disk.lose_power()?;
        n_cuts += 1;
        scene.check_now()?;
    }
    scene.settle()?;
    scene.check().map(|tally| (tally, n_cuts))
}

/// An ext4 file system in an image.
struct Disk {
    image: PathBuf,
    copy: PathBuf,
    mount: PathBuf,
}

impl Disk {
    fn create(work: &Path) -> Result<Self, String> {
        let (image, copy, mount) = (work.join("image"), work.join("copy"), work.join("mount"));
        fs::create_dir(&mount).map_err(failed("no folder"))?;
        let file = fs::File::create(&image).map_err(failed("no image"))?;
        file.set_len(IMAGE_MIB << 20).map_err(failed("no image"))?;
        let disk = Self { image, copy, mount };
        // The journal of ext4 commits often, so that its own writes are caught half done, too.
        tool("mkfs.ext4", &["-q", "-F", &disk.image.display().to_string()])?;
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), String> {
        tool("mount", &["-o", "loop,commit=1", &self.image.display().to_string(), &self.mount.display().to_string()])
    }

    /// The image as it is now.
    fn copy(&self) -> Result<(), String> {
        tool("cp", &["--sparse=always", &self.image.display().to_string(), &self.copy.display().to_string()])
    }

    /// Goes on with the copy.
    fn lose_power(&mut self) -> Result<(), String> {
        tool("umount", &[&self.mount.display().to_string()])?;
        std::mem::swap(&mut self.image, &mut self.copy);
        self.mount()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = tool("umount", &[&self.mount.display().to_string()]);
    }
}

fn tool(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("can't run {program}: {error}"))?;
    output
        .status
        .success()
        .then_some(())
        .ok_or_else(|| format!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
