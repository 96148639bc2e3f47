use std::process::ExitCode;

/// A crawl makes and drops trees of small values on several threads, and a daemon does so for months. The system's
/// allocator takes longer; those that keep a heap per thread keep most of what was freed, spread thin.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The allocator's settings (jemalloc's `TUNING.md`): one heap for all threads, which mostly wait, and what is freed goes
/// back to the system within a second. `jingwen::memory` gives more heaps where threads work without a pause.
// SAFETY: the symbol that jemalloc reads, a pointer to a string that ends with a zero.
#[allow(unsafe_code)]
#[unsafe(export_name = "malloc_conf")]
pub static SETTINGS: &[u8; 73] = b"narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0,tcache_max:8192,thp:never\0";

fn main() -> ExitCode {
    jingwen::cli::main()
}
