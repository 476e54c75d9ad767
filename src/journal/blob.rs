//! Blobs: as they are while they are small, zstd above. A zstd frame is told by its own magic number, which none of the
//! plain forms begins with (JSON begins with a bracket, exchanges with their version).
use std::sync::{Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};

/// Below this many bytes compressing costs more than it saves.
const WORTH_IT: usize = 2048;
/// Fast: half the size for a few microseconds. Higher levels win little on records of this size.
const LEVEL: i32 = 1;
/// No blob is larger than this when unpacked, whatever a damaged file says.
pub(super) const LARGEST: usize = 256 << 20;
/// Contexts kept for reuse; each holds some hundred kilobytes.
const KEPT: usize = 4;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Compresses on the threads of the callers, with few contexts that they share.
pub(super) struct Packer(Mutex<Vec<Compressor<'static>>>);

/// Decompresses; one for each reader.
pub(super) struct Unpacker(Decompressor<'static>);

impl Packer {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The same bytes, or a zstd frame of them where that is clearly smaller.
    pub(super) fn pack(&self, plain: Vec<u8>) -> Vec<u8> {
        if plain.len() < WORTH_IT {
            return plain;
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut compressor) = kept.or_else(|| Compressor::new(LEVEL).ok()) else { return plain };
        let packed = compressor.compress(&plain);
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < KEPT {
            pool.push(compressor);
        }
        drop(pool);
        match packed {
            Ok(packed) if packed.len() + packed.len() / 16 < plain.len() => packed,
            // Does not compress; that is no error.
            Ok(_) | Err(_) => plain,
        }
    }
}

impl Unpacker {
    pub(super) fn new() -> Result<Self, String> {
        Decompressor::new().map(Self).map_err(|error| error.to_string())
    }

    /// The plain bytes: those given, or unpacked into `room`.
    pub(super) fn unpack<'a>(&mut self, blob: &'a [u8], room: &'a mut Vec<u8>) -> Result<&'a [u8], String> {
        if !blob.starts_with(&MAGIC) {
            return Ok(blob);
        }
        let size = Decompressor::upper_bound(blob).filter(|size| *size <= LARGEST).ok_or("its size is not plausible")?;
        room.clear();
        room.reserve(size);
        self.0.decompress_to_buffer(blob, room).map_err(|error| error.to_string())?;
        Ok(room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(plain: &[u8]) -> (usize, Vec<u8>) {
        let blob = Packer::new().pack(plain.to_vec());
        let mut room = Vec::new();
        let back = Unpacker::new().unwrap().unpack(&blob, &mut room).unwrap().to_vec();
        (blob.len(), back)
    }

    #[test]
    fn small_blobs_stay_as_they_are_and_large_ones_shrink() {
        let small = b"[{\"e\":\"accepted\"}]".to_vec();
        assert_eq!(round(&small), (small.len(), small.clone()));
        let large = small.repeat(200);
        let (size, back) = round(&large);
        assert_eq!(back, large);
        assert!(size < large.len() / 10, "{size}");
    }

    #[test]
    fn what_does_not_compress_is_kept_plain() {
        let mut noise = fastrand::Rng::with_seed(7);
        let bytes: Vec<u8> = std::iter::once(b'[').chain(std::iter::repeat_with(|| noise.u8(..))).take(4096).collect();
        assert_eq!(round(&bytes), (bytes.len(), bytes));
    }

    #[test]
    fn a_damaged_frame_is_an_error_and_takes_no_memory() {
        let mut blob = Packer::new().pack(vec![b'x'; 10_000]);
        let mut unpacker = Unpacker::new().unwrap();
        let mut room = Vec::new();
        let end = blob.len() - 3;
        assert!(unpacker.unpack(&blob[..end], &mut room).is_err());
        // A frame that claims eight exabytes.
        blob.truncate(4);
        blob.extend([0b1110_0000, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]);
        assert_eq!(unpacker.unpack(&blob, &mut room), Err("its size is not plausible".to_owned()));
        assert!(room.capacity() < 1 << 20);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_back_and_any_blob_is_unpacked_or_refused(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2000), frame in proptest::bool::ANY,
        ) {
            // Nothing that is kept begins as a frame does.
            let plain: Vec<u8> = std::iter::once(b'[').chain(bytes.iter().copied()).collect();
            proptest::prop_assert_eq!(round(&plain).1, plain);
            let blob: Vec<u8> = if frame { MAGIC.iter().chain(&bytes).copied().collect() } else { bytes };
            let mut room = Vec::new();
            let size = Unpacker::new().unwrap().unpack(&blob, &mut room).map(<[u8]>::len);
            proptest::prop_assert!(size.is_ok() || frame);
            proptest::prop_assert!(size.is_ok_and(|it| it <= LARGEST) || frame);
        }
    }
}
