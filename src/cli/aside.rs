//! Memory that is not needed any more is given back on another thread: at a large project that takes as long as the plan itself.

/// Drops a value without waiting for it. The end of the process does not wait either.
pub(super) fn aside<T: Send + 'static>(value: T) {
    // Where the system gives no thread, it is dropped here.
    drop(std::thread::Builder::new().name("aside".to_owned()).spawn(move || drop(value)));
}
