//! JSON Patch (RFC 6902).

use bytes::Bytes;
use effusion_protocol::value::Json;
use serde_json::Value as Tree;

/// How long a value and a patch of it may be together, in bytes: both are made into trees, of which each item takes many times
/// as much as its bytes.
const MAX_BYTES: usize = 256 * 1024;
/// The most operations in a patch.
const MAX_OPERATIONS: usize = 1_000;
/// How many steps the operations of a patch may take beyond those of reading the value and the patch: elements of arrays
/// that move aside or up, members of objects likewise, and bytes that are copied or compared.
const SPARE_STEPS: usize = 1 << 20;

/// Why a patch cannot be applied at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    #[error("the patch is not a list of JSON Patch operations")]
    Malformed,
    #[error("the topic's value is not JSON")]
    NotJson,
    #[error("the patch makes too much of the value")]
    TooLarge,
}

/// The patched value, or the index of the first operation that failed: then nothing is changed. The value must not become
/// larger than `max_bytes`, and what the operations do must be in proportion to the sizes of value and patch: an operation
/// of a few bytes can copy the whole value, or move all of an array.
pub(crate) fn apply(
    value: Bytes,
    patch: &str,
    max_bytes: usize,
) -> Result<Result<Bytes, usize>, PatchError> {
    if value.len() + patch.len() > MAX_BYTES {
        return Err(PatchError::TooLarge);
    }
    let mut budget = Budget(SPARE_STEPS + value.len() + patch.len());
    let mut tree = Json::from_cbor(value)
        .to_tree()
        .map_err(|_| PatchError::NotJson)?;
    let Ok(Tree::Array(operations)) = serde_json::from_str(patch) else {
        return Err(PatchError::Malformed);
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooLarge);
    }
    let operations = operations
        .iter()
        .map(Operation::read)
        .collect::<Option<Vec<_>>>()
        .ok_or(PatchError::Malformed)?;
    for (index, operation) in operations.iter().enumerate() {
        match operation.apply(&mut tree, &mut budget) {
            Ok(()) => {}
            Err(Stopped::Failed) => return Ok(Err(index)),
            Err(Stopped::TooCostly) => return Err(PatchError::TooLarge),
        }
    }
    let patched = Json::from_tree(&tree).as_cbor().clone();
    if patched.len() > max_bytes {
        return Err(PatchError::TooLarge);
    }
    Ok(Ok(patched))
}

/// How many steps are left.
struct Budget(usize);

impl Budget {
    fn charge(&mut self, steps: usize) -> Result<(), Stopped> {
        self.0 = self.0.checked_sub(steps).ok_or(Stopped::TooCostly)?;
        Ok(())
    }
}

/// Why an operation was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    /// It cannot be applied to this value.
    Failed,
    /// It would take more steps than are left.
    TooCostly,
}

enum Operation<'a> {
    Add(&'a str, &'a Tree),
    Remove(&'a str),
    Replace(&'a str, &'a Tree),
    Move(&'a str, &'a str),
    Copy(&'a str, &'a str),
    Test(&'a str, &'a Tree),
}

impl<'a> Operation<'a> {
    fn read(tree: &'a Tree) -> Option<Self> {
        let text = |name: &str| tree.get(name).and_then(Tree::as_str);
        let path = text("path")?;
        Some(match text("op")? {
            "add" => Self::Add(path, tree.get("value")?),
            "remove" => Self::Remove(path),
            "replace" => Self::Replace(path, tree.get("value")?),
            "move" => Self::Move(text("from")?, path),
            "copy" => Self::Copy(text("from")?, path),
            "test" => Self::Test(path, tree.get("value")?),
            _ => return None,
        })
    }

