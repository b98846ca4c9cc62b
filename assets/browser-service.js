// Starts the service in the browser: in a worker that all tabs of this page share or, where there are none such, in one of the
// tab's own. Each port that comes is a connection, or asks for something once: crates/browser-service.
(() => {
    'use strict';
    const ports = [];
    let serve = () => {};
    const take = ({ ports: [port] }) => {
        if (port) {
            ports.push(port);
            serve(port);
        }
    };
    addEventListener('connect', take);
    addEventListener('message', take);
    // What the program calls once it is there.
    self.serve = (by) => {
        serve = by;
        ports.forEach(serve);
    };
    // Nothing works after a panic, which WebAssembly reports as a runtime error, and nothing without the program. Whoever
    // connects next gets another worker.
    self.end = (error) => {
        for (const port of ports) {
            port.postMessage([1011, String(error)]);
        }
        // A tab that has a worker of its own makes another one.
        self.postMessage?.(0);
        close();
    };
    const crashed = ({ error, reason }) => {
        if ((error ?? reason) instanceof WebAssembly.RuntimeError) {
            self.end(error ?? reason);
        }
    };
    addEventListener('error', crashed);
    addEventListener('unhandledrejection', crashed);
    // A page in one file sends the program; any other has it beside this script.
    const program = self.effusionProgram ?? fetch('./effusion-browser-service_bg.wasm');
    Promise.all([import('./effusion-browser-service.js'), program])
        .then(([{ default: start }, program]) => start({ module_or_path: program }))
        .catch(self.end);
})();
