//! OFT and BOFT, against their definitions with whole matrices.

use crate::matrix::Matrix;
use crate::{File, check_tensors, network_file};

/// Cayley's map, `(I + Q)(I − Q)⁻¹`, as the solution of `R(I − Q) = I + Q`.
fn cayley(q: &Matrix) -> Matrix {
    let identity = Matrix::identity(q.0.len());
    identity.minus(q).transposed().solve(&identity.plus(q).transposed()).transposed()
}

/// The blocks of a tensor `[…, size, size]`, each less its transpose.
fn skew(values: &[f64], size: usize) -> Vec<Matrix> {
    let blocks = values.chunks(size * size).map(|block| Matrix::new(size, block));
    blocks.map(|block| block.minus(&block.transposed())).collect()
}

/// Scales the matrices so that the norm of all of them is at most `limit`.
fn limited(blocks: Vec<Matrix>, limit: f64) -> Vec<Matrix> {
    let norm = blocks.iter().flat_map(Matrix::values).map(|value| value * value).sum::<f64>().sqrt();
    let factor = if limit > 0.0 && norm > limit { limit / norm } else { 1.0 };
    blocks.iter().map(|block| block.scaled(factor)).collect()
}

/// Interpolates between the identity, at a scale of 0, and a matrix, at 1.
fn weighted(matrix: &Matrix, scale: f64) -> Matrix {
    let identity = Matrix::identity(matrix.0.len());
    identity.plus(&matrix.minus(&identity).scaled(scale))
}

fn weight(layer: &str) -> Matrix {
    let columns = if layer == "linear" { 8 } else { 72 };
    Matrix::new(columns, &network_file().values(&format!("{layer}.weight")))
}

/// Checks what is added to the weights of both layers, given their rotated weights.
fn check(file: &File, scale: f64, turned: impl Fn(&str, &Matrix) -> Matrix) {
    let added = |layer: &str| turned(layer, &weight(layer)).minus(&weight(layer)).values();
    check_tensors(file, scale, &[("linear.weight", added("linear")), ("conv.weight", added("conv"))]);
}

#[test]
fn oft_of_kohya_and_lycoris_rotates_outputs_by_transposed_blocks() {
    for (prefix, alpha) in
        [("oft_unet_", None), ("lora_unet_", Some(0.0)), ("oft_unet_", Some(0.05)), ("lycoris_", Some(9.0))]
    {
        let mut file = File::default()
            .with(&format!("{prefix}linear.oft_blocks"), &[2, 2, 2])
            .with(&format!("{prefix}conv.oft_blocks"), &[1, 4, 4]);
        for layer in ["linear", "conv"] {
            if let Some(alpha) = alpha {
                file = file.with_scalar(&format!("{prefix}{layer}.alpha"), alpha);
            }
        }
        for scale in [1.0, 0.3] {
            check(&file, scale, |layer, weight| {
                let blocks =
                    skew(&file.values(&format!("{prefix}{layer}.oft_blocks")), if layer == "linear" { 2 } else { 4 });
                let blocks = limited(blocks, 4.0 * f64::from(alpha.unwrap_or(0.0)));
                let turn = Matrix::block_diagonal(&blocks.iter().map(cayley).collect::<Vec<_>>());
                weighted(&turn.transposed(), scale).times(weight)
            });
        }
    }
}

#[test]
fn oft_may_scale_outputs_and_may_be_orthogonal_in_the_file() {
    let file = File::default()
        .with("lora_unet_linear.oft_diag", &[2, 2, 2])
        .with("lora_unet_conv.oft_blocks", &[2, 2, 2])
        .with("lora_unet_conv.rescale", &[4, 1, 1, 1]);
    for scale in [1.0, 0.5] {
        check(&file, scale, |layer, weight| {
            if layer == "linear" {
                let values = file.values("lora_unet_linear.oft_diag");
                let blocks: Vec<Matrix> = values.chunks(4).map(|block| Matrix::new(2, block)).collect();
                return weighted(&Matrix::block_diagonal(&blocks).transposed(), scale).times(weight);
            }
            let blocks = skew(&file.values("lora_unet_conv.oft_blocks"), 2);
            let turn = Matrix::block_diagonal(&blocks.iter().map(cayley).collect::<Vec<_>>());
            let lengths = file.values("lora_unet_conv.rescale");
            let lengths = Matrix::from_fn(4, 4, |i, j| if i == j { lengths[i] } else { 0.0 });
            weighted(&lengths, scale).times(&weighted(&turn.transposed(), scale)).times(weight)
        });
    }
}

