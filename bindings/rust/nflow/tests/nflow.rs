// SPDX-License-Identifier: MIT

//! Promises of the safe crate: errors, sharing, panics, and that calls compute what C computes.

use nflow::*;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn small<T: Real>(context: Option<&Context>, cond_dim: i64) -> Flow {
    let config = RealnvpConfig::new().dim(2).cond_dim(cond_dim).layers(2).hidden(&[8, 8]).dtype(T::DTYPE).seed(3);
    Flow::realnvp(&config, context).unwrap()
}

fn moons(n: usize) -> Dataset {
    Dataset::synthetic("moons", n, None, 1, None).unwrap()
}

fn adam() -> Optimizer {
    Optimizer::adam(None, None).unwrap()
}

/// The words of a panic in `call`.
fn panic_of<R>(call: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(call)).err().expect("no panic");
    payload.downcast_ref::<&str>().map_or_else(|| payload.downcast_ref::<String>().unwrap().clone(), |text| (*text).to_string())
}

/// x1 ~ N(0, 1), x2 given x1 ~ N(x1^2, 0.5^2), times 7.
fn banana(points: &mut Points<'_>) -> ControlFlow<()> {
    for (i, x) in points.x.chunks_exact(points.dim).enumerate() {
        let d = (x[1] - x[0] * x[0]) / 0.25;
        points.log_p[i] = (7.0 / std::f64::consts::PI).ln() - 0.5 * x[0] * x[0] - 0.125 * d * d;
        if let Some(grad) = &mut points.grad {
            grad[2 * i..2 * i + 2].copy_from_slice(&[2.0f64.mul_add(x[0] * d, -x[0]), -d]);
        }
    }
    ControlFlow::Continue(())
}

// ---- densities known up to a factor

#[test]
fn a_target_is_learned_and_weighed() {
    let mut flow = Flow::nsf(&TableConfig::new().dim(2).layers(3).hidden(&[16, 16]).seed(1), None).unwrap();
    let mut rule = Optimizer::adam(Some(&AdamConfig::new().lr(3e-3)), None).unwrap();
    let (config, mut rounds) = (TargetConfig::new().steps(300).batch(128).report_draws(2000), 0);
    let progress = |p: &TargetProgress| {
        rounds += 1;
        assert!(p.step == 100 * rounds && p.loss.is_finite());
        ControlFlow::Continue(())
    };
    let (outcome, report) = flow.fit_target_with(&mut rule, None, &config, banana, progress).unwrap();
    assert!(outcome == Outcome::Complete && report.steps == 300 && rounds == 3);
    assert!((report.log_z - 7.0f64.ln()).abs() < 0.1, "{report:?}");
    let draw = Draw { seed: 5, first: 100, temperature: 1.0 };
    let found = flow.importance(4000, draw, None, banana).unwrap();
    assert!(found.report.ess > 1000.0 && found.x.len() == 8000 && found.log_weight.iter().all(|w| w.is_finite()));
    let mut x = vec![0.0_f32; 8000];
    flow.sample_to(&mut x, draw, None, None).unwrap();
    assert!(x.iter().zip(&found.x).all(|(a, b)| f64::from(*a) == *b));
}

#[test]
fn closures_of_targets_may_break_panic_and_forget() {
    let mut flow = Flow::maf(&TableConfig::new().dim(2).layers(1).hidden(&[8]), None).unwrap();
    let config = TargetConfig::new().steps(2).batch(4).report_draws(4);
    let broken = flow.fit_target(&mut adam(), None, &config, |_| ControlFlow::Break(()));
    assert_eq!(broken.err().unwrap().status, Status::CALLBACK);
    assert_eq!(panic_of(|| flow.importance(9, Draw::default(), None, |_| panic!("mine"))), "mine");
    let forgot = flow.importance(9, Draw::default(), None, |_| ControlFlow::Continue(()));
    assert_eq!(forgot.err().unwrap().status, Status::NONFINITE, "what a closure does not write is NaN");
    let hot = Draw { temperature: 0.5, ..Draw::default() };
    assert_eq!(flow.importance(9, hot, None, banana).err().unwrap().status, Status::ARG);
    assert_eq!(flow.importance(9, Draw::default(), Some(&[1.0]), banana).err().unwrap().status, Status::SHAPE);
    assert!(flow.importance(9, Draw::default(), None, banana).is_ok(), "the flow is not busy for ever");
}

