// SPDX-License-Identifier: MIT

//! examples/two_moons.c in Rust, without its pictures: the same data, the same seeds, the same numbers.
//!
//!   two_moons [FOLDER] [--epochs N] [--preset default|book]      writes FOLDER/two_moons_rs.safetensors

use nflow::{constants, AdamConfig, Context, ContextConfig, Dataset, FitConfig, Flow, Optimizer, RealnvpConfig};
use std::path::PathBuf;

const NOISE: f64 = 0.05;

struct Options {
    folder: PathBuf,
    epochs: i64,
    book: bool,
}

fn read_arguments() -> Option<Options> {
    let mut options = Options { folder: ".".into(), epochs: 300, book: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--epochs" => options.epochs = words.next()?.parse().ok().filter(|&n| n >= 1)?,
            "--preset" => options.book = words.next()? == "book",
            _ if word.starts_with('-') => return None,
            _ => options.folder = word.into(),
        }
    }
    Some(options)
}

/// The recipes of two_moons.c.
fn recipe(book: bool) -> (RealnvpConfig, AdamConfig, FitConfig) {
    if book {
        (
            RealnvpConfig::new().preset(constants::PRESET_BOOK),
            AdamConfig::new().lr(1e-4).eps(1e-7),
            FitConfig::new().schedule(constants::SCHEDULE_CONSTANT).clip_norm(-1.0),
        )
    } else {
        (
            RealnvpConfig::new().preset(constants::PRESET_DEFAULT),
            AdamConfig::new().lr(3e-3).eps(1e-8),
            FitConfig::new().schedule(constants::SCHEDULE_COSINE).clip_norm(5.0).ema_decay(0.99).l2(1e-5),
        )
    }
}

fn run(options: &Options) -> nflow::Result<()> {
    let context = Context::new(&ContextConfig::new().threads(-1))?;
    let all = Dataset::synthetic("moons-sklearn", 3000, Some(NOISE), 1, Some(&context))?;
    let (train, valid) = all.split(0.8, None)?;
    let columns = [all.check_column(0)?, all.check_column(1)?];
    let (mean, sd) = (columns.map(|column| column.mean), columns.map(|column| column.sd));
    let log_sd = sd[0].ln() + sd[1].ln();

    let (shape, adam, fit) = recipe(options.book);
    let mut flow = Flow::realnvp(&shape.dim(2).seed(1).mean(&mean).sd(&sd), Some(&context))?;
    let mut optimizer = Optimizer::adam(Some(&adam), Some(&context))?;
    let report = flow.fit(&mut optimizer, &train, Some(&valid), &fit.epochs(options.epochs).batch(256).seed(1))?;
    flow.save(options.folder.join("two_moons_rs.safetensors"))?;

    let name = if options.book { "book" } else { "default" };
    println!("recipe \"{name}\": {} epochs in {:.1} s, {} parameters", report.epochs, report.seconds, flow.param_count());
    println!("held-out NLL  {:.4} nats a point (standardised), best epoch {}", report.valid_nll - log_sd, report.best_epoch);
    let entropy = Dataset::synthetic_entropy("moons-sklearn", Some(NOISE)) - log_sd;
    println!("true entropy  {entropy:.4}: no model can do better on average");
    Ok(())
}

fn main() {
    let Some(options) = read_arguments() else {
        eprintln!("usage: two_moons [FOLDER] [--epochs N] [--preset default|book]");
        std::process::exit(2);
    };
    if let Err(error) = run(&options) {
        eprintln!("two_moons: {error}");
        std::process::exit(1);
    }
}
