//! The names by which WebAssembly modules find each other and their script.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder};
use wasm_encoder::{EntityType, ExportKind, ExportSection, ImportSection, Module};
use wasmparser::{Export, Imports, Parser, Payload};

/// What a module takes from others: the module's name, and the name within that.
pub type Name = (String, String);

/// What a module takes from others, in its order.
pub fn imports(wasm: &[u8]) -> Result<Vec<Name>> {
    let mut found = Vec::new();
    each_import(wasm, |module, name, _| {
        found.push((module.to_owned(), name.to_owned()));
        Ok(())
    })?;
    Ok(found)
}

/// What a module gives to others, in its order.
pub fn exports(wasm: &[u8]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ExportSection(section) = payload? {
            for export in section {
                found.push(export?.name.to_owned());
            }
        }
    }
    Ok(found)
}

/// The module with other names for what it takes and gives, and without what it shall give no longer.
pub fn rename(
    wasm: &[u8],
    import: impl FnMut(&str, &str) -> Name,
    export: impl FnMut(&str) -> Option<String>,
) -> Result<Vec<u8>> {
    let mut module = Module::new();
    Renamer { import, export }
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .context("not a WebAssembly module that can be changed")?;
    Ok(module.finish())
}

/// A module that passes on, under the same names, all that others take from the module `from`; its own it takes from `to`.
///
/// Modules that are merged with it share one memory, and one of everything else that they take from there.
pub fn relay(modules: &[Vec<u8>], from: &str, to: &str) -> Result<Vec<u8>> {
    let mut passed_on = BTreeMap::new();
    for wasm in modules {
        each_import(wasm, |module, name, what| {
            if module != from {
                bail!("a part takes `{name}` from `{module}`");
            }
            passed_on.insert(name.to_owned(), what);
            Ok(())
        })?;
    }
    let mut imports = ImportSection::new();
    let mut exports = ExportSection::new();
    let mut counts = BTreeMap::new();
    for (name, what) in &passed_on {
        let kind = match what {
            EntityType::Table(_) => ExportKind::Table,
            EntityType::Memory(_) => ExportKind::Memory,
            EntityType::Global(_) => ExportKind::Global,
            _ => bail!("a part takes `{name}`, which is neither memory, table nor global"),
        };
        let index = counts.entry(kind as u8).or_insert(0);
        imports.import(to, name, *what);
        exports.export(name, kind, *index);
        *index += 1;
    }
    let mut module = Module::new();
    module.section(&imports).section(&exports);
    Ok(module.finish())
}

fn each_import(
    wasm: &[u8],
    mut visit: impl FnMut(&str, &str, EntityType) -> Result<()>,
) -> Result<()> {
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                let what = RoundtripReencoder.entity_type(import.ty)?;
                visit(import.module, import.name, what)?;
            }
        }
    }
    Ok(())
}

struct Renamer<I, E> {
    import: I,
    export: E,
}

impl<I, E> Reencode for Renamer<I, E>
where
    I: FnMut(&str, &str) -> Name,
    E: FnMut(&str) -> Option<String>,
{
    type Error = std::convert::Infallible;

    fn parse_imports(
        &mut self,
        section: &mut ImportSection,
        imports: Imports<'_>,
    ) -> Result<(), Error<Self::Error>> {
        for import in imports {
            let (_, import) = import?;
            let (module, name) = (self.import)(import.module, import.name);
            section.import(&module, &name, self.entity_type(import.ty)?);
        }
        Ok(())
    }

    fn parse_export(
        &mut self,
        section: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), Error<Self::Error>> {
        if let Some(name) = (self.export)(export.name) {
            section.export(
                &name,
                self.export_kind(export.kind)?,
                self.external_index(export.kind, export.index)?,
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, exports, imports, relay, rename};
    use wasm_encoder::{
        CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection,
        GlobalSection, GlobalType, ImportSection, MemoryType, Module, TypeSection, ValType,
    };

    const MEMORY: MemoryType = MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    const GLOBAL: GlobalType = GlobalType {
        val_type: ValType::I32,
        mutable: true,
        shared: false,
    };

    fn owned((module, name): (&str, &str)) -> Name {
        (module.to_owned(), name.to_owned())
    }

    /// A module that takes a function and gives that, one of its own, and a global.
    fn program() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut taken = ImportSection::new();
        taken.import("./page_bg.js", "__wbg_beep_1", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut globals = GlobalSection::new();
        globals.global(GLOBAL, &ConstExpr::i32_const(7));
        let mut given = ExportSection::new();
        given.export("beep", ExportKind::Func, 0);
        given.export("unused", ExportKind::Func, 1);
        given.export("counter", ExportKind::Global, 0);
        let mut body = Function::new([]);
        body.instructions().call(0).end();
        let mut code = CodeSection::new();
        code.function(&body);
        let mut module = Module::new();
        module.section(&types).section(&taken).section(&functions);
        module.section(&globals).section(&given).section(&code);
        module.finish()
    }

    fn part(name: &str, what: EntityType) -> Vec<u8> {
        let mut taken = ImportSection::new();
        taken.import("main", name, what);
        taken.import("main", "memory", EntityType::Memory(MEMORY));
        let mut module = Module::new();
        module.section(&taken);
        module.finish()
    }

    #[test]
    fn names_change_and_what_nobody_takes_is_given_no_longer() {
        let renamed = rename(
            &program(),
            |module, name| owned((&module[..3], &name[name.len() - 1..])),
            |name| (name != "unused").then(|| name[..1].to_owned()),
        )
        .unwrap();
        assert_eq!(imports(&renamed).unwrap(), [owned(("./p", "1"))]);
        assert_eq!(exports(&renamed).unwrap(), ["b", "c"]);
        let same = rename(
            &program(),
            |module, name| owned((module, name)),
            |name| Some(name.to_owned()),
        );
        assert_eq!(same.unwrap(), program(), "all else stays as it is");
    }

    #[test]
    fn what_several_parts_take_is_passed_on_once() {
        let parts = [
            part("stack", EntityType::Global(GLOBAL)),
            part("stack", EntityType::Global(GLOBAL)),
            part("memory", EntityType::Memory(MEMORY)),
        ];
        let relay = relay(&parts, "main", "page").unwrap();
        assert_eq!(
            imports(&relay).unwrap(),
            [owned(("page", "memory")), owned(("page", "stack"))]
        );
        assert_eq!(exports(&relay).unwrap(), ["memory", "stack"]);
    }

    #[test]
    fn parts_that_need_more_than_the_program_are_refused() {
        let needs_function = part("f", EntityType::Function(0));
        assert!(relay(&[needs_function], "main", "page").is_err());
        assert!(relay(&[program()], "main", "page").is_err());
        assert!(imports(b"not wasm").is_err());
    }
}
