//! Just enough of Python's pickle to find the tensors of a PyTorch checkpoint.
//!
//! Nothing is executed: a class or a function that we do not know becomes an opaque value. Objects live in one arena and
//! refer to each other by number, so that neither deep nesting nor cycles can exhaust the stack.

mod machine;

use std::collections::BTreeMap;

/// Number of an object in the arena.
type Id = u32;

/// A storage: a run of values that tensors look into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::weights) struct Storage {
    pub(in crate::weights) key: String,
    /// PyTorch's class, such as `FloatStorage`.
    pub(in crate::weights) class: String,
    /// Numbers in it.
    pub(in crate::weights) length: u64,
    /// Where a view into the storage starts (only in files of the old form).
    pub(in crate::weights) view: u64,
}

/// A tensor: a strided look into a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::weights) struct TensorRef {
    pub(in crate::weights) storage: Storage,
    pub(in crate::weights) offset: u64,
    pub(in crate::weights) shape: Vec<u64>,
    pub(in crate::weights) strides: Vec<u64>,
}

#[derive(Debug, Clone)]
enum Object {
    None,
    Mark,
    Integer(i64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(String, String),
    Storage(Storage),
    Tensor(TensorRef),
    Opaque,
}

/// What one pickle held.
pub(in crate::weights) struct Pickle {
    objects: Vec<Object>,
    root: Id,
}

/// Reads one pickle from the start of `bytes`; the second value is its length.
pub(in crate::weights) fn read(bytes: &[u8]) -> Result<(Pickle, usize), String> {
    machine::run(bytes)
}

impl Pickle {
    /// The tensors of a state dict: of the root, or of the dict under a usual key of it.
    pub(in crate::weights) fn tensors(&self) -> Result<BTreeMap<String, TensorRef>, String> {
        let mut dict = self.dict(self.root).ok_or(
            "holds no dictionary of tensors (a whole model object? save its `state_dict()` instead)",
        )?;
        for key in ["state_dict", "model_state_dict", "model", "net"] {
            let inner = dict
                .iter()
                .find(|(name, _)| self.text(*name) == Some(key))
                .and_then(|(_, value)| self.dict(*value));
            if let Some(inner) = inner {
                dict = inner;
                break;
            }
        }
        Ok(dict
            .iter()
            .filter_map(|(name, value)| match &self.objects[*value as usize] {
                Object::Tensor(tensor) => Some((self.text(*name)?.to_owned(), tensor.clone())),
                _ => None,
            })
            .collect())
    }

    /// The root as a list of texts (the storage keys of the old form).
    pub(in crate::weights) fn texts(&self) -> Option<Vec<String>> {
        match &self.objects[self.root as usize] {
            Object::List(ids) => ids
                .iter()
                .map(|id| self.text(*id).map(str::to_owned))
                .collect(),
            _ => None,
        }
    }

    /// Every storage that was referred to.
    pub(in crate::weights) fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.objects.iter().filter_map(|object| match object {
            Object::Storage(storage) => Some(storage),
            _ => None,
        })
    }

    fn dict(&self, id: Id) -> Option<&[(Id, Id)]> {
        match &self.objects[id as usize] {
            Object::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    fn text(&self, id: Id) -> Option<&str> {
        match &self.objects[id as usize] {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }
}
