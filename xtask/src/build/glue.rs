//! The script between the program and the browser, as wasm-bindgen writes it: taking out what nobody calls, and the short names.
//!
//! It is read line by line, as it is laid out always alike; what looks otherwise is left alone or refused, never guessed.

use super::wasm::Name;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};

/// How a function for the program to call begins: a member of an object in a function.
const INDENT: &str = "        ";
/// The object of the program's exports.
const PROGRAM: &str = "wasm.";

/// The script without the classes that it only offers to other scripts: the page has no other that could make use of one.
pub fn without_classes(script: &str) -> String {
    let mut script = script.to_owned();
    for name in offered_classes(&script) {
        let starts = [
            format!("export class {name} {{"),
            format!("if (Symbol.dispose) {name}.prototype"),
            format!("const {name}Finalization ="),
        ];
        let ends = ["\n}\n", ";\n", ";\n"];
        let mut rest = script.clone();
        for (start, end) in starts.iter().zip(ends) {
            cut(&mut rest, start, end);
        }
        // A class that the program hands out is mentioned elsewhere.
        if !mentions(&rest, &name) {
            script = rest;
        }
    }
    script
}

fn offered_classes(script: &str) -> Vec<String> {
    let lines = script.lines();
    lines
        .filter_map(|line| line.strip_prefix("export class ")?.strip_suffix(" {"))
        .map(str::to_owned)
        .collect()
}

/// Takes out what begins with `start` at the beginning of a line, up to the first `end`.
fn cut(script: &mut String, start: &str, end: &str) {
    let found = if script.starts_with(start) {
        Some(0)
    } else {
        script.find(&format!("\n{start}")).map(|line| line + 1)
    };
    if let Some(from) = found
        && let Some(length) = script[from..].find(end)
    {
        script.replace_range(from..from + length + end.len(), "");
    }
}

fn mentions(script: &str, name: &str) -> bool {
    script
        .split(|it: char| !is_part_of_name(it))
        .any(|word| word == name)
}

fn is_part_of_name(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_' || it == '$'
}

/// The script without one of the names that it offers to other scripts at its end.
pub fn without_export(script: &str, name: &str) -> String {
    script.replace(&format!("export {{ {name}, "), "export { ")
}

/// What the script takes from the program.
pub fn used_exports(script: &str) -> BTreeSet<&str> {
    let uses = script.split(PROGRAM).skip(1);
    uses.filter_map(|rest| rest.split(|it: char| !is_part_of_name(it)).next())
        .collect()
}

/// The script without the functions that the program takes no longer; those that it does, and what it gives, under short names.
/// What it takes from the modules of `foreign`, it gets from the object named beside.
pub fn shorten(
    script: &str,
    imports: &BTreeMap<Name, Name>,
    exports: &BTreeMap<String, String>,
    foreign: &[(&str, &str)],
) -> Result<String> {
    let functions: BTreeMap<&str, &str> = imports
        .iter()
        .filter(|((module, _), _)| !foreign.iter().any(|(name, _)| name == module))
        .map(|((_, name), (_, short))| (name.as_str(), short.as_str()))
        .collect();
    let modules: BTreeMap<&str, &str> = imports
        .iter()
        .map(|((module, _), (short, _))| (module.as_str(), short.as_str()))
        .collect();
    let mut lines = Vec::new();
    let mut found = 0;
    // Whether the line is within the function that lists what the program takes, and in a member that stays.
    let mut inside = false;
    let mut kept = true;
    for line in script.lines() {
        if line.starts_with("import * as import") {
            continue;
        }
        if line.starts_with("function __wbg_get_imports()") {
            inside = true;
        } else if line == "}" {
            inside = false;
        }
        let member = line
            .strip_prefix(INDENT)
            .filter(|rest| inside && !rest.starts_with([' ', '}']));
        let Some((name, value)) = member.and_then(|member| member.split_once(": ")) else {
            kept |= !line.starts_with(INDENT);
            if kept {
                lines.push(line.to_owned());
            }
            continue;
        };
        kept = true;
        let module = name.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        if let Some(short) = functions.get(name) {
            found += 1;
            lines.push(format!("{INDENT}{short}: {value}"));
        } else if let Some(module) = module {
            let object = foreign.iter().find(|(name, _)| *name == module);
            let object = object.map_or(value.trim_end_matches(','), |(_, object)| object);
            if let Some(short) = modules.get(module) {
                let line = format!("{INDENT}{short}: {object},");
                // Several lines may say where the same module is.
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
            }
        } else if name == "__proto__" {
            lines.push(line.to_owned());
        } else {
            kept = false;
        }
    }
    if found != functions.len() {
        bail!(
            "the program takes {} functions, and its script has {found} of them",
            functions.len()
        );
    }
    lines.push(String::new());
    rename_exports(&lines.join("\n"), exports)
}

