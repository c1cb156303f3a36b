//! Benchmarks of every stage, and the runner for acceptance vectors.
