use std::process::ExitCode;

/// A crawl makes and drops trees of small values on several threads; the system's allocator keeps most of what was freed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    jingwen::cli::main()
}
