// One kind of error for whatever an OAuth server answers or this app refuses: a code for programs, a description for people.
// Owns how an unknown failure (no network, no JSON) is put into words.

export class ProtocolError extends Error {
  constructor(code, description = "", status = undefined) {
    super(description || code);
    this.code = code;
    this.description = description;
    this.status = status;
  }
}

/** The error of a JSON answer (RFC 6749 5.2, RFC 6750 3). */
export function errorOf(status, body) {
  return new ProtocolError(body?.error ?? `http_${status}`, body?.error_description ?? "", status);
}

/** Any failure as {code, description}. fetch() fails with a TypeError when there was no answer, or none this page may read. */
export function describe(error) {
  if (error instanceof ProtocolError) return { code: error.code, description: error.description };
  if (error instanceof TypeError) return { code: "no_answer", description: "The server did not respond, or not to this app." };
  return { code: error?.name ?? "error", description: error?.message ?? String(error) };
}
