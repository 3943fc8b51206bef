#!/usr/bin/env bash
# Builds stf.wasm (what executors run), stf.elf (the same rules as a program of the zkVM) and
# SHA256SUMS from this crate, into artifacts/ or the folder given.
#
# Needs: a Rust 1.96 toolchain with the source of its standard library (rust-src),
# and rust-lld. CARGO, RUSTC and LINKER may name them.
# The same toolchain gives the same bytes: paths of the building machine are remapped away.
#
# Without the wide-arithmetic target feature, on purpose: LLVM 22 miscompiles it. In
# `u128::saturating_add` it reads the upper half of an `i64.add128` before it is written, which
# makes revm compute wrong gas prices. tests/unit/execution/test_engine_blocks.py would notice.
# And so cpubits=32: without wide multiplication, k256 recovers three times faster on 32-bit limbs.
#
# stf.elf has a target of its own, since the crates need atomics that riscv32im lacks: the guest
# has one thread, so src/guest/atomic.rs provides them. No panic message leaves the zkVM, so the
# places of panics are left out.
set -euo pipefail
output="$(realpath -m "${1:-$(dirname "$0")/artifacts}")"
cd "$(dirname "$0")"

cargo_command="${CARGO:-cargo}"
rustc_command="${RUSTC:-rustc}"
linker="${LINKER:-rust-lld}"
sysroot="$("$rustc_command" --print sysroot)"
cargo_home="${CARGO_HOME:-$HOME/.cargo}"
target_folder="${CARGO_TARGET_DIR:-target}"

export RUSTC="$rustc_command"
export RUSTC_BOOTSTRAP=1
common_flags="\
 --cfg cpubits=\"32\" -C linker=$linker \
 --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$PWD=/stf \
 --remap-path-prefix=$sysroot=/rust"
mkdir -p "$output"

wasm_target=wasm32-unknown-unknown
RUSTFLAGS="$common_flags -C target-feature=+bulk-memory,+simd128 \
 -C linker-flavor=wasm-ld -C link-arg=-zstack-size=4194304" \
  "$cargo_command" build --release --locked --lib --target "$wasm_target" -Zbuild-std=core,alloc
install -m 644 "$target_folder/$wasm_target/release/braid_stf.wasm" "$output/stf.wasm"

guest_target=riscv32im-braid
RUSTFLAGS="$common_flags -Zlocation-detail=none \
 -C link-arg=-Tguest/link.ld -C link-arg=--icf=all" \
  "$cargo_command" build --profile guest --locked --bin stf --no-default-features \
  --features guest --target "guest/$guest_target.json" -Zjson-target-spec -Zbuild-std=core,alloc
install -m 644 "$target_folder/$guest_target/guest/stf" "$output/stf.elf"

(cd "$output" && sha256sum stf.elf stf.wasm > SHA256SUMS)
ls -l "$output/stf.wasm" "$output/stf.elf"
