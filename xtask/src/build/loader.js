
const fetching = {};
const load = (file) =>
    (fetching[file] ??= WebAssembly.instantiateStreaming(fetch(new URL(file, import.meta.url)), { a: wasm }).catch((error) => {
        // The next time somebody needs it, there may be a network.
        delete fetching[file];
        throw error;
    }));
const part =
    (...files) =>
    (callback, data) =>
        Promise.all(files.map(load))
            .then(
                () => true,
                (error) => {
                    console.error(error);
                    return false;
                },
            )
            .then((done) => wasm.__indirect_function_table.get(callback)(data, done));
