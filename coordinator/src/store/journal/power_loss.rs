//! A disk that loses power: what was written and not synced is gone afterwards, wholly or in part.
//!
//! Everything happens in a real folder, too, so that it can be read meanwhile. Beside it stands what is durable for
//! certain, and in which order what came since. After the plug was pulled a file is as long as it was at some moment
//! since; each of its pages is, apart from all others, as it was at some moment, or zeros where it was not written yet.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use durable::{Disk, DiskFile, RealDisk};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A file's bytes that are durable, and what was done since.
#[derive(Default, Clone)]
struct Inode {
    durable: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Written(u64, Vec<u8>),
    Length(u64),
}

#[derive(Clone)]
enum Name {
    Made(PathBuf, usize),
    Renamed(PathBuf, PathBuf),
    Removed(PathBuf),
}

#[derive(Default)]
struct Inner {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    since: Vec<Name>,
    /// So many operations are done before the power goes.
    left: Option<usize>,
}

/// A disk whose plug can be pulled.
#[derive(Default, Clone)]
pub(crate) struct PowerLossDisk(Arc<Mutex<Inner>>);

struct PowerLossFile {
    real: Box<dyn DiskFile>,
    number: usize,
    disk: PowerLossDisk,
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, change: &Name) {
    match change {
        Name::Made(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        Name::Renamed(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        Name::Removed(path) => {
            names.remove(path);
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length as usize, 0),
            Self::Written(offset, written) => {
                let begin = *offset as usize;
                let end = begin + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[begin..end].copy_from_slice(written);
            }
        }
    }
}

/// What disks and file systems write at least at once.
const PAGES: [usize; 2] = [512, 4096];

impl Inode {
    /// Its bytes after the plug was pulled.
    fn after_power_loss(&self, chance: &mut ChaCha8Rng) -> Vec<u8> {
        let mut moments = vec![self.durable.clone()];
        for change in &self.since {
            let mut bytes = moments.last().cloned().unwrap_or_default();
            change.apply(&mut bytes);
            moments.push(bytes);
        }
        let mut any = |of: usize| chance.next_u32() as usize % of;
        let page = PAGES[any(PAGES.len())];
        // A write makes a file longer bit by bit.
        let until = any(moments.len());
        let mut length = moments[until].len();
        if let Some(next) = moments.get(until + 1)
            && next.len() > length
            && any(2) == 0
        {
            length += any(next.len() - length + 1);
        }
        let mut bytes = vec![0; length];
        for (number, part) in bytes.chunks_mut(page).enumerate() {
            let begin = number * page;
            let moment = &moments[any(moments.len())];
            let end = moment.len().min(begin + part.len());
            if begin < end {
                part[..end - begin].copy_from_slice(&moment[begin..end]);
            }
        }
        bytes
    }
}

impl PowerLossDisk {
    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    /// The power goes after so many operations: what comes then fails, and nothing is done.
    pub(crate) fn fail_after(&self, operations: usize) {
        self.with(|inner| inner.left = Some(operations));
    }

    fn power(&self) -> io::Result<()> {
        self.with(|inner| match &mut inner.left {
            Some(0) => Err(io::Error::other("the power is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        })
    }

    fn file(&self, real: Box<dyn DiskFile>, number: usize) -> Box<dyn DiskFile> {
        Box::new(PowerLossFile {
            real,
            number,
            disk: self.clone(),
        })
    }

    fn name(&self, change: Name) {
        self.with(|inner| {
            apply(&mut inner.names, &change);
            inner.since.push(change);
        });
    }

    /// What is on the disk after the plug was pulled now, in a new folder; any of what chance allows.
    pub(crate) fn pull_the_plug(&self, seed: u64, folder: &Path) {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        self.with(|inner| {
            let mut names = inner.durable_names.clone();
            for change in &inner.since {
                if chance.next_u32() % 2 == 0 {
                    apply(&mut names, change);
                }
            }
            for (path, inode) in names {
                let bytes = inner.inodes[inode].after_power_loss(&mut chance);
                std::fs::write(folder.join(path.file_name().unwrap()), bytes).unwrap();
            }
        });
    }
}

impl Disk for PowerLossDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.power()?;
        let real = RealDisk.create(path)?;
        let number = self.with(|inner| {
            inner.inodes.push(Inode::default());
            inner.inodes.len() - 1
        });
        self.name(Name::Made(path.to_owned(), number));
        Ok(self.file(real, number))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.power()?;
        let real = RealDisk.open(path)?;
        let number = self.with(|inner| inner.names.get(path).copied());
        // What was there when the machine was switched on is durable.
        let number = match number {
            Some(number) => number,
            None => self.with(|inner| {
                let durable = std::fs::read(path).unwrap();
                inner.inodes.push(Inode {
                    durable,
                    since: Vec::new(),
                });
                let number = inner.inodes.len() - 1;
                inner.names.insert(path.to_owned(), number);
                inner.durable_names.insert(path.to_owned(), number);
                number
            }),
        };
        Ok(self.file(real, number))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.power()?;
        RealDisk.rename(from, to)?;
        self.name(Name::Renamed(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.power()?;
        RealDisk.remove(path)?;
        self.name(Name::Removed(path.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        self.power()?;
        self.with(|inner| {
            inner.durable_names = inner.names.clone();
            inner.since.clear();
        });
        Ok(())
    }
}

impl PowerLossFile {
    fn change(&self, change: Change) {
        self.disk
            .with(|inner| inner.inodes[self.number].since.push(change));
    }
}

impl DiskFile for PowerLossFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.power()?;
        self.real.write_all_at(bytes, offset)?;
        self.change(Change::Written(offset, bytes.to_vec()));
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.power()?;
        self.real.set_len(length)?;
        self.change(Change::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.power()?;
        self.disk.with(|inner| {
            let inode = &mut inner.inodes[self.number];
            for change in std::mem::take(&mut inode.since) {
                change.apply(&mut inode.durable);
            }
        });
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.real.try_lock()
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.real.is_at(path)
    }
}
