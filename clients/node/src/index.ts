/** A local sandbox of the Iluma KYC API for tests: one process, and a separate world for each test. */

export type { CallOptions, Control } from './control.js';
export { NotVerified, SandboxError } from './errors.js';
export type { Inbox } from './inbox.js';
export type { FixtureOptions, SandboxSource } from './fixture.js';
export { DOCUMENTED_API_KEY, connectSandbox, startSandbox } from './sandbox.js';
export type { ConnectOptions, Sandbox, SandboxOptions, WorldOptions } from './sandbox.js';
export type {
  Attempt,
  Delivery,
  Duration,
  Ended,
  Fault,
  Match,
  Page,
  Queued,
  RateLimit,
  Received,
  Request,
} from './shapes.js';
export type { DeliveriesOptions, RequestsOptions, TriggerOptions, VerifyOptions, WaitOptions, World } from './world.js';
