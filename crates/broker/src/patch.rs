//! JSON Patch (RFC 6902).

use bytes::Bytes;
use effusion_protocol::value::Json;
use serde_json::Value as Tree;

/// The most operations in a patch.
const MAX_OPERATIONS: usize = 1_000;

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

/// The patched value, or the index of the first operation that failed: then nothing is changed. A patch may copy no
/// more than `max_bytes`: copying a value into itself doubles it each time.
pub(crate) fn apply(
    value: Bytes,
    patch: &str,
    max_bytes: usize,
) -> Result<Result<Bytes, usize>, PatchError> {
    let mut tree = Json::from_cbor(value)
        .to_tree()
        .map_err(|_| PatchError::NotJson)?;
    let Ok(Tree::Array(operations)) = serde_json::from_str(patch) else {
        return Err(PatchError::Malformed);
    };
    let operations = operations
        .iter()
        .map(Operation::read)
        .collect::<Option<Vec<_>>>()
        .ok_or(PatchError::Malformed)?;
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooLarge);
    }
    let mut copied = 0;
    for (index, operation) in operations.iter().enumerate() {
        if let Operation::Copy(from, _) = operation {
            copied += tree.pointer(from).map_or(0, size);
            if copied > max_bytes {
                return Err(PatchError::TooLarge);
            }
        }
        if operation.apply(&mut tree).is_none() {
            return Ok(Err(index));
        }
    }
    Ok(Ok(Json::from_tree(&tree).as_cbor().clone()))
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

    fn apply(&self, tree: &mut Tree) -> Option<()> {
        match *self {
            Self::Add(path, value) => add(tree, path, value.clone()),
            Self::Remove(path) => remove(tree, path).map(drop),
            Self::Replace(path, value) => {
                let place = tree.pointer_mut(path).filter(|_| fits(path, value))?;
                *place = value.clone();
                Some(())
            }
            Self::Move(from, path) => {
                // A value cannot be moved into itself.
                if path
                    .strip_prefix(from)
                    .is_some_and(|rest| rest.starts_with('/'))
                {
                    return None;
                }
                let value = remove(tree, from)?;
                add(tree, path, value)
            }
            Self::Copy(from, path) => {
                let value = tree.pointer(from)?.clone();
                add(tree, path, value)
            }
            // Compared as the bytes on the wire, so that the order of keys matters (source: the API documentation).
            Self::Test(path, value) => {
                let found = Json::from_tree(tree.pointer(path)?);
                (found.as_cbor() == Json::from_tree(value).as_cbor()).then_some(())
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

/// How large a value is, in bytes, more or less.
fn size(tree: &Tree) -> usize {
    match tree {
        Tree::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Tree::Object(map) => {
            1 + map
                .iter()
                .map(|(name, value)| name.len() + size(value))
                .sum::<usize>()
        }
        Tree::String(text) => 1 + text.len(),
        _ => 8,
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

fn add(tree: &mut Tree, pointer: &str, value: Tree) -> Option<()> {
    if !fits(pointer, &value) {
        return None;
    }
    if pointer.is_empty() {
        *tree = value;
        return Some(());
    }
    match parent(tree, pointer)? {
        (Tree::Object(map), name) => {
            map.insert(name, value);
        }
        (Tree::Array(items), last) => {
            let at = if last == "-" {
                items.len()
            } else {
                index(&last, items.len() + 1)?
            };
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(tree: &mut Tree, pointer: &str) -> Option<Tree> {
    if pointer.is_empty() {
        return Some(core::mem::take(tree));
    }
    match parent(tree, pointer)? {
        (Tree::Object(map), name) => map.shift_remove(&name),
        (Tree::Array(items), last) => {
            let at = index(&last, items.len())?;
            Some(items.remove(at))
        }
        _ => None,
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
        let copies: String = (0..40)
            .map(|i| format!(r#"{{"op":"copy","from":"","path":"/{i}"}},"#))
            .collect();
        let copies = format!("[{}]", copies.trim_end_matches(','));
        assert_eq!(patched("{}", &copies), Err(PatchError::TooLarge));
    }
}
