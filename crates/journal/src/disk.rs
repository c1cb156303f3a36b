//! The file operations that a journal needs, and nothing more: real files, or a simulated disk
//! that forgets or garbles what was not synced.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt as _,
    path::Path,
};

use rustix::fs::FallocateFlags;

/// Where a journal lies. Paths are whole; no operation depends on a current folder.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Creates a folder and those above it; one that is there already is no error.
    ///
    /// # Errors
    /// What the system said.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names in a folder, in any order. A folder that isn't there is
    /// [`io::ErrorKind::NotFound`].
    ///
    /// # Errors
    /// What the system said.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;

    /// Opens a file.
    ///
    /// # Errors
    /// What the system said.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name in its folder, replacing what has that name.
    ///
    /// # Errors
    /// What the system said.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system said.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when the names in a folder (created, renamed, removed) would survive a power cut.
    ///
    /// # Errors
    /// What the system said.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Octets that can still be written to the file system that holds `dir`.
    ///
    /// # Errors
    /// What the system said.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading what is there.
    Read,
    /// Reading and writing what is there.
    Write,
    /// Reading and writing, empty at first, created when needed.
    Create,
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send {
    /// Its length in octets.
    ///
    /// # Errors
    /// What the system said.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no octets.
    ///
    /// # Errors
    /// What the system said.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Reads at most `octets.len()` octets at `offset`; 0 is the end of the file.
    ///
    /// # Errors
    /// What the system said.
    fn read_at(&self, offset: u64, octets: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `octets` at `offset`; the file grows when they reach beyond its end. After an
    /// error any part of them may have been written.
    ///
    /// # Errors
    /// What the system said.
    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()>;

    /// Cuts the file to `len` octets, or fills it up with zeros.
    ///
    /// # Errors
    /// What the system said.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Takes room for `len` octets now, so that writing them can't fail for want of it. The file
    /// is that long then, with zeros where nothing was written.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] when there is not so much room; what the system said.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Returns when everything written, and the length, would survive a power cut.
    ///
    /// # Errors
    /// What the system said. What was written may be lost then, whatever a later call says.
    fn sync_data(&self) -> io::Result<()>;
}

/// The system's own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match access {
            Access::Read => {}
            Access::Write => drop(options.write(true)),
            Access::Create => drop(options.write(true).create(true).truncate(true)),
        }
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let system = rustix::fs::statvfs(dir)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, offset: u64, octets: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, octets, offset)
    }

    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()> {
        self.write_all_at(octets, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let allocate = || rustix::fs::fallocate(self, FallocateFlags::empty(), 0, len);
        match rustix::io::retry_on_intr(allocate) {
            // Not every file system can; zeros that were written take their room, too.
            Err(rustix::io::Errno::OPNOTSUPP) => fill(self, len),
            done => Ok(done?),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }
}

/// Takes room for the file to grow to `len` octets without changing its length: for small files
/// beside the journal that must be written to when the disk is full.
///
/// # Errors
/// When there is not so much room, or the file system can't do it; nothing was changed then.
pub fn keep_room(file: &File, len: u64) -> io::Result<()> {
    let allocate = || rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, len);
    Ok(rustix::io::retry_on_intr(allocate)?)
}

fn fill(file: &File, len: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut at = file.metadata()?.len();
    while at < len {
        let n = (len - at).min(ZEROS.len() as u64);
        file.write_all_at(ZEROS.get(..n as usize).unwrap_or_default(), at)?;
        at += n;
    }
    Ok(())
}

/// Reads a file from front to back.
#[derive(Debug)]
pub(crate) struct Forward {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl Forward {
    pub(crate) fn new(file: Box<dyn DiskFile>, at: u64) -> Self {
        Self { file, at }
    }
}

impl Read for Forward {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(self.at, octets)?;
        self.at += n as u64;
        Ok(n)
    }
}
