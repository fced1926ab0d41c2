import { expect, test } from 'vitest';
import { sandboxTest } from 'iluma-sandbox/vitest';

test('an unknown option is refused when the file is loaded', () => {
  expect(() => sandboxTest({ sede: 7 })).toThrow('unknown option `sede` of startSandbox: did you mean `seed`?');
  expect(() => sandboxTest({}, { failOnUnsed: true })).toThrow('did you mean `failOnUnused`?');
});
