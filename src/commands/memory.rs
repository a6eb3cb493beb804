//! The memory of the process, which holds secrets.

/// Keeps other processes of the same user from reading the memory of this one, and core dumps from being written.
/// Debuggers can still start the program, but only root can attach to it later. Only Linux has such a switch.
pub fn protect() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // The kernel accepts this always; without it, everything else works as well.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