#[test]
fn tables_have_four_recipes() {
    let config = TableConfig::new().dim(3).layers(2).hidden(&[8]).seed(2);
    let made = [Flow::nsf, Flow::maf, Flow::iaf, Flow::nice].map(|make| make(&config, None).unwrap().to_json().unwrap());
    assert!(made[0].contains("coupling_spline") && made[3].contains("additive"));
    assert!(made[1].contains("autoregressive") && made[2].contains("inverse"));
    assert_eq!(Flow::recipe(&config, None).unwrap().to_json().unwrap(), made[0]);
}

// ---- errors

#[test]
fn errors_have_status_name_and_line() {
    let error = Flow::realnvp(&RealnvpConfig::new(), None).err().unwrap();
    assert!(error.status == Status::ARG || error.status == Status::SHAPE);
    assert!(error.name.starts_with("NF_ERR_") && error.message.contains("dim") && error.to_string() == error.message);
    let error = Flow::load("/nowhere/at/all", None).err().unwrap();
    assert_eq!((error.status, error.name), (Status::IO, "NF_ERR_IO"));
    assert!(error.message.contains("/nowhere"));
    assert_eq!(format!("{:?}", Status::CORRUPT), "NF_ERR_CORRUPT");
    assert_eq!(Flow::load("a\0b", None).err().unwrap().status, Status::ARG);
    assert_eq!(Flow::load_memory(b"{}", None).err().unwrap().status, Status::FORMAT);
    assert_eq!(Dataset::synthetic("squares", 9, None, 1, None).err().unwrap().status, Status::UNKNOWN);
    assert_eq!(Context::new(&ContextConfig::new().threads(-7)).err().unwrap().status, Status::ARG);
    assert_eq!(Base::uniform(2, 1.0, 0.0, None).err().unwrap().status, Status::ARG);
}

#[test]
fn sizes_are_checked() {
    let (flow, given) = (small::<f32>(None, 0), small::<f32>(None, 1));
    let x = [0.5_f32; 6];
    let (two, three) = (Rows::new(&x, 2).unwrap(), Rows::new(&x, 3).unwrap());
    let shape = |result: Result<Vec<f64>>| result.err().unwrap().status == Status::SHAPE;
    assert!(Rows::new(&x, 4).is_err() && Rows::new(&x, 0).is_err());
    assert!(shape(flow.log_prob(three, None)) && shape(flow.log_prob(two, Some(two))));
    assert!(shape(given.log_prob(two, None)) && shape(given.log_prob(two, Some(two))));
    assert!(shape(given.log_prob(two, Some(Rows::new(&x[..2], 1).unwrap()))));
    assert_eq!(flow.log_prob_to(&mut [0.0; 2], two, None).err().unwrap().status, Status::SHAPE);
    assert_eq!(flow.forward_to(&mut [0.0; 4], two, None, None).err().unwrap().status, Status::SHAPE);
    assert_eq!(flow.forward_to(&mut [0.0; 6], two, None, Some(&mut [0.0; 2])).err().unwrap().status, Status::SHAPE);
    assert_eq!(flow.interpolate(constants::PATH_LINEAR, 3, &x, &x, None).err().unwrap().status, Status::SHAPE);
    assert_eq!(flow.sample::<f32>(usize::MAX / 2 + 1, 1, None).err().unwrap().status, Status::OVERFLOW);
    let draw = Draw::default();
    assert_eq!(flow.sample_temperatures::<f32>(1 << 62, draw, &[1.0, 2.0], None).err().unwrap().status, Status::OVERFLOW);
    assert_eq!(flow.log_prob(Rows::new(&[0.5_f64; 2], 2).unwrap(), None).err().unwrap().status, Status::DTYPE);
    let mut data = Dataset::from_rows(two, None).unwrap();
    assert_eq!(data.set_cond(Some(three)).err().unwrap().status, Status::SHAPE);
    assert_eq!(data.set_weights(Some(&[1.0; 2])).err().unwrap().status, Status::SHAPE);
    assert!(flow.log_prob(Rows::new(&x[..0], 2).unwrap(), None).unwrap().is_empty());
}

#[test]
fn remarks_are_outcomes() {
    let flow = small::<f32>(None, 0);
    let mut log_prob = [0.0; 2];
    let x = [0.5, f32::NAN, 0.25, 0.125];
    assert_eq!(flow.log_prob_to(&mut log_prob, Rows::new(&x, 2).unwrap(), None), Ok(Outcome::RowsNonfinite));
    assert!(log_prob[0].is_nan() && log_prob[1].is_finite());
}

