//! The append-only log of events: group commit, recovery.
