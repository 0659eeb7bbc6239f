// Lookups in the component, as `jco transpile --instantiation async` has made JavaScript of it.

import { Worker } from "node:worker_threads";

const sandbox = new URL("./sandbox.mjs", import.meta.url);

/**
 * Begins a lookup in a worker of its own: whatever the component waits for, it holds up the thread that it is on, and it has no deadline by itself.
 *
 * `component` is the folder that jco has written to, `request` the `{ server, context }` of the interface. The component sees the variables of
 * `env`, and the folders of `preopens` (by the names that it has for them: `{ "/home/me/.aws": "/home/me/.aws" }`), and it may send requests to `origins`
 * (`https://api.ecr.us-east-1.amazonaws.com`); to everything where there is no such list.
 *
 * `answer` is a promise of `{ ok: credential }` or of `{ err: { tag, val } }`, and is rejected where the component has crashed. `abandon` ends the lookup
 * where it is: its memory, its connection and its thread are gone when the promise that it returns is fulfilled, and `answer` is rejected.
 */
export function begin(component, request, { env = {}, preopens = {}, origins } = {}) {
    const worker = new Worker(sandbox, { workerData: { component, request, env, preopens, origins } });
    const answer = new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
        worker.once("exit", () => reject(new Error("the lookup was abandoned")));
    }).finally(() => worker.terminate());
    return { answer, abandon: () => worker.terminate() };
}