// ---- sharing

fn is_shared<T: Send + Sync + Clone>() {}
fn is_sent<T: Send>() {}

#[test]
fn types_go_where_they_may() {
    is_shared::<Flow>();
    is_shared::<Dataset>();
    is_shared::<Context>();
    is_shared::<Layer>();
    is_shared::<Base>();
    is_shared::<RealnvpConfig>();
    is_sent::<Optimizer>();
    is_sent::<FitReport>();
    is_sent::<Error>();
}

#[test]
fn writing_needs_the_only_reference() {
    let mut flow = small::<f32>(None, 0);
    let mut data = moons(64);
    let (other, more) = (flow.clone(), data.clone());
    let error = flow.fit(&mut adam(), &data, None, &FitConfig::new().epochs(1)).err().unwrap();
    assert_eq!((error.status, error.name), (Status::BUSY, "NF_ERR_BUSY"));
    assert_eq!(flow.zero_grad().err().unwrap().status, Status::BUSY);
    assert_eq!(adam().step(&mut flow, None).err().unwrap().status, Status::BUSY);
    assert_eq!(data.set_weights(None).err().unwrap().status, Status::BUSY);
    drop((other, more));
    assert!(flow.zero_grad().is_ok() && data.set_weights(None).is_ok());
}

#[test]
fn clones_evaluate_in_parallel_with_the_same_bits() {
    let flow = small::<f32>(None, 0);
    let x = flow.sample::<f32>(500, 1, None).unwrap();
    let serial = flow.log_prob(Rows::new(&x, 2).unwrap(), None).unwrap();
    let crew: Vec<_> = (0..4)
        .map(|_| {
            let (flow, x) = (flow.clone(), x.clone());
            std::thread::spawn(move || flow.log_prob(Rows::new(&x, 2).unwrap(), None).unwrap())
        })
        .collect();
    for one in crew {
        assert_eq!(one.join().unwrap(), serial);
    }
}

// ---- calls

fn calls_agree<T: Real + PartialEq + std::fmt::Debug>(values: [T; 10]) {
    let flow = small::<T>(None, 1);
    let cond = Some(Rows::new(&values[..5], 1).unwrap());
    let draw = Draw { seed: 7, first: 2, temperature: 0.5 };
    let (mut x, mut log_prob) = (vec![T::default(); 10], vec![0.0; 5]);
    assert_eq!(flow.sample_to(&mut x, draw, cond, Some(&mut log_prob)), Ok(Outcome::Complete));
    let rows = Rows::new(&x, 2).unwrap();
    let again = flow.log_prob(rows, cond).unwrap();
    assert!(again.iter().zip(&log_prob).all(|(a, b)| (a - b).abs() < 1e-4), "{again:?} {log_prob:?}");
    let (mut z, mut log_det) = (x.clone(), vec![0.0; 5]);
    flow.forward_to(&mut z, rows, cond, Some(&mut log_det)).unwrap();
    assert_eq!(flow.forward(rows, cond).unwrap(), z);
    let z_rows = Rows::new(&z, 2).unwrap();
    let mut inverse_det = vec![0.0; 5];
    flow.inverse_to(&mut [T::default(); 10], z_rows, cond, Some(&mut inverse_det)).unwrap();
    assert!(log_det.iter().zip(&inverse_det).all(|(a, b)| (a + b).abs() < 1e-4));
    assert_eq!(flow.inverse(z_rows, cond).unwrap().len(), 10);
    assert_eq!(flow.score(rows, cond).unwrap().1, again);
    let between = flow.interpolate(constants::PATH_SPHERICAL, 5, &x[..2], &x[2..4], cond).unwrap();
    assert_eq!(between.len(), 10);
    let along = flow.direction(rows, cond, Rows::new(&values, 2).unwrap(), cond).unwrap();
    assert_eq!(flow.move_along(rows, cond, &along, 0.0).unwrap(), flow.inverse(z_rows, cond).unwrap());
    let many = flow.sample_temperatures(5, draw, &[1.0, 0.5], cond).unwrap();
    assert_eq!(many[10..], x);
    assert_eq!(flow.check(rows, cond).unwrap().passed, 1);
    assert_eq!(flow.solver_report(rows, cond).unwrap().solves, 0);
    assert!(flow.is::<T>());
}

