// Lookups by lines, for the tests. `node ask.mjs FOLDER` reads a request and what the component may see as one line of JSON, and prints the answer as
// another. The line `abandon` ends a lookup that has no answer yet. It ends with its standard input.

import { argv, stdin } from "node:process";
import { createInterface } from "node:readline";
import { begin } from "./lookup.mjs";

let lookup;
for await (const line of createInterface({ input: stdin })) {
    if (line === "abandon") {
        await lookup.abandon();
        continue;
    }
    const { request, ...sees } = JSON.parse(line);
    lookup = begin(argv[2], request, sees);
    lookup.answer.then(print, (error) => print({ ended: String(error) }));
}

function print(value) {
    // Of 64 bits, as moments are.
    const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);
    console.log(JSON.stringify(value, plain));
}
