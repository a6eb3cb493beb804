//! The defences over real sockets.
