//! Heaps of the allocator.

use std::ffi::CStr;
use std::ptr::{from_mut, null_mut};

/// Gives this thread a heap of its own. Threads share one, whose lock is held for a moment when a value of more than eight
/// kilobytes is made or dropped: nothing for threads that wait for the network, much for those that only clean.
pub fn own_heap() {
    let mut heap = 0;
    if !(control(c"arenas.create", Some(&mut heap), None) && control(c"thread.arena", None, Some(&mut heap))) {
        tracing::debug!("this thread shares its heap");
    }
}

/// Reads or sets a number of jemalloc(3), "MALLCTL NAMESPACE"; false if it says no.
fn control(name: &CStr, old: Option<&mut u32>, new: Option<&mut u32>) -> bool {
    let mut size = size_of::<u32>();
    let put = if new.is_some() { size } else { 0 };
    let [old, new] = [old, new].map(|number| number.map_or(null_mut(), |n| from_mut(n).cast()));
    // SAFETY: both names are of an `unsigned`; the pointers are null or to one, and so say the sizes.
    #[allow(unsafe_code)]
    let said = unsafe { tikv_jemalloc_sys::mallctl(name.as_ptr(), old, &raw mut size, new, put) };
    said == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_get_heaps_of_their_own() {
        let heap = || {
            own_heap();
            let mut heap = 0;
            assert!(control(c"thread.arena", Some(&mut heap), None));
            heap
        };
        let (one, two) = (std::thread::spawn(heap), std::thread::spawn(heap));
        assert_ne!(one.join().unwrap(), two.join().unwrap());
        assert!(!control(c"no.such.name", None, None));
    }
}
