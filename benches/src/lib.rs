//! What benchmarks, acceptance vectors and fuzz targets share.

pub mod samples;
pub mod vectors;
