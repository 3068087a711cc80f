use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use sd_weights::write_atomically;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ema::Average;
use crate::optimiser::{Moments, Optimiser};
use crate::parameters::{Parameter, parameters, with_values};
use crate::{Task, TrainError, Trainer, TrainerConfig};

/// The file that describes a checkpoint and names the file of the tensors.
const INDEX: &str = "training.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    /// Number of steps made.
    step: u64,
    /// The file of the tensors, beside this one.
    tensors: String,
    /// The task's state.
    task: Value,
    /// [`Trainer::notes`].
    #[serde(default)]
    notes: Value,
}

impl<M: Module> Trainer<M> {
    /// Writes the state of the training to a folder, which is created if missing: the parameters, their average, the
    /// optimiser's moments, the step, the task's state, and the notes.
    ///
    /// The tensors are written under a new name first; then the small file that names them replaces its predecessor.
    /// So a crash or a full disk at any moment leaves a whole checkpoint: this one or the last.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub fn save<T: Task<M>>(&self, folder: &Path, task: &T) -> Result<(), TrainError> {
        fs::create_dir_all(folder).map_err(io(folder))?;
        let tensors = format!("step-{}.safetensors", self.step);
        let index = Index { step: self.step, tensors, task: task.state(), notes: self.notes.clone() };
        write(&folder.join(&index.tensors), &self.tensors())?;
        write(&folder.join(INDEX), &serde_json::to_vec_pretty(&index).expect("an index is JSON"))?;
        remove_others(folder, &index.tensors).map_err(io(folder))
    }

    /// Resumes a training from a folder that [`save`](Self::save) wrote: the next steps are the same, bit for bit, as
    /// if it had never stopped.
    ///
    /// This needs the same `config`, a `task` with the same settings, and the same build on the same kind of machine.
    /// Of `model`, only the shapes of the parameters are used, and which of them are frozen.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] if a file cannot be read; [`TrainError::Checkpoint`] if it is damaged or belongs to another
    /// model or task. The task is then unchanged.
    pub fn resume<T: Task<M>>(
        model: M,
        config: TrainerConfig,
        folder: &Path,
        task: &mut T,
    ) -> Result<Self, TrainError> {
        let file = folder.join(INDEX);
        let damaged = |file: &Path, reason: String| TrainError::Checkpoint { file: file.to_path_buf(), reason };
        let json = fs::read(&file).map_err(io(&file))?;
        let index: Index = serde_json::from_slice(&json).map_err(|error| damaged(&file, error.to_string()))?;
        let tensors = folder.join(&index.tensors);
        let bytes = fs::read(&tensors).map_err(io(&tensors))?;
        let fresh = Self::new(model, config);
        let mut trainer = fresh.with_tensors(&bytes, index.step).map_err(|reason| damaged(&tensors, reason))?;
        (trainer.step, trainer.notes) = (index.step, index.notes);
        task.restore(index.task)
            .map_err(|error| damaged(&file, format!("`task` is the state of another task: {error}")))?;
        Ok(trainer)
    }

    /// Returns all tensors as one safetensors file, with keys `kind/path`.
    fn tensors(&self) -> Vec<u8> {
        let mut found: BTreeMap<String, (Vec<usize>, TensorData)> = BTreeMap::new();
        let remembered = self.average.values.iter().zip(&self.optimiser.moments);
        for ((parameter, values), (average, moments)) in parameters(&self.model).into_iter().zip(remembered) {
            let mut put = |kind: &str, values: &Tensor<1>| {
                found.insert(format!("{kind}/{}", parameter.path), (parameter.shape.to_vec(), values.to_data()));
            };
            put("parameter", &values);
            put("average", average);
            if let Some(Moments { first, second }) = moments {
                put("first_moment", first);
                put("second_moment", second);
            }
        }
        let views = found.iter().map(|(key, (shape, data))| {
            let view = TensorView::new(file_type(data.dtype()), shape.clone(), data.as_bytes());
            (key, view.expect("as many values as the shape says"))
        });
        serialize(views, None).expect("tensors fit a file")
    }

    /// Returns the trainer with the tensors of a file, or what is wrong with the file.
    fn with_tensors(self, bytes: &[u8], step: u64) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| format!("not a safetensors file: {error}"))?;
        let (mut values, mut average, mut moments) = (Vec::new(), Vec::new(), Vec::new());
        let mut expected = 0;
        for (parameter, old) in parameters(&self.model) {
            let mut take = |kind: &str| {
                expected += 1;
                read(&file, &format!("{kind}/{}", parameter.path), &parameter, &old.device())
            };
            values.push(take("parameter")?);
            average.push(take("average")?);
            let has_moments = parameter.is_trained && step > 0;
            moments.push(match has_moments {
                true => Some(Moments { first: take("first_moment")?, second: take("second_moment")? }),
                false => None,
            });
        }
        if file.len() != expected {
            return Err(format!(
                "it has {} tensors, but this training needs {expected}: other parts are frozen, or it is another model's",
                file.len()
            ));
        }
        let config = *self.config();
        Ok(Self {
            model: with_values(self.model, values),
            average: Average::resume(config.ema_decay, step, average),
            optimiser: Optimiser::new(&config.optimiser, moments),
            ..self
        })
    }
}

fn read(file: &SafeTensors, key: &str, parameter: &Parameter, device: &Device) -> Result<Tensor<1>, String> {
    let view = file.tensor(key).map_err(|_| format!("no `{key}`: it is the checkpoint of another model"))?;
    let (shape, dtype) = (parameter.shape.to_vec(), file_type(parameter.dtype));
    if (view.shape(), view.dtype()) != (&shape, dtype) {
        return Err(format!("`{key}` is {:?} {:?}, expected {dtype:?} {shape:?}", view.dtype(), view.shape()));
    }
    let data = TensorData::from_bytes_vec(view.data().to_vec(), [parameter.shape.num_elements()], parameter.dtype);
    Ok(Tensor::from_data(data, (device, parameter.dtype)))
}

fn file_type(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        other => panic!("parameters of type {other:?} cannot be trained"),
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    write_atomically(file, |out: &mut dyn Write| out.write_all(bytes)).map_err(io(file))
}

fn io(file: &Path) -> impl Fn(std::io::Error) -> TrainError + '_ {
    |source| TrainError::Io { file: file.to_path_buf(), source }
}

/// Removes the tensors of earlier steps and files that a crash left half-written.
fn remove_others(folder: &Path, tensors: &str) -> std::io::Result<()> {
    let is_old = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("step-") && name.contains(".safetensors") && name != tensors
    };
    let paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.iter().filter(|path| is_old(path)).try_for_each(fs::remove_file)
}
