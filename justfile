# `just` lists the recipes. Each is what CI runs, or a part of it.

# What CI runs.
ci:
    .ci/run

# Format, lint, test.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --features gcl/measure -- -D warnings
    cargo test

# A control plane without candle.
control-plane:
    cargo build --no-default-features --features coordinator

# The main job, on synthetic data.
quickstart:
    cargo run --release -- run sweeps/quickstart.toml --out out/quickstart

# Spelling, shell scripts, the oldest Rust, unused dependencies, licences and (with cargo-deny) advisories, in seconds.
tidy:
    .ci/tidy

# The archive of a release, the same bytes each time: target/dist/gcl-sweep-VERSION-TARGET.tar.gz.
dist *options:
    deploy/dist/make {{ options }}

# What is generated from the .proto files.
proto:
    cargo run -p proto-generate

# Every trace of a folder made by `gcl/traces/make.py OUT --seed N`.
traces folder:
    for case in {{ folder }}/*/; do cargo run --release -q -- selftest --case "$case" || exit 1; done

# The training step against PyTorch on this machine (an idle one), and docs/performance.md from it.
bench *arguments:
    benches/speed/run.py {{ arguments }}
    benches/speed/document.py

# The study of the paper's claims: writes docs/results.md. FOLDER holds the real data sets, if any.
results *folder:
    sweeps/study/run {{ folder }}

# The guide as a book, with search: target/book/docs/index.html (needs `cargo install mdbook --locked --no-default-features --features search`).
book:
    mdbook build docs
    # What pages link to outside the guide, where the links look for it.
    mkdir -p target/book/sweeps && cp -r sweeps/*.toml sweeps/small sweeps/study target/book/sweeps/
