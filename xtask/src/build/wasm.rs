//! WebAssembly modules, changed without what they do: the names by which they find each other, the order of their functions.

use super::likeness;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, FunctionSection, ImportSection, Module,
};
use wasmparser::{CodeSectionReader, Export, FunctionSectionReader, Imports, Parser, Payload};

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

/// The module with its functions in the order in which they compress best. It must have no names of functions.
pub fn reorder(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut taken = 0;
    each_import(wasm, |_, _, what| {
        taken += u32::from(matches!(what, EntityType::Function(_)));
        Ok(())
    })?;
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionEntry(body) = payload? {
            bodies.push(body.as_bytes());
        }
    }
    let order = likeness::order(&bodies);
    let mut places = vec![0; order.len()];
    for (place, function) in (0..).zip(&order) {
        places[*function] = place;
    }
    let mut module = Module::new();
    Reorderer {
        taken,
        order,
        places,
    }
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

struct Reorderer {
    /// How many functions the module takes from others: they come first, and stay.
    taken: u32,
    /// Which function has which place, and the other way round, both counted from the first that is the module's own.
    order: Vec<usize>,
    places: Vec<u32>,
}

impl Reencode for Reorderer {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Self::Error>> {
        let own = function.checked_sub(self.taken);
        let place = own.and_then(|own| self.places.get(usize::try_from(own).ok()?));
        Ok(place.map_or(function, |place| self.taken + place))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let types = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in &self.order {
            functions.function(types[*function]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in self.order.clone() {
            self.parse_function_body(code, bodies[function].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, exports, imports, relay, rename, reorder};
    use wasm_encoder::{
        CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection,
        GlobalSection, GlobalType, ImportSection, MemoryType, Module, TypeSection, ValType,
    };
    use wasmparser::{Operator, Parser, Payload};

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
    fn functions_change_places_and_are_still_found() {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([], [ValType::I32]);
        let mut taken = ImportSection::new();
        taken.import("m", "f", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        let mut given = ExportSection::new();
        let mut code = CodeSection::new();
        // The first and the last have much in common, and answer with a number.
        for (number, (of, constant)) in (1..).zip([(1, 0x1234_5678), (0, 0), (1, 0x1234_5678)]) {
            functions.function(of);
            given.export(&format!("f{number}"), ExportKind::Func, number);
            let mut body = Function::new([]);
            body.instructions().call(4 - number);
            if of == 0 {
                body.instructions().drop();
            } else {
                body.instructions().drop().i64_const(1).drop();
                body.instructions().i32_const(constant);
            }
            body.instructions().end();
            code.function(&body);
        }
        let mut module = Module::new();
        module.section(&types).section(&taken).section(&functions);
        module.section(&given).section(&code);
        let reordered = reorder(&module.finish()).unwrap();
        let mut places = Vec::new();
        let mut calls = Vec::new();
        for payload in Parser::new(0).parse_all(&reordered) {
            match payload.unwrap() {
                Payload::FunctionSection(section) => {
                    let types: Vec<_> = section.into_iter().map(Result::unwrap).collect();
                    assert_eq!(types, [1, 1, 0]);
                }
                Payload::ExportSection(section) => {
                    places.extend(section.into_iter().map(|export| export.unwrap().index));
                }
                Payload::CodeSectionEntry(body) => {
                    let first = body.get_operators_reader().unwrap().read().unwrap();
                    let Operator::Call { function_index } = first else {
                        unreachable!("each calls one");
                    };
                    calls.push(function_index);
                }
                _ => {}
            }
        }
        assert_eq!(places, [1, 3, 2]);
        // The first calls the last, which calls the first; the one between calls itself.
        assert_eq!(calls, [2, 1, 3]);
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
