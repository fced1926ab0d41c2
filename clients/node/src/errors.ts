/** Errors, with the messages of the sandbox. */

/** The sandbox could not be started or reached, or refused a request. */
export class SandboxError extends Error {
  override name = 'SandboxError';
  /** The status of its answer, if there was one: 409. */
  readonly status: number | undefined;
  /** The error word: `"world_in_use"`. */
  readonly error: string | undefined;
  /** The whole answer. */
  readonly answer: Readonly<Record<string, unknown>>;

  constructor(message: string, details: { status?: number; answer?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.status = details.status;
    this.answer = details.answer ?? {};
    this.error = typeof this.answer.error === 'string' ? this.answer.error : undefined;
  }
}

/** An expectation was not met. The message shows the nearest requests. */
export class NotVerified extends SandboxError {
  override name = 'NotVerified';
}

interface NearMiss {
  trace: string;
  request: string;
  differences?: { field: string; expected: unknown; received: unknown; note?: string; look_alike?: string }[];
}

/** The error for an answer that is not 2xx. */
export function ofAnswer(status: number, said: unknown): SandboxError {
  const answer = (typeof said === 'object' && said !== null ? said : { message: said }) as Record<string, unknown>;
  const message = answer.message ? String(answer.message) : `the sandbox answered ${status}`;
  const lines = [message];
  for (const nearMiss of (answer.near_misses ?? []) as NearMiss[]) {
    lines.push(`  close was ${nearMiss.trace}, ${nearMiss.request}:`);
    for (const { field, expected, received, note, look_alike: lookAlike } of nearMiss.differences ?? []) {
      const came = note ?? `received ${JSON.stringify(received)}`;
      const alike = lookAlike ? ` (they look alike: ${lookAlike})` : '';
      lines.push(`    ${field}: expected ${JSON.stringify(expected)}, ${came}${alike}`);
    }
  }
  for (const reason of (answer.why ?? []) as string[]) {
    lines.push(`  ${reason}`);
  }
  const Kind = status === 408 || status === 417 ? NotVerified : SandboxError;
  return new Kind(lines.join('\n'), { status, answer });
}
