#!/usr/bin/env bash
# Builds stf.wasm and SHA256SUMS from this crate, into artifacts/ or the folder given.
#
# Needs: a Rust 1.96 toolchain with the source of its standard library (rust-src),
# and rust-lld. CARGO, RUSTC and LINKER may name them.
# The same toolchain gives the same bytes: paths of the building machine are remapped away.
#
# Without the wide-arithmetic target feature, on purpose: LLVM 22 miscompiles it. In
# `u128::saturating_add` it reads the upper half of an `i64.add128` before it is written, which
# makes revm compute wrong gas prices. tests/unit/execution/test_engine_blocks.py would notice.
# And so cpubits=32: without wide multiplication, k256 recovers three times faster on 32-bit limbs.
set -euo pipefail
output="$(realpath -m "${1:-$(dirname "$0")/artifacts}")"
cd "$(dirname "$0")"

cargo_command="${CARGO:-cargo}"
rustc_command="${RUSTC:-rustc}"
linker="${LINKER:-rust-lld}"
sysroot="$("$rustc_command" --print sysroot)"
cargo_home="${CARGO_HOME:-$HOME/.cargo}"
target=wasm32-unknown-unknown

export RUSTC="$rustc_command"
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="\
 -C target-feature=+bulk-memory,+simd128 \
 --cfg cpubits=\"32\" -C linker=$linker -C linker-flavor=wasm-ld -C link-arg=-zstack-size=4194304 \
 --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$PWD=/stf \
 --remap-path-prefix=$sysroot=/rust"

"$cargo_command" build --release --locked --lib --target "$target" -Zbuild-std=core,alloc

mkdir -p "$output"
install -m 644 "target/$target/release/braid_stf.wasm" "$output/stf.wasm"
(cd "$output" && sha256sum stf.wasm > SHA256SUMS)
ls -l "$output/stf.wasm"
