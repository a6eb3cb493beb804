//! Protects the memory of the process, which holds secrets.

/// Keeps other processes of the same user from reading this one's memory, and prevents core dumps. Debuggers can still
/// start the program, but only root can attach to it later. Only Linux has such a setting.
pub fn protect() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // The kernel always accepts this, and nothing else depends on it.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
