use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::Operators;
use crate::kernel::conv::window::Window;
use crate::kernel::group_norm::Groups;

/// The kernels that the gradients of [`Operators`] need.
pub(super) trait Kernels: Operators {
    fn input_gradient(gradient: FloatTensor<Self>, weight: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;
    fn weight_gradient(x: FloatTensor<Self>, gradient: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;
    fn bias_gradient(gradient: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;

    /// Returns [`Operators::normalise`], and each group's mean and reciprocal standard deviation.
    fn normalise_and_remember(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: Groups,
    ) -> (FloatTensor<Self>, Vec<[f32; 2]>);

    /// Returns the gradients of `x` and of the parameters `gamma` and `beta`.
    fn normalise_backward(
        x: FloatTensor<Self>,
        parameters: [FloatTensor<Self>; 2],
        statistics: &[[f32; 2]],
        gradient: FloatTensor<Self>,
        groups: Groups,
    ) -> [FloatTensor<Self>; 3];
}

#[derive(Debug)]
struct Convolve;

impl<B: Backend + Kernels> Backward<B, 3> for Convolve {
    type State = ([NodeId; 2], Window);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let ([x, weight], window) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        // Retrieve both in any case: a checkpoint counts the retrievals that are still to come.
        let x = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(x);
        let weight = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(weight);
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            grads.register::<B>(node.id, B::input_gradient(gradient.clone(), weight, window));
        }
        if let Some(node) = weight_node {
            grads.register::<B>(node.id, B::weight_gradient(x, gradient.clone(), window));
        }
        if let Some(node) = bias_node {
            grads.register::<B>(node.id, B::bias_gradient(gradient, window));
        }
    }
}

#[derive(Debug)]
struct Normalise;

impl<B: Backend + Kernels> Backward<B, 3> for Normalise {
    type State = ([NodeId; 3], Vec<[f32; 2]>, Groups);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let (inputs, statistics, groups) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let [x, gamma, beta] = inputs.map(|node| checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(node));
        let found = B::normalise_backward(x, [gamma, beta], &statistics, gradient, groups);
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: Backend + Kernels, C: CheckpointStrategy> Operators for Autodiff<B, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let window = Window { joint: true, ..window };
        match Convolve.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut tracked) => {
                let state = ([tracked.checkpoint(&x), tracked.checkpoint(&weight)], window);
                let [x, weight, bias] = [x, weight, bias].map(|tensor| tensor.into_primitive());
                tracked.finish(state, B::convolve(x, weight, bias, window))
            }
            OpsKind::UnTracked(untracked) => {
                let [x, weight, bias] = [x, weight, bias].map(|tensor| tensor.into_primitive());
                untracked.finish(B::convolve(x, weight, bias, window))
            }
        }
    }

    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: Groups,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gamma.node(), beta.node()];
        match Normalise.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut tracked) => {
                let inputs = [&x, &gamma, &beta].map(|tensor| tracked.checkpoint(tensor));
                let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.into_primitive());
                let (out, statistics) = B::normalise_and_remember(x, gamma, beta, groups);
                tracked.finish((inputs, statistics, groups), out)
            }
            OpsKind::UnTracked(untracked) => {
                let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.into_primitive());
                untracked.finish(B::normalise(x, gamma, beta, groups))
            }
        }
    }
}
