/** What goes wrong, in the sandbox's own sentences. */

/** The sandbox could not be started or asked, or refused what it was asked. */
export class SandboxError extends Error {
  override name = 'SandboxError';
  /** The status of its answer, where there was one: 409. */
  readonly status: number | undefined;
  /** The word for it: `"world_in_use"`. */
  readonly error: string | undefined;
  /** All that it answered. */
  readonly answer: Readonly<Record<string, unknown>>;

  constructor(message: string, details: { status?: number; answer?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.status = details.status;
    this.answer = details.answer ?? {};
    this.error = typeof this.answer.error === 'string' ? this.answer.error : undefined;
  }
}

/** What was expected did not happen; the message shows what came nearest. */
export class NotVerified extends SandboxError {
  override name = 'NotVerified';
}

interface NearMiss {
  trace: string;
  request: string;
  differences?: { field: string; expected: unknown; received: unknown; note?: string }[];
}

/** The error that an answer other than 2xx stands for. */
export function ofAnswer(status: number, said: unknown): SandboxError {
  const answer = (typeof said === 'object' && said !== null ? said : { message: said }) as Record<string, unknown>;
  const message = answer.message ? String(answer.message) : `the sandbox answered ${status}`;
  const lines = [message];
  for (const nearMiss of (answer.near_misses ?? []) as NearMiss[]) {
    lines.push(`  close was ${nearMiss.trace}, ${nearMiss.request}:`);
    for (const { field, expected, received, note } of nearMiss.differences ?? []) {
      const came = note ?? `received ${JSON.stringify(received)}`;
      lines.push(`    ${field}: expected ${JSON.stringify(expected)}, ${came}`);
    }
  }
  for (const reason of (answer.why ?? []) as string[]) {
    lines.push(`  ${reason}`);
  }
  const Kind = status === 408 || status === 417 ? NotVerified : SandboxError;
  return new Kind(lines.join('\n'), { status, answer });
}
