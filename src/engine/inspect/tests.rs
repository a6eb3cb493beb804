//! The API of a receiver in this process.
