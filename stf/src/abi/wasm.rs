//! Exported functions, allocator and panic handler of the wasm32 module.

use super::Instance;
use crate::signature::FastCrypto;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::fmt::Write;
use core::panic::PanicInfo;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// Longest panic message that is kept, in bytes.
const PANIC_MESSAGE_CAPACITY: usize = 1024;

/// A static of a module that only ever runs one thread and one call at a time.
struct SingleThreaded<T>(UnsafeCell<T>);

// SAFETY: wasm32 without the threads proposal has one thread.
unsafe impl<T> Sync for SingleThreaded<T> {}

static INSTANCE: SingleThreaded<Instance> = SingleThreaded(UnsafeCell::new(Instance::Empty));
static RESPONSE: SingleThreaded<Vec<u8>> = SingleThreaded(UnsafeCell::new(Vec::new()));
static PANIC_MESSAGE: SingleThreaded<PanicMessage> =
    SingleThreaded(UnsafeCell::new(PanicMessage {
        bytes: [0; PANIC_MESSAGE_CAPACITY],
        length: 0,
    }));

/// Reserves `length` bytes for a request; `invoke` takes them over.
#[no_mangle]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    let mut request = core::mem::ManuallyDrop::new(Vec::<u8>::with_capacity(length));
    request.as_mut_ptr()
}

/// Answers the request of `length` bytes at `address`, which `allocate(length)` returned.
///
/// # Safety
///
/// The host has written all `length` bytes and passes each allocation once.
#[no_mangle]
pub unsafe extern "C" fn invoke(operation: u32, address: *mut u8, length: usize) -> u64 {
    let request = Vec::from_raw_parts(address, length, length);
    revm::install_crypto(FastCrypto);
    let response = (*INSTANCE.0.get()).invoke(operation, &request).bytes;
    let kept = &mut *RESPONSE.0.get();
    *kept = response;
    location_of(kept)
}

/// Message of the panic that stopped the module.
#[no_mangle]
pub extern "C" fn panic_message() -> u64 {
    // SAFETY: the panic handler, the only writer, does not return.
    let message = unsafe { &*PANIC_MESSAGE.0.get() };
    location_of(&message.bytes[..message.length])
}

fn location_of(bytes: &[u8]) -> u64 {
    (bytes.as_ptr() as u64) << 32 | bytes.len() as u64
}

struct PanicMessage {
    bytes: [u8; PANIC_MESSAGE_CAPACITY],
    length: usize,
}

impl Write for PanicMessage {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = PANIC_MESSAGE_CAPACITY - self.length;
        let taken = text.len().min(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: single-threaded, and this function does not return.
    let message = unsafe { &mut *PANIC_MESSAGE.0.get() };
    message.length = 0;
    // Writing to this buffer cannot fail.
    let _ = write!(message, "{info}");
    core::arch::wasm32::unreachable()
}
