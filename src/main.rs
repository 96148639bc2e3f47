use std::process::ExitCode;

/// A crawl makes and drops trees of small values on several threads; the system's allocator keeps most of what was
/// freed, and takes longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc's `mi_option_t`.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    // A crawl waits most of the time: freed memory goes back to the system after 10 ms and not after a second. What
    // works without a pause would only ask for it again.
    if std::env::args_os().nth(1).is_some_and(|command| command == "crawl" || command == "daemon") {
        // SAFETY: sets a number; not thread-safe, and no thread has been started yet.
        #[allow(unsafe_code)]
        unsafe {
            libmimalloc_sys::mi_option_set(PURGE_DELAY, 10);
        }
    }
    jingwen::cli::main()
}
