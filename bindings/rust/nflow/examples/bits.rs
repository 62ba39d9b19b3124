// SPDX-License-Identifier: MIT

//! tests/consumer/bits.c in Rust: the same numbers.

use nflow::{Flow, Rows};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: bits MODEL")?;
    let y: Vec<f64> = (0..35).flat_map(|i| [f64::from(i % 7 - 3) * 0.375, f64::from(i % 5 - 2) * 0.4375]).collect();
    let x: Vec<f32> = y.iter().map(|&value| value as f32).collect();
    let flow = Flow::load(path, None)?;
    let log_prob = flow.log_prob(Rows::new(&x, 2)?, None)?;
    let wide = flow.convert::<f64>()?.log_prob(Rows::new(&y, 2)?, None)?;
    for (narrow, wide) in log_prob.iter().zip(&wide) {
        println!("{:016x} {:016x}", narrow.to_bits(), wide.to_bits());
    }
    Ok(())
}
