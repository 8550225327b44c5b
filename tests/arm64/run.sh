#!/usr/bin/env bash
# Runs the kernel, compiler and engine tests on emulated ARM (linux-arm64): tests/arm64/run.sh [PARTS-OF-TEST-NAMES ...]
# With "--chat PROMPT" instead: answers it with the embedded model, through the whole program.
# Needs qemu-aarch64 (Debian: qemu-user) and an ARM C library: Debian's are fetched after
# dpkg --add-architecture arm64 && apt-get update; or name a folder that has one in ARM64_ROOT.
set -euo pipefail
cd "$(dirname "$0")"
out=bin/arm64
root=${ARM64_ROOT:-$PWD/$out/root}
if [ ! -e "$root/lib/ld-linux-aarch64.so.1" ]; then
  mkdir -p "$out/packages" "$root"
  (cd "$out/packages" && apt-get download libc6:arm64 libgcc-s1:arm64 libstdc++6:arm64 libssl3:arm64)
  for package in "$out"/packages/*.deb; do dpkg -x "$package" "$root"; done
fi

# The emulator has few processors and no use for code that is compiled twice.
export DOTNET_EnableWriteXorExecute=0 DOTNET_TieredCompilation=0 DOTNET_gcServer=0 DOTNET_GCHeapHardLimit=0x80000000
if [ "${1-}" = --chat ]; then
  dotnet publish -c Release -r linux-arm64 --self-contained -o "$out/llmserve" ../../src/LlmServe.Cli
  exec qemu-aarch64 -L "$root" "$out/llmserve/llmserve" chat --lanes 1 --max-tokens 8 "${@:2}"
fi

dotnet publish -c Release -r linux-arm64 --self-contained -o "$out/tests" LlmServe.Arm64.csproj
exec qemu-aarch64 -L "$root" "$out/tests/LlmServe.Arm64" "$@"