#[test]
fn calls_agree_in_both_precisions() {
    calls_agree([0.5_f32, -1.0, 0.25, 2.0, 0.0, 1.5, -0.5, 0.75, 1.0, -2.0]);
    calls_agree([0.5_f64, -1.0, 0.25, 2.0, 0.0, 1.5, -0.5, 0.75, 1.0, -2.0]);
}

#[test]
fn a_loop_of_ones_own_trains() {
    let mut flow = small::<f64>(None, 0);
    let (data, mut rule) = (moons(300), adam());
    let x = data.copy::<f64>().unwrap();
    let rows = Rows::new(&x, 2).unwrap();
    flow.init_data(rows, None).unwrap();
    let before = flow.mean_nll(&data).unwrap();
    for _ in 0..30 {
        flow.zero_grad().unwrap();
        flow.nll_grad(rows, None, None).unwrap();
        assert!(rule.step(&mut flow, Some(1.0)).unwrap() > 0.0);
    }
    assert!(flow.mean_nll(&data).unwrap() < before && rule.steps() == 30);
    assert_eq!(flow.nll_grad(rows, None, Some(&[2.0; 300])).unwrap(), flow.nll_grad(rows, None, None).unwrap());
    let theta = flow.params().unwrap();
    let count = flow.change_params(|theta: &mut [f64], grad: &mut [f64]| {
        theta[0] += 1.0;
        assert_eq!(theta.len(), grad.len());
        theta.len()
    });
    assert_eq!(count, Ok(flow.param_count()));
    assert_eq!(flow.params().unwrap()[0], theta[0] + 1.0);
    assert_eq!(flow.change_params(|_: &mut [f32], _| ()).err().unwrap().status, Status::DTYPE);
    flow.set_params(&theta).unwrap();
    assert_eq!(flow.params().unwrap(), theta);
    assert_eq!(flow.set_params(&theta[1..]).err().unwrap().status, Status::SHAPE);
    rule.set_lr(0.25).unwrap();
    rule.reset().unwrap();
    assert_eq!((rule.lr(), rule.steps(), rule.type_name()), (0.25, 0, "adam".to_string()));
}

#[test]
fn two_moons_are_learned() {
    let noise = 0.05;
    let all = Dataset::synthetic("moons-sklearn", 3000, Some(noise), 1, None).unwrap();
    let (train, valid) = all.split(0.8, None).unwrap();
    let columns = [all.check_column(0).unwrap(), all.check_column(1).unwrap()];
    let config = RealnvpConfig::new().dim(2).seed(1).mean(&columns.map(|c| c.mean)).sd(&columns.map(|c| c.sd));
    let mut flow = Flow::realnvp(&config, None).unwrap();
    let fit = FitConfig::new().epochs(60).batch(256).seed(1).schedule(constants::SCHEDULE_COSINE).ema_decay(0.99);
    let mut rule = Optimizer::adam(Some(&AdamConfig::new().lr(3e-3)), None).unwrap();
    let report = flow.fit(&mut rule, &train, Some(&valid), &fit).unwrap();
    let entropy = Dataset::synthetic_entropy("moons-sklearn", Some(noise));
    let excess = report.valid_nll - entropy;
    assert!(excess > -0.05 && excess < 0.3, "{} nats over the entropy", excess);
    assert_eq!((report.epochs, report.curve_valid.len(), report.outcome), (60, 60, Outcome::Complete));
    assert!((flow.mean_nll(&valid).unwrap() - report.valid_nll).abs() < 1e-9);
    assert_eq!(flow.param_count(), 70772);
}

