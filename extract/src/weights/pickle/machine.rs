//! The stack machine of pickle: instructions in, an arena of objects out.

use std::collections::BTreeMap;

use super::{Id, Object, Pickle, Storage, TensorRef};

/// Objects that a checkpoint may have: real ones have some ten thousand.
const MOST_OBJECTS: usize = 4_000_000;

/// Axes of a tensor.
const MOST_AXES: usize = 16;

/// Letters of a module, a class, or the key of a storage.
const LONGEST_NAME: usize = 256;

/// Runs the instructions at the start of `bytes`; the second value is their length.
pub(super) fn run(bytes: &[u8]) -> Result<(Pickle, usize), String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        objects: Vec::new(),
        stack: Vec::new(),
        memo: BTreeMap::new(),
    };
    let root = machine.run()?;
    let pickle = Pickle {
        objects: machine.objects,
        root,
    };
    Ok((pickle, machine.at))
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object>,
    stack: Vec<Id>,
    memo: BTreeMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Id, String> {
        loop {
            let opcode = self.take(1)?[0];
            match opcode {
                // PROTO, FRAME
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'.' => return self.pop(),
                b'(' => self.push(Object::Mark)?,
                // POP; BUILD, whose state an object that we know needs not and of another does not matter.
                b'0' | b'b' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                b'N' => self.push(Object::None)?,
                0x88 => self.push(Object::Integer(1))?,
                0x89 => self.push(Object::Integer(0))?,
                b'J' => {
                    let value = i32::from_le_bytes(self.array()?);
                    self.push(Object::Integer(value.into()))?;
                }
                b'K' => {
                    let value = self.take(1)?[0];
                    self.push(Object::Integer(value.into()))?;
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.array()?);
                    self.push(Object::Integer(value.into()))?;
                }
                b'I' | b'L' => {
                    let line = self.line()?;
                    let value = line.trim_end_matches('L').parse().ok();
                    self.push(value.map_or(Object::Opaque, Object::Integer))?;
                }
                0x8a => {
                    let length = self.take(1)?[0];
                    self.long(length.into())?;
                }
                0x8b => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.long(length as usize)?;
                }
                b'F' => {
                    self.line()?;
                    self.push(Object::Opaque)?;
                }
                b'G' => {
                    self.take(8)?;
                    self.push(Object::Opaque)?;
                }
                b'U' | 0x8c => {
                    let length = self.take(1)?[0];
                    self.text(length.into())?;
                }
                b'T' | b'X' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.text(length.into())?;
                }
                0x8d => {
                    let length = u64::from_le_bytes(self.array()?);
                    self.text(length)?;
                }
                b'S' | b'V' => {
                    let line = self.line()?;
                    let text = line.trim_matches(['\'', '"']).to_owned();
                    self.push(Object::Text(text))?;
                }
                b'C' => {
                    let length = self.take(1)?[0];
                    self.skip(length.into())?;
                }
                b'B' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.skip(length.into())?;
                }
                0x8e => {
                    let length = u64::from_le_bytes(self.array()?);
                    self.skip(length)?;
                }
                b')' => self.push(Object::Tuple(Vec::new()))?,
                b't' => {
                    let items = self.pop_mark()?;
                    self.push(Object::Tuple(items))?;
                }
                0x85..=0x87 => {
                    let count = usize::from(opcode - 0x84);
                    let start = self.stack.len().checked_sub(count).ok_or_else(empty)?;
                    let items = self.stack.split_off(start);
                    self.push(Object::Tuple(items))?;
                }
                b']' | 0x8f => self.push(Object::List(Vec::new()))?,
                b'l' => {
                    let items = self.pop_mark()?;
                    self.push(Object::List(items))?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.extend(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    self.extend(items)?;
                }
                b'}' => self.push(Object::Dict(Vec::new()))?,
                b'd' => {
                    let items = self.pop_mark()?;
                    self.push(Object::Dict(pairs(&items)))?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.insert(&[key, value])?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.insert(&items)?;
                }
                b'q' => {
                    let key = self.take(1)?[0];
                    self.remember(key.into())?;
                }
                b'r' => {
                    let key = u32::from_le_bytes(self.array()?);
                    self.remember(key)?;
                }
                0x94 => self.remember(self.memo.len() as u32)?,
                b'h' => {
                    let key = self.take(1)?[0];
                    self.recall(key.into())?;
                }
                b'j' => {
                    let key = u32::from_le_bytes(self.array()?);
                    self.recall(key)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(global(module, name))?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let object = match (self.object(module), self.object(name)) {
                        (Object::Text(module), Object::Text(name)) => global(module, name),
                        _ => Object::Opaque,
                    };
                    self.push(object)?;
                }
                b'R' | 0x81 => {
                    let (arguments, callable) = (self.pop()?, self.pop()?);
                    let object = self.call(callable, arguments)?;
                    self.push(object)?;
                }
                0x92 => {
                    let (_, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                    let object = self.call(callable, arguments)?;
                    self.push(object)?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    let object = self.persistent(id)?;
                    self.push(object)?;
                }
                other => return Err(format!("has an unknown pickle instruction 0x{other:02x}")),
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("ends in the middle of its table of contents")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or("has a line without end")?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length])
            .map(|line| line.trim_end_matches('\r'))
            .map_err(|_| "has a name that is not UTF-8".to_owned())
    }

    fn text(&mut self, length: u64) -> Result<(), String> {
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        self.push(Object::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn skip(&mut self, length: u64) -> Result<(), String> {
        self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        self.push(Object::Opaque)
    }

    fn long(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.take(length)?;
        let object = if length <= 8 {
            let sign = if bytes.last().is_some_and(|last| last & 0x80 != 0) {
                0xff
            } else {
                0
            };
            let mut full = [sign; 8];
            full[..length].copy_from_slice(bytes);
            Object::Integer(i64::from_le_bytes(full))
        } else {
            Object::Opaque
        };
        self.push(object)
    }

    fn push(&mut self, object: Object) -> Result<(), String> {
        if self.objects.len() >= MOST_OBJECTS || self.stack.len() >= MOST_OBJECTS {
            return Err(format!("has more than {MOST_OBJECTS} objects"));
        }
        self.stack.push(self.objects.len() as Id);
        self.objects.push(object);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.stack.pop().ok_or_else(empty)
    }

    fn top(&self) -> Result<Id, String> {
        if self.stack.len() >= MOST_OBJECTS {
            return Err(format!("has more than {MOST_OBJECTS} objects"));
        }
        self.stack.last().copied().ok_or_else(empty)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self
            .stack
            .iter()
            .rposition(|id| matches!(self.objects[*id as usize], Object::Mark))
            .ok_or_else(empty)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn object(&self, id: Id) -> &Object {
        &self.objects[id as usize]
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<(), String> {
        let list = self.top()?;
        if let Object::List(list) = &mut self.objects[list as usize] {
            list.extend(items);
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), String> {
        let dict = self.top()?;
        if let Object::Dict(entries) = &mut self.objects[dict as usize] {
            entries.extend(pairs(items));
        }
        Ok(())
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        // The limit of the stack is that of the objects.
        self.top().or_else(|error| {
            if self.stack.is_empty() {
                Ok(0)
            } else {
                Err(error)
            }
        })?;
        let id = self
            .memo
            .get(&key)
            .ok_or("refers to an object that it does not have")?;
        self.stack.push(*id);
        Ok(())
    }

    fn items(&self, id: Id) -> &[Id] {
        match self.object(id) {
            Object::Tuple(items) | Object::List(items) => items,
            _ => &[],
        }
    }

    fn integer(&self, id: Option<&Id>) -> Result<u64, String> {
        match id.map(|id| self.object(*id)) {
            Some(Object::Integer(value)) => u64::try_from(*value).ok(),
            _ => None,
        }
        .ok_or_else(|| "has a tensor without a size".to_owned())
    }

    fn integers(&self, id: Option<&Id>) -> Result<Vec<u64>, String> {
        let items = id.map_or(&[][..], |id| self.items(*id));
        if items.len() > MOST_AXES {
            return Err(format!("has a tensor with more than {MOST_AXES} axes"));
        }
        items.iter().map(|item| self.integer(Some(item))).collect()
    }

    fn call(&self, callable: Id, arguments: Id) -> Result<Object, String> {
        let Object::Global(module, name) = self.object(callable) else {
            return Ok(Object::Opaque);
        };
        let arguments = self.items(arguments);
        Ok(match (module.as_str(), name.as_str()) {
            ("collections", "OrderedDict") => Object::Dict(
                arguments
                    .first()
                    .map(|list| {
                        self.items(*list)
                            .iter()
                            .flat_map(|pair| pairs(self.items(*pair)))
                            .collect()
                    })
                    .unwrap_or_default(),
            ),
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => {
                let Some(Object::Storage(storage)) = arguments.first().map(|id| self.object(*id))
                else {
                    return Ok(Object::Opaque);
                };
                Object::Tensor(TensorRef {
                    storage: storage.clone(),
                    offset: self.integer(arguments.get(1))?,
                    shape: self.integers(arguments.get(2))?,
                    strides: self.integers(arguments.get(3))?,
                })
            }
            ("torch._utils", "_rebuild_parameter") => arguments
                .first()
                .map_or(Object::Opaque, |id| self.object(*id).clone()),
            _ => Object::Opaque,
        })
    }

    /// `('storage', class, key, location, length[, view])`.
    fn persistent(&self, id: Id) -> Result<Object, String> {
        let items = self.items(id);
        let [_, class, key, _, length, ..] = items else {
            return Ok(Object::Opaque);
        };
        let (Object::Global(_, class), Object::Text(key)) =
            (self.object(*class), self.object(*key))
        else {
            return Ok(Object::Opaque);
        };
        let view = match items.get(5).map(|view| self.items(*view)) {
            Some([_, offset, _]) => self.integer(Some(offset))?,
            _ => 0,
        };
        if key.len() > LONGEST_NAME {
            return Err("has a storage whose key is no name".to_owned());
        }
        Ok(Object::Storage(Storage {
            key: key.clone(),
            class: class.clone(),
            length: self.integer(Some(length))?,
            view,
        }))
    }
}

/// A class or function. Names are copied wherever they are used, so one that is no name is dropped here.
fn global(module: &str, name: &str) -> Object {
    if module.len() > LONGEST_NAME || name.len() > LONGEST_NAME {
        return Object::Opaque;
    }
    Object::Global(module.to_owned(), name.to_owned())
}

fn empty() -> String {
    "is no pickle: it takes what it never put".to_owned()
}

fn pairs(items: &[Id]) -> Vec<(Id, Id)> {
    items
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect()
}
