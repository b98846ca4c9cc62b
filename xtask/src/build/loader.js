
const fetching = {};
const style = (address) =>
    new Promise((resolve, reject) => {
        const link = document.createElement('link');
        link.rel = 'stylesheet';
        link.href = address;
        link.onload = resolve;
        link.onerror = reject;
        document.head.append(link);
    });
const program = (address) => WebAssembly.instantiateStreaming(fetch(address), { a: wasm });
const load = (file) =>
    (fetching[file] ??= (file.endsWith('.css') ? style : program)(new URL(file, import.meta.url)).catch((error) => {
        // The next time somebody needs it, there may be a network.
        delete fetching[file];
        throw error;
    }));
const part =
    (...files) =>
    (callback, data) =>
        Promise.all([...shared, ...files].map(load))
            .then(
                () => true,
                (error) => {
                    console.error(error);
                    return false;
                },
            )
            .then((done) => wasm.__indirect_function_table.get(callback)(data, done));
