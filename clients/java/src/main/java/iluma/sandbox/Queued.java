package iluma.sandbox;

/**
 * A queued outcome for future calls.
 *
 * @param reads it is for the GETs of records and not for new requests
 */
public record Queued(String endpoint, String outcome, int times, boolean reads) {}
