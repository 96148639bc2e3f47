//! Bodies in gzip, which nearly every server sends. A page is small and there as a whole, so it is unpacked at once, which
//! takes half of the time that piece by piece takes.

use std::cell::RefCell;

use libdeflater::Decompressor;
use memchr::memmem;

use super::unpack::GZIP;

/// Unpacks a body at once, if it is one member that says truly how long it is, and no longer than `most`, in bytes.
pub fn at_once(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    thread_local! {
        static INFLATER: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    }
    // RFC 1952, 2.3.1: modulo 2^32.
    let size = u32::from_le_bytes(*packed.last_chunk()?) as usize;
    // The library stops at the end of the first member.
    if size > most || !packed.starts_with(GZIP) || memmem::find(&packed[GZIP.len()..], GZIP).is_some() {
        return None;
    }
    let mut out = vec![0; size];
    let unpacked = INFLATER.with_borrow_mut(|inflater| inflater.gzip_decompress(packed, &mut out));
    unpacked.is_ok_and(|n| n == size).then_some(out)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};

    use flate2::Compression;
    use flate2::read::MultiGzDecoder;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    /// The slow reference: any number of members, piece by piece, and of what they hold so many bytes at most.
    fn piece_by_piece(packed: &[u8], most: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        MultiGzDecoder::new(packed).take(most).read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(plain).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn what_is_not_one_whole_member_is_not_unpacked_at_once() {
        let (one, two) = (gzip("甲乙丙".as_bytes()), gzip(b"abc"));
        assert_eq!(at_once(&one, 9).unwrap(), "甲乙丙".as_bytes());
        assert_eq!(at_once(&one, 8), None, "longer than permitted");
        let twice = [&one[..], &one].concat();
        assert_eq!(at_once(&twice, 100), None);
        assert_eq!(piece_by_piece(&twice, 100).unwrap(), "甲乙丙甲乙丙".as_bytes());
        assert_eq!(piece_by_piece(&[&one[..], &two].concat(), 10).unwrap(), "甲乙丙a".as_bytes());
        for broken in [&one[..one.len() - 1], &one[1..], b"", b"\x1f\x8b\x08", &[&one[..], b"\0\0\0\0\0"].concat()] {
            assert_eq!(at_once(broken, 100), None);
        }
        assert!(piece_by_piece(&one[..one.len() - 5], 100).is_err());
    }

    proptest! {
        #[test]
        fn both_ways_give_the_same(plain in any::<Vec<u8>>(), other in any::<Vec<u8>>(), cut in 0usize..9) {
            let one = gzip(&plain);
            prop_assert_eq!(at_once(&one, plain.len()), Some(plain.clone()));
            prop_assert_eq!(piece_by_piece(&one, plain.len() as u64 + 1).unwrap(), plain);
            let mut odd = [one, gzip(&other)].concat();
            odd.truncate(odd.len() - cut);
            if let Some(quick) = at_once(&odd, 1 << 20) {
                prop_assert_eq!(quick, piece_by_piece(&odd, 1 << 20).unwrap());
            }
        }
    }
}
