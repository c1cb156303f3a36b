//! What proves the delivery contract (CONTRACT.md): [`simulation`] runs the whole engine in virtual
//! time with everything around it broken; [`crash`] kills the real binary, and the power under it,
//! and checks what is left against what the carrier saw.

pub mod crash;
mod random;
#[cfg(feature = "simulation")]
pub mod simulation;
