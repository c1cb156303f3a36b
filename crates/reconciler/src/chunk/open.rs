//! The chunks of one campaign that are in memory.

use super::Chunk;

/// Chunks by their number: every receipt looks one up, so this is no hash map. Eight octets for
/// each chunk up to the highest that was opened, which is 8 MB for four billion rows.
#[derive(Debug, Default)]
pub(crate) struct OpenChunks {
    by_number: Vec<Option<Box<Chunk>>>,
    n_open: usize,
}

impl OpenChunks {
    pub(crate) fn get(&self, number: u32) -> Option<&Chunk> {
        self.by_number.get(number as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Chunk> {
        self.by_number.get_mut(number as usize)?.as_deref_mut()
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        self.get(number).is_some()
    }

    /// Takes the place of one with the same number.
    pub(crate) fn insert(&mut self, number: u32, chunk: Chunk) {
        let at = number as usize;
        if self.by_number.len() <= at {
            self.by_number.resize_with(at + 1, || None);
        }
        if let Some(place) = self.by_number.get_mut(at) {
            self.n_open += usize::from(place.replace(Box::new(chunk)).is_none());
        }
    }

    pub(crate) fn remove(&mut self, number: u32) {
        let removed = self.by_number.get_mut(number as usize).and_then(Option::take);
        self.n_open -= usize::from(removed.is_some());
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) const fn len(&self) -> usize {
        self.n_open
    }

    /// In the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Chunk)> {
        (0..).zip(&self.by_number).filter_map(|(number, chunk)| Some((number, chunk.as_deref()?)))
    }

    /// In the order of their numbers.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Chunk)> {
        (0..).zip(&mut self.by_number).filter_map(|(number, chunk)| Some((number, chunk.as_deref_mut()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_found_by_number_and_counted() {
        let mut open = OpenChunks::default();
        for number in [7, 2, 7] {
            open.insert(number, Chunk::untouched(number));
        }
        assert_eq!(
            open.iter().map(|(number, chunk)| (number, chunk.rows().len())).collect::<Vec<_>>(),
            [(2, 2), (7, 7)]
        );
        assert_eq!((open.len(), open.contains(3), open.contains(8)), (2, false, false));
        open.remove(7);
        open.remove(7);
        open.remove(100);
        assert_eq!((open.iter_mut().count(), open.len(), open.get(7)), (1, 1, None));
        open.clear();
        assert_eq!(open.get_mut(2), None);
        assert_eq!(open.len(), 0);
    }
}
