use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::Operators;
use crate::kernel::activation::Activation;
use crate::kernel::attention::Heads;
use crate::kernel::layer_norm::Rows;

/// The kernels that the gradients of [`Operators`] need.
pub(super) trait Kernels: Operators {
    fn activate_backward(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// Returns [`Operators::normalise`], and each row's mean and reciprocal standard deviation.
    fn normalise_and_remember(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        rows: Rows,
    ) -> (FloatTensor<Self>, Vec<[f32; 2]>);

    /// Returns the gradients of `x`, `gamma` and `beta`.
    fn normalise_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        statistics: &[[f32; 2]],
        gradient: FloatTensor<Self>,
        rows: Rows,
    ) -> [FloatTensor<Self>; 3];

    /// Returns [`Operators::attend`], and for each query the logarithm of the sum of its scores' exponentials.
    fn attend_and_remember(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        heads: Heads,
    ) -> (FloatTensor<Self>, Vec<f32>);

    /// Returns the gradients of the inputs `q`, `k` and `v`.
    fn attend_backward(
        inputs: [FloatTensor<Self>; 3],
        out: FloatTensor<Self>,
        logs: &[f32],
        gradient: FloatTensor<Self>,
        heads: Heads,
    ) -> [FloatTensor<Self>; 3];
}

#[derive(Debug)]
struct Activate;

impl<B: Backend + Kernels> Backward<B, 1> for Activate {
    type State = (NodeId, Activation);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let (x, activation) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let x = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(x);
        let [x_node] = ops.parents;
        if let Some(node) = x_node {
            grads.register::<B>(node.id, B::activate_backward(x, gradient, activation));
        }
    }
}

#[derive(Debug)]
struct Normalise;

impl<B: Backend + Kernels> Backward<B, 3> for Normalise {
    type State = ([NodeId; 2], Vec<[f32; 2]>, Rows);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let (inputs, statistics, rows) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let [x, gamma] = inputs.map(|node| checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(node));
        let found = B::normalise_backward(x, gamma, &statistics, gradient, rows);
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct Attend;

impl<B: Backend + Kernels> Backward<B, 3> for Attend {
    type State = ([NodeId; 3], B::FloatTensorPrimitive, Vec<f32>, Heads);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let (inputs, out, logs, heads) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let inputs = inputs.map(|node| checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(node));
        let found = B::attend_backward(inputs, out, &logs, gradient, heads);
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: Backend + Kernels, C: CheckpointStrategy> Operators for Autodiff<B, C> {
    fn activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        match Activate.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut tracked) => {
                let state = (tracked.checkpoint(&x), activation);
                tracked.finish(state, B::activate(x.into_primitive(), activation))
            }
            OpsKind::UnTracked(untracked) => untracked.finish(B::activate(x.into_primitive(), activation)),
        }
    }

    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        rows: Rows,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gamma.node(), beta.node()];
        match Normalise.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut tracked) => {
                let inputs = [&x, &gamma].map(|tensor| tracked.checkpoint(tensor));
                let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.into_primitive());
                let (out, statistics) = B::normalise_and_remember(x, gamma, beta, rows);
                tracked.finish((inputs, statistics, rows), out)
            }
            OpsKind::UnTracked(untracked) => {
                let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.into_primitive());
                untracked.finish(B::normalise(x, gamma, beta, rows))
            }
        }
    }

    fn attend(q: FloatTensor<Self>, k: FloatTensor<Self>, v: FloatTensor<Self>, heads: Heads) -> FloatTensor<Self> {
        let nodes = [q.node(), k.node(), v.node()];
        match Attend.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut tracked) => {
                let inputs = [&q, &k, &v].map(|tensor| tracked.checkpoint(tensor));
                let [q, k, v] = [q, k, v].map(|tensor| tensor.into_primitive());
                let (out, logs) = B::attend_and_remember(q, k, v, heads);
                tracked.finish((inputs, out.clone(), logs, heads), out)
            }
            OpsKind::UnTracked(untracked) => {
                let [q, k, v] = [q, k, v].map(|tensor| tensor.into_primitive());
                untracked.finish(B::attend(q, k, v, heads))
            }
        }
    }
}