    fn apply(&self, tree: &mut Tree, budget: &mut Budget) -> Result<(), Stopped> {
        match *self {
            Self::Add(path, value) => {
                budget.charge(size(value))?;
                add(tree, path, value.clone(), budget)
            }
            Self::Remove(path) => remove(tree, path, budget).map(drop),
            Self::Replace(path, value) => {
                budget.charge(size(value))?;
                let place = tree
                    .pointer_mut(path)
                    .filter(|_| fits(path, value))
                    .ok_or(Stopped::Failed)?;
                *place = value.clone();
                Ok(())
            }
            Self::Move(from, path) => {
                // A value cannot be moved into itself.
                if path
                    .strip_prefix(from)
                    .is_some_and(|rest| rest.starts_with('/'))
                {
                    return Err(Stopped::Failed);
                }
                let value = remove(tree, from, budget)?;
                budget.charge(size(&value))?;
                add(tree, path, value, budget)
            }
            Self::Copy(from, path) => {
                let value = tree.pointer(from).ok_or(Stopped::Failed)?;
                budget.charge(2 * size(value))?;
                let value = value.clone();
                add(tree, path, value, budget)
            }
            // Compared as the bytes on the wire, so that the order of keys matters (source: the API documentation).
            Self::Test(path, value) => {
                let found = tree.pointer(path).ok_or(Stopped::Failed)?;
                budget.charge(size(found) + size(value))?;
                let is_same = Json::from_tree(found).as_cbor() == Json::from_tree(value).as_cbor();
                if is_same {
                    Ok(())
                } else {
                    Err(Stopped::Failed)
                }
            }
        }
    }
}

