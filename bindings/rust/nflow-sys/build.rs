// SPDX-License-Identifier: MIT

//! Asks pkg-config where libnflow is, and says so to cargo. NFLOW_STATIC=1 links the archive.

use std::process::{exit, Command};

/// What pkg-config prints, as words.
fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let program = std::env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
    match Command::new(&program).args(arguments).arg("nflow").output() {
        Ok(done) if done.status.success() => String::from_utf8_lossy(&done.stdout).split_whitespace().map(String::from).collect(),
        Ok(done) => fail(&String::from_utf8_lossy(&done.stderr)),
        Err(error) => fail(&format!("{program}: {error}")),
    }
}

fn fail(reason: &str) -> ! {
    eprintln!("nflow-sys: libnflow was not found. Install it, or set PKG_CONFIG_PATH to the folder of nflow.pc.\n{reason}");
    exit(1)
}

fn main() {
    for name in ["PKG_CONFIG", "PKG_CONFIG_PATH", "NFLOW_STATIC"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    let version = env!("CARGO_PKG_VERSION");
    pkg_config(&["--atleast-version", version, "--print-errors"]);
    let archive = std::env::var("NFLOW_STATIC").is_ok_and(|value| value == "1");
    for word in pkg_config(if archive { &["--libs", "--static"] } else { &["--libs"] }) {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        } else if let Some(name) = word.strip_prefix("-l") {
            let kind = if archive && name == "nflow" { "static=" } else { "" };
            println!("cargo:rustc-link-lib={kind}{name}");
        }
    }
}
