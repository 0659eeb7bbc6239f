// One lookup, on the thread of a worker: the component, and what it may see.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import { http } from "@bytecodealliance/preview2-shim";
import { WASIShim } from "@bytecodealliance/preview2-shim/instantiation";

const { component, request, env, preopens, origins } = workerData;

const outgoingHandler = {
    handle(request, options) {
        const origin = `${request.scheme()?.tag.toLowerCase()}://${request.authority()}`;
        // An error of wasi:http, which the component knows. What `enableNetwork: false` of the shim throws is none, and ends in a crash.
        if (origins !== undefined && !origins.includes(origin)) throw { tag: "HTTP-request-denied" };
        // The shim takes the time for a connection as the longest silence until the answer is there, so that a server which takes its time would be
        // given up. Where the component waits for the answer for as long as it takes, there is no such time.
        const isPatient = options?.firstByteTimeout() === undefined;
        return http.outgoingHandler.handle(request, isPatient ? undefined : options);
    },
};
// Without `preopens` there would be the whole file system, and without `env` the whole environment.
const wasi = new WASIShim({ http: { ...http, outgoingHandler }, sandbox: { args: [], env, preopens } });

const { instantiate } = await import(pathToFileURL(join(component, "keyward-ecr.js")));
const load = async (name) => WebAssembly.compile(await readFile(join(component, name)));
const { provider } = await instantiate(load, wasi.getImportObject());

try {
    parentPort.postMessage({ ok: provider.get(request) });
} catch (error) {
    // What the component returns as an error is thrown, as the payload of one of JavaScript; anything else is a crash.
    if (error.payload === undefined) throw error;
    parentPort.postMessage({ err: error.payload });
}