#[test]
fn chains_and_recipes_are_made() {
    let layers = [
        Layer::new(&ActnormConfig::new().dim(3), None).unwrap(),
        Layer::new(&CouplingAffineConfig::new().dim(3).hidden(&[4]), None).unwrap(),
        Layer::new(&LinearConfig::new().dim(3), None).unwrap(),
        Layer::new(&PermutationConfig::new().dim(3).index(&[2, 0, 1]), None).unwrap(),
    ];
    let flow = Flow::new(&Base::diagonal(3, None).unwrap(), &layers, &FlowConfig::new().seed(1), None).unwrap();
    assert_eq!((flow.layers(), flow.dim(), flow.base().type_name()), (4, 3, "diagonal".to_string()));
    assert_eq!(flow.layer(2).unwrap().type_name(), "linear");
    assert!(flow.layer(4).is_none());
    let views = flow.param_views().unwrap();
    assert_eq!(views.iter().map(|view| view.count).sum::<usize>(), flow.param_count());
    assert_eq!((views[0].name.as_str(), views[0].shape.as_slice()), ("layers.0.log_scale", [3].as_slice()));
    assert_eq!(flow.info().unwrap().params as usize, flow.param_count());
    assert!(flow.step_memory(64).unwrap().total > 0);
    flow.reserve(100).unwrap();
    let solved = Flow::recipe(&FfjordConfig::new().dim(2), None).unwrap();
    assert_eq!(solved.solver_report(Rows::new(&[0.5_f32, 0.25], 2).unwrap(), None).unwrap().solves, 1);
    let glow = GlowConfig::new().height(4).width(4).channels(1).levels(1).steps(1).hidden(4);
    assert_eq!(Flow::recipe(&glow, None).unwrap().image_shape().unwrap(), ImageShape { height: 4, width: 4, channels: 1 });
    for (rule, name) in
        [(Optimizer::adamw(None, None), "adamw"), (Optimizer::adamax(None, None), "adamax"), (Optimizer::sgd(None, None), "sgd")]
    {
        assert_eq!(rule.unwrap().type_name(), name);
    }
}

#[test]
fn data_has_all_parts() {
    let table = Dataset::load_memory(b"a,b\n1,2\n3,4\n5,7\n", &ReadConfig::new(), None).unwrap();
    assert_eq!((table.rows(), table.dim(), table.cond_dim(), table.column_name(1).as_deref()), (3, 2, 0, Some("b")));
    assert_eq!(table.copy::<f64>().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]);
    assert_eq!(table.check_column(0).unwrap().mean, 3.0);
    let kept = Dataset::load_memory(b"a,b\n1,2\n3,4\n", &ReadConfig::new().columns(&[1]), None).unwrap();
    assert_eq!((kept.dim(), kept.column_name(0).as_deref(), kept.column_name(1)), (1, Some("b"), None));
    let mut data = table.clone();
    drop(table);
    data.set_cond(Some(Rows::new(&[1.0_f32, 2.0, 3.0], 1).unwrap())).unwrap();
    data.set_weights(Some(&[1.0, 0.0, 2.0])).unwrap();
    assert_eq!(data.cond_dim(), 1);
    data.set_cond::<f32>(None).unwrap();
    assert_eq!(data.cond_dim(), 0);
    assert_eq!(Layer::standardise(&data, false, None).unwrap().dim(), 2);
    assert_eq!(data.set_weights(Some(&[-1.0; 3])).err().unwrap().status, Status::ARG);
}

#[test]
fn files_give_the_same_bits_back() {
    let flow = small::<f32>(None, 0);
    let x = flow.sample::<f32>(9, 1, None).unwrap();
    let rows = Rows::new(&x, 2).unwrap();
    let path = std::env::temp_dir().join(format!("nflow-rust-{}.safetensors", std::process::id()));
    flow.save(&path).unwrap();
    assert_eq!(Flow::verify(&path, None), Ok(0.0));
    let expected = flow.log_prob(rows, None).unwrap();
    assert_eq!(Flow::load(&path, None).unwrap().log_prob(rows, None).unwrap(), expected);
    std::fs::remove_file(&path).unwrap();
    let bytes = flow.save_memory().unwrap();
    assert_eq!(Flow::load_memory(&bytes, None).unwrap().log_prob(rows, None).unwrap(), expected);
    let text = flow.to_json().unwrap();
    assert_eq!(Flow::from_json(&text, None).unwrap().to_json().unwrap(), text);
}

// ---- callbacks

