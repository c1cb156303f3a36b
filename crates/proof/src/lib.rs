//! What proves the delivery contract (CONTRACT.md): [`crash`] kills the real binary, and the power
//! under it, and checks what is left against what the carrier saw.

pub mod crash;