/// The matrix that moves row `order[i]` to position `i`.
fn permutation(order: &[usize]) -> Matrix {
    Matrix::from_fn(order.len(), order.len(), |i, j| f64::from(u8::from(order[i] == j)))
}

#[test]
fn boft_of_lycoris_rotates_pairs_that_are_further_apart_at_each_step() {
    let file = File::default()
        .with("lora_unet_linear.oft_blocks", &[2, 2, 2, 2])
        .with("lora_unet_linear.rescale", &[4, 1])
        .with("lora_unet_conv.oft_blocks", &[2, 2, 2, 2])
        .with_scalar("lora_unet_conv.alpha", 0.1);
    // Rows 0 and 1, 2 and 3 first; then 0 and 2, 1 and 3.
    let orders = [[0, 1, 2, 3], [0, 2, 1, 3]].map(|order| permutation(&order));
    for scale in [1.0, 0.4] {
        check(&file, scale, |layer, weight| {
            let limit = if layer == "conv" { 0.4 } else { 0.0 };
            let blocks = limited(skew(&file.values(&format!("lora_unet_{layer}.oft_blocks")), 2), limit);
            let blocks: Vec<Matrix> = blocks.iter().map(|block| weighted(&cayley(block), scale)).collect();
            let mut turned = weight.clone();
            for (order, blocks) in orders.iter().zip(blocks.chunks(2)) {
                let turn = order.transposed().times(&Matrix::block_diagonal(blocks)).times(order);
                turned = turn.times(&turned);
            }
            if layer == "linear" {
                let lengths = file.values("lora_unet_linear.rescale");
                let lengths = Matrix::from_fn(4, 4, |i, j| if i == j { lengths[i] } else { 0.0 });
                turned = weighted(&lengths, scale).times(&turned);
            }
            turned
        });
    }
}

/// Skew-symmetric matrices from the values above their diagonals.
fn skew_from_upper(values: &[f64], size: usize) -> Vec<Matrix> {
    let place = |i: usize, j: usize| (0..i).map(|row| size - 1 - row).sum::<usize>() + j - i - 1;
    let value = |upper: &[f64], i: usize, j: usize| match i.cmp(&j) {
        std::cmp::Ordering::Less => upper[place(i, j)],
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => -upper[place(j, i)],
    };
    values.chunks(size * (size - 1) / 2).map(|upper| Matrix::from_fn(size, size, |i, j| value(upper, i, j))).collect()
}

/// `I + 2Q + 2Q² + 2Q³ + Q⁴`.
fn five_terms(q: &Matrix) -> Matrix {
    let squared = q.times(q);
    let terms = [(2.0, q.clone()), (2.0, squared.clone()), (2.0, squared.times(q)), (1.0, squared.times(&squared))];
    terms.iter().fold(Matrix::identity(q.0.len()), |sum, (factor, term)| sum.plus(&term.scaled(*factor)))
}

/// A file of blocks that rotate inputs, small enough for the series: two of size 4 for the linear layer, one of size 3 for
/// all inputs of the convolution.
fn upper(prefix: &str) -> File {
    let small = |count: usize| (0..count).map(|i| 0.2 * (1.3 * i as f32).cos()).collect::<Vec<f32>>();
    File::default().with_values(&format!("{prefix}linear.oft_R.weight"), &[2, 6], small(12)).with_values(
        &format!("{prefix}conv.oft_R.weight"),
        &[1, 3],
        small(3),
    )
}

