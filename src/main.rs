use std::process::ExitCode;

/// A crawl makes and drops trees of small values on several threads; the system's allocator keeps most of what was
/// freed, and takes longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc's `mi_option_t`.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    // SAFETY: sets a number; not thread-safe, and no thread has been started yet.
    #[allow(unsafe_code)]
    unsafe {
        // Freed memory goes back to the system after 10 ms and not after a second.
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 10);
    }
    jingwen::cli::main()
}