#[test]
fn progress_sees_stops_and_evaluates() {
    let (mut flow, data) = (small::<f32>(None, 0), moons(200));
    let x = data.copy::<f32>().unwrap();
    let mut seen = Vec::new();
    let report = flow
        .fit_with(&mut adam(), &data, None, &FitConfig::new().epochs(9), |progress| {
            let log_prob = progress.model().log_prob(Rows::new(&x, 2).unwrap(), None).unwrap();
            seen.push((progress.epoch, log_prob[0]));
            if progress.epoch == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!((report.epochs, report.stopped, report.outcome), (3, 2, Outcome::Stopped));
    assert_eq!(seen.len(), 3);
    assert_ne!(seen[0].1, seen[2].1);
}

#[test]
fn a_panic_in_progress_goes_on() {
    let (mut flow, data) = (small::<f32>(None, 0), moons(200));
    let words = panic_of(|| {
        flow.fit_with(&mut adam(), &data, None, &FitConfig::new().epochs(9), |progress| {
            assert!(progress.epoch < 2, "enough of it");
            ControlFlow::Continue(())
        })
    });
    assert_eq!(words, "enough of it");
    assert!(flow.fit(&mut adam(), &data, None, &FitConfig::new().epochs(1)).is_ok());
}

#[test]
fn hooks_log_panic_and_end_with_the_context() {
    let (lines, alive) = (Arc::new(Mutex::new(Vec::new())), Arc::new(()));
    let (sink, token) = (lines.clone(), alive.clone());
    let hooks = Hooks::new().log(move |level, line| {
        let _alive = &token;
        sink.lock().unwrap().push((level, line.to_string()));
    });
    let context = Context::with_hooks(&ContextConfig::new(), hooks).unwrap();
    let mut flow = small::<f32>(Some(&context), 0);
    let bad = FitConfig::new().epochs(2).checkpoint("/nowhere/at/all/checkpoint").checkpoint_epochs(1);
    assert_eq!(flow.fit(&mut adam(), &moons(64), None, &bad).err().unwrap().status, Status::IO);
    assert!(lines.lock().unwrap().iter().any(|(level, line)| *level == LogLevel::Warning && line.contains("/nowhere")));
    drop(context);
    assert_eq!(Arc::strong_count(&alive), 2); // the flow keeps it
    drop(flow);
    assert_eq!(Arc::strong_count(&alive), 1);
    let kept = alive.clone();
    let refused = Context::with_hooks(&ContextConfig::new().threads(-7), Hooks::new().log(move |_, _| drop(kept.clone())));
    assert!(refused.is_err() && Arc::strong_count(&alive) == 1);

    let context =
        Context::with_hooks(&ContextConfig::new(), Hooks::new().log(|level, line| assert!(level != LogLevel::Warning, "{line}")))
            .unwrap();
    let mut flow = small::<f32>(Some(&context), 0);
    assert!(panic_of(|| flow.fit(&mut adam(), &moons(64), None, &bad)).contains("/nowhere"));
    assert!(flow.fit(&mut adam(), &moons(64), None, &FitConfig::new().epochs(1)).is_ok());
}

#[test]
fn parallel_for_runs_every_task_once() {
    let loops = Arc::new(AtomicUsize::new(0));
    let count = loops.clone();
    let good = Hooks::new().parallel_for(move |n, task| {
        count.fetch_add(1, Ordering::Relaxed);
        std::thread::scope(|scope| {
            scope.spawn(|| (0..n).step_by(2).for_each(task));
            (1..n).step_by(2).for_each(task);
        });
    });
    let lazy = Hooks::new().parallel_for(|n, task| {
        task(0);
        task(0);
        task(n);
    });
    let config = RealnvpConfig::new().dim(2).preset(constants::PRESET_BOOK);
    let plain = Flow::realnvp(&config, None).unwrap();
    let x = plain.sample::<f32>(4000, 1, None).unwrap();
    let rows = Rows::new(&x, 2).unwrap();
    let expected = plain.log_prob(rows, None).unwrap();
    for hooks in [good, lazy] {
        let context = Context::with_hooks(&ContextConfig::new().threads(3), hooks).unwrap();
        assert_eq!(Flow::realnvp(&config, Some(&context)).unwrap().log_prob(rows, None).unwrap(), expected);
    }
    assert!(loops.load(Ordering::Relaxed) > 0);
    let context =
        Context::with_hooks(&ContextConfig::new().threads(3), Hooks::new().parallel_for(|_, _| panic!("no threads today")))
            .unwrap();
    assert_eq!(panic_of(|| Flow::realnvp(&config, Some(&context)).map(|flow| flow.log_prob(rows, None))), "no threads today");
}

#[test]
fn contexts_cancel() {
    let context = Context::new(&ContextConfig::new().threads(2)).unwrap();
    assert_eq!(context.threads(), 2);
    assert!(!context.isa().is_empty() && !version().is_empty());
    let flow = small::<f32>(Some(&context), 0);
    context.clone().cancel();
    assert_eq!(flow.sample::<f32>(5, 1, None).err().unwrap().status, Status::CANCELLED);
    context.resume();
    assert_eq!(flow.sample::<f32>(5, 1, None).unwrap().len(), 10);
}
