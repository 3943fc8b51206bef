//! Memory that is only ever taken: a batch ends before it runs out.
//!
//! What was taken last can be given back or grow in place, which is what growing vectors need.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ptr;

/// End of RAM, where the stack starts that grows downwards.
const RAM_END: usize = 256 << 20;
const STACK_BYTES: usize = 16 << 20;
const HEAP_END: usize = RAM_END - STACK_BYTES;

extern "C" {
    /// First address above the program's own data; the linker script sets it.
    static _heap_start: u8;
}

#[global_allocator]
static ALLOCATOR: Bump = Bump { top: Cell::new(0) };

/// Everything below `top` is taken; 0 before the first allocation.
struct Bump {
    top: Cell<usize>,
}

// SAFETY: the machine has one thread and no interrupts.
unsafe impl Sync for Bump {}

impl Bump {
    fn top(&self) -> usize {
        match self.top.get() {
            0 => ptr::addr_of!(_heap_start) as usize,
            top => top,
        }
    }

    /// Takes `size` bytes from `start`, which is not below the top.
    fn take(&self, start: usize, size: usize) -> bool {
        match start.checked_add(size) {
            Some(end) if end <= HEAP_END => {
                self.top.set(end);
                true
            }
            _ => false,
        }
    }
}

// SAFETY: each allocation starts at or above the end of all that are still in use.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Whole words at least, so that copies of words are possible.
        let mask = layout.align().max(4) - 1;
        let Some(start) = self.top().checked_add(mask).map(|end| end & !mask) else {
            return ptr::null_mut();
        };
        if self.take(start, layout.size()) {
            start as *mut u8
        } else {
            ptr::null_mut()
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let start = pointer as usize;
        if start + layout.size() == self.top() {
            self.top.set(start);
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let start = pointer as usize;
        let is_last = start + layout.size() == self.top();
        if is_last {
            let is_taken = self.take(start, new_size);
            return if is_taken { pointer } else { ptr::null_mut() };
        }
        if new_size <= layout.size() {
            return pointer;
        }
        let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
        if !moved.is_null() {
            ptr::copy_nonoverlapping(pointer, moved, layout.size());
        }
        moved
    }
}
