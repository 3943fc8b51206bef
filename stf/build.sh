#!/usr/bin/env bash
# Builds artifacts/stf.wasm and artifacts/SHA256SUMS from this crate.
#
# Needs: a Rust 1.96 toolchain with the source of its standard library (rust-src),
# rust-lld, and wasm-opt from binaryen. CARGO, RUSTC and LINKER may name them.
# The same toolchain gives the same bytes: paths of the building machine are remapped away.
#
# Without the wide-arithmetic target feature, on purpose: LLVM 22 miscompiles it. In
# `u128::saturating_add` it reads the upper half of an `i64.add128` before it is written, which
# makes revm compute wrong gas prices. tests/unit/execution/test_engine_blocks.py would notice.
set -euo pipefail
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
 -C linker=$linker -C linker-flavor=wasm-ld -C link-arg=-zstack-size=4194304 \
 --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$PWD=/stf \
 --remap-path-prefix=$sysroot=/rust"

"$cargo_command" build --release --locked --lib --target "$target" -Zbuild-std=core,alloc

mkdir -p artifacts
cp "target/$target/release/braid_stf.wasm" artifacts/stf.wasm
(cd artifacts && sha256sum stf.wasm > SHA256SUMS)
ls -l artifacts/stf.wasm
