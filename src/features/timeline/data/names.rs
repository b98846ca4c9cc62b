//! Names that many messages share, each kept once.

use std::rc::Rc;

/// Names by number.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<Rc<str>>,
    /// Numbers in the order of their names.
    order: Vec<u32>,
}

impl Names {
    pub(super) fn get(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }

    /// Where the number of a name is, or where it would be.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.order
            .binary_search_by(|&number| self.get(number).cmp(name))
    }

    /// The number of a name, if it has one.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.order.get(self.place(name).ok()?).copied()
    }

    /// The number of a name; it gets one if it has none.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        match self.place(name) {
            Ok(place) => self.order[place],
            Err(place) => {
                let number = self.names.len() as u32;
                self.names.push(name.into());
                self.order.insert(place, number);
                number
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        let mut names = Names::default();
        let numbers: Vec<u32> = ["bob", "ann", "", "bob", "cyn", "ann"]
            .iter()
            .map(|name| names.number(name))
            .collect();
        assert_eq!(numbers, [0, 1, 2, 0, 3, 1]);
        assert_eq!(names.get(3), "cyn");
        assert_eq!(names.get(99), "");
        assert_eq!((names.find("ann"), names.find("dan")), (Some(1), None));
    }
}
