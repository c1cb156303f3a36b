//! A carrier for tests and benchmarks: an SMSC over real TCP that misbehaves on purpose.
