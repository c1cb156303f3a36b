//! What a journal promises: on real files, and on a disk that does what it is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod base;
mod disk;
mod files;
mod memory_disk;