/// Whether a value can be put at a pointer without nesting deeper than values may.
fn fits(pointer: &str, value: &Tree) -> bool {
    fn depth(tree: &Tree) -> usize {
        match tree {
            Tree::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Tree::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    pointer.matches('/').count() + depth(value) <= Json::MAX_DEPTH
}

/// How many steps it takes to copy a value: its bytes, and so many for each item, however short that is.
fn size(tree: &Tree) -> usize {
    const ITEM: usize = 16;
    ITEM + match tree {
        Tree::Array(items) => items.iter().map(size).sum(),
        Tree::Object(map) => map
            .iter()
            .map(|(name, value)| ITEM + name.len() + size(value))
            .sum(),
        Tree::String(text) => text.len(),
        _ => 0,
    }
}

/// The parent of what a pointer points to, and the last part of the pointer.
fn parent<'t>(tree: &'t mut Tree, pointer: &str) -> Option<(&'t mut Tree, String)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    let last = last.replace("~1", "/").replace("~0", "~");
    Some((tree.pointer_mut(parent)?, last))
}

fn index(text: &str, bound: usize) -> Option<usize> {
    if text.starts_with('+') || (text.starts_with('0') && text.len() > 1) {
        return None;
    }
    text.parse().ok().filter(|index| *index < bound)
}

fn add(tree: &mut Tree, pointer: &str, value: Tree, budget: &mut Budget) -> Result<(), Stopped> {
    if !fits(pointer, &value) {
        return Err(Stopped::Failed);
    }
    if pointer.is_empty() {
        *tree = value;
        return Ok(());
    }
    match parent(tree, pointer).ok_or(Stopped::Failed)? {
        (Tree::Object(map), name) => {
            map.insert(name, value);
        }
        (Tree::Array(items), last) => {
            let at = if last == "-" {
                items.len()
            } else {
                index(&last, items.len() + 1).ok_or(Stopped::Failed)?
            };
            budget.charge(items.len() - at)?;
            items.insert(at, value);
        }
        _ => return Err(Stopped::Failed),
    }
    Ok(())
}

fn remove(tree: &mut Tree, pointer: &str, budget: &mut Budget) -> Result<Tree, Stopped> {
    if pointer.is_empty() {
        return Ok(core::mem::take(tree));
    }
    match parent(tree, pointer).ok_or(Stopped::Failed)? {
        (Tree::Object(map), name) => {
            budget.charge(map.len())?;
            map.shift_remove(&name).ok_or(Stopped::Failed)
        }
        (Tree::Array(items), last) => {
            let at = index(&last, items.len()).ok_or(Stopped::Failed)?;
            budget.charge(items.len() - at)?;
            Ok(items.remove(at))
        }
        _ => Err(Stopped::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(value: &str, patch: &str) -> Result<Result<String, usize>, PatchError> {
        let value = Json::from_text(value).unwrap().as_cbor().clone();
        apply(value, patch, 100_000).map(|it| it.map(|it| Json::from_cbor(it).to_text().unwrap()))
    }

    /// Found by fuzzing: the last digit of some numbers changed.
    #[test]
    fn numbers_keep_their_last_digit() {
        for text in [
            "1.2344560000900057e+30",
            "0.1",
            "5e-324",
            "123456789.12345679",
        ] {
            let patch = format!(r#"[{{"op":"add","path":"/-","value":{text}}}]"#);
            let found = patched("[]", &patch).unwrap().unwrap();
            assert_eq!(found, format!("[{text}]"));
        }
    }

    #[test]
    fn operations_do_what_the_standard_says() {
        for (value, patch, expected) in [
            (
                r#"{}"#,
                r#"[{"op":"add","path":"/a","value":1}]"#,
                Ok(r#"{"a":1}"#),
            ),
            (
                r#"[1,3]"#,
                r#"[{"op":"add","path":"/1","value":2}]"#,
                Ok("[1,2,3]"),
            ),
            (
                r#"[1]"#,
                r#"[{"op":"add","path":"/-","value":2}]"#,
                Ok("[1,2]"),
            ),
            (r#"[1]"#, r#"[{"op":"add","path":"/2","value":2}]"#, Err(0)),
            (
                r#"{"a":{"b":1}}"#,
                r#"[{"op":"remove","path":"/a/b"}]"#,
                Ok(r#"{"a":{}}"#),
            ),
            (r#"{"a":1}"#, r#"[{"op":"remove","path":"/b"}]"#, Err(0)),
            (
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"/a","value":[2]}]"#,
                Ok(r#"{"a":[2]}"#),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"move","from":"/a","path":"/b"}]"#,
                Ok(r#"{"b":1}"#),
            ),
            (
                r#"{"a":{}}"#,
                r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
                Err(0),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"copy","from":"/a","path":"/~1~0"}]"#,
                Ok(r#"{"a":1,"/~":1}"#),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"test","path":"/a","value":1}]"#,
                Ok(r#"{"a":1}"#),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"add","path":"/b","value":2},{"op":"test","path":"/a","value":2}]"#,
                Err(1),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"","value":7}]"#,
                Ok("7"),
            ),
        ] {
            assert_eq!(
                patched(value, patch).unwrap(),
                expected.map(str::to_owned),
                "{patch}"
            );
        }
        for bad in [
            "",
            "{}",
            "[{}]",
            r#"[{"op":"jump","path":"/a"}]"#,
            r#"[{"op":"add","path":"/a"}]"#,
        ] {
            assert_eq!(patched("{}", bad), Err(PatchError::Malformed), "{bad}");
        }
        // Each takes the first of many to their end, or looks at all of them.
        let many = format!("[{}0]", "0,".repeat(100_000));
        for operation in [
            r#"{"op":"move","from":"/0","path":"/-"}"#,
            r#"{"op":"remove","path":"/0"}"#,
            r#"{"op":"add","path":"/0","value":1}"#,
            r#"{"op":"copy","from":"","path":""}"#,
        ] {
            let patch = format!("[{}]", vec![operation; 1_000].join(","));
            assert_eq!(
                patched(&many, &patch),
                Err(PatchError::TooLarge),
                "{operation}"
            );
        }
        let grown = format!(
            r#"[{{"op":"add","path":"/-","value":"{}"}}]"#,
            "x".repeat(60_000)
        );
        assert!(matches!(patched(r#"["x"]"#, &grown), Ok(Ok(_))));
        let twice = format!(r#"["{}"]"#, "x".repeat(60_000));
        assert_eq!(patched(&twice, &grown), Err(PatchError::TooLarge));
        let itself = vec![r#"{"op":"copy","from":"","path":"/a"}"#; 1_000].join(",");
        assert!(matches!(patched("{}", &format!("[{itself}]")), Ok(Err(_))));
        // Each step nests a hundred deeper than the one before.
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        let nesting: Vec<String> = (0..3)
            .map(|step| {
                let pointer = "/0".repeat(99 * step) + "/-";
                format!(r#"{{"op":"add","path":"{pointer}","value":{}}}"#, deep(100))
            })
            .collect();
        assert_eq!(
            patched("[]", &format!("[{}]", nesting.join(","))),
            Ok(Err(1))
        );
        // An item of no bytes takes as long to copy as another.
        for item in ["[]", "{}", r#""""#] {
            let items = format!("[{}0]", format!("{item},").repeat(80_000));
            let copy = r#"[{"op":"copy","from":"","path":"/0"}]"#;
            assert_eq!(patched(&items, copy), Err(PatchError::TooLarge), "{item}");
        }
        let copies: String = (0..40)
            .map(|i| format!(r#"{{"op":"copy","from":"","path":"/{i}"}},"#))
            .collect();
        let copies = format!("[{}]", copies.trim_end_matches(','));
        assert_eq!(patched("{}", &copies), Err(PatchError::TooLarge));
    }
}