fn turn_of(file: &File, prefix: &str, layer: &str, cayley: impl Fn(&Matrix) -> Matrix) -> Matrix {
    let size = if layer == "linear" { 4 } else { 3 };
    let blocks = skew_from_upper(&file.values(&format!("{prefix}{layer}.oft_R.weight")), size);
    let count = if layer == "linear" { 1 } else { 24 };
    Matrix::block_diagonal(&vec![blocks.iter().map(cayley).collect::<Vec<_>>(); count].concat())
}

#[test]
fn oft_of_peft_rotates_inputs() {
    let prefix = "base_model.model.";
    let plain = upper(prefix);
    for scale in [1.0, 0.5] {
        check(&plain, scale, |layer, weight| {
            weight.times(&weighted(&turn_of(&plain, prefix, layer, five_terms), scale).transposed())
        });
    }
    let exact = plain.clone().with_settings(r#"{"peft_type": "OFT", "use_cayley_neumann": false}"#);
    check(&exact, 1.0, |layer, weight| {
        let turn = turn_of(&exact, prefix, layer, |q| cayley(&q.scaled(-1.0)));
        weight.times(&turn.transposed())
    });
    let limited = plain.clone().with_settings(r#"{"peft_type": "OFT", "coft": true, "eps": 0.1}"#);
    check(&limited, 1.0, |layer, weight| {
        let limit = 0.1 / if layer == "linear" { 2_f64.sqrt() } else { 1.0 };
        let turn = turn_of(&limited, prefix, layer, |q| {
            let norm = q.values().iter().map(|value| value * value).sum::<f64>().sqrt();
            five_terms(&q.scaled(limit / norm))
        });
        weight.times(&turn.transposed())
    });
}

#[test]
fn oft_of_onetrainer_rotates_convolutions_the_other_way_and_may_be_scaled() {
    let prefix = "lora_unet_";
    let file = upper(prefix).with_scalar("lora_unet_linear.oft_R.scaled_oft", 1.0);
    check(&file, 1.0, |layer, weight| {
        let turn = turn_of(&file, prefix, layer, |q| {
            five_terms(&q.scaled(if layer == "linear" { 0.5 / 3_f64.sqrt() } else { 1.0 }))
        });
        weight.times(&if layer == "linear" { turn.transposed() } else { turn })
    });
}

#[test]
fn boft_of_peft_rotates_inputs_in_a_butterflys_orders() {
    let prefix = "base_model.model.";
    let file = File::default()
        .with(&format!("{prefix}linear.boft_R"), &[3, 4, 2, 2])
        .with(&format!("{prefix}linear.boft_s"), &[4, 1])
        .with(&format!("{prefix}conv.boft_R"), &[1, 24, 3, 3])
        .with(&format!("{prefix}conv.boft_s"), &[1, 4]);
    // `block_butterfly_perm` for 8 rows in blocks of 2: nothing moves; even rows of each 4 first; of all 8.
    let orders = [[0, 1, 2, 3, 4, 5, 6, 7], [0, 2, 1, 3, 4, 6, 5, 7], [0, 2, 4, 6, 1, 3, 5, 7]];
    check(&file, 1.0, |layer, weight| {
        let size = if layer == "linear" { 2 } else { 3 };
        let blocks = skew(&file.values(&format!("{prefix}{layer}.boft_R")), size);
        let blocks: Vec<Matrix> = blocks.iter().map(|block| cayley(&block.scaled(-0.5))).collect();
        let mut turned = weight.transposed();
        if layer == "linear" {
            for (order, blocks) in orders.iter().zip(blocks.chunks(4)) {
                let order = permutation(order);
                turned = order.times(&Matrix::block_diagonal(blocks)).times(&order.transposed()).times(&turned);
            }
        } else {
            turned = Matrix::block_diagonal(&blocks).times(&turned);
        }
        let lengths = file.values(&format!("{prefix}{layer}.boft_s"));
        Matrix::from_fn(4, turned.0.len(), |i, j| lengths[i] * turned.0[j][i])
    });
}