fn rename_exports(script: &str, exports: &BTreeMap<String, String>) -> Result<String> {
    let mut pieces = script.split(PROGRAM);
    let mut renamed = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece
            .find(|it: char| !is_part_of_name(it))
            .unwrap_or(piece.len());
        let (name, rest) = piece.split_at(end);
        let short = exports.get(name).with_context(|| {
            format!("the script takes `{name}`, which the program does not give")
        })?;
        renamed.extend([PROGRAM, short, rest]);
    }
    Ok(renamed)
}

/// Names of one letter, then of two: `a`, `b`, … `Z`, `aa`, ….
pub fn short_names() -> impl Iterator<Item = String> {
    let letters = || ('a'..='z').chain('A'..='Z');
    let two = letters().flat_map(move |first| letters().map(move |second| [first, second]));
    let one = letters().map(String::from);
    one.chain(two.map(String::from_iter))
}

#[cfg(test)]
mod tests {
    use super::{short_names, shorten, used_exports, without_classes, without_export};
    use std::collections::{BTreeMap, BTreeSet};

    const SCRIPT: &str = r#"import * as import1 from "./split.js"
import * as import2 from "./split.js"


export class Dead {
    free() {
        wasm.__wbg_dead_free(ptr, 0);
    }
}
if (Symbol.dispose) Dead.prototype[Symbol.dispose] = Dead.prototype.free;

export class Living {
    free() {
        wasm.__wbg_living_free(ptr, 0);
    }
}

function __wbg_get_imports() {
    const import0 = {
        __proto__: null,
        __wbg_beep_1: function(arg0) {
            const ret = arg0.beep({
                a: 1,
            });
            return ret;
        },
        __wbg_gone_2: function() { return handleError(function (arg0) {
            const ret = Living.__wrap(arg0);
            return ret;
        }, arguments); },
        __wbg_table_3: function() {
            wasm.__wbindgen_table.set(0, undefined);
        },
    };
    return {
        __proto__: null,
        "./page_bg.js": import0,
        "./split.js": import1,
        "./split.js": import2,
    };
}
const DeadFinalization = (typeof FinalizationRegistry === 'undefined')
    ? { register: () => {}, unregister: () => {} }
    : new FinalizationRegistry(ptr => wasm.__wbg_dead_free(ptr, 1));
export { initSync, __wbg_init as default };
"#;

    #[test]
    fn a_class_goes_that_nobody_makes() {
        let script = without_classes(SCRIPT);
        assert!(!script.contains("Dead") && !script.contains("__wbg_dead_free"));
        assert!(script.contains("export class Living {"));
        assert!(script.contains("}\n\nfunction __wbg_get_imports() {"));
        let used: Vec<_> = used_exports(&script).into_iter().collect();
        assert_eq!(used, ["__wbg_living_free", "__wbindgen_table"]);
    }

    fn names(names: &[(&str, &str, &str, &str)]) -> BTreeMap<(String, String), (String, String)> {
        let owned = |module: &str, name: &str| (module.to_owned(), name.to_owned());
        let pairs = names.iter();
        pairs
            .map(|(module, name, to, short)| (owned(module, name), owned(to, short)))
            .collect()
    }

    #[test]
    fn the_program_and_its_script_agree_on_short_names() {
        let imports = names(&[
            ("./page_bg.js", "__wbg_beep_1", "a", "a"),
            ("./page_bg.js", "__wbg_table_3", "a", "b"),
            ("./split.js", "load", "b", "a"),
        ]);
        let exports = [("__wbindgen_table", "c"), ("__wbg_living_free", "d")]
            .map(|(name, short)| (name.to_owned(), short.to_owned()));
        let exports = BTreeMap::from(exports);
        let script = without_export(&without_classes(SCRIPT), "initSync");
        let script = shorten(&script, &imports, &exports, &[("./split.js", "parts")]).unwrap();
        let (_, script) = script.split_once("function __wbg_get_imports").unwrap();
        let expected = r"() {
    const import0 = {
        __proto__: null,
        a: function(arg0) {
            const ret = arg0.beep({
                a: 1,
            });
            return ret;
        },
        b: function() {
            wasm.c.set(0, undefined);
        },
    };
    return {
        __proto__: null,
        a: import0,
        b: parts,
    };
}
export { __wbg_init as default };
";
        assert_eq!(script, expected);
    }

    #[test]
    fn a_script_of_another_program_is_refused() {
        let imports = names(&[("./page_bg.js", "__wbg_other_9", "a", "a")]);
        let exports = used_exports(SCRIPT).into_iter();
        let exports = exports
            .map(|name| (name.to_owned(), name.to_owned()))
            .collect();
        let none = BTreeMap::new();
        assert!(shorten(SCRIPT, &imports, &exports, &[]).is_err());
        assert!(shorten(SCRIPT, &none, &BTreeMap::new(), &[]).is_err());
        assert!(shorten(SCRIPT, &none, &exports, &[]).is_ok());
    }

    #[test]
    fn short_names_do_not_repeat() {
        let names: BTreeSet<_> = short_names().collect();
        assert_eq!(names.len(), 52 + 52 * 52);
        assert_eq!(short_names().nth(52).as_deref(), Some("aa"));
    }
}
