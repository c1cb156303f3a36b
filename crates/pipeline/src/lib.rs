//! Carrier pipelines: SMPP sessions, windows, reconnect; answers and receipts as events.
