//! One transport.
