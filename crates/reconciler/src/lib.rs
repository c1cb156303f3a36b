//! Folds the journal into the ledger and matches receipts; keeps its state in sled.
