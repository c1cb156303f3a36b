//! Whose turn it is, and at which rate: decisions as values.
