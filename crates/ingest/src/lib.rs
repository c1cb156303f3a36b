//! Recipient lists: CSV in, a frozen plan and rejected rows out.
